/** What the sender of a message with files commits to, so that its receiver can prove what it says. */
import { fromBase64 } from "../bytes.js";
import { toBase64Url } from "./key.js";
import type { FileMessage } from "./message.js";

/** Stands between a plaintext and its franking key. */
const MEMBER = ',"franking_key":"';
/** Keeps franking apart from every other use of such a key. */
const CONTEXT = "fluent-frank-1\0";
/** Writes a message with a new franking key. Returns the plaintext, and the tag that commits to it. */
export function writeFiles(message: FileMessage): Promise<{ plaintext: string; tag: string }> {
  const { text, files } = message;
  const plaintext = JSON.stringify({ v: 1, ...(text === null ? {} : { text }), files });
  return franked(plaintext, crypto.getRandomValues(new Uint8Array(32)));
}

/** Puts a franking key into a plaintext. */
export async function franked(plaintext: string, key: Uint8Array<ArrayBuffer>) {
  const member = `${MEMBER}${toBase64Url(key)}"}`;
  return { plaintext: plaintext.slice(0, -1) + member, tag: toBase64Url(await hmac(plaintext, key)) };
}

/** Takes the franking key out of a plaintext, and returns both; nothing when there is none at its end. */
export function unfranked(plaintext: string): { key: Uint8Array<ArrayBuffer>; committed: string } | undefined {
  const at = plaintext.lastIndexOf(MEMBER);
  const key = at < 0 ? null : /^([\w-]{43})"}$/.exec(plaintext.slice(at + MEMBER.length));
  return key ? { key: fromBase64(key[1]!), committed: `${plaintext.slice(0, at)}}` } : undefined;
}

/** Returns whether what a message says is what its sender has committed to; so it is when they commit to nothing. */
export async function isCommitted(plaintext: string, tag: string | null | undefined): Promise<boolean> {
  const found = unfranked(plaintext);
  if (tag == null || !found) return tag == null && !found;
  return toBase64Url(await hmac(found.committed, found.key)) === tag;
}

async function hmac(plaintext: string, raw: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(CONTEXT + plaintext)));
}
