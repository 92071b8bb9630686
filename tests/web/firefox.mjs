#!/usr/bin/env node
// Stands between Playwright and Debian's Firefox, which speak WebDriver BiDi: Playwright begins with commands that this
// Firefox does not have yet. They are answered here as done; everything else passes. Started in place of Firefox, with
// its arguments.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { ws: WebSocket, wsServer: WebSocketServer } = require("playwright-core/lib/utilsBundle");

/** Commands that are answered here. Who relies on their effect must not be tested in Firefox. */
const UNKNOWN = new Set(["emulation.setMediaFeaturesOverride"]);

const program = process.env.FIREFOX ?? "firefox-esr";
const firefox = spawn(program, process.argv.slice(2), { stdio: ["ignore", "inherit", "pipe"] });
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => firefox.kill(signal));
firefox.on("exit", (code) => process.exit(code ?? 1));

createInterface({ input: firefox.stderr }).on("line", (line) => {
  const address = /WebDriver BiDi listening on (ws:\/\/.*)$/.exec(line)?.[1];
  if (!address) return process.stderr.write(`${line}\n`);
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (near) => join(near, new WebSocket(`${address}/session`)));
  server.on("listening", () => {
    process.stderr.write(`WebDriver BiDi listening on ws://127.0.0.1:${server.address().port}\n`);
  });
});

function join(near, far) {
  const opened = new Promise((resolve) => far.on("open", resolve));
  near.on("message", async (data) => {
    const { id, method } = JSON.parse(data);
    if (UNKNOWN.has(method)) return near.send(JSON.stringify({ type: "success", id, result: {} }));
    await opened;
    far.send(String(data));
  });
  far.on("message", (data) => near.send(String(data)));
  near.on("close", () => far.close());
  far.on("close", () => near.close());
  far.on("error", () => near.close());
}
