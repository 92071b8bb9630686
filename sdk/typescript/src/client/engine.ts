/** Runs the state machine: hands it events one by one, and carries out its actions in their order. */
import type { Api } from "../api.js";
import { type Pause, draw } from "../backoff.js";
import type { Stop } from "../connection.js";
import { seqOf } from "../cursor.js";
import { type Action, type Event, type Notice, type State, begin, step } from "../machine.js";
import { savedItems } from "../outbox.js";
import type { Change, Store } from "../store.js";
import { type ClientFrame, type Draft, type EventFrame, type HelloFrame, parse } from "../wire.js";
import { changesOf } from "./kept.js";
import type { Link } from "./link.js";
import { type Opening, askForTicket, openLink, refreshTokens } from "./opening.js";

/** Least time between two `delivered`, in milliseconds. */
const DELIVERED_MS = 1_000;
/** The time after which a store that has failed is tried again, in milliseconds. */
const STORE_RETRY_MS = 5_000;

/** Where the connection is. */
export type ConnectionState =
  | "signed_out"
  | "connecting"
  | "catching_up"
  | "live"
  /** The next attempt begins at `until`, in milliseconds since 1970. */
  | { waiting: true; until: number }
  /** There is no further attempt until the person acts. */
  | { stopped: Stop }
  /** The device cannot keep anything now: nothing is received until it can. */
  | { broken: unknown };

/** What an {@link Engine} works with. */
export interface EngineParts extends Opening {
  me: number;
  api: Api;
  store: Store;
  /** Texts of the messages of the outbox, by their names. */
  texts: Map<string, string>;
  onState(state: ConnectionState): void;
  onNotice(notice: Notice): void;
  /** Events that are on disk now. `added`: the ids of messages that were not there before. */
  onKept(frames: readonly EventFrame[], added: ReadonlySet<number>): void;
  /** The first frame of a socket. */
  onHello(frame: HelloFrame): void;
  /** The outbox has changed, on disk. */
  onOutbox(): void;
  onRenew(draft: Draft): void;
  /** History must be loaded. `startSeq`: the number behind which the socket's own events begin. */
  onStartOver(startSeq: number): Promise<void>;
}

