/** One socket with its timers. */
import type { ClientFrame } from "../wire.js";

/** The longest time from opening a socket to its `hello`, in milliseconds: the server admits by turns, up to 8 s. */
const OPENING_MS = 10_000;
/** The longest time from a `ping` to any frame, in milliseconds. */
const PONG_MS = 10_000;
/** How often the server is pinged until its `hello` says it, in seconds. */
const HEARTBEAT_S = 25;
/** Close codes that no server sends (RFC 6455, section 7.4.1): there was no code, and the connection was cut. */
const NO_CODES = [1005, 1006];

/** A WebSocket as browsers have it; what the package `ws` exports is one too. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocket;

/** What a {@link Link} reports. */
export interface LinkEvents {
  received(text: unknown): void;
  closed(code: number | null, reason: string, heldMs: number): void;
}

/**
 * A socket that always ends in exactly one `closed`, unless it is dropped: a browser that blocks a connection by its
 * policy reports no close, and a network that has gone reports nothing for a long time.
 */
export class Link {
  readonly #socket: WebSocket;
  readonly #events: LinkEvents;
  readonly #openedAt = Date.now();
  #timer: ReturnType<typeof setTimeout>;
  #heartbeatMs = HEARTBEAT_S * 1000;
  #isOver = false;

  constructor(WebSocket: WebSocketConstructor, url: string, events: LinkEvents) {
    this.#events = events;
    this.#timer = setTimeout(() => this.#end(null, ""), OPENING_MS);
    this.#socket = new WebSocket(url, ["fluent.v1"]);
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onclose = ({ code, reason }) => this.#end(NO_CODES.includes(code) ? null : code, reason);
    // A close follows, or the timer.
    this.#socket.onerror = () => {};
  }

  /** Sets how often the server is pinged. */
  setHeartbeat(seconds: number): void {
    this.#heartbeatMs = seconds * 1000;
    this.#wait();
  }

  /** Sends a frame. What cannot be sent is lost with the socket, whose end is reported. */
  send(frame: ClientFrame): void {
    if (this.#socket.readyState === 1) this.#socket.send(JSON.stringify(frame));
  }

  /** Ends the socket without a report. */
  drop(code = 1000): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.close(code);
  }

  #receive(data: unknown): void {
    if (this.#isOver) return;
    this.#wait();
    this.#events.received(data);
  }

  /** Asks for a sign of life when none has come for a while. */
  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.send({ type: "ping" });
      this.#timer = setTimeout(() => this.#end(null, ""), PONG_MS);
    }, this.#heartbeatMs);
  }

  #end(code: number | null, reason: string): void {
    if (this.#isOver) return;
    this.drop();
    this.#events.closed(code, reason, Date.now() - this.#openedAt);
  }
}
