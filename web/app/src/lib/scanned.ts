/** What a scanned code says of a safety number. Pure. */

/** What the code of a safety number begins with. */
const KIND = "fluent-safety:";

/**
 * Returns what a code that the camera has read says: the same safety number as ours, another one, or nothing of a safety
 * number.
 */
export function judge(read: string, ours: string): "same" | "differs" | "other" {
  if (read === ours) return "same";
  // A later version of the code says nothing to this program.
  const version = ours.slice(0, ours.lastIndexOf(":") + 1);
  return read.startsWith(KIND) && read.startsWith(version) ? "differs" : "other";
}
