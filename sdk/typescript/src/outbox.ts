/**
 * Messages that the server has not stored yet, in the order in which they were written.
 *
 * The outbox is kept on disk, ciphertexts included: encryption is randomised, and a resend must carry the same bytes.
 * A message is on disk before it is sent first, and is removed only when it is stored or the person discards it.
 */
import type { Draft } from "./wire.js";

/** Most sends without a reply, if the server allows so many. */
const WINDOW = 32;
/** Most times that a message is encrypted anew: no user changes the key more often meanwhile. */
const MAX_RENEWALS = 3;

/** A message of the outbox. */
export interface OutboxItem {
  draft: Draft;
  /** The error code because of which it is not sent again. */
  failed: string | null;
  /** What happens to it on this socket; not kept on disk. */
  state: "waiting" | "sent" | "renewing";
  renewals: number;
}

/** The messages that are not stored yet. */
export interface Outbox {
  items: OutboxItem[];
  /** The server's limit, once it is known. */
  in_flight: number | null;
}

/** Makes an outbox of the messages on disk. */
export function makeOutbox(saved: readonly SavedItem[]): Outbox {
  const items = saved.map(({ draft, failed }): OutboxItem => ({ draft, failed, state: "waiting", renewals: 0 }));
  return { items, in_flight: null };
}

/** What the disk keeps of a message. */
export type SavedItem = Pick<OutboxItem, "draft" | "failed">;

/** Returns what the disk keeps. */
export function savedItems(outbox: Outbox): SavedItem[] {
  return outbox.items.map(({ draft, failed }) => ({ draft, failed }));
}

/** Adds a message. */
export function push(outbox: Outbox, draft: Draft): void {
  outbox.items.push({ draft, failed: null, state: "waiting", renewals: 0 });
}

/**
 * Returns the next message for this socket. A message that is being encrypted anew holds up later ones to the same
 * receiver, and so does one on its way with another key, which may have to be.
 */
export function takeNext(outbox: Outbox): Draft | undefined {
  const window = Math.min(Math.max(outbox.in_flight ?? WINDOW, 1), WINDOW);
  if (outbox.items.filter((item) => item.state === "sent").length >= window) return undefined;
  const heldUp = new Set<number>();
  const sentWith = new Map<number, string | null>();
  for (const item of outbox.items) {
    if (item.failed !== null) continue;
    const { to } = item.draft;
    const key = item.draft.receiver_key_id ?? null;
    const hasOtherKey = sentWith.has(to) && sentWith.get(to) !== key;
    if (item.state === "waiting" && !hasOtherKey && !heldUp.has(to)) {
      item.state = "sent";
      return item.draft;
    }
    if (item.state !== "sent" || hasOtherKey) heldUp.add(to);
    sentWith.set(to, key);
  }
  return undefined;
}

/** Handles the end of the socket: the next one will send the messages without a reply. */
export function closeOutbox(outbox: Outbox): void {
  for (const item of outbox.items) if (item.state === "sent") item.state = "waiting";
}

/** Removes a message that the server has stored. */
export function confirm(outbox: Outbox, clientId: string): Draft | undefined {
  const index = outbox.items.findIndex((item) => item.draft.client_id === clientId);
  return index < 0 ? undefined : outbox.items.splice(index, 1)[0]?.draft;
}

/** Removes a message that the person gives up. Only one that has failed: any other may be on its way. */
export function discard(outbox: Outbox, clientId: string): void {
  outbox.items = outbox.items.filter(({ draft, failed }) => failed === null || draft.client_id !== clientId);
}

/** Puts back a message that may succeed later. */
export function putBack(outbox: Outbox, clientId: string): void {
  const item = find(outbox, clientId);
  if (item) item.state = "waiting";
}

/** Marks a message as failed. It stays until the person decides. */
export function fail(outbox: Outbox, clientId: string, code: string): Draft | undefined {
  const item = find(outbox, clientId);
  if (!item) return undefined;
  item.failed = code;
  item.state = "waiting";
  return item.draft;
}

/** Returns the largest message on its way, which is the one that exceeded the limit of a frame, if any did. */
export function largestOnItsWay(outbox: Outbox): string | undefined {
  const size = ({ draft }: OutboxItem) => draft.receiver_encrypted.length + draft.sender_encrypted.length;
  const sent = outbox.items.filter((item) => item.state === "sent");
  return sent.reduce<OutboxItem | undefined>((max, item) => (max && size(max) > size(item) ? max : item), undefined)
    ?.draft.client_id;
}

/** Handles a message that was encrypted with a former key of the receiver. */
export function renew(outbox: Outbox, clientId: string): { draft: Draft; isGivenUp: boolean } | undefined {
  const item = find(outbox, clientId);
  if (!item) return undefined;
  item.renewals += 1;
  const isGivenUp = item.renewals > MAX_RENEWALS;
  if (!isGivenUp) item.state = "renewing";
  return { draft: item.draft, isGivenUp };
}

/** Replaces a message by its newly encrypted version. */
export function replace(outbox: Outbox, clientId: string, draft: Draft): void {
  const item = find(outbox, clientId);
  if (!item) return;
  if (item.failed !== null) item.renewals = 0;
  Object.assign(item, { draft, state: "waiting", failed: null });
}

/** Removes the failed messages. */
export function discardFailed(outbox: Outbox): void {
  outbox.items = outbox.items.filter((item) => item.failed === null);
}

function find(outbox: Outbox, clientId: string): OutboxItem | undefined {
  return outbox.items.find((item) => item.draft.client_id === clientId);
}
