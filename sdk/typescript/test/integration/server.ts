/** A real server, and a connection to it that can be cut. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { Client, type ClientOptions, memory, rsa } from "../../src/index.js";

/** The program under test: a debug build, unless named otherwise. */
const PROGRAM =
  process.env["FLUENT_BACKEND"] ?? new URL("../../../../../target/debug/fluent-backend", import.meta.url).pathname;

/** A server on a data directory of its own, which it finds again after a crash. */
export class Server {
  readonly #directory = mkdtempSync(join(tmpdir(), "fluent-sdk-"));
  #process: ChildProcess | undefined;

  private constructor(readonly port: number) {}

  static async start(): Promise<Server> {
    const server = new Server(await freePort());
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#process = spawn(PROGRAM, [], {
      cwd: this.#directory,
      stdio: "ignore",
      env: {
        PATH: process.env["PATH"],
        FLUENT__SERVER__LISTEN: `127.0.0.1:${this.port}`,
        FLUENT__ADMIN__LISTEN: "127.0.0.1:0",
        FLUENT__SERVER__DATA_DIR: join(this.#directory, "data"),
        FLUENT__LIMITS__ENABLED: "false",
        FLUENT__MEDIA__MIN_FREE_BYTES: "0",
      },
    });
    await eventually(async () => (await fetch(`${this.url}/readyz`)).ok);
  }

  /** Ends the process as a crash would. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const ended = new Promise((resolve) => this.#process?.once("exit", resolve));
    this.#process?.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true });
  }
}

/** A relay in front of a server: all connections through it can be cut at once. */
export class Relay {
  readonly #sockets = new Set<Socket>();
  readonly #listener = createServer((near) => {
    const far = connect(this.port, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.pipe(other);
      one.on("error", () => {});
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  });

  constructor(readonly port: number) {}

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#listener.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#listener.close();
    this.cut();
  }
}

/** Opens a client, on a store in memory unless one is given. */
export function open(server: string, options: Partial<ClientOptions> = {}): Promise<Client> {
  return Client.open({ server, store: memory(), cipher: rsa(), WebSocket: WebSocket as never, ...options });
}

/** Makes an account and a client of it. */
export async function signUp(server: string, name: string, options: Partial<ClientOptions> = {}): Promise<Client> {
  const client = await open(server, options);
  await client.register({ username: name, email: `${name}@example.org`, password: "correct horse battery staple" });
  return client;
}

/** Waits until something holds, three minutes at most: a busy machine decrypts slowly. `found` says what is instead. */
export async function eventually<T>(probe: () => Promise<T> | T, found?: () => unknown): Promise<NonNullable<T>> {
  const end = Date.now() + 180_000;
  for (;;) {
    const value = await Promise.resolve()
      .then(probe)
      .catch((error: unknown) => (Date.now() > end ? Promise.reject(error) : undefined));
    if (value) return value;
    if (Date.now() > end) throw new Error(`in vain: ${probe}, but ${JSON.stringify(await found?.())}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function freePort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return port;
}
