// Files and photos: between two browsers, and between a browser and the terminal; over reloads and a killed server.
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PASSWORD, eventually } from "./server.mjs";

const SVG = `<svg xmlns="http://www.w3.org/2000/svg"><script>document.title = "broken into"</script></svg>`;
const MIB = 1_048_576;

export async function files({ arrive, server, check, picture, program }) {
  const dir = mkdtempSync(join(tmpdir(), "fluent-files-"));
  const [vera, marc] = [await arrive("vera"), await arrive("marc")];
  for (const person of [vera, marc]) {
    await person.register();
    person.keyFile = await person.saveKey();
  }
  await vera.open("marc");
  await vera.say("I have found the photos");
  await marc.page.getByRole("link", { name: /vera/ }).click();
  await marc.sees("found the photos");

  const photo = join(dir, "lake at dusk.png");
  writeFileSync(photo, await drawPhoto(vera.page));
  await choose(vera, photo);
  await vera.page.locator(".staged img").waitFor();
  await picture(vera.page, "file-chosen");
  await vera.say("The lake, as it was");
  await marc.page.locator(".message.theirs .files img").waitFor();
  await marc.sees("The lake, as it was");
  check("a photo comes with a preview and its caption", true);
  const image = marc.page.locator(".files img").first();
  const preview = await image.evaluate((image) => ({ source: image.src.slice(0, 5), width: image.naturalWidth }));
  const isSmall = preview.source === "blob:" && preview.width > 0 && preview.width <= 320;
  check("the preview is made here, and small", isSmall, preview);
  check("a photo is saved with equal bytes", same(await save(marc, "lake at dusk.png"), photo));
  await marc.page.getByRole("button", { name: "View lake at dusk.png" }).click();
  const whole = marc.page.getByRole("dialog").locator("img.whole");
  await whole.waitFor();
  await eventually("the whole picture", () => whole.evaluate((image) => image.complete && image.naturalWidth === 1600));
  check("a click shows all of it", true);
  await picture(marc.page, "file-viewer");
  await marc.page.keyboard.press("Escape");
  await picture(marc.page, "files");
  check(
    "the list says that it is a photo",
    (await marc.page.locator(".list .preview").first().textContent()).includes("Photo"),
  );

  await oddFiles({ vera, marc, dir, check });
  await interrupted({ vera, marc, dir, server, check });
  await withTerminal({ arrive, dir, server, check, program, photo });
  await refusals({ vera, marc, dir, check, server });
  rmSync(dir, { recursive: true, force: true });
}

/** Files that are not what they are called, and names that are no names; pasted and dropped ones. */
async function oddFiles({ vera, marc, dir, check }) {
  const notes = "Notes: ä, ö, 🎈\n".repeat(5_000);
  await vera.page.evaluate((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], "../notes.txt", { type: "text/plain" }));
    document.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, cancelable: true, bubbles: true }));
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true, bubbles: true }));
  }, notes);
  await vera.page.locator(".staged li").waitFor();
  await vera.page.getByRole("button", { name: "Send" }).click();
  await marc.page.locator(".about b").filter({ hasText: "notes.txt" }).waitFor();
  check("a dropped file comes with equal bytes", (await save(marc, /^Save .*notes/)).toString() === notes);

  // Scripts of Firefox can make no pasting with files: there they are dropped.
  const kind = vera.isFirefox ? "drop" : "paste";
  await vera.page.evaluate(
    ({ svg, kind }) => {
      const data = new DataTransfer();
      data.items.add(new File([svg], "drawing.svg", { type: "image/svg+xml" }));
      data.items.add(new File([svg], "not really.png", { type: "image/png" }));
      const init = { clipboardData: data, dataTransfer: data, cancelable: true, bubbles: true };
      const event = kind === "drop" ? new DragEvent(kind, init) : new ClipboardEvent(kind, init);
      document.querySelector("textarea").dispatchEvent(event);
    },
    { svg: SVG, kind },
  );
  await eventually("both are chosen", async () => (await vera.page.locator(".staged li").count()) === 2);
  await vera.page.getByRole("button", { name: "Remove drawing.svg" }).click();
  check("a chosen file can be left out", (await vera.page.locator(".staged li").count()) === 1);
  await vera.page.getByRole("button", { name: "Send" }).click();
  await marc.page.getByRole("button", { name: "View not really.png" }).click();
  await marc.page.getByText("This file is no picture that can be shown").waitFor();
  const titles = await Promise.all([vera, marc].map(({ page }) => page.title()));
  check(
    "what is called a picture and is none is not shown as one",
    titles.every((title) => /Fluent/.test(title)),
    titles,
  );
}

