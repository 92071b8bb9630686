// Holds the packages of the web client and of the page for operators to a list: whoever adds one says so here, with its
// licence.
import { readFile } from "node:fs/promises";

/** What they are made of. */
const SHIPPED = {
  "@noble/hashes": "MIT",
  "@preact/signals": "MIT",
  "@preact/signals-core": "MIT",
  idb: "ISC",
  "micro-rsa-dsa-dh": "MIT",
  preact: "MIT",
  qr: "(MIT OR Apache-2.0)",
  uplot: "MIT",
};
/** What makes and tests them. */
const TOOLS = {
  // Would tell its makers of each installation, by a script that we do not run, and that package.json switches off.
  "@scarf/scarf": "Apache-2.0",
  "axe-core": "MPL-2.0",
  esbuild: "MIT",
  marked: "MIT",
  "playwright-core": "Apache-2.0",
  "swagger-ui-dist": "Apache-2.0",
  typescript: "Apache-2.0",
};

const { packages } = JSON.parse(await readFile(new URL("../package-lock.json", import.meta.url), "utf8"));
const found = Object.entries(packages)
  .map(([path, { license, dev }]) => [path.replace(/^node_modules\//, ""), license, dev === true])
  .filter(([name]) => name !== "" && !name.startsWith("@esbuild/"));
const allowed = [
  ...Object.entries(SHIPPED).map((entry) => [...entry, false]),
  ...Object.entries(TOOLS).map((entry) => [...entry, true]),
];
const text = (list) => list.map((entry) => entry.join(" ")).sort();
const wrong = text(found).filter((entry) => !text(allowed).includes(entry));
const missing = text(allowed).filter((entry) => !text(found).includes(entry));
for (const entry of wrong) console.error(`not on the list of app/allowed.mjs: ${entry}`);
for (const entry of missing) console.error(`on the list of app/allowed.mjs, but not used: ${entry}`);
if (wrong.length + missing.length > 0) process.exitCode = 1;
