// An operator at a browser.
import { readFileSync } from "node:fs";

export class Operator {
  // What the page has complained of.
  complaints = [];

  static async arrive(browser, server, options = {}) {
    const operator = new Operator();
    operator.server = server;
    operator.context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: "en-GB", ...options });
    operator.page = await operator.context.newPage();
    operator.watch();
    return operator;
  }

  watch() {
    const { page, complaints } = this;
    page.on("console", (message) => {
      const text = message.text();
      // A server that is away, or refuses, is reported whatever the page does about it.
      const isOfNetwork = /Failed to load resource|net::ERR/.test(text);
      // A hint about speed, for what axe does to measure contrast.
      const isHint = text.startsWith("Canvas2D: Multiple readback");
      if (["error", "warning"].includes(message.type()) && !isOfNetwork && !isHint) complaints.push(text);
    });
    page.on("pageerror", (error) => complaints.push(String(error.stack)));
    page.on("request", (request) => {
      if (!request.url().startsWith(this.server.adminOrigin)) complaints.push(`asks ${request.url()}`);
    });
  }

  /** Opens the page, and signs in. */
  async signIn(token) {
    await this.page.goto(`${this.server.adminOrigin}/`);
    await this.page.getByLabel("Token", { exact: true }).fill(token);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.page.getByRole("navigation", { name: "Views" }).waitFor();
  }

  /** Opens a view, and waits until it shows what it has fetched. */
  async go(path) {
    await this.page.evaluate((to) => (location.hash = `#/${to}`), path);
    await this.settled();
  }

  async settled() {
    const { page } = this;
    await page.locator("main h1").first().waitFor({ state: "attached" });
    await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
  }

  /** Returns what axe finds. */
  async audit(root) {
    const axe = readFileSync(`${root}/web/node_modules/axe-core/axe.min.js`, "utf8");
    await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
  }

  /** Answers the question that is open. */
  async confirm(verb, typed) {
    const dialog = this.page.getByRole("dialog");
    if (typed) await dialog.getByRole("textbox").fill(typed);
    await dialog.getByRole("button", { name: verb, exact: true }).click();
    await dialog.waitFor({ state: "detached" });
  }

  /** Waits until the page has told something. */
  told(text) {
    return this.page.locator(".told", { hasText: text }).waitFor();
  }
}
