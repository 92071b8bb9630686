/** Server-sent events (HTML §9.2), read from a stream: `EventSource` can send no token. Pure. */

/** One event. */
export interface ServerEvent {
  type: string;
  data: string;
  id: string | null;
}

/** Most characters of an event that has not ended: the history of a quarter of an hour takes some 200,000. */
const MAX_PENDING = 8_000_000;

/** Puts the events of a stream together from its pieces of text. */
export class EventReader {
  private pending = "";

  /** Takes a piece, and returns the events that it completes. Throws when an event does not end. */
  push(piece: string): ServerEvent[] {
    const text = this.pending + piece;
    const blocks = text.split(/\r\n\r\n|\n\n|\r\r/);
    this.pending = blocks.pop() ?? "";
    if (this.pending.length > MAX_PENDING) throw new Error("an event does not end");
    return blocks.map(parse).filter((event) => event !== null);
  }
}

function parse(block: string): ServerEvent | null {
  const event: ServerEvent = { type: "message", data: "", id: null };
  const data: string[] = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(":");
    // A line that begins with a colon is a comment.
    if (colon === 0) continue;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event.type = value;
    else if (name === "data") data.push(value);
    else if (name === "id") event.id = value;
  }
  if (data.length === 0) return null;
  event.data = data.join("\n");
  return event;
}
