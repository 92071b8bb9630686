import {
  type Change,
  type Meta,
  type Position,
  type Store,
  type StoredMessage,
  emptyMeta,
  positionKey,
} from "../store.js";

/** Keeps everything in memory: for tests, and for programs that may forget. */
export function memory(): Store {
  const meta = emptyMeta();
  const messages = new Map<number, StoredMessage>();
  const gone = new Set<number>();
  const positions = new Map<string, Position>();

  /** Returns whether the change is a message that was not here before. */
  function apply(change: Change): boolean {
    if ("meta" in change) (meta[change.meta] as Meta[typeof change.meta]) = change.value;
    else if ("message" in change) {
      const { id } = change.message;
      if (gone.has(id) || messages.has(id)) return false;
      messages.set(id, change.message);
      return true;
    } else if ("text" in change) {
      const message = messages.get(change.text);
      if (message) messages.set(change.text, { ...message, text: change.value });
    } else if ("deleted" in change) {
      gone.add(change.deleted);
      messages.delete(change.deleted);
    } else if ("missing" in change) messages.delete(change.missing);
    else if ("deleted_before" in change) {
      for (const { id, timestamp } of messages.values()) if (timestamp < change.deleted_before) messages.delete(id);
    } else if ("position" in change) {
      const key = positionKey(change.position);
      if ((positions.get(key)?.up_to_id ?? 0) < change.position.up_to_id) positions.set(key, change.position);
    } else for (const all of [messages, positions, gone]) all.clear();
    return false;
  }

  return {
    get: async (key) => meta[key],
    write: async (changes) =>
      changes.flatMap((change) => (apply(change) && "message" in change ? change.message.id : [])),
    message: async (id) => messages.get(id),
    messages: async (partner, before = Infinity, limit) =>
      [...messages.values()]
        .filter((message) => message.partner_id === partner && message.id < before)
        .sort((one, other) => other.id - one.id)
        .slice(0, limit),
    positions: async () => [...positions.values()],
    close: () => {},
  };
}
