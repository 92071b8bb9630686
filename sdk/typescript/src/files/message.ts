/** The plaintext of a message that names files, and what its sender commits to. */
import { toBase64Url } from "./key.js";
import { fromBase64 } from "../base64.js";

/** The `message_type`. */
export const FILE = "file";

/** A file, as the message that names it describes it. */
export interface FileEntry {
  /** The id that the server gave it. */
  id: string;
  /** Its name, for people. Anything may be in it. */
  file_name: string;
  /** Its media type, to choose a viewer. Never trust it. */
  file_type: string;
  /** Its size in bytes, without padding. */
  size: number;
  /** The key, as 43 characters of base64url. */
  encryption_key: string;
  /** The SHA-256 of the ciphertext, 64 hexadecimal digits. */
  sha256: string;
  /** A small picture, in base64. */
  thumbnail?: string;
}

/** What a message with files says. */
export interface FileMessage {
  /** A caption. */
  text: string | null;
  files: FileEntry[];
}

/** Stands between a plaintext and its franking key. */
const MEMBER = ',"franking_key":"';
/** Keeps franking apart from every other use of such a key. */
const CONTEXT = "fluent-frank-1\0";
/** Fields of an entry, with the type of their values. */
const FIELDS = { id: "string", file_name: "string", file_type: "string", encryption_key: "string", sha256: "string" };

/** Reads a plaintext. Returns `null` when it is none, or of a later version. */
export function parseFiles(plaintext: string): FileMessage | null {
  let said: { v?: unknown; text?: unknown; files?: unknown };
  try {
    said = JSON.parse(plaintext) as typeof said;
  } catch {
    return null;
  }
  if (said?.v !== 1 || !Array.isArray(said.files) || !said.files.every(isEntry)) return null;
  return { text: typeof said.text === "string" ? said.text : null, files: said.files };
}

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

function isEntry(value: unknown): value is FileEntry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Record<string, unknown>;
  const { size, thumbnail } = entry;
  const hasTexts = Object.entries(FIELDS).every(([name, type]) => typeof entry[name] === type);
  const hasSize = Number.isSafeInteger(size) && (size as number) >= 0;
  return hasTexts && hasSize && (thumbnail === undefined || typeof thumbnail === "string");
}
