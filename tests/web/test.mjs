// See `run`.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, firefox } from "../../web/node_modules/playwright-core/index.mjs";
import { Camera } from "./camera.mjs";
import { files } from "./files.mjs";
import { keys } from "./keys.mjs";
import { large } from "./large.mjs";
import { looks } from "./looks.mjs";
import { outages } from "./outages.mjs";
import { Person } from "./person.mjs";
import { Server } from "./server.mjs";
import { speed } from "./speed.mjs";
import { tabs } from "./tabs.mjs";
import { talk } from "./talk.mjs";
import { together } from "./together.mjs";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A name of the test for this machine, which browsers do not trust as they trust localhost.
  "--host-resolver-rules=MAP lan.example 127.0.0.1",
];

/** What Firefox is told, in place of what Chromium is told above. */
const PREFERENCES = {
  "network.dns.localDomains": "lan.example",
  // Each window believes that somebody looks at it, as in Chromium.
  "focusmanager.testmode": true,
};

const [, , browserName, program, pictures] = process.argv;
let passed = 0;
let failed = 0;

/** Notes whether something is as it should be. */
const check = (what, isGood, detail = "") => {
  isGood ? (passed += 1) : (failed += 1);
  console.log(isGood ? `ok: ${what}` : `FAILED: ${what} ${JSON.stringify(detail)}`);
};

const root = fileURLToPath(new URL("../../", import.meta.url));
const picture = async (page, name) => {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  // What stops animations is a style in the page, of which Firefox complains.
  const still = browserName === "firefox" ? { caret: "initial" } : { animations: "disabled" };
  await page.screenshot({ path: join(pictures, `${name}.png`), ...still });
};

picture.isWanted = Boolean(pictures);

function startChromium() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: [...ARGUMENTS, ...camera.arguments] });
}

/** Firefox as it is in Debian: Playwright speaks WebDriver BiDi with it, instead of with a build of its own. */
function startFirefox() {
  const executablePath = fileURLToPath(new URL("firefox.mjs", import.meta.url));
  return firefox.launch({ executablePath, channel: "moz-firefox", firefoxUserPrefs: PREFERENCES });
}

const camera = new Camera();
const server = await Server.start(program);
const browser = await { chromium: startChromium, firefox: startFirefox }[browserName]();
const people = [];
const world = { browser, browserName, camera, server, check, picture, root, program };
world.arrive = async (name, options, at = server) => {
  const person = await Person.arrive(browser, at, name, options);
  people.push(person);
  return person;
};
try {
  const wanted = process.env.WEB_PARTS?.split(",");
  const all = [talk, files, keys, tabs, outages, together, looks, large];
  for (const part of wanted ? [...all, speed].filter(({ name }) => wanted.includes(name)) : all) {
    console.log(`\n== ${part.name}`);
    await part(world);
  }
  for (const { name, complaints } of people) {
    check(
      `the browser of ${name} has nothing to complain of, not of the policy either`,
      !complaints.length,
      complaints,
    );
  }
  check("the log of the server has nothing of what was written", !/markertext|correct horse/.test(server.log()));
} catch (error) {
  check("the test", false, String(error.stack));
  for (const { page, name, complaints } of people) {
    await picture(page, `failed-${name}`).catch(() => {});
    console.log(
      name,
      complaints,
      await page
        .locator("body")
        .innerText({ timeout: 1000 })
        .catch(() => ""),
    );
  }
  console.log(server.log().split("\n").slice(-20).join("\n"));
}
await browser.close();
for (const person of people) person.leave();
await server.remove();
camera.remove();
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
