/** What the program keeps beside messages: notes on people, drafts, timers. */
import type { OutgoingFile } from "../../../../sdk/typescript/src/files/transfers.js";
import type { Store } from "../../../../sdk/typescript/src/store.js";
import type { Draft } from "../../../../sdk/typescript/src/wire.js";
import type { ShownFile } from "../bridge/protocol.js";

/** What is noted of a person. */
export interface PersonNotes {
  name: string;
  keyId: string;
  /** When the key changed, newest last. */
  changes: string[];
  /** The fingerprint of the key that the person in front of the screen has verified. */
  verified?: string;
  isGone?: true;
}

/** A file that is being sent. */
export interface OutgoingNote {
  /** Names it until it is a message. */
  clientId: string;
  partner: number;
  caption: string;
  replyTo: number | null;
  expiresInS: number | null;
  file: ShownFile;
  /** Its key and how far it is, once it is encrypted. */
  outgoing: OutgoingFile | null;
  /** The message, once it is written: the same bytes are the same message. */
  written: { draft: Draft; plaintext: string } | null;
  /** Why it is not sent. */
  failed: string | null;
}

export interface Program {
  /** Whether the key is in a file too, or under a passphrase. */
  isKeySaved: boolean;
  people: Record<number, PersonNotes>;
  drafts: Record<number, string>;
  /** Seconds after which messages to a person are destroyed. */
  timers: Record<number, number>;
  /** Files that are being sent, oldest first. */
  outgoing: OutgoingNote[];
  /** Ids of files of which a part is here, oldest first. */
  incoming: string[];
  /** Bytes of the largest file that the server took when it was reached last; `null` when it takes none. */
  mediaBytes: number | null;
  /** Whether this browser is to be woken by its push service. */
  isPushed: boolean;
}

/** Most changes of a key that are shown. */
const MAX_CHANGES = 20;

export async function loadProgram(store: Store): Promise<Program> {
  const kept = (await store.get("program")) as Partial<Program> | null;
  const notes = { people: {}, drafts: {}, timers: {}, outgoing: [], incoming: [] };
  // What an earlier version has kept lacks what is new.
  return { isKeySaved: false, mediaBytes: null, isPushed: false, ...notes, ...kept };
}

export async function saveProgram(store: Store, program: Program): Promise<void> {
  await store.write([{ meta: "program", value: program }]);
}

/** Notes a person as the server describes them. Returns whether anything is new. */
export function note(
  program: Program,
  person: { id: number; user_name: string; key_id: string },
  now: string,
): boolean {
  const { id, user_name: name, key_id: keyId } = person;
  const notes = program.people[id];
  if (!notes) {
    program.people[id] = { name, keyId, changes: [] };
    return true;
  }
  if (notes.name === name && notes.keyId === keyId) return false;
  const changes = notes.keyId === keyId ? notes.changes : [...notes.changes, now].slice(-MAX_CHANGES);
  program.people[id] = { ...notes, name, keyId, changes };
  return true;
}
