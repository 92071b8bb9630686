// Everything by the keyboard alone.
export async function keyboard({ arrive, check, newToken }) {
  const operator = await arrive();
  const { page } = operator;
  const { keyboard: keys } = page;
  const token = newToken("keys", "write");
  await page.goto(`${operator.server.adminOrigin}/admin/`);
  await page.getByLabel("Token", { exact: true }).waitFor();
  await tabTo(page, "Token");
  await keys.type(token);
  await keys.press("Enter");
  await page.getByRole("navigation", { name: "Views" }).waitFor();
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement?.textContent?.trim());
  check("the first thing that Tab reaches skips to the content", first === "Skip to the content", first);
  await keys.press("Enter");
  check("and it does", (await page.evaluate(() => document.activeElement?.id)) === "main");
  await keys.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await keys.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  check("? lists the keys, and Escape closes the list", true);
  for (const [key, name] of [["2", "Actors"], ["5", "Door"], ["0", "Server"], ["4", "People"]]) {
    await keys.press(key);
    await page.locator(":focus", { hasText: new RegExp(`^${name}$`) }).waitFor();
  }
  check("digits lead to the views, whose heads have the focus", true);
  await keys.press("/");
  await page.locator("input[type=search]:focus").waitFor();
  check("/ searches", true);
  const name = await page.locator("table.rows tbody th a").first().innerText();
  await keys.type(name);
  await page.waitForFunction((wanted) => document.querySelector("table.rows tbody th a")?.textContent === wanted, name);
  await operator.settled();
  await page.waitForTimeout(300);
  await operator.settled();
  await keys.press("Enter");
  await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  check("Enter opens the first who is found", true);
  await tabTo(page, "Disable …");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  check("the focus is seen", outline === "solid", outline);
  await keys.press("Enter");
  const dialog = page.getByRole("dialog", { name: `Disable ${name}?` });
  await dialog.waitFor();
  const effect = await dialog.innerText();
  check("the question names the effect", effect.includes("cannot sign in any more") && effect.includes("You can enable it again"), effect);
  await keys.press("Escape");
  await dialog.waitFor({ state: "detached" });
  // The focus goes back once the dialog is gone.
  const isBack = page.waitForFunction(() => document.activeElement?.textContent === "Disable …", undefined, { timeout: 5000 });
  const back = await isBack.then(() => "", () => page.evaluate(() => document.activeElement?.textContent));
  check("Escape leaves it be, and the focus is where it was", back === "", back);
  await tabTo(page, "Sign out");
  await keys.press("Enter");
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  check("signing out forgets the token", (await page.evaluate(() => sessionStorage.length)) === 0);
}

/** Goes on with Tab until something of this name has the focus. */
async function tabTo(page, name) {
  for (let steps = 0; steps < 120; steps += 1) {
    const label = await page.evaluate(() => {
      const { activeElement: one } = document;
      return one?.labels?.[0]?.textContent ?? one?.textContent ?? "";
    });
    if (label.trim() === name) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`no way to ${name}`);
}
