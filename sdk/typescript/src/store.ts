/** What a device keeps, behind an interface: see `store/memory.ts` and `store/indexeddb.ts`. */
import type { Cursor } from "./cursor.js";
import type { SavedItem } from "./outbox.js";
import type { Conversation, MessageFrame, Profile, Tokens } from "./wire.js";

/** A message on this device. */
export type StoredMessage = Omit<MessageFrame, "type"> & {
  /** The other side of the conversation, or the user itself. */
  partner_id: number;
  /** What it says; `null` when it cannot be read, absent as long as nobody has tried. */
  text?: string | null;
};

/** How far a user has received or read. */
export interface Position {
  conversation_id: number;
  /** Who received or read. */
  user_id: number;
  kind: "delivered" | "read";
  up_to_id: number;
}

/** A message that the server has not stored yet, with what it says. */
export type Outgoing = SavedItem & { text: string };

/** Single values. */
export interface Meta {
  tokens: Tokens | null;
  /** Who is signed in; stays when the login ends, since the data is that user's. */
  user: { id: number; username: string } | null;
  device_id: string | null;
  cursor: Cursor | null;
  outbox: Outgoing[];
  /** What the cipher keeps. */
  keys: unknown;
  /** The list of conversations as it was fetched last. */
  conversations: Conversation[];
  /** The user's own account as it was fetched last. */
  profile: Profile | null;
  /** What the program keeps for itself. */
  program: unknown;
}

/** A change of what is kept. */
export type Change =
  | { [Key in keyof Meta]: { meta: Key; value: Meta[Key] } }[keyof Meta]
  /** A message: does nothing when it is stored or was deleted. */
  | { message: StoredMessage }
  /** What a stored message says. */
  | { text: number; value: string | null }
  /** A message is gone, also if it comes later. */
  | { deleted: number }
  /** A message that history lacks is gone from the server. */
  | { missing: number }
  /** All messages older than this time are gone. */
  | { deleted_before: string }
  /** A position, which never goes back. */
  | { position: Position }
  /** All messages and positions are gone: ids of another store mean nothing. */
  | { clear: true };

/** The data of one user on one device. */
export interface Store {
  /** Returns a single value. */
  get<Key extends keyof Meta>(key: Key): Promise<Meta[Key]>;
  /** Makes all changes in their order, or none. Returns the ids of the messages that were not here before. */
  write(changes: readonly Change[]): Promise<number[]>;
  /** Returns a message that is not deleted. */
  message(id: number): Promise<StoredMessage | undefined>;
  /** Returns messages with a partner, newest first: those before the id `before`, at most `limit`. */
  messages(partner: number, before: number | undefined, limit: number): Promise<StoredMessage[]>;
  /** Returns all positions. */
  positions(): Promise<Position[]>;
  close(): void;
}

/** The values of a device without data. */
export function emptyMeta(): Meta {
  return {
    tokens: null,
    user: null,
    device_id: null,
    cursor: null,
    outbox: [],
    keys: null,
    conversations: [],
    profile: null,
    program: null,
  };
}

/** Returns the name of a position. */
export function positionKey({ conversation_id, user_id, kind }: Omit<Position, "up_to_id">): string {
  return `${conversation_id}:${user_id}:${kind}`;
}
