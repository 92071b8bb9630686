// A server that is killed, and comes back; and one that is stopped from the page.
import { eventually } from "../web/server.mjs";

export async function outage({ arrive, check, server, newToken }) {
  const operator = await arrive();
  const { page } = operator;
  await operator.signIn(newToken("outage", "read"));
  await page.locator(".sentence").waitFor();
  await server.kill();
  await page.locator(".banner.bad", { hasText: "No connection to the server." }).waitFor();
  const isGrey = await page.evaluate(() => getComputedStyle(document.querySelector(".view")).filter.includes("grayscale"));
  check("an outage is told, and what is old is greyed", isGrey);
  await page.locator(".banner", { hasText: /Next attempt in \d+ s|Trying again/ }).waitFor();
  await server.run();
  await page.getByRole("button", { name: "Try now" }).click({ timeout: 5_000 }).catch(() => {});
  await page.locator(".banner").waitFor({ state: "detached" });
  await page.locator(".sentence").waitFor();
  const isClear = await page.evaluate(() => document.querySelector("main.stale") === null);
  check("it comes back by itself, still signed in", isClear);

  const writer = await arrive();
  await writer.signIn(newToken("stops", "write"));
  await writer.go("server");
  await writer.page.getByRole("button", { name: "Drain …" }).click();
  const dialog = writer.page.getByRole("dialog");
  await dialog.getByLabel("Window").fill("1s");
  await dialog.getByLabel("Type stop to go on").fill("stop");
  await dialog.getByRole("button", { name: "Drain and stop" }).click();
  await writer.told("Draining: the server stops within 1 s.");
  await eventually("the server has ended", () => server.child.exitCode === 0);
  check("a server that is drained from the page ends in order", true);
  await server.run();
}