/** An upload that is cut by a reload, and another by a server that is killed. */
async function interrupted({ vera, marc, dir, server, check }) {
  const slow = join(dir, "film.bin");
  writeFileSync(slow, randomBytes(24 * MIB + 77));
  // Each part takes a while, so that there is a middle.
  let parts = 0;
  await vera.context.route("**/media/*", async (route) => {
    if (route.request().method() === "PATCH") {
      parts += 1;
      await new Promise((done) => setTimeout(done, 150));
    }
    await route.continue().catch(() => {});
  });
  await choose(vera, slow);
  await vera.page.getByRole("button", { name: "Send" }).click();
  await eventually("some of it is sent", () => parts >= 4);
  await vera.page.locator(".moving progress[value]").waitFor();
  await vera.page.reload();
  await vera.page.locator(".message .about b", { hasText: "film.bin" }).waitFor();
  const before = parts;
  await eventually("it goes on", () => parts >= before + 4);
  await server.kill();
  await server.run();
  for (
    let tries = 0;
    tries < 200 && !(await marc.page.locator(".about b", { hasText: "film.bin" }).count());
    tries += 1
  ) {
    for (const { page } of [vera, marc]) await page.evaluate(() => dispatchEvent(new Event("online")));
    await new Promise((done) => setTimeout(done, 200));
  }
  await vera.context.unroute("**/media/*");
  check("an upload goes on after a reload and a killed server", parts < 40, parts);
  check("and comes with equal bytes", same(await save(marc, "film.bin"), slow));
  const left = await vera.page.evaluate(async () => {
    const name = (await indexedDB.databases()).map(({ name }) => name).find((name) => name.endsWith(" files"));
    const database = await new Promise(
      (done) => (indexedDB.open(name).onsuccess = ({ target }) => done(target.result)),
    );
    const count = database.transaction("parts").objectStore("parts").count();
    await new Promise((done) => (count.onsuccess = done));
    database.close();
    return count.result;
  });
  check("nothing is left of it in the browser", left === 0, left);
}

/** The terminal of the example sends a file and saves one. */
async function withTerminal({ arrive, dir, server, check, program, photo }) {
  const chat = join(dirname(program), "examples/chat");
  if (!existsSync(chat))
    return check("the terminal example is built: cargo build --example chat", !process.env.CI, chat);
  // Names of the Android app, and so of the terminal, are addresses.
  const vera = await arrive("ida@example.org");
  await vera.register();
  await vera.saveKey();
  const home = join(dir, "terminal");
  mkdirSync(home);
  const terminal = (input) =>
    new Promise((done) => {
      const address = server.origin.replace("localhost", "127.0.0.1");
      const args = ["--server", address, "--user", "tom@example.org", "--to", "ida@example.org"];
      const child = spawn(chat, args, { cwd: home, env: { ...process.env, FLUENT_PASSWORD: PASSWORD } });
      let said = "";
      child.stdout.on("data", (text) => (said += text));
      child.stderr.on("data", (text) => (said += text));
      child.on("exit", (code) => done({ said, code }));
      void input(child, () => said).finally(() => child.stdin.end());
    });
  const letter = join(home, "from the terminal.dat");
  writeFileSync(letter, randomBytes(300_000));
  let saved = null;
  const ended = await terminal(async (child, said) => {
    child.stdin.write(`hello from a terminal\n/send ${letter}\n`);
    await vera.page.getByRole("link", { name: /tom/ }).click();
    await vera.page.locator(".about b", { hasText: "from the terminal.dat" }).waitFor();
    check(
      "the browser saves what the terminal sends, with equal bytes",
      same(await save(vera, "from the terminal.dat"), letter),
    );
    copyFileSync(photo, join(dir, "to the terminal.png"));
    await choose(vera, join(dir, "to the terminal.png"));
    await vera.page.getByRole("button", { name: "Send" }).click();
    const named = /to the terminal\.png[^\n]*\/save (\d+)/;
    child.stdin.write(`/save ${await eventually("the terminal shows it", () => named.exec(said())?.[1])}\n`);
    const path = join(home, "to the terminal.png");
    saved = await eventually("it is saved", () => existsSync(path) && readFileSync(path));
    check("what the browser sends can be reported from the terminal", !said().includes("cannot be reported"), said());
  });
  check("the terminal saves what the browser sends, with equal bytes", saved && same(saved, photo), ended.said);
}

