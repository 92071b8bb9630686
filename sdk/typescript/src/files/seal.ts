/** Encrypts and decrypts files part by part: no more than a part of one is in memory. */
import { sha256 } from "@noble/hashes/sha2.js";
import { FileError } from "./error.js";
import { FileKey, toHex } from "./key.js";
import type { FileEntry } from "./message.js";
import { PLAIN_SEGMENT, SEGMENT, largestWithin, padded, sealedSize } from "./padding.js";

/** Segments of a part. */
const SEGMENTS = 16;
/** Bytes of each part but the last: what is read, written and sent at once. */
export const PART = SEGMENTS * SEGMENT;

/** What may be given for anything that takes long. */
export interface Work {
  /** Ends it; it fails with the reason of the signal. */
  signal?: AbortSignal;
  /** Is told how many bytes of how many are done. */
  onProgress?(done: number, total: number): void;
}

/** What a ciphertext is called in its message. */
export interface Sealed {
  size: number;
  sha256: string;
}

/** Encrypts a file, and hands over its ciphertext in parts, each after the one before is taken. */
export async function seal(
  key: FileKey,
  source: Blob,
  limit: number,
  take: (part: Uint8Array<ArrayBuffer>, index: number) => Promise<void>,
  { signal, onProgress }: Work = {},
): Promise<Sealed> {
  const plainSize = padded(source.size, limit);
  if (plainSize === undefined) throw new FileError("file_too_large");
  const size = sealedSize(plainSize);
  const hash = sha256.create();
  for (let at = 0, index = 0; at < size; at += PART, index++) {
    signal?.throwIfAborted();
    const part = new Uint8Array(Math.min(PART, size - at));
    for (let offset = 0; offset < part.length; offset += SEGMENT) {
      const number = (at + offset) / SEGMENT;
      const from = number * PLAIN_SEGMENT;
      const isLast = at + offset + SEGMENT >= size;
      const plain = new Uint8Array(Math.min(PLAIN_SEGMENT, plainSize - from));
      plain.set(await read(source, from, from + plain.length));
      part.set(await key.seal(number, isLast, plain), offset);
    }
    hash.update(part);
    await take(part, index);
    onProgress?.(Math.min(at + PART, size), size);
  }
  return { size, sha256: toHex(hash.digest()) };
}

/**
 * Decrypts a file from the parts of its ciphertext, `size` bytes in all. What it returns is on the disk of a browser that
 * has no room in memory. Fails with `file_damaged` when a bit of it is not what the message describes.
 */
export async function open(
  file: Pick<FileEntry, "encryption_key" | "sha256" | "size">,
  size: number,
  give: (index: number) => Promise<Uint8Array<ArrayBuffer>>,
  { signal }: Work = {},
): Promise<Blob> {
  const damaged = (error: unknown): never => {
    throw new FileError("file_damaged", { cause: error });
  };
  const key = await FileKey.parse(file.encryption_key).catch(damaged);
  if (file.size > largestWithin(size)) damaged("it is larger than its ciphertext");
  const hash = sha256.create();
  const plain: Blob[] = [];
  let left = file.size;
  for (let at = 0, index = 0; at < size; at += PART, index++) {
    signal?.throwIfAborted();
    const part = await give(index);
    if (part.length !== Math.min(PART, size - at)) damaged("a part has another size");
    hash.update(part);
    const segments: Uint8Array<ArrayBuffer>[] = [];
    for (let offset = 0; offset < part.length; offset += SEGMENT) {
      const isLast = at + offset + SEGMENT >= size;
      const segment = part.subarray(offset, offset + SEGMENT);
      const opened = await key.open((at + offset) / SEGMENT, isLast, segment).catch(damaged);
      segments.push(opened.subarray(0, left));
      left -= Math.min(left, opened.length);
    }
    plain.push(new Blob(segments));
  }
  if (toHex(hash.digest()) !== file.sha256) damaged("it has another digest");
  return new Blob(plain);
}

async function read(source: Blob, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
  const end = Math.min(to, source.size);
  if (from >= end) return new Uint8Array();
  try {
    const bytes = new Uint8Array(await source.slice(from, end).arrayBuffer());
    if (bytes.length !== end - from) throw new RangeError("it has become shorter");
    return bytes;
  } catch (error) {
    throw new FileError("file_changed", { cause: error });
  }
}
