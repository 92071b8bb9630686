/** The plaintext of a message that names files. */

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

function isEntry(value: unknown): value is FileEntry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Record<string, unknown>;
  const { size, thumbnail } = entry;
  const hasTexts = Object.entries(FIELDS).every(([name, type]) => typeof entry[name] === type);
  const hasSize = Number.isSafeInteger(size) && (size as number) >= 0;
  return hasTexts && hasSize && (thumbnail === undefined || typeof thumbnail === "string");
}