/** What the server refuses, and what is gone. */
async function refusals({ vera, marc, dir, check }) {
  const text = join(dir, "short.txt");
  writeFileSync(text, "a short text");
  const answer = (status, problem) => (route) =>
    route.fulfill({ status, contentType: "application/problem+json", body: JSON.stringify({ status, ...problem }) });
  await vera.context.route("**/media", answer(403, { code: "quota", detail: "full", title: "x", type: "about:blank" }));
  await choose(vera, text);
  await vera.page.getByRole("button", { name: "Send" }).click();
  await vera.page.locator(".failed-note", { hasText: "limit of your account" }).waitFor();
  check("a full account is told in words", true);
  await vera.context.unroute("**/media");
  await vera.page.getByRole("button", { name: "Try again" }).click();
  await marc.page.locator(".about b", { hasText: "short.txt" }).waitFor();
  check("and can be tried again", (await save(marc, "short.txt")).toString() === "a short text");

  // Nobody answers: it is stopped by its button.
  await vera.context.route("**/media", (route) => route.abort());
  const other = join(dir, "never.txt");
  writeFileSync(other, "never sent");
  await choose(vera, other);
  await vera.page.getByRole("button", { name: "Send" }).click();
  await vera.page.getByRole("button", { name: "Stop never.txt" }).click();
  await vera.page.locator(".about b", { hasText: "never.txt" }).waitFor({ state: "detached" });
  await vera.context.unroute("**/media");
  check("what is on its way can be stopped", true);

  await marc.context.route(
    "**/media/*",
    answer(404, { code: "not_found", detail: "gone", title: "x", type: "about:blank" }),
  );
  await marc.page.getByRole("button", { name: "Save short.txt" }).click();
  await marc.page.getByText("The file is gone").waitFor();
  await marc.context.unroute("**/media/*");
  check("a file that is gone is told in words", true);
  vera.complaints = vera.complaints.filter((text) => !/ERR_FAILED|40[34]/.test(text));
}

async function choose(person, path) {
  await person.page.locator(".composer input[type=file]").setInputFiles(path);
}

async function save(person, name) {
  const button = person.page.getByRole("button", { name: typeof name === "string" ? `Save ${name}` : name }).last();
  return readFileSync(await person.saves(() => button.click()));
}

const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");
const same = (bytes, path) => digest(bytes) === digest(readFileSync(path));

/** Returns a PNG of 1600 by 1200 pixels, as a camera might make one. */
async function drawPhoto(page) {
  const text = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(1600, 1200);
    const context = canvas.getContext("2d");
    const sky = context.createLinearGradient(0, 0, 0, 1200);
    for (const [at, colour] of [
      [0, "#1c3f74"],
      [0.45, "#e8955a"],
      [0.55, "#f7d9a8"],
      [0.56, "#2d4a66"],
      [1, "#0d1b2a"],
    ]) {
      sky.addColorStop(at, colour);
    }
    context.fillStyle = sky;
    context.fillRect(0, 0, 1600, 1200);
    context.fillStyle = "#fff3d6";
    context.beginPath();
    context.arc(1100, 560, 70, 0, 7);
    context.fill();
    const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  });
  return Buffer.from(text, "base64");
}
