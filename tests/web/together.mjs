// Two browsers, the terminal, and the Android app on its old wire write to each other at the same time, while the
// server is killed, connections are cut, a browser is reloaded without a network, and it has two tabs.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Phone } from "./phone.mjs";
import { Relay } from "./relay.mjs";
import { PASSWORD, eventually } from "./server.mjs";
import { storeScript } from "./store.mjs";

/** All messages: WEB_TOGETHER=10000 for the promise. */
const MESSAGES = Number(process.env.WEB_TOGETHER ?? 160);
/** Who writes to whom: a browser, the other one, the terminal, the app. */
const [UNA, NED, KAI, AVA] = ["una", "ned", "kai", "ava"].map((name) => `${name}@example.org`);
const PAIRS = [
  [UNA, NED],
  [UNA, KAI],
  [UNA, AVA],
  [NED, UNA],
  [NED, AVA],
  [KAI, UNA],
  [AVA, UNA],
  [AVA, NED],
];
const EACH = Math.ceil(MESSAGES / PAIRS.length);
/** Messages that a browser writes before it turns to somebody else. */
const AT_ONCE = 5;
/** Of ten moments, those in which all connections are cut. */
const CUTS = 3;
const MOMENT_MS = 1_000;

const short = (name) => name.split("@")[0];
const text = (from, to, number) => `${short(from)} to ${short(to)}, ${number} 🎉.`;
const all = (from, to) => Array.from({ length: EACH }, (_, number) => text(from, to, number));

