/** What the person has seen of each partner's messages, until the server has taken it. */
import type { ReadFrame } from "./wire.js";

/** Prefix of the `ref` of a `read`, before the ids of the partner and the message. */
const PREFIX = "read-";

/** The positions of the person, by the partner's id. */
export interface Reads {
  partners: Record<string, Position>;
}

interface Position {
  up_to: number;
  answered: number;
  /** The position that was sent on this socket. */
  sent: number;
}

/** Records that the person has seen the partner's message `id`, and those before it. */
export function seen(reads: Reads, partner: number, id: number): void {
  const position = (reads.partners[partner] ??= { up_to: 0, answered: 0, sent: 0 });
  position.up_to = Math.max(position.up_to, id);
}

/** Returns the next frame for this socket. */
export function takeRead(reads: Reads): ReadFrame | undefined {
  // Keys that are whole numbers are listed in their order.
  for (const [partner, position] of Object.entries(reads.partners)) {
    const { up_to, answered, sent } = position;
    if (up_to <= Math.max(sent, answered)) continue;
    position.sent = up_to;
    return { type: "read", partner_id: Number(partner), up_to_id: up_to, ref: `${PREFIX}${partner}-${up_to}` };
  }
  return undefined;
}

/**
 * Handles the reply or error to the frame with this `ref`. The server may lower the position to what exists: the
 * position of the request counts here, and a later one has its own reply.
 */
export function answered(reads: Reads, ref: unknown): void {
  const found = find(reads, ref);
  if (found) found.position.answered = Math.max(found.position.answered, found.upTo);
}

/** Makes the frame with this `ref` be sent again. Returns `false` when it is no `read`. */
export function putReadBack(reads: Reads, ref: unknown): boolean {
  const found = find(reads, ref);
  if (found) found.position.sent = found.position.answered;
  return found !== undefined;
}

/** Handles the end of the socket. */
export function closeReads(reads: Reads): void {
  for (const position of Object.values(reads.partners)) position.sent = position.answered;
}

function find(reads: Reads, ref: unknown): { position: Position; upTo: number } | undefined {
  const match = typeof ref === "string" ? /^read-(\d+)-(\d+)$/.exec(ref) : null;
  const position = match && reads.partners[match[1]!];
  return position ? { position, upTo: Number(match[2]) } : undefined;
}
