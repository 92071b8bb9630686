/** Loading history, on a new device and after a `reset`. */
import type { Api } from "../api.js";
import type { Change, Store, StoredMessage } from "../store.js";
import type { Conversation } from "../wire.js";
import { asKept } from "./kept.js";

/** Messages on a page. */
const PAGE = 100;
/** Most pages of one conversation: what is older is fetched when the person asks for it. */
const MAX_PAGES = 50;

/** What a reload works with. */
export interface Reload {
  api: Api;
  store: Store;
  me: number;
  /** The `seq` behind which the socket's own events begin: they come meanwhile. */
  startSeq: number;
  /** Messages of a conversation that are news, newest first. They are on disk. */
  onNews(messages: readonly StoredMessage[]): void;
}

/**
 * Loads all conversations: of each a page, what the person has not read, and as much as is here. News is what was not
 * here before, and of a conversation that was not here at all what is not read.
 */
export async function reload(parts: Reload): Promise<void> {
  const conversations = await allConversations(parts.api);
  for (const conversation of conversations) await loadConversation(parts, conversation);
  await parts.store.write([{ meta: "conversations", value: conversations }]);
}

/** Fetches all conversations, newest first. */
export async function allConversations(api: Api): Promise<Conversation[]> {
  const conversations: Conversation[] = [];
  for (let before: number | undefined; ; before = conversations.at(-1)?.seq) {
    const page = await api.conversations(before);
    if (page.length === 0) return conversations;
    conversations.push(...page);
  }
}

/** Each page is on disk before the next is fetched: what a screen reads meanwhile waits for one page at most. */
async function loadConversation(
  { api, store, me, startSeq, onNews }: Reload,
  conversation: Conversation,
): Promise<void> {
  const partner = conversation.partner.id;
  const read = conversation.read_up_to_id ?? 0;
  const newest = await newestUpTo(store, partner, startSeq);
  let oldest: number | undefined;
  let { unread } = conversation;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = (await api.messages(partner, oldest, PAGE)).map((message) => asKept(message, me));
    const to = oldest === undefined ? Math.max(page[0]?.id ?? 0, newest?.id ?? 0) : oldest - 1;
    // Behind the last page there is nothing.
    oldest = page.at(-1)?.id ?? 0;
    const held = await heldBetween(store, partner, oldest, to);
    const isEnd = (await store.messages(partner, oldest, 1)).length === 0;
    const known = new Set(page.map(({ id }) => id));
    const added = await store.write([
      ...positionsOf(conversation, me),
      ...page.map((message): Change => ({ message })),
      // What is held in this range, and was not read, is gone from the server.
      ...held.flatMap(({ id }) => (known.has(id) ? [] : [{ missing: id }])),
    ]);
    // What is newer than something that was here was missed. Anything else may be read already.
    const since = isEnd ? (held.at(-1)?.id ?? Infinity) : 0;
    const isNews = ({ id, sender_id }: StoredMessage) => id > since || (sender_id !== me && id > read);
    onNews(page.filter((message) => added.includes(message.id) && isNews(message)));
    // What has come since the conversations were fetched is not among those that they count.
    unread -= page.filter(({ seq, sender_id }) => seq <= conversation.seq && sender_id !== me).length;
    // What is held of a conversation is compared to its end: anything of it may have been deleted meanwhile. Behind that
    // something unread may be missing, when an earlier reload was cut off.
    if (page.length === 0 || (isEnd && (unread <= 0 || oldest <= read))) return;
  }
}

/** Returns the newest message with a partner that was here when the socket opened. */
async function newestUpTo(store: Store, partner: number, seq: number): Promise<StoredMessage | undefined> {
  for (let before: number | undefined; ;) {
    const page = await store.messages(partner, before, PAGE);
    const found = page.find((message) => message.seq <= seq);
    if (found || page.length < PAGE) return found;
    before = page.at(-1)?.id;
  }
}

/** Returns what the device holds from one id to another. Newer messages may have come meanwhile. */
async function heldBetween(store: Store, partner: number, from: number, to: number): Promise<StoredMessage[]> {
  const held: StoredMessage[] = [];
  for (let before = to + 1; ; before = held.at(-1)!.id) {
    const page = await store.messages(partner, before, PAGE);
    held.push(...page.filter(({ id }) => id >= from));
    if (page.length < PAGE || page.at(-1)!.id < from) return held;
  }
}

function positionsOf(conversation: Conversation, me: number): Change[] {
  const { conversation_id, partner, read_up_to_id, partner_read_up_to_id, partner_delivered_up_to_id } = conversation;
  const position = (user_id: number, kind: "delivered" | "read", up_to_id: number | null | undefined): Change[] =>
    up_to_id == null ? [] : [{ position: { conversation_id, user_id, kind, up_to_id } }];
  return [
    ...position(me, "read", read_up_to_id),
    ...position(partner.id, "read", partner_read_up_to_id),
    ...position(partner.id, "delivered", partner_delivered_up_to_id),
  ];
}
