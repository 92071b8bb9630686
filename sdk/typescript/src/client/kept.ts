/** What a frame of the server changes on the device. */
import type { Change, StoredMessage } from "../store.js";
import type { EventFrame, HistoryMessage } from "../wire.js";

/** Returns a message of the wire as user `me` keeps it. */
export function asKept(message: HistoryMessage | Extract<EventFrame, { type: "message" }>, me: number): StoredMessage {
  const { type: _, ...fields } = { type: "", ...message };
  // REST says null where a frame leaves a field out.
  const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
  const { sender_id, receiver_id } = message;
  return { ...(present as Omit<StoredMessage, "partner_id">), partner_id: sender_id === me ? receiver_id : sender_id };
}

/** Returns the changes that an event makes. `text`: what a message says, if that is known already. */
export function changesOf(frame: EventFrame, me: number, text: string | undefined): Change[] {
  switch (frame.type) {
    case "message":
      return [{ message: { ...asKept(frame, me), ...(text === undefined ? {} : { text }) } }];
    case "deleted":
      return [{ deleted: frame.id }];
    case "deleted_before":
      return [{ deleted_before: frame.timestamp }];
    case "receipt": {
      const { conversation_id, user_id, kind, up_to_id } = frame;
      return up_to_id > 0 ? [{ position: { conversation_id, user_id, kind, up_to_id } }] : [];
    }
    // They change nothing that is kept here: the program is told.
    case "key_changed":
    case "user_deleted":
    case "block":
      return [];
  }
}
