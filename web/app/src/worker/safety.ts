/** Safety numbers: what two people compare to know that no server has put another key between them. */

/** Rounds of hashing, as Signal has them: a number that looks like another costs so much more. */
const ROUNDS = 5_200;
/** The version of this construction. */
const VERSION = new Uint8Array([0, 1]);

/** A user and the key: SPKI in base64, as the server keeps it. */
export interface Keyholder {
  id: number;
  public_key: string;
}

/**
 * Returns twelve groups of five digits, the same for both: the thirty digits of each user in the order of the numbers.
 * Thirty digits are the first 30 bytes of `SHA-512` over version, key and user id, hashed {@link ROUNDS} times with the
 * key, in groups of five bytes modulo 100,000.
 */
export async function safetyNumber(one: Keyholder, other: Keyholder): Promise<string[]> {
  const halves = await Promise.all([digitsOf(one), digitsOf(other)]);
  return halves.sort().join("").match(/\d{5}/g) ?? [];
}

/** Returns the name of a key by which a verification is remembered: SHA-256 of its text, in hex. */
export async function fingerprint(publicKey: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(publicKey));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function digitsOf({ id, public_key }: Keyholder): Promise<string> {
  const key = Uint8Array.from(atob(public_key), (character) => character.charCodeAt(0));
  const name = new TextEncoder().encode(String(id));
  let hash = await sha512(VERSION, key, name);
  for (let round = 0; round < ROUNDS; round++) hash = await sha512(hash, key);
  const groups = Array.from({ length: 6 }, (_, index) => {
    const five = hash.subarray(index * 5, index * 5 + 5);
    const number = five.reduce((sum, byte) => sum * 256 + byte, 0);
    return String(number % 100_000).padStart(5, "0");
  });
  return groups.join("");
}

async function sha512(...parts: Uint8Array[]): Promise<Uint8Array> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-512", bytes));
}
