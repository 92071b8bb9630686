/** Returns a UUID of version 7 (RFC 9562, section 5.7): ordered by time, which keeps the server's index fast. */
export function uuidv7(now = Date.now()): string {
  const time = now.toString(16).padStart(12, "0");
  // A random one of version 4 has its variant where this one has it, and random bits behind its version.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
}
