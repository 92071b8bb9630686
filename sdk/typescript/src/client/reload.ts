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
 * Loads all conversations: of each that is new to this device a page and what the person has not read, of each other as
 * much as is here. News is what was not here before, and of a conversation that was not here at all what is not read.
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

async function loadConversation(
  { api, store, me, startSeq, onNews }: Reload,
  conversation: Conversation,
): Promise<void> {
  const partner = conversation.partner.id;
  const read = conversation.read_up_to_id ?? 0;
  const newest = await newestUpTo(store, partner, startSeq);
  const loaded: StoredMessage[] = [];
  let isWhole = false;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await api.messages(partner, loaded.at(-1)?.id, PAGE);
    loaded.push(...page.map((message) => asKept(message, me)));
    isWhole = page.length === 0;
    if (isWhole) break;
    const oldest = loaded.at(-1)?.id ?? 0;
    // What is held of a conversation is compared to its end: anything of it may have been deleted meanwhile.
    const isCovered = newest
      ? (await store.messages(partner, oldest, 1)).length === 0
      : loaded.length >= conversation.unread || oldest <= read;
    if (isCovered) break;
  }
  const changes: Change[] = positionsOf(conversation, me);
  const from = isWhole ? 0 : (loaded.at(-1)?.id ?? 0);
  const to = Math.max(loaded[0]?.id ?? 0, newest?.id ?? 0);
  const known = new Set((await heldBetween(store, partner, from, to)).map(({ id }) => id));
  for (const { id } of loaded) known.delete(id);
  changes.push(...loaded.map((message): Change => ({ message })));
  // What is left in the range that was read is gone from the server.
  changes.push(...Array.from(known, (id): Change => ({ missing: id })));
  const added = new Set(await store.write(changes));
  const isNews = ({ id, sender_id }: StoredMessage) => newest !== undefined || (sender_id !== me && id > read);
  onNews(loaded.filter((message) => added.has(message.id) && isNews(message)));
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
