/** A place in the server's stream of events, `epoch:seq`. Another epoch is another store. */
export type Cursor = string;

/** Makes the cursor behind event `seq` of the store that `epoch` names. */
export function cursorAt(epoch: string, seq: number): Cursor {
  return `${epoch}:${seq}`;
}

/** Returns the name of the store, which may only be compared. */
export function epochOf(cursor: Cursor): string {
  return cursor.slice(0, cursor.lastIndexOf(":"));
}

/** Returns the number of the event. */
export function seqOf(cursor: Cursor): number {
  return Number(cursor.slice(cursor.lastIndexOf(":") + 1));
}

/** Returns whether a text is a cursor: an epoch, a colon and a whole number below 2^53. */
export function isCursor(text: unknown): text is Cursor {
  return typeof text === "string" && /:\d{1,16}$/.test(text) && Number.isSafeInteger(seqOf(text));
}
