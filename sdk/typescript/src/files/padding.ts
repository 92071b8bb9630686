/** Padding, so that the size of a ciphertext says little about the size of its file. */

/** Bytes of each encrypted segment but the last, which may have fewer. */
export const SEGMENT = 65_536;
/** Bytes that encryption adds to a segment: the tag of AES-GCM. */
export const TAG = 16;
/** Bytes of a segment before it is encrypted. */
export const PLAIN_SEGMENT = SEGMENT - TAG;
/** Files are padded to so many bytes at least. */
const SMALLEST = 4_096;

/**
 * Returns to how many bytes a file of `size` is padded before it is encrypted, where its ciphertext may have at most
 * `limit` bytes; nothing when that has no room for the file. By Padmé (Nikitin et al., PoPETs 2019, section 4).
 */
export function padded(size: number, limit: number): number | undefined {
  const most = largestWithin(limit);
  return size > most ? undefined : Math.min(padme(Math.max(size, SMALLEST)), most);
}

/** Returns how many bytes a ciphertext has for so many bytes. */
export function sealedSize(paddedSize: number): number {
  return paddedSize + Math.max(1, Math.ceil(paddedSize / PLAIN_SEGMENT)) * TAG;
}

/** Returns how many bytes, padding included, a ciphertext of this size has. */
export function largestWithin(limit: number): number {
  return Math.floor(limit / SEGMENT) * PLAIN_SEGMENT + Math.max(0, (limit % SEGMENT) - TAG);
}

/** Rounds up until the last bits are zero. Numbers may be above 32 bits, which JavaScript's own operators cut. */
function padme(size: number): number {
  const exponent = size.toString(2).length - 1;
  const unit = 2 ** (exponent - exponent.toString(2).length);
  return Math.ceil(size / unit) * unit;
}
