// How it looks, and for whom: all views, light and dark, on a desk and on a phone; what it costs.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../web/server.mjs";

export const VIEWS = {
  now: "",
  actors: "actors",
  sockets: "sockets",
  people: "people",
  door: "door",
  addresses: "door/addresses",
  limiters: "door/limiters",
  reports: "door/reports",
  push: "push",
  media: "media",
  store: "store",
  log: "log",
  server: "server",
};
const PHONE = { width: 360, height: 740 };
/** Most bytes of files, as sent, that the first view loads. */
const FIRST_VIEW_BYTES = 60_000;
/** Milliseconds over which processor time is counted. */
const WATCHED_MS = 4_000;

export async function looks({ arrive, server, check, pictures, root, newToken }) {
  const operator = await arrive();
  const { page } = operator;
  await page.goto(`${server.adminOrigin}/`);
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  check("the listener’s start leads to the page", new URL(page.url()).pathname === "/admin/", page.url());
  const found = await operator.audit(root);
  check("signing in is accessible", found.length === 0, found);
  await page.getByLabel("Token", { exact: true }).fill(`fla_0123456789ab_${"x".repeat(43)}`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: "does not take this token" }).waitFor();
  check("a wrong token is refused in words", true);
  await operator.signIn(newToken("page", "write"));
  await page.getByText("Token page, write").waitFor();
  // The disk of a machine that tests may be nearly full, and then the page says so.
  await page.locator(".sentence", { hasText: /^(All is well|Ready, but .+ a look)\. \d+ sockets, / }).waitFor();
  check("one sentence says whether all is well, with the figures", true);
  await eventually("points in the charts", () => hasLines(page));
  check("all charts are drawn", (await page.locator(".plot canvas").count()) === 6);

  const picture = async (name) => {
    if (!pictures) return;
    mkdirSync(pictures, { recursive: true });
    const session = await page.context().newCDPSession(page);
    const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 82 });
    await session.detach();
    writeFileSync(join(pictures, `${name}.webp`), Buffer.from(data, "base64"));
  };
  for (const size of ["desk", "phone"]) {
    if (size === "phone") await page.setViewportSize(PHONE);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: colorScheme === "dark" ? "reduce" : "no-preference" });
      for (const [name, path] of Object.entries(VIEWS)) {
        await operator.go(path);
        if (name === "now") await eventually("lines", () => hasLines(page));
        const refused = await page.locator(".failed").allInnerTexts();
        check(`${name}, ${size}, ${colorScheme}, shows what it has`, refused.length === 0, refused);
        const violations = size === "desk" || colorScheme === "dark" ? await operator.audit(root) : [];
        check(`${name}, ${size}, ${colorScheme}, is accessible`, violations.length === 0, violations);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        check(`${name}, ${size}, fits`, width <= page.viewportSize().width, width);
        await picture(`${size}-${colorScheme}-${name}`);
      }
    }
  }
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.emulateMedia({ colorScheme: "light" });
  await operator.go("");
  await page.locator(".twin summary").first().click();
  await page.locator(".twin-table tbody tr").first().waitFor();
  check("a chart has a table twin", (await page.locator(".twin-table tbody td").first().innerText()) !== "");
  await cost(page, check);
}

/** Returns whether each chart but that of refusals has something other than its axes. */
function hasLines(page) {
  return page.evaluate(() => {
    const canvases = [...document.querySelectorAll(".plot canvas")];
    const isDrawn = (canvas) => {
      const { width, height } = canvas;
      const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
      let coloured = 0;
      for (let at = 0; at < data.length; at += 4) {
        const [red, green, blue, alpha] = data.subarray(at, at + 4);
        if (alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) coloured += 1;
      }
      return coloured > 10;
    };
    return canvases.length === 6 && isDrawn(canvases[0]) && isDrawn(canvases[1]) && isDrawn(canvases[4]);
  });
}

/** Prints what the page costs. */
async function cost(page, check) {
  await page.reload();
  await page.locator(".sentence").waitFor();
  // The browser notes a paint after it, so that the text may be there first.
  const noted = await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  const paint = await noted.jsonValue();
  const bytes = await page.evaluate(() =>
    performance.getEntriesByType("resource").filter(({ name }) => !name.includes("/api/")).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
  );
  const session = await page.context().newCDPSession(page);
  // The time that the page's thread has run: others on the machine do not count.
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const taken = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value;
  };
  await page.waitForTimeout(1_000);
  const before = await taken();
  await page.waitForTimeout(WATCHED_MS);
  const share = ((await taken()) - before) / (WATCHED_MS / 1_000);
  check("the first view loads less than 60 kB", bytes < FIRST_VIEW_BYTES, bytes);
  console.log(`first contentful paint after ${paint.toFixed(0)} ms, ${bytes} bytes of files`);
  console.log(`the view Now takes ${(share * 100).toFixed(1)} % of a core while it is open`);
}
