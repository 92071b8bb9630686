/** Secrets under a passphrase: Argon2id (RFC 9106) and AES-256-GCM. */
import { fromBase64, toBase64 } from "../../../../sdk/typescript/src/bytes.js";

/** Memory in KiB and passes: about a second of work for each guess on today's machines. */
const COST = { m: 65_536, t: 3, p: 1 };
/** Most memory that a file may ask for, in KiB. */
const MAX_MEMORY = 1_048_576;

/** A secret as it is kept. Bytes are in base64. */
export interface Box {
  v: 1;
  kdf: "argon2id";
  /** Memory in KiB. */
  m: number;
  /** Passes. */
  t: number;
  p: number;
  salt: string;
  nonce: string;
  box: string;
}

/** The passphrase does not open the box, or the box is damaged. */
export class WrongPassphrase extends Error {
  override readonly name = "WrongPassphrase";
}

/** Encrypts a secret under a passphrase. */
export async function boxUp(secret: Uint8Array<ArrayBuffer>, passphrase: string): Promise<Box> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const key = await derive(passphrase, salt, COST);
  const box = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, key, secret);
  const bytes = { salt: toBase64(salt), nonce: toBase64(nonce), box: toBase64(new Uint8Array(box)) };
  return { v: 1, kdf: "argon2id", ...COST, ...bytes };
}

/** Decrypts a secret. Fails with {@link WrongPassphrase}. */
export async function unbox(box: Box, passphrase: string): Promise<Uint8Array<ArrayBuffer>> {
  const isSane = box.v === 1 && box.kdf === "argon2id" && box.m <= MAX_MEMORY && box.t <= 64 && box.p <= 16;
  if (!isSane) throw new WrongPassphrase("not a box of this program");
  const key = await derive(passphrase, fromBase64(box.salt), box);
  try {
    const parameters = { name: "AES-GCM", iv: fromBase64(box.nonce) };
    return new Uint8Array(await crypto.subtle.decrypt(parameters, key, fromBase64(box.box)));
  } catch {
    throw new WrongPassphrase("the passphrase is wrong");
  }
}

async function derive(passphrase: string, salt: Uint8Array, cost: Pick<Box, "m" | "t" | "p">): Promise<CryptoKey> {
  // Loaded when it is needed: most people never do.
  const { argon2id } = await import("@noble/hashes/argon2.js");
  const { m, t, p } = cost;
  const raw = argon2id(passphrase.normalize("NFKC"), salt, { m, t, p, dkLen: 32 }) as Uint8Array<ArrayBuffer>;
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}
