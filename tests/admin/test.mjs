// See `run`.
import { spawn, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "../../web/node_modules/playwright-core/index.mjs";
import { Server, eventually } from "../web/server.mjs";
import { acts } from "./acts.mjs";
import { keyboard } from "./keyboard.mjs";
import { looks } from "./looks.mjs";
import { Operator } from "./operator.mjs";
import { outage } from "./outage.mjs";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** Longer than the test takes. */
const TRAFFIC_S = 300;

const [, , program, pictures] = process.argv;
let passed = 0;
let failed = 0;

/** Notes whether something is as it should be. */
const check = (what, isGood, detail = "") => {
  isGood ? (passed += 1) : (failed += 1);
  console.log(isGood ? `ok: ${what}` : `FAILED: ${what} ${JSON.stringify(detail)}`);
};

const server = await Server.start(program);
server.adminOrigin = `http://127.0.0.1:${server.adminPort}`;

/** Runs a command for operators on the server's machine. */
const admin = (...words) => {
  const env = { ...process.env, FLUENT__SERVER__DATA_DIR: join(server.dir, "data"), FLUENT__ADMIN__LISTEN: `127.0.0.1:${server.adminPort}` };
  const done = spawnSync(program, ["admin", "--json", ...words], { env, cwd: server.dir });
  if (done.status !== 0) throw new Error(`${words.join(" ")}: ${done.stderr}`);
  return JSON.parse(done.stdout);
};

/** Makes a token, as the page says. */
const newToken = (name, scope) => admin("token", "create", "--name", name, "--scope", scope).secret;

/** Lets people write to each other. */
const traffic = () => {
  const load = ["relay", "--url", server.origin, "--pairs", "30", "--rate", "40", "--seconds", String(TRAFFIC_S)];
  return spawn(join(dirname(program), "fluent-load"), load, { stdio: "ignore" });
};

const load = traffic();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
const operators = [];
const root = fileURLToPath(new URL("../../", import.meta.url));
const world = { browser, server, check, pictures, root, newToken, admin };
world.arrive = async (options) => {
  const operator = await Operator.arrive(browser, server, options);
  operators.push(operator);
  return operator;
};
try {
  await eventually("people write", async () => (await server.metric("fluent_messages_stored_total")) > 100);
  const wanted = process.env.ADMIN_PARTS?.split(",");
  for (const part of [looks, keyboard, acts, outage].filter(({ name }) => wanted?.includes(name) ?? true)) {
    console.log(`\n== ${part.name}`);
    await part(world);
  }
  for (const { complaints } of operators) {
    check("the browser has nothing to complain of, not of the policy either", complaints.length === 0, complaints);
  }
} catch (error) {
  check("the test", false, String(error.stack));
  for (const { page, complaints } of operators) {
    console.log(complaints, await page.locator("body").innerText({ timeout: 1000 }).catch(() => ""));
  }
  console.log(server.log().split("\n").slice(-20).join("\n"));
}
load.kill();
await browser.close();
await server.remove();
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
