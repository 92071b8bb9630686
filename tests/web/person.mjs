// Somebody at a browser.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PASSWORD, eventually } from "./server.mjs";

/** What is saved, where a browser does not tell its driver of downloads of blobs: Firefox. */
function noteSaved() {
  const blobs = new Map();
  const { createObjectURL } = URL;
  URL.createObjectURL = (blob) => {
    const url = createObjectURL(blob);
    blobs.set(url, blob);
    return url;
  };
  const { click } = HTMLAnchorElement.prototype;
  HTMLAnchorElement.prototype.click = function () {
    if (this.download && blobs.has(this.href)) globalThis.saved = blobs.get(this.href);
    else click.call(this);
  };
}

/**
 * What browsers report whatever the page does about it: that a server is away or refuses, and, in Firefox, that a page
 * was left while its socket was opened.
 */
const OF_NETWORK = new RegExp(
  [
    "Failed to load resource",
    "WebSocket connection to",
    "net::ERR",
    "^The connection to ws\\S+ was interrupted while the page",
    "^Firefox can’t establish a connection to the server at ws",
  ].join("|"),
);

export class Person {
  // What the page has complained of, unless a test expects it.
  complaints = [];
  expected = null;
  // The addresses of the sockets that were opened.
  sockets = [];

  static async arrive(browser, server, name, options = {}) {
    const person = new Person();
    Object.assign(person, { name, server });
    person.context = await browser.newContext({ viewport: { width: 1180, height: 760 }, locale: "en-GB", ...options });
    person.isFirefox = browser.browserType().name() === "firefox";
    if (person.isFirefox) await person.context.addInitScript(noteSaved);
    person.page = await person.tab();
    return person;
  }

  /** Opens another tab. */
  async tab() {
    const page = await this.context.newPage();
    this.watch(page);
    await page.goto(`${this.server.origin}/app/`);
    return page;
  }

  watch(page) {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complain(message.text());
    });
    page.on("pageerror", (error) => this.complain(String(error.stack)));
    page.on("websocket", (socket) => this.sockets.push(socket));
    page.on("worker", () => {});
  }

  complain(text) {
    if (!OF_NETWORK.test(text) && !this.expected?.test(text)) this.complaints.push(text);
  }

  async register() {
    const { page, name } = this;
    await page.getByRole("button", { name: "Create account" }).first().click();
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("E-mail").fill(name.includes("@") ? name : `${name}@example.org`);
    await page.locator("input[name=password]").fill(PASSWORD);
    await page.locator("form button.primary").click();
    await page.getByRole("heading", { name: "Keep your key" }).waitFor();
  }

  async signIn() {
    const { page, name } = this;
    await page.getByRole("button", { name: "Sign in" }).first().click();
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.locator("input[name=password]").fill(PASSWORD);
    await page.locator("form button.primary").click();
  }

  /** Saves the key, and returns the path of the file. */
  async saveKey() {
    const { page } = this;
    const path = await this.saves(() => page.getByRole("button", { name: "Save key file" }).click());
    await page.getByRole("button", { name: /safe place/ }).click();
    await page.getByRole("searchbox").waitFor();
    return path;
  }

  /** Does what saves a file, and returns where it is. */
  async saves(act, page = this.page) {
    if (!this.isFirefox) {
      const saving = page.waitForEvent("download");
      await act();
      return (await saving).path();
    }
    await page.evaluate(() => delete globalThis.saved);
    await act();
    await eventually("something is saved", () => page.evaluate(() => globalThis.saved !== undefined));
    const text = await page.evaluate(async () => {
      const bytes = new Uint8Array(await globalThis.saved.arrayBuffer());
      let text = "";
      for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
      return btoa(text);
    });
    this.saved ??= mkdtempSync(join(tmpdir(), "fluent-saved-"));
    const path = join(this.saved, String(Math.random()).slice(2));
    writeFileSync(path, Buffer.from(text, "base64"));
    return path;
  }

  /** Removes what was saved. */
  leave() {
    if (this.saved) rmSync(this.saved, { recursive: true, force: true });
  }

  async open(name, page = this.page) {
    await page.getByRole("searchbox").fill(name);
    await page.getByRole("link", { name }).first().click();
    await this.input(page).waitFor();
    await page.getByRole("searchbox").fill("");
  }

  input(page = this.page) {
    return page.getByRole("textbox", { name: "Message" });
  }

  async say(text, page = this.page) {
    await this.input(page).fill(text);
    await this.input(page).press("Enter");
  }

  /** Waits until a text is in the conversation. */
  async sees(text, page = this.page) {
    await page.locator(".message .text").filter({ hasText: text }).first().waitFor();
  }

  /** Returns what the conversation says, from its beginning. */
  texts(page = this.page) {
    return page.locator(".message .text").allTextContents();
  }

  /** Waits until the newest own message has come so far. */
  ticks(state, page = this.page) {
    return page.locator(`.message.mine .ticks.${state}`).last().waitFor();
  }

  async go(hash, page = this.page) {
    await page.evaluate((to) => (location.hash = to), hash);
  }

  /** Waits until the page is connected: nothing is said of the connection, and presence or a socket is there. */
  async isLive(page = this.page) {
    await eventually("no banner", async () => (await page.locator(".banner").count()) === 0);
  }
}
