// Runs the tests of what needs no browser: bundles them, since Node reads no TypeScript, and hands them to its runner.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { build } from "esbuild";

const here = new URL("./", import.meta.url).pathname;
const out = new URL("../build/", import.meta.url).pathname;
const tests = readdirSync(`${here}test`).filter((name) => name.endsWith(".test.ts"));
await build({
  entryPoints: tests.map((name) => `${here}test/${name}`),
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  logLevel: "warning",
});
const files = tests.map((name) => out + name.replace(/\.ts$/, ".mjs"));
process.exit(spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1);
