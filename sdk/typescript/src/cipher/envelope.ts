/** Plaintexts that are too long for RSA: RSA encrypts a key, and the key encrypts the plaintext (docs/protocol.md). */
import { joined } from "../bytes.js";

/** Bytes of what RSA-2048 makes. */
const RSA_BYTES = 256;
/** Bytes of a content key: AES-256. It encrypts nothing else, so its nonce is zero. */
const KEY_BYTES = 32;
const ALGORITHM = { name: "AES-GCM", iv: new Uint8Array(12) };

/** Encrypts under a new key, which `encryptKey` encrypts for the reader. */
export async function sealEnvelope(
  plaintext: Uint8Array<ArrayBuffer>,
  encryptKey: (key: Uint8Array) => Uint8Array,
): Promise<Uint8Array> {
  const raw = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return joined(encryptKey(raw), await sealContent(raw, plaintext));
}

/** Decrypts what {@link sealEnvelope} has made. Fails whatever is wrong with it. */
export async function openEnvelope(
  envelope: Uint8Array<ArrayBuffer>,
  decryptKey: (sealed: Uint8Array) => Uint8Array,
): Promise<Uint8Array> {
  const raw = new Uint8Array(decryptKey(envelope.subarray(0, RSA_BYTES)));
  if (raw.length !== KEY_BYTES) throw new RangeError("not a content key");
  return openContent(raw, envelope.subarray(RSA_BYTES));
}

/** Encrypts by a content key. */
export async function sealContent(raw: Uint8Array<ArrayBuffer>, plaintext: Uint8Array<ArrayBuffer>) {
  return new Uint8Array(await crypto.subtle.encrypt(ALGORITHM, await keyOf(raw, "encrypt"), plaintext));
}

/** Decrypts by a content key. */
export async function openContent(raw: Uint8Array<ArrayBuffer>, sealed: Uint8Array<ArrayBuffer>) {
  return new Uint8Array(await crypto.subtle.decrypt(ALGORITHM, await keyOf(raw, "decrypt"), sealed));
}

function keyOf(raw: Uint8Array<ArrayBuffer>, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, [usage]);
}
