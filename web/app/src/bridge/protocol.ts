/** What the pages of a browser and the one Worker that is connected tell each other, over a BroadcastChannel. */
import type { ConnectionState } from "../../../../sdk/typescript/src/client/engine.js";
import type { Session, Settings } from "../../../../sdk/typescript/src/wire.js";

export type { ConnectionState, Session, Settings };

/** The name of the channel, and of the lock that the connected Worker holds. */
export const CHANNEL = "fluent";

/** Who one talks to. */
export interface Person {
  id: number;
  name: string;
}

/** A file as it is shown. Its key stays in the Worker. */
export interface ShownFile {
  /** As its sender calls it: anything may be in it. */
  name: string;
  type: string;
  /** Bytes. */
  size: number;
  /** A small picture of its sender, in base64. */
  thumbnail: string | null;
}

/** How far a file is. */
export interface Progress {
  phase: "encrypting" | "moving";
  /** Bytes. */
  done: number;
  total: number;
}

/** A file that has come. */
export interface OpenedFile {
  blob: Blob;
  /** Whether it is a picture of a kind that is shown: by what it is, not by what it is called. */
  isPicture: boolean;
}

/** A message as it is shown. */
export interface Message {
  id: number;
  partner: number;
  isMine: boolean;
  /** What it says; `null` when this browser cannot read it. Of files the caption, which may be empty. */
  text: string | null;
  files: readonly ShownFile[];
  /** Whether it is of a kind that this program does not show. */
  isOtherKind: boolean;
  timestamp: string;
  replyTo: number | null;
  expiresAt: string | null;
  clientId: string | null;
}

/** A message that the server does not have yet. */
export interface Pending {
  clientId: string;
  partner: number;
  text: string;
  files: readonly ShownFile[];
  /** In milliseconds since 1970. */
  writtenAt: number;
  replyTo: number | null;
  /** Why it will not be sent. */
  failed: string | null;
}

/** A conversation. */
export interface Chat {
  partner: Person;
  last: Message | null;
  unread: number;
  /** Ids of the newest messages up to which something is so. */
  readUpTo: number;
  partnerReadUpTo: number;
  partnerDeliveredUpTo: number;
  isBlocked: boolean;
  /** The partner's account was deleted. */
  isGone: boolean;
  draft: string;
  /** Seconds after which what is written is destroyed. */
  expiresInS: number | null;
  /** When the partner's key changed while this browser looked. */
  keyChanges: string[];
  isVerified: boolean;
  /** The person verified another key: nothing is sent until they decide. */
  mustConfirmKey: boolean;
}

/** What the program shows. */
export type Phase = "starting" | "signed_out" | "locked" | "no_key" | "save_key" | "in";

export interface AppState {
  phase: Phase;
  user: Person | null;
  /** Names with data in this browser. */
  known: string[];
  /** Why the login ended, if it has. */
  signedOut: string | null;
  connection: ConnectionState | { broken: string };
  hasPassphrase: boolean;
  /** Whether the browser promised to keep the data; `null` when it was not asked. */
  isPersisted: boolean | null;
  /** The server's clock minus this one's, in milliseconds. */
  clockOffsetMs: number;
  /** Bytes of the largest file that the server takes; `null` when it takes none. */
  mediaBytes: number | null;
}

export interface Presence {
  isOnline: boolean;
  lastSeen: string | null;
}

/** Everything a page needs to begin. */
export interface Snapshot {
  /** Names the connected Worker. */
  leader: string;
  state: AppState;
  chats: Chat[];
  pending: Pending[];
  presence: [number, Presence][];
}

/** Messages of a conversation that have come together. */
export interface Arrival {
  partner: number;
  count: number;
  /** Whether the partner has written any of them. */
  hasTheirs: boolean;
  /** Names of those that the person has written, here or elsewhere. */
  clientIds: string[];
}

/** What happens. */
export type News =
  | { state: AppState }
  | { chats: Chat[]; isWhole: boolean }
  | { pending: Pending[] }
  /** Messages have come, and are on disk. */
  | { arrived: Arrival }
  | { gone: number }
  | { goneBefore: string }
  | { reloaded: true }
  | { typing: { user: number; isActive: boolean } }
  | { presence: [number, Presence] }
  /** A file on its way: its key is the name of the message, or `fileKey` of one that comes. `null`: not any more. */
  | { transfer: { key: string; progress: Progress | null } };

