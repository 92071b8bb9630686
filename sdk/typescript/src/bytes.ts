/** Bytes, and their base64 (RFC 4648). */

/** Bytes that are turned into characters at once: more arguments than this may be too many. */
const AT_ONCE = 8_192;

export function toBase64(bytes: ArrayBuffer | Uint8Array): string {
  const all = new Uint8Array(bytes);
  let text = "";
  for (let at = 0; at < all.length; at += AT_ONCE) text += String.fromCharCode(...all.subarray(at, at + AT_ONCE));
  return btoa(text);
}

/** Reads base64 with or without padding, of either alphabet. Fails for anything else. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

/** Returns bytes behind others. */
export function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