export class Engine {
  readonly #parts: EngineParts;
  #state: State;
  #watch: readonly number[] = [];
  #link: Link | null = null;
  #events: Event[] = [];
  /** Resolves with what the store has failed of, or nothing. */
  #running: Promise<unknown> | null = null;
  #changes: Change[] = [];
  #kept: EventFrame[] = [];
  /** The reason of the last `reset` on this socket. */
  #resetReason: string | null = null;
  #pause: { timer: ReturnType<typeof setTimeout>; mayWake: boolean } | null = null;
  #sendingPause: ReturnType<typeof setTimeout> | undefined;
  #saidDelivered = -Infinity;
  #delivered: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  private constructor(parts: EngineParts, state: State) {
    this.#parts = parts;
    this.#state = state;
  }

  /** Makes an engine that goes on where the store is. */
  static async open(parts: EngineParts): Promise<Engine> {
    return new Engine(parts, await stateOf(parts, []));
  }

  /** Hands an event to the machine. Resolves when what it leads to is on disk; fails when that cannot be. */
  async post(event: Event): Promise<void> {
    const failure = await this.#feed(event);
    if (failure !== undefined) throw failure;
  }

  #feed(event: Event): Promise<unknown> {
    if (this.#isOver) return Promise.resolve();
    this.#events.push(event);
    return (this.#running ??= this.#run());
  }

  /** Returns the messages that have failed, with their codes. */
  failed(): { draft: Draft; code: string }[] {
    return this.#state.outbox.items.flatMap(({ draft, failed }) => (failed === null ? [] : [{ draft, code: failed }]));
  }

  /** Sets the users whose presence is watched. */
  watch(users: readonly number[]): void {
    this.#watch = users;
    this.#state = { ...this.#state, watch: users };
    if (this.#state.connection.phase === "live") this.#link?.send({ type: "presence", watch: [...users] });
  }

  /** Ends a wait whose time no server has named: the network is back, or the person looks. */
  wake(): void {
    if (!this.#pause?.mayWake) return;
    clearTimeout(this.#pause.timer);
    this.#pause = null;
    void this.#feed("pause_ended");
  }

  /** Ends the socket until {@link resume}. */
  suspend(): void {
    this.#drop();
    void this.#feed({ closed: { code: 1000, reason: "", held_ms: 0 } });
  }

  /** Wants a socket, unless there is one. */
  resume(): void {
    if (this.#state.connection.phase === "idle" && this.#events.at(-1) !== "start") void this.#feed("start");
  }

  /** Ends everything. What is on disk stays. */
  async close(): Promise<void> {
    this.#isOver = true;
    this.#drop();
    clearTimeout(this.#sendingPause);
    await this.#running;
  }

  async #run(): Promise<unknown> {
    // Events that were handed in together are on disk by one transaction.
    await Promise.resolve();
    try {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
        if (isFrame(event)) this.#look(event.received);
        const [next, actions] = step(this.#state, event);
        this.#state = next;
        for (const action of actions) await this.#perform(action);
        if (this.#events.length === 0) await this.#flush();
      }
      return undefined;
    } catch (error) {
      this.#breakDown(error);
      return error ?? new Error("the store has failed");
    } finally {
      // Not a moment later: an event that comes in between would wait for the next.
      this.#running = null;
    }
  }

  /** Notes what the program needs of a frame, and the machine does not. */
  #look(received: unknown): void {
    const frame = parse(received)?.frame;
    if (frame?.type === "hello") {
      this.#resetReason = null;
      this.#link?.setHeartbeat(frame.limits?.heartbeat_s ?? 25);
      this.#parts.onState("catching_up");
      this.#parts.onHello(frame);
    } else if (frame?.type === "reset") this.#resetReason = frame.reason;
  }

  async #perform(action: Action): Promise<void> {
    if (typeof action === "object" && "keep" in action) {
      const frame = action.keep;
      const clientId = frame.type === "message" ? frame.client_id : undefined;
      const text = clientId === undefined ? undefined : this.#parts.texts.get(clientId);
      this.#changes.push(...changesOf(frame, this.#parts.me, text));
      this.#kept.push(frame);
      return;
    }
    if (action === "save_outbox") return void this.#changes.push(this.#outbox());
    if (typeof action === "object" && "save_cursor" in action) {
      return void this.#changes.push({ meta: "cursor", value: action.save_cursor });
    }
    // Anything else may be seen elsewhere: first, everything before it is on disk.
    await this.#flush();
    if (this.#isOver) return;
    if (action === "disconnect") this.#drop();
    else if (action === "refresh") void this.#refresh();
    else if ("connect" in action) void this.#connect(action.connect.since);
    else if ("pause" in action) this.#wait(action.pause);
    else if ("send" in action) this.#send(action.send);
    else if ("start_over" in action) await this.#startOver(action.start_over);
    else if ("renew" in action) this.#parts.onRenew(action.renew);
    else if ("pause_sending" in action) this.#waitToSend(action.pause_sending);
    else if ("tell" in action) this.#tell(action.tell);
    else if ("stop" in action) await this.#stop(action.stop);
  }

  /** Writes everything in one transaction, then shows it. */
  async #flush(): Promise<void> {
    const [changes, kept] = [this.#changes, this.#kept];
    if (changes.length === 0 && kept.length === 0) return;
    [this.#changes, this.#kept] = [[], []];
    const added = changes.length > 0 ? await this.#parts.store.write(changes) : [];
    if (kept.length > 0) this.#parts.onKept(kept, new Set(added));
    if (changes.some((change) => "meta" in change && change.meta === "outbox")) this.#parts.onOutbox();
  }

  #outbox(): Change {
    const textOf = ({ client_id }: Draft) => this.#parts.texts.get(client_id) ?? "";
    const items = savedItems(this.#state.outbox).map((item) => ({ ...item, text: textOf(item.draft) }));
    return { meta: "outbox", value: items };
  }

  #tell(notice: Notice): void {
    if (notice === "live") this.#parts.onState("live");
    this.#parts.onNotice(notice);
  }

  #send(frame: ClientFrame): void {
    if (frame.type !== "delivered") return this.#link?.send(frame);
    clearTimeout(this.#delivered);
    const link = this.#link;
    const send = () => {
      this.#saidDelivered = Date.now();
      link?.send(frame);
    };
    const wait = this.#saidDelivered + DELIVERED_MS - Date.now();
    if (wait <= 0) send();
    else this.#delivered = setTimeout(send, wait);
  }

  async #connect(since: string | null): Promise<void> {
    this.#drop();
    this.#parts.onState("connecting");
    const asked = await askForTicket(this.#parts.api);
    if ("refused" in asked) return void this.#feed(asked);
    if (this.#isOver || this.#state.connection.phase !== "opening") return;
    this.#link?.drop();
    const link: Link = openLink(this.#parts, asked.ticket, since, {
      received: (received) => void (link === this.#link && this.#feed({ received })),
      closed: (code, reason, held_ms) => {
        if (link !== this.#link) return;
        this.#link = null;
        void this.#feed({ closed: { code, reason, held_ms } });
      },
    });
    this.#link = link;
  }

  async #refresh(): Promise<void> {
    void this.#feed({ refreshed: await refreshTokens(this.#parts.api) });
  }

  async #startOver(number: number): Promise<void> {
    const startSeq = seqOf(this.#state.progress.heard);
    // Ids of another store, or of one that was put back, mean nothing.
    const isOther = this.#resetReason === "epoch" || this.#resetReason === "future";
    await this.#parts.store.write([{ meta: "cursor", value: null }, ...(isOther ? [{ clear: true } as const] : [])]);
    this.#parts.onStartOver(startSeq).then(
      () => this.#feed({ reloaded: number }),
      () => this.#feed({ not_reloaded: number }),
    );
  }

  async #stop(stop: Stop): Promise<void> {
    this.#drop();
    if (typeof stop === "object" && "sign_in" in stop) {
      await this.#parts.store.write([{ meta: "tokens", value: null }]);
    }
    this.#parts.onState({ stopped: stop });
  }

  #wait(pause: Pause): void {
    this.#drop();
    const ms = draw(pause, Math.random());
    const end = () => {
      this.#pause = null;
      void this.#feed("pause_ended");
    };
    this.#pause = { timer: setTimeout(end, ms), mayWake: pause.at_least_ms === 0 };
    this.#parts.onState({ waiting: true, until: Date.now() + ms });
  }

  #waitToSend(pause: Pause): void {
    clearTimeout(this.#sendingPause);
    this.#sendingPause = setTimeout(() => void this.#feed("sending_resumed"), draw(pause, Math.random()));
  }

  /** Ends the socket and the pause. What the socket has said, and is not handled yet, would be taken for the next's. */
  #drop(): void {
    this.#link?.drop();
    this.#link = null;
    this.#events = this.#events.filter((event) => !isFrame(event));
    clearTimeout(this.#pause?.timer);
    this.#pause = null;
    clearTimeout(this.#delivered);
  }

  /**
   * The store has failed, and the machine is ahead of it: everything in memory is dropped, and goes on from the disk when
   * that works again. The server keeps what was not acknowledged.
   */
  #breakDown(error: unknown): void {
    this.#drop();
    [this.#changes, this.#kept] = [[], []];
    this.#events = [];
    this.#parts.onState({ broken: error });
    const again = async () => {
      if (this.#isOver) return;
      try {
        // Whether it can be read and written.
        await this.#parts.store.write([]);
        this.#state = await stateOf(this.#parts, this.#watch);
        void this.#feed("start");
      } catch {
        this.#pause = { timer: setTimeout(() => void again(), STORE_RETRY_MS), mayWake: false };
      }
    };
    this.#pause = { timer: setTimeout(() => void again(), STORE_RETRY_MS), mayWake: false };
  }
}

function isFrame(event: Event): event is { received: unknown } {
  return typeof event === "object" && "received" in event;
}

/** Reads the state that is on disk. */
async function stateOf({ me, store, texts }: EngineParts, watch: readonly number[]): Promise<State> {
  const [cursor, outbox] = [await store.get("cursor"), await store.get("outbox")];
  for (const { draft, text } of outbox) texts.set(draft.client_id, text);
  return begin(me, watch, cursor, outbox);
}
