// How it looks, and for whom: a phone, the dark, the keyboard alone, a screen reader, an address without TLS.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PASSWORD } from "./server.mjs";

const SCREENS = { list: "#/", chat: "#/with/rosa", person: "#/person/rosa", settings: "#/settings", devices: "#/devices" };
SCREENS.security = "#/security";

export async function looks({ arrive, browser, browserName, server, check, picture, root }) {
  const axe = readFileSync(join(root, "web/node_modules/axe-core/axe.min.js"), "utf8");
  const audit = async (page, what) => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
    check(`${what} is accessible`, found.length === 0, found);
  };

  const rosa = await arrive("rosa");
  await rosa.page.getByRole("heading", { level: 1 }).waitFor();
  await audit(rosa.page, "creating an account");
  await rosa.register();
  await audit(rosa.page, "keeping a key");
  await rosa.saveKey();
  const file = await walk({ arrive, check });
  const kim = file.kim;
  await rosa.page.getByRole("link", { name: /kim/ }).click();
  await rosa.say("A first answer, with a word or two to make it wrap on a phone’s narrow screen 🌿");
  await rosa.say("👍");
  await kim.sees("A first answer");

  // Of colours Debian's Firefox cannot be told.
  for (const scheme of browserName === "firefox" ? ["light"] : ["light", "dark"]) {
    await kim.page.emulateMedia({ colorScheme: scheme });
    for (const [name, hash] of Object.entries(SCREENS)) {
      await kim.go(hash);
      await kim.page.locator(name === "list" ? ".empty h2" : name === "chat" ? ".message" : ".page").first().waitFor();
      if (name === "person") await kim.page.locator("svg.qr").waitFor();
      await audit(kim.page, `${name}, ${scheme},`);
      if (scheme === "dark") await picture(kim.page, `dark-${name}`);
    }
  }
  await kim.page.setViewportSize({ width: 360, height: 740 });
  for (const [name, hash] of Object.entries(SCREENS)) {
    await kim.go(hash);
    await kim.page.waitForTimeout(300);
    const width = await kim.page.evaluate(() => document.documentElement.scrollWidth);
    check(`${name} fits a phone`, width <= 360, width);
    await picture(kim.page, `phone-${name}`);
  }
  await kim.go("#/with/rosa");
  await kim.page.getByRole("link", { name: "Back" }).click();
  await kim.page.getByRole("searchbox").waitFor();
  check("a phone shows one thing, with a way back", !(await kim.page.locator(".detail").isVisible()));

  const page = await browser.newPage();
  await page.goto(`http://lan.example:${server.port}/app/`);
  await page.getByRole("heading", { name: "This address is not secure" }).waitFor();
  await audit(page, "the page for an address without TLS");
  await picture(page, "insecure");
  check("an address without TLS is explained", true);
  await page.close();
}

/** Everything by the keyboard alone, from the first screen to a reply. */
async function walk({ arrive, check }) {
  const kim = await arrive("kim");
  const { page } = kim;
  const { keyboard } = page;
  /** Goes on with Tab until something of such a name has the focus. Behind the last of a page Firefox leaves the page. */
  const tabTo = async (...names) => {
    for (let steps = 0; steps < 40; steps += 1) {
      const label = await page.evaluate(() => {
        const { activeElement: one } = document;
        return one?.getAttribute("aria-label") ?? one?.labels?.[0]?.textContent ?? one?.textContent ?? "";
      });
      if (names.includes(label.trim())) return;
      await keyboard.press("Tab");
    }
    throw new Error(`no way to ${names[0]}`);
  };
  await page.getByRole("button", { name: "Create account" }).first().waitFor();
  await tabTo("Name");
  await keyboard.type("kim");
  await tabTo("E-mail");
  await keyboard.type("kim@example.org");
  await tabTo("Password");
  await keyboard.type(PASSWORD);
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Keep your key" }).waitFor();
  await tabTo("Save key file");
  await kim.saves(() => keyboard.press("Enter"));
  await tabTo("Saved. I have it in a safe place");
  await keyboard.press("Enter");
  const search = page.getByRole("searchbox");
  await search.waitFor();
  // On a busy machine the shortcut works a moment after the field is shown.
  for (let tries = 0; tries < 50; tries += 1) {
    await keyboard.press("Control+k");
    if (await search.evaluate((field) => field === document.activeElement)) break;
  }
  await keyboard.type("rosa");
  await page.getByRole("link", { name: "rosa" }).waitFor();
  // The first letter is the picture.
  await tabTo("rosa", "Rrosa");
  await keyboard.press("Enter");
  await kim.input().waitFor();
  await tabTo("Message");
  await keyboard.type("by the keyboard alone");
  await keyboard.press("Enter");
  await kim.sees("by the keyboard alone");
  await page.locator(".message .ticks.sent").waitFor();
  // Over the button for files, to the messages.
  await keyboard.press("Shift+Tab");
  await keyboard.press("Shift+Tab");
  await keyboard.press("ArrowUp");
  await keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Reply" }).waitFor();
  await page.locator("[role=menuitem]:focus").waitFor();
  await keyboard.press("Enter");
  await page.locator(".composer .quote").waitFor();
  await page.locator(".composer textarea:focus").waitFor();
  await keyboard.type("and answered");
  await keyboard.press("Enter");
  await kim.sees("and answered");
  await page.locator(".message .quote", { hasText: "by the keyboard alone" }).waitFor();
  check("everything can be done by the keyboard alone", true);
  return { kim };
}
