import { fromBase64, toBase64 } from "../bytes.js";

/** Bytes of a key of AES-256. */
const KEY_BYTES = 32;

/**
 * The key of one file, which encrypts nothing else.
 *
 * Segments are encrypted by AES-256-GCM with nonces of the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár,
 * CRYPTO 2015): their number, and whether it is the last. So segments can be read one by one, and none can be left out,
 * moved, or cut from the end unnoticed.
 */
export class FileKey {
  private constructor(
    /** The key as 43 characters of base64url, for the message. */
    readonly text: string,
    readonly key: CryptoKey,
  ) {}

  /** Makes the key of a new file. */
  static random(): Promise<FileKey> {
    return FileKey.#of(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
  }

  /** Reads the key of a message. Fails when it is none. */
  static async parse(text: string): Promise<FileKey> {
    const bytes = fromBase64(text);
    if (bytes.length !== KEY_BYTES) throw new RangeError("not a key of a file");
    return FileKey.#of(bytes);
  }

  static async #of(bytes: Uint8Array<ArrayBuffer>): Promise<FileKey> {
    const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
    return new FileKey(toBase64Url(bytes), key);
  }

  /** Encrypts a segment, which grows by its tag. */
  async seal(number: number, isLast: boolean, segment: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await crypto.subtle.encrypt(parameters(number, isLast), this.key, segment));
  }

  /** Decrypts a segment. Fails unless it was encrypted with this key at this place. */
  async open(number: number, isLast: boolean, segment: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(number, isLast), this.key, segment));
  }
}

/** The nonce: seven zero bytes, the number of the segment in four, and 1 for the last one. */
function parameters(number: number, isLast: boolean): AesGcmParams {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setUint32(7, number);
  iv[11] = isLast ? 1 : 0;
  return { name: "AES-GCM", iv };
}

export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
