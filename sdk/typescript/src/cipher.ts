/** How messages are encrypted, behind an interface: see `cipher/rsa.ts`. */
import type { KeyedUser } from "./wire.js";

/** Where a cipher keeps its keys. */
export interface KeyStore {
  load(): Promise<unknown>;
  save(keys: unknown): Promise<void>;
}

/** Both copies of a message. */
export interface Copies {
  receiver_encrypted: string;
  sender_encrypted: string;
}

/** Encrypts and decrypts for one user. */
export interface Cipher {
  /** The `message_type` of texts. */
  readonly messageType: string;
  /** All that it encrypts and decrypts; it is asked for nothing else. */
  readonly messageTypes: readonly string[];
  /** Takes the keys that are kept, if there are any. */
  open(keys: KeyStore): Promise<void>;
  /** Makes and keeps new keys. */
  makeKeys(): Promise<void>;
  /** Returns the public key as the server keeps it, if there are keys. */
  publicKey(): string | undefined;
  /** Cuts a text into pieces that each fit into a message. */
  split(text: string): string[];
  /** Encrypts a piece, or a plaintext of another type, for the receiver and for the own devices. */
  encrypt(text: string, receiver: Pick<KeyedUser, "public_key">, messageType?: string): Promise<Copies>;
  /** Decrypts a copy. Returns `null` whatever is wrong with it: nobody may learn more. */
  decrypt(content: string, messageType?: string): Promise<string | null>;
  /** Returns the private key as a file to be kept elsewhere. */
  exportKeys(): Promise<string>;
  /** Takes the keys of a file that {@link exportKeys} has made. */
  importKeys(file: string): Promise<void>;
}
