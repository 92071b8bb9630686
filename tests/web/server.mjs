// A server of the test, which can be killed and started again on the same data.
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const PASSWORD = "correct horse battery staple";

/** Waits until `probe` returns something, for half a minute. */
export async function eventually(what, probe) {
  for (let tries = 0; tries < 300; tries += 1) {
    const found = await probe();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`in vain: ${what}`);
}

const freePort = () =>
  new Promise((done) => {
    const listener = createServer().listen(0, "127.0.0.1", () => {
      const { port } = listener.address();
      listener.close(() => done(port));
    });
  });

export class Server {
  static async start(program) {
    const server = new Server();
    server.program = program;
    server.dir = mkdtempSync(join(tmpdir(), "fluent-web-"));
    server.port = await freePort();
    server.adminPort = await freePort();
    await server.run();
    return server;
  }

  get origin() {
    return `http://localhost:${this.port}`;
  }

  async run() {
    const settings = {
      SERVER__LISTEN: `127.0.0.1:${this.port}`,
      SERVER__DATA_DIR: join(this.dir, "data"),
      ADMIN__LISTEN: `127.0.0.1:${this.adminPort}`,
      LIMITS__ENABLED: "false",
      MEDIA__MIN_FREE_BYTES: "0",
    };
    const env = { ...process.env };
    for (const [name, value] of Object.entries(settings)) env[`FLUENT__${name}`] = value;
    const log = openSync(join(this.dir, "log"), "a");
    this.child = spawn(this.program, [], { env, cwd: this.dir, stdio: ["ignore", log, log] });
    await eventually("the server starts", () =>
      fetch(`${this.origin}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  }

  /** Ends the server as a power cut does. */
  async kill() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((done) => this.child.once("exit", done));
    this.child.kill("SIGKILL");
    await ended;
  }

  log() {
    return readFileSync(join(this.dir, "log"), "utf8");
  }

  async remove() {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Returns the sum of a metric, over the labels that match. */
  async metric(name, labels = "") {
    const text = await (await fetch(`http://127.0.0.1:${this.adminPort}/metrics`)).text();
    const lines = text.split("\n").filter((line) => line.startsWith(name) && line.includes(labels));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }
}
