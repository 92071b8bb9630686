// A figure: how long 200 messages take on a new device, while thousands that nobody has read are fetched and decrypted.
// It checks nothing, and runs only when it is asked for: WEB_PARTS=speed tests/web/run.
import { constants, publicEncrypt, randomUUID } from "node:crypto";
import { PASSWORD } from "./server.mjs";

const MESSAGES = Number(process.env.SPEED_MESSAGES ?? 1_000);
const CHATS = 50;
/** Requests that are on their way at once. */
const AT_ONCE = 8;

export async function speed({ arrive, server }) {
  const zoe = await arrive("zoe");
  await zoe.register();
  const file = await zoe.saveKey();
  const ask = async (method, path, token, body) => {
    const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
    const answer = await fetch(server.origin + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  };
  const signIn = (username) => ask("POST", "/auth/login", null, { username, password: PASSWORD });
  const { access_token: own } = await signIn("zoe");
  const me = await ask("GET", "/users/me", own);
  const key = { key: Buffer.from(me.public_key, "base64"), format: "der", type: "spki" };
  const sealed = (text) =>
    publicEncrypt({ ...key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(text)).toString("base64");
  const write = async (token, text) => {
    const content = sealed(text);
    const copies = { receiver_encrypted: content, sender_encrypted: content, message_type: "text" };
    await ask("POST", "/chat/messages", token, { client_id: randomUUID(), to: me.id, ...copies });
  };

  let began = performance.now();
  for (let number = 0; number < CHATS; number += 1) {
    const username = `partner${number}`;
    const account = { username, email: `${username}@example.org`, password: PASSWORD, public_key: me.public_key };
    await ask("POST", "/auth/register", null, account);
    const { access_token: token } = await signIn(username);
    const many = number === 0 ? MESSAGES : 1;
    let next = 0;
    const work = async () => {
      for (let mine = next++; mine < many; mine = next++) await write(token, `number ${mine}, and a few words more`);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
  say("written", performance.now() - began);

  const fresh = await arrive("zoe");
  await fresh.signIn();
  await fresh.page.locator("input[type=file]").setInputFiles(file);
  await fresh.page.getByRole("link", { name: /partner0 / }).waitFor({ timeout: 120_000 });
  await fresh.isLive();

  // Of these the newest are decrypted at most.
  began = performance.now();
  await fresh.page.getByRole("link", { name: /partner0 / }).click();
  await shows(fresh.page, 200);
  say("200 messages, from the click on", performance.now() - began);
}

/** Scrolls back until so many messages have been drawn. */
async function shows(page, count) {
  await page.evaluate(async (count) => {
    const seen = new Set();
    while (seen.size < count) {
      const scroller = document.querySelector(".log");
      for (const { dataset } of scroller?.querySelectorAll("[data-id]") ?? []) seen.add(dataset.id);
      if (scroller) scroller.scrollTop = 0;
      await new Promise(requestAnimationFrame);
    }
  }, count);
}

const say = (what, ms) => console.log(`${what}: ${Math.round(ms)} ms`);
