// Runs the tests of what needs no browser: bundles them, since Node reads no TypeScript, and hands them to its runner.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { build } from "esbuild";

const web = new URL("../", import.meta.url).pathname;
const out = `${web}build/`;
const tests = ["app", "admin"].flatMap((part) =>
  readdirSync(`${web}${part}/test`)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `${part}/test/${name}`),
);
await build({
  entryPoints: tests.map((name) => web + name),
  outbase: web,
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
