import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { Server } from "./server.js";

const root = new URL("../../../", import.meta.url);
const example = readFileSync(new URL("examples/quickstart.ts", root), "utf8");

test("the README shows the example that is run", () => {
  const readme = readFileSync(new URL("README.md", root), "utf8");
  assert.ok(readme.includes(`\`\`\`ts\n${example}\`\`\``));
});

test("the example runs", async () => {
  const server = await Server.start();
  const { code } = await transform(example, { loader: "ts", format: "esm" });
  // Node 20 has no WebSocket of its own.
  const platform = 'import { WebSocket } from "ws"; globalThis.WebSocket ??= WebSocket;';
  // Long enough for the other side: the example itself does not wait for it.
  const end = "setTimeout(async () => { await alice.close(); await bob.close(); }, 3000);";
  const file = new URL("build/quickstart.mjs", root);
  writeFileSync(file, `${platform}\n${code.replace("@fluent/client", "./src/index.js")}\n${end}`);
  const env = { ...process.env, SERVER: server.url };
  const { stdout } = await promisify(execFile)(process.execPath, [file.pathname], { env });
  for (const line of ["bob is live", "bob reads: hello", "alice wrote: hello"])
    assert.ok(stdout.includes(line), stdout);
  await server.remove();
});