/** Both numbers of a person, and how they stand. */
export interface SafetyNumber {
  /** Twelve groups of five digits. */
  groups: string[];
  /** What the other's program reads from the screen. */
  code: string;
  isVerified: boolean;
}

/** Where this browser is woken: the push service's address, and the keys for it. */
export interface PushAddress {
  endpoint: string;
  p256dh: string;
  auth: string;
}

export interface Registration {
  mode: string;
}

/** What a page may ask of the connected Worker. Failures are {@link Failure}. */
export interface Calls {
  registration(): Registration;
  register(account: { username: string; email: string; password: string; invite: string }): void;
  signIn(username: string, password: string): { challenge: string | null };
  signInWithCode(username: string, challenge: string, code: string): void;
  /** Signs in by the link of a demonstration; returns whom to talk to. */
  demo(code: string): Person;
  /** Removes everything of a user from this browser. */
  forget(username: string): void;
  /** Ends the login, and with `forget` removes everything of the user from this browser. */
  signOut(forget: boolean): void;
  unlock(passphrase: string): void;
  setPassphrase(passphrase: string): void;
  removePassphrase(passphrase: string): void;
  lock(): void;
  /** Returns the key as a file, encrypted when there is a passphrase. */
  exportKey(passphrase: string | null): string;
  keyWasSaved(): void;
  importKey(file: string, passphrase: string | null): void;
  newKey(password: string | null): void;

  find(name: string): Person | null;
  search(query: string): { people: Person[]; messages: Message[] };
  history(partner: number, before: number | null, limit: number): Message[];
  message(id: number): Message | null;
  send(partner: number, text: string, replyTo: number | null): void;
  /** Returns how many messages a text is. */
  parts(text: string): number;
  /** Encrypts and sends files, each as a message; the caption goes with the first. Returns when they are noted. */
  sendFiles(partner: number, files: readonly File[], caption: string, replyTo: number | null): void;
  /** Fetches and decrypts the file of this number in a message. */
  openFile(message: number, index: number): OpenedFile;
  /** Stops a file on its way, by its key. */
  stopFile(key: string): void;
  retry(clientId: string): void;
  discard(clientId: string): void;
  remove(id: number, side: "me" | "everyone"): void;
  read(partner: number, id: number): void;
  typing(partner: number, isActive: boolean): void;
  keepDraft(partner: number, text: string): void;
  expire(partner: number, seconds: number | null): void;

  block(partner: number, isBlocked: boolean): void;
  safetyNumber(partner: number): SafetyNumber;
  verify(partner: number, isVerified: boolean): void;
  acceptKey(partner: number): void;

  account(): { name: string; email: string; settings: Settings };
  changeSettings(settings: Partial<Settings>): Settings;
  changePassword(old: string, next: string): void;
  deleteAccount(password: string, code: string | null): void;
  sessions(): Session[];
  endSession(id: number): void;
  endAllSessions(): void;
  /** Returns all conversations of this browser as JSON. */
  exportHistory(): string;

  /** Returns the server's key for pushes, if it sends any, and whether the person wants them in this browser. */
  push(): { key: string | null; isWanted: boolean };
  /** Tells the server where to wake this browser, or that it is not to be woken. */
  setPush(address: PushAddress | null): void;

  wake(): void;
}

/** Returns the key of a file that comes. */
export function fileKey(message: number, index: number): string {
  return `${message}/${index}`;
}

export type CallName = keyof Calls;

/** Why a call failed: the server's code, or a word of the program. */
export interface Failure {
  code: string;
  detail: string;
  retryAfterMs: number | null;
}

/** What goes over the channel. */
export type Envelope =
  | { to: "worker"; kind: "hello"; tab: string; isVisible: boolean }
  | { to: "worker"; kind: "seen"; tab: string; isVisible: boolean }
  | { to: "worker"; kind: "bye"; tab: string }
  | { to: "worker"; kind: "call"; tab: string; id: number; name: CallName; args: unknown[] }
  | { to: "page"; kind: "snapshot"; snapshot: Snapshot }
  | { to: "page"; kind: "news"; news: News }
  | { to: "page"; kind: "answer"; tab: string; id: number; value?: unknown; failure?: Failure };
