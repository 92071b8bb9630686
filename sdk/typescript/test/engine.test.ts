import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Api, ApiError } from "../src/api.js";
import { type ConnectionState, Engine, type EngineParts } from "../src/client/engine.js";
import { Link } from "../src/client/link.js";
import { type Change, memory } from "../src/index.js";
import type { ClientFrame } from "../src/wire.js";

/** A socket that does what the test says, and nothing by itself: as one does that a policy blocks. */
class FakeSocket {
  static opened: FakeSocket[] = [];
  readyState = 0;
  readonly sent: ClientFrame[] = [];
  closedWith: number | undefined;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(readonly url: string) {
    FakeSocket.opened.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }

  close(code?: number): void {
    this.closedWith = code;
  }

  receive(frame: object): void {
    this.readyState = 1;
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

const HELLO = { type: "hello", cursor: "e:0", limits: { in_flight: 64, heartbeat_s: 25 } };

function message(seq: number) {
  const numbers = { seq, id: seq * 10, conversation_id: 4, sender_id: 2, receiver_id: 1 };
  return { type: "message", ...numbers, content: "x", message_type: "text", timestamp: "2026-11-22T15:00:00.000000Z" };
}

/** Lets everything run that waits for nothing but the disk. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

async function world(context: TestContext, change: Partial<EngineParts> = {}, cursor: string | null = "e:0") {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  FakeSocket.opened = [];
  const states: ConnectionState[] = [];
  const store = memory();
  await store.write([{ meta: "cursor", value: cursor }]);
  const tokens = { load: async () => null, save: async () => {} };
  const api = new Api({ server: "http://x", tokens });
  api.ticket = async () => ({ ticket: "t", expires_in: 30 });
  const engine = await Engine.open({
    me: 1,
    server: "http://x",
    deviceId: "d",
    isBackground: false,
    api,
    store,
    WebSocket: FakeSocket as never,
    texts: new Map(),
    onState: (state) => states.push(state),
    onNotice: () => {},
    onKept: () => {},
    onHello: () => {},
    onOutbox: () => {},
    onRenew: () => {},
    onStartOver: async () => {},
    ...change,
  });
  const live = async () => {
    await engine.post("start");
    await settle();
    const socket = FakeSocket.opened.at(-1);
    assert.ok(socket);
    socket.receive(HELLO);
    socket.receive({ type: "live", cursor: "e:0" });
    await settle();
    return socket;
  };
  return { engine, api, store, states, live, last: () => states.at(-1) };
}

test("a socket that reports nothing, as one that a policy blocks, ends after ten seconds", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const ends: unknown[] = [];
  const link = new Link(FakeSocket as never, "ws://x", { received: () => {}, closed: (...how) => ends.push(how) });
  context.mock.timers.tick(9_999);
  assert.deepEqual(ends, []);
  context.mock.timers.tick(1);
  assert.deepEqual(ends, [[null, "", 10_000]]);
  link.drop();
});

test("a socket that falls silent is pinged, and dropped without a sign of life", async (context) => {
  const { live, last } = await world(context);
  const socket = await live();
  context.mock.timers.tick(25_000);
  assert.deepEqual(socket.sent.at(-1), { type: "ping" });
  socket.receive({ type: "pong" });
  await settle();
  context.mock.timers.tick(25_000);
  context.mock.timers.tick(9_999);
  assert.equal(last(), "live");
  context.mock.timers.tick(1);
  await settle();
  assert.ok(typeof last() === "object" && "waiting" in (last() as object));
  assert.equal(socket.closedWith, 1000);
});

test("delivered goes out at once, and then at most once a second with the newest position", async (context) => {
  const { live } = await world(context);
  const socket = await live();
  const delivered = () => socket.sent.flatMap((frame) => (frame.type === "delivered" ? frame.up_to_seq : []));
  for (let seq = 1; seq <= 50; seq++) {
    socket.receive(message(seq));
    await settle();
    context.mock.timers.tick(10);
  }
  assert.deepEqual(delivered(), [1]);
  context.mock.timers.tick(1_000);
  assert.deepEqual(delivered(), [1, 50]);
});

test("a wait that the server has named is not cut short, any other one is", async (context) => {
  const named = new ApiError(503, "unavailable", "", 5_000, {});
  const { engine, api, last } = await world(context);
  let tickets = 0;
  api.ticket = async () => {
    tickets++;
    throw tickets === 1 ? named : new TypeError("no network");
  };
  await engine.post("start");
  await settle();
  const state = last();
  assert.ok(typeof state === "object" && "until" in state && state.until >= Date.now() + 5_000);
  engine.wake();
  await settle();
  assert.equal(tickets, 1);
  context.mock.timers.tick(11_000);
  await settle();
  assert.equal(tickets, 2);
  engine.wake();
  await settle();
  assert.equal(tickets, 3);
  await engine.close();
});

test("nothing is sent and nothing acknowledged that could not be kept; later it goes on from the disk", async (context) => {
  const { engine, store, live, last } = await world(context);
  const socket = await live();
  const write = store.write;
  store.write = async (changes: readonly Change[]) => {
    if (changes.length > 0) throw new DOMException("full", "QuotaExceededError");
    return [];
  };
  const before = socket.sent.length;
  socket.receive(message(1));
  await settle();
  assert.ok(typeof last() === "object" && "broken" in (last() as object));
  const draft = { client_id: "a", to: 2, receiver_encrypted: "r", sender_encrypted: "s", message_type: "text" };
  await assert.rejects(engine.post({ written: draft }), { name: "QuotaExceededError" });
  assert.equal(socket.sent.length, before);
  store.write = write;
  context.mock.timers.tick(5_000);
  await settle();
  const again = FakeSocket.opened.at(-1);
  assert.ok(again && again !== socket);
  assert.match(again.url, /since=e%3A0/);
  again.receive(HELLO);
  again.receive(message(1));
  again.receive({ type: "live", cursor: "e:1" });
  await settle();
  assert.equal((await store.messages(2, undefined, 9)).length, 1);
  assert.ok(again.sent.some((frame) => frame.type === "delivered" && frame.up_to_seq === 1));
  await engine.close();
});

test("what a socket had said before it is dropped is not taken for the next one's", async (context) => {
  let fail = (_: Error) => {};
  const { engine, store, live, last } = await world(
    context,
    { onStartOver: () => new Promise((_, reject) => (fail = reject)) },
    null,
  );
  const socket = await live();
  const { write } = store;
  let goOn = () => {};
  const disk = new Promise<void>((resolve) => (goOn = resolve));
  store.write = async (changes) => disk.then(() => write(changes));
  // While the disk is busy, history turns out to be unreachable, and the socket still has something to say.
  socket.receive(message(1));
  await settle();
  fail(new Error("no network"));
  await settle();
  socket.receive({ type: "live", cursor: "e:1" });
  goOn();
  await settle();
  assert.ok(typeof last() === "object" && "waiting" in (last() as object), JSON.stringify(last()));
  context.mock.timers.tick(60_000);
  await settle();
  assert.notEqual(FakeSocket.opened.at(-1), socket);
  await engine.close();
});

test("a socket that is wanted twice while the disk is busy is opened once", async (context) => {
  const { engine, store, live } = await world(context);
  await live();
  engine.suspend();
  await settle();
  const { write } = store;
  let goOn = () => {};
  const disk = new Promise<void>((resolve) => (goOn = resolve));
  store.write = async (changes) => disk.then(() => write(changes));
  const before = FakeSocket.opened.length;
  const draft = { client_id: "a", to: 2, receiver_encrypted: "r", sender_encrypted: "s", message_type: "text" };
  const written = engine.post({ written: draft });
  await settle();
  engine.resume();
  engine.resume();
  goOn();
  await written;
  await settle();
  assert.equal(FakeSocket.opened.length, before + 1);
  await engine.close();
});
