import { fromBase64, joined, toBase64 } from "../bytes.js";
import type { Change, Meta, Store, StoredMessage } from "../store.js";

/** Encrypts and authenticates texts with a key that stays on the device. */
export interface Seal {
  seal(text: string): Promise<string>;
  /** Fails when the text was not sealed with this key. */
  open(sealed: string): Promise<string>;
}

/** Single values that stay as they are: they say nothing. */
const PLAIN: readonly (keyof Meta)[] = ["device_id", "cursor"];

/** A value of {@link Meta} as it is kept. */
interface SealedValue {
  sealed: string;
}

/** Returns a seal of AES-256-GCM (NIST SP 800-38D) with a random nonce of 12 bytes before each text. */
export function aesGcm(key: CryptoKey): Seal {
  const name = "AES-GCM";
  return {
    async seal(text) {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const sealed = await crypto.subtle.encrypt({ name, iv }, key, new TextEncoder().encode(text));
      return toBase64(joined(iv, new Uint8Array(sealed)));
    },
    async open(sealed) {
      const bytes = fromBase64(sealed);
      const iv = bytes.subarray(0, 12);
      return new TextDecoder().decode(await crypto.subtle.decrypt({ name, iv }, key, bytes.subarray(12)));
    },
  };
}

/** Returns a store that hands what people write, tokens and keys to another one sealed. */
export function sealed(inner: Store, seal: Seal): Store {
  async function openMessage(message: StoredMessage): Promise<StoredMessage> {
    return typeof message.text === "string" ? { ...message, text: await seal.open(message.text) } : message;
  }

  return {
    async get<Key extends keyof Meta>(key: Key): Promise<Meta[Key]> {
      const value = await inner.get(key);
      const isSealed = typeof value === "object" && value !== null && "sealed" in value;
      return isSealed ? (JSON.parse(await seal.open((value as unknown as SealedValue).sealed)) as Meta[Key]) : value;
    },
    // Before the transaction, which would end while it waits.
    write: async (changes) => inner.write(await Promise.all(changes.map((change) => sealChange(change, seal)))),
    async message(id) {
      const message = await inner.message(id);
      return message && openMessage(message);
    },
    messages: async (...range) => Promise.all((await inner.messages(...range)).map(openMessage)),
    positions: () => inner.positions(),
    close: () => inner.close(),
  };
}

/** Returns a change as it is kept. */
export async function sealChange(change: Change, seal: Seal): Promise<Change> {
  if ("meta" in change) {
    const { meta, value } = change;
    if (PLAIN.includes(meta) || value === null) return change;
    const sealed: SealedValue = { sealed: await seal.seal(JSON.stringify(value)) };
    return { meta, value: sealed } as unknown as Change;
  }
  if ("message" in change && typeof change.message.text === "string") {
    return { message: { ...change.message, text: await seal.seal(change.message.text) } };
  }
  if ("text" in change && change.value !== null) return { text: change.text, value: await seal.seal(change.value) };
  return change;
}