export async function together({ arrive, server, check, root, program }) {
  const chat = join(dirname(program), "examples/chat");
  if (!existsSync(chat))
    return check("the terminal example is built: cargo build --example chat", !process.env.CI, chat);
  const relay = await Relay.start(server.port);
  const [una, ned] = [await arrive(UNA, {}, relay), await arrive(NED, {}, relay)];
  for (const person of [una, ned]) {
    await person.register();
    await person.saveKey();
    await person.page.evaluate(() => navigator.serviceWorker.ready);
  }
  const ava = await Phone.register(server, AVA);
  await ava.talkTo([UNA, NED]);
  const terminal = new Terminal(chat, relay, UNA);
  await eventually("the terminal is there", () => terminal.said.includes("una@"));
  const second = await una.tab();

  let kills = 0;
  let cuts = 0;
  let isOver = false;
  /** As a person does who looks. */
  const look = () =>
    Promise.all(
      [una.page, second, ned.page].map((page) =>
        page.evaluate(() => dispatchEvent(new Event("online"))).catch(() => {}),
      ),
    );
  const trouble = async () => {
    for (let moment = 1; !isOver; moment += 1) {
      await new Promise((done) => setTimeout(done, MOMENT_MS));
      if ((moment * 7) % 10 < CUTS) {
        relay.cut();
        cuts += 1;
      }
      if (moment % 12 === 2) {
        await server.kill();
        await server.run();
        kills += 1;
      }
      await look();
    }
  };
  const began = performance.now();
  const troubled = trouble();
  await Promise.all([
    writeInBrowser(una, [una.page, second], relay),
    writeInBrowser(ned, [ned.page], relay),
    (async () => {
      for (const line of all(KAI, UNA)) {
        await terminal.write(line);
      }
    })(),
    (async () => {
      for (let number = 0; number < EACH; number += 1) {
        for (const to of [UNA, NED]) await ava.send(to, text(AVA, to, number));
      }
    })(),
  ]);
  isOver = true;
  await troubled;

  const script = await storeScript(root);
  const kept = async (person, partner, from, to) =>
    (await textsIn(person, partner, script)).filter((one) => one.startsWith(`${short(from)} to ${short(to)},`));
  const views = {
    [UNA]: (partner, from, to) => kept(una, partner, from, to),
    [NED]: (partner, from, to) => kept(ned, partner, from, to),
    [KAI]: (_, from, to) => terminal.texts(from, to),
    [AVA]: (partner, from, to) => ava.texts(partner).filter((one) => one.startsWith(`${short(from)} to ${short(to)},`)),
  };
  let [lost, twice] = [0, 0];
  const wrong = [];
  for (const [from, to] of PAIRS) {
    const wanted = all(from, to);
    // The terminal shows of its own what it was told to write.
    for (const [who, partner] of [[to, from], ...(from === KAI ? [] : [[from, to]])]) {
      const found = await arrivedAt(() => views[who](partner, from, to), wanted.length, look);
      lost += wanted.filter((one) => !found.includes(one)).length;
      twice += found.length - new Set(found).size;
      if (found.join() !== wanted.join()) wrong.push([who, from, to, found.find((one, at) => one !== wanted[at])]);
    }
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(
    `${EACH * PAIRS.length} messages in ${seconds} s over ${cuts} cuts and ${kills} kills: lost ${lost}, twice ${twice}`,
  );
  check(
    "two browsers, the terminal and the app have everything, once and in order",
    lost + twice + wrong.length === 0,
    {
      lost,
      twice,
      wrong,
    },
  );
  check("meanwhile the server was killed, and connections were cut", kills > 0 && cuts > 0, { kills, cuts });
  await una.go(`#/with/${encodeURIComponent(KAI)}`);
  await una.sees(text(KAI, UNA, EACH - 1));
  await terminal.end();
  ava.leave();
  await una.context.close();
  await ned.context.close();
  relay.close();
}

/** Waits until so many are there, however long it takes as long as more come. */
async function arrivedAt(look, count, wake) {
  let found = await look();
  for (let still = 0; found.length < count && still < 60; still += 1) {
    await wake();
    await new Promise((done) => setTimeout(done, 500));
    const before = found.length;
    found = await look();
    if (found.length > before) still = 0;
  }
  return found;
}

/** Writes to all partners of a person in turn, in one tab after the other, and goes on over a reload without a network. */
async function writeInBrowser(person, tabs, relay) {
  const partners = PAIRS.filter(([from]) => from === person.name).map(([, to]) => to);
  let turns = 0;
  for (let number = 0; number < EACH; number += AT_ONCE) {
    for (const to of partners) {
      const page = tabs[turns % tabs.length];
      turns += 1;
      const isOffline = tabs.length > 1 && turns % 16 === 5;
      if (isOffline) {
        relay.isOpen = false;
        relay.cut();
        await page.reload();
      }
      await person.go(`#/with/${encodeURIComponent(to)}`, page);
      await person.input(page).waitFor();
      await page.locator(".bar .title", { hasText: short(to) }).waitFor();
      for (let one = number; one < Math.min(EACH, number + AT_ONCE); one += 1) {
        await write(person, text(person.name, to, one), page);
      }
      relay.isOpen = true;
    }
  }
}

/** Writes as a person does, who sees whether it is there, and tries again what the program gives back. */
async function write(person, line, page) {
  await person.say(line, page);
  const isThere = () => page.locator(".message .text", { hasText: line }).count();
  await eventually(`it is written: ${line}`, async () => {
    if (await isThere()) return true;
    if ((await person.input(page).inputValue()) === line) await person.input(page).press("Enter");
    return false;
  });
}

/** Returns what a browser keeps of a conversation, oldest first. */
async function textsIn(person, partner, script) {
  const { page } = person;
  if (!(await page.evaluate(() => "fluentStore" in globalThis))) await page.evaluate(script);
  return page.evaluate(
    async ([name, partner]) => {
      const store = await globalThis.fluentStore(name);
      const { people } = await store.get("program");
      const id = Number(Object.entries(people).find(([, notes]) => notes.name === partner)[0]);
      const messages = await store.messages(id, undefined, Infinity);
      store.close();
      return messages.reverse().map(({ text }) => text ?? "");
    },
    [person.name, partner],
  );
}

/** The terminal example, of one user with one partner. */
class Terminal {
  said = "";
  #home = mkdtempSync(join(tmpdir(), "fluent-together-"));

  constructor(chat, relay, partner) {
    const args = ["--server", relay.origin.replace("localhost", "127.0.0.1"), "--user", KAI, "--to", partner];
    this.child = spawn(chat, args, { cwd: this.#home, env: { ...process.env, FLUENT_PASSWORD: PASSWORD } });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on("data", (said) => (this.said += said));
    this.ended = new Promise((done) => this.child.on("exit", done));
  }

  async write(line) {
    this.child.stdin.write(`${line}\n`);
    await new Promise((done) => setTimeout(done, 20));
  }

  texts(from, to) {
    return this.said.match(new RegExp(`${short(from)} to ${short(to)}, \\d+ 🎉\\.`, "gu")) ?? [];
  }

  async end() {
    this.child.stdin.end();
    await this.ended;
    rmSync(this.#home, { recursive: true, force: true });
  }
}
