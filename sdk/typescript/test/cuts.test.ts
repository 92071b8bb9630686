/** The machine against a server in memory: whatever is cut and whenever it crashes, nothing is lost or twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Action, type Event, type State, begin, step } from "../src/machine.js";
import type { SavedItem } from "../src/outbox.js";
import type { ClientFrame, Draft, MessageFrame, ServerFrame } from "../src/wire.js";

const ME = 1;
const PARTNER = 2;

/** A server with one store, and the connection to one device. */
class World {
  /** All messages in their order; the place of one is its `seq` and a tenth of its id. */
  readonly log: MessageFrame[] = [];
  /** Frames on their way to the device. */
  toDevice: ServerFrame[] = [];
  toServer: ClientFrame[] = [];
  isConnected = false;
  /** What is on the disk of the device. */
  disk: { cursor: string | null; outbox: SavedItem[]; kept: Map<number, number> } = {
    cursor: "e:0",
    outbox: [],
    kept: new Map(),
  };
  state: State = begin(ME, [], "e:0", []);
  pending: Event[] = [];

  post(event: Event): void {
    const [next, actions] = step(this.state, event);
    this.state = next;
    for (const action of actions) this.perform(action);
  }

  perform(action: Action): void {
    if (action === "save_outbox") {
      this.disk.outbox = this.state.outbox.items.map(({ draft, failed }) => ({ draft, failed }));
    } else if (typeof action !== "object") return;
    else if ("save_cursor" in action) this.disk.cursor = action.save_cursor;
    else if ("keep" in action && action.keep.type === "message") {
      const { id } = action.keep;
      this.disk.kept.set(id, this.disk.kept.get(id) ?? 0);
      // What is known already is not shown again.
      if (this.disk.kept.get(id) === 0) this.disk.kept.set(id, 1);
    } else if ("connect" in action) this.connect(action.connect.since ?? "e:0");
    else if ("send" in action) {
      const { send } = action;
      if (send.type === "send") {
        const saved = this.disk.outbox.some(({ draft }) => draft.client_id === send.client_id);
        assert.ok(saved, "it is on disk before it is sent");
      }
      if (send.type === "delivered") {
        assert.ok(send.up_to_seq <= Number(this.disk.cursor?.slice(2)), "delivered follows the cursor on disk");
      }
      if (this.isConnected) this.toServer.push(send);
    } else if ("pause" in action) this.pending.push("pause_ended");
    else if ("pause_sending" in action) this.pending.push("sending_resumed");
  }

  connect(since: string): void {
    this.isConnected = true;
    this.toServer = [];
    const limits = { in_flight: 4, heartbeat_s: 25, frame_bytes: 1, ciphertext_bytes: 1 };
    const hello = { user_id: ME, device_id: "d", server_time: "", limits };
    const from = Number(since.slice(2));
    const cursor = `e:${this.log.length}`;
    this.toDevice = [{ type: "hello", cursor: since, ...hello }, ...this.log.slice(from), { type: "live", cursor }];
  }

  /** The server handles a frame of the device. */
  handle(refuses: boolean): void {
    const frame = this.toServer.shift();
    if (frame?.type !== "send") return;
    const { client_id } = frame;
    const known = this.log.find((message) => message.client_id === client_id);
    if (!known && refuses) {
      const error = { code: "unavailable", message: "", retryable: true, retry_after_ms: 1 } as const;
      this.toDevice.push({ type: "error", client_id, ...error });
      return;
    }
    const message = known ?? this.store(ME, frame);
    const { conversation_id, id, seq, timestamp } = message;
    const duplicate = known !== undefined;
    this.toDevice.push({ type: "stored", client_id, conversation_id, id, seq, timestamp, duplicate });
  }

  store(sender: number, draft: Partial<Draft>): MessageFrame {
    const seq = this.log.length + 1;
    const copies = { content: "x", message_type: "text", timestamp: "" };
    const message: MessageFrame = {
      type: "message",
      seq,
      id: seq * 10,
      conversation_id: 4,
      sender_id: sender,
      receiver_id: ME + PARTNER - sender,
      ...copies,
      ...(draft.client_id === undefined ? {} : { client_id: draft.client_id }),
    };
    this.log.push(message);
    return message;
  }

  deliver(): void {
    const frame = this.toDevice.shift();
    if (frame) this.post({ received: frame });
  }

  cut(code: number | null): void {
    if (!this.isConnected) return;
    this.isConnected = false;
    [this.toDevice, this.toServer] = [[], []];
    this.post({ closed: { code, reason: "", held_ms: 0 } });
  }

  /** Nothing is left but the disk. */
  crash(): void {
    this.isConnected = false;
    [this.toDevice, this.toServer, this.pending] = [[], [], []];
    this.state = begin(ME, [], this.disk.cursor, this.disk.outbox);
    this.post("start");
  }

  time(): void {
    const event = this.pending.shift();
    if (event !== undefined) this.post(event);
  }
}

type Turn = "write" | "incoming" | "handle" | "refuse" | "deliver" | "cut" | "restart" | "crash" | "time";
const TURNS: Turn[] = [
  "write",
  "incoming",
  "handle",
  "refuse",
  "deliver",
  "deliver",
  "cut",
  "restart",
  "crash",
  "time",
];

function play(turns: readonly Turn[]): { world: World; written: string[] } {
  const world = new World();
  const written: string[] = [];
  world.post("start");
  const write = () => {
    const client_id = `c${written.length}`;
    written.push(client_id);
    const copies = { receiver_encrypted: "r", sender_encrypted: "s", message_type: "text" };
    world.post({ written: { client_id, to: PARTNER, ...copies } });
  };
  const incoming = () => {
    const message = world.store(PARTNER, {});
    if (world.isConnected) world.toDevice.push(message);
  };
  const moves: Record<Turn, () => void> = {
    write,
    incoming,
    handle: () => world.handle(false),
    refuse: () => world.handle(true),
    deliver: () => world.deliver(),
    cut: () => world.cut(null),
    restart: () => world.cut(1012),
    crash: () => world.crash(),
    time: () => world.time(),
  };
  for (const turn of turns) moves[turn]();
  // Then all is well for long enough.
  for (let calm = 0; calm < 50; calm++) {
    world.time();
    while (world.toDevice.length > 0 || world.toServer.length > 0) {
      world.deliver();
      world.handle(false);
    }
  }
  return { world, written };
}

test("every message is stored once and kept once, whatever is cut and whenever the device crashes", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...TURNS), { maxLength: 120 }), (turns) => {
      const { world, written } = play(turns);
      const stored = world.log.flatMap((message) => message.client_id ?? []);
      assert.deepEqual([...stored].sort(), [...written].sort(), "stored once each");
      assert.equal(world.disk.outbox.length, 0);
      const kept = [...world.disk.kept].sort(([one], [other]) => one - other);
      assert.deepEqual(
        kept,
        world.log.map(({ id }) => [id, 1]),
        "kept once each",
      );
      assert.equal(world.disk.cursor, `e:${world.log.length}`);
    }),
    { numRuns: 500 },
  );
});
