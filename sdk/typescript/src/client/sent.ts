/** What becomes of messages that the person has sent. */
import { type Position, positionKey } from "../store.js";
import type { MessageFrame } from "../wire.js";

/** Most messages that are followed at once: of more, the oldest are left alone. */
const MAX_FOLLOWED = 10_000;

/** Where the server has put a message. */
export type Placed = Pick<MessageFrame, "id" | "conversation_id" | "seq" | "timestamp">;

/** A message of the person, from the moment in which it is in the outbox. */
export interface Sent {
  /** The names of its parts: a long text is several messages. */
  readonly clientIds: readonly string[];
  /** The server has it. Fails with a {@link SendError} when it was refused for good. */
  readonly stored: Promise<Placed[]>;
  /** A device of the receiver has it. Only partners are told: it may stay open for ever. */
  readonly delivered: Promise<void>;
  /** The receiver has read it, if both show that. */
  readonly read: Promise<void>;
}

/** A message will not be sent. It stays in the outbox as failed until the person decides. */
export class SendError extends Error {
  override readonly name = "SendError";

  constructor(
    readonly clientId: string,
    /** The error code of the server, or why it could not be encrypted. */
    readonly code: string,
  ) {
    super(`the message was refused: ${code}`);
  }
}

interface Part {
  partner: number;
  placed?: Placed;
  stored: Deferred<Placed>;
  delivered: Deferred<void>;
  read: Deferred<void>;
}

type Deferred<T> = ReturnType<typeof deferred<T>>;

/** Follows messages by the names of their parts. */
export class SentMessages {
  readonly #parts = new Map<string, Part>();
  readonly #positions = new Map<string, number>();

  /** Follows a message of these parts to a partner. */
  follow(clientIds: readonly string[], partner: number): Sent {
    const parts = clientIds.map((clientId) => this.#add(clientId, partner));
    const all = <T>(of: (part: Part) => Deferred<T>) => {
      const promise = Promise.all(parts.map((part) => of(part).promise));
      // Who does not wait for it need not handle its failure.
      promise.catch(() => {});
      return promise;
    };
    return {
      clientIds,
      stored: all((part) => part.stored),
      delivered: all((part) => part.delivered).then(() => {}),
      read: all((part) => part.read).then(() => {}),
    };
  }

  #add(clientId: string, partner: number): Part {
    const part = { partner, stored: deferred<Placed>(), delivered: deferred<void>(), read: deferred<void>() };
    const [oldest] = this.#parts.keys();
    if (this.#parts.size >= MAX_FOLLOWED && oldest !== undefined) this.#parts.delete(oldest);
    this.#parts.set(clientId, part);
    return part;
  }

  /** A message has got another name, since it was encrypted anew. */
  rename(clientId: string, newId: string): void {
    const part = this.#parts.get(clientId);
    if (!part) return;
    this.#parts.delete(clientId);
    this.#parts.set(newId, part);
  }

  /** The server has stored a message. */
  placed(clientId: string, placed: Placed): void {
    const part = this.#parts.get(clientId);
    if (!part || part.placed) return;
    part.placed = placed;
    part.stored.resolve(placed);
    this.#settle(clientId, part);
  }

  /** A message was refused for good. */
  failed(clientId: string, code: string): void {
    this.#parts.get(clientId)?.stored.reject(new SendError(clientId, code));
  }

  /** A position has moved, or is known from before. */
  moved(position: Position): void {
    const key = positionKey(position);
    this.#positions.set(key, Math.max(this.#positions.get(key) ?? 0, position.up_to_id));
    for (const [clientId, part] of this.#parts) this.#settle(clientId, part);
  }

  #settle(clientId: string, { partner, placed, delivered, read }: Part): void {
    if (!placed) return;
    const reached = (kind: "delivered" | "read") => {
      const key = positionKey({ ...placed, user_id: partner, kind });
      return (this.#positions.get(key) ?? 0) >= placed.id;
    };
    const isRead = reached("read");
    if (isRead || reached("delivered")) delivered.resolve();
    if (!isRead) return;
    read.resolve();
    this.#parts.delete(clientId);
  }
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((...ends) => ([resolve, reject] = ends));
  promise.catch(() => {});
  return { promise, resolve, reject };
}
