/** The list of conversations: what is on this device, put together anew wherever something has changed. */
import type { Client } from "../../../../sdk/typescript/src/index.js";
import { type Position, type Store, type StoredMessage, positionKey } from "../../../../sdk/typescript/src/store.js";
import type { Conversation, KeyedUser } from "../../../../sdk/typescript/src/wire.js";
import type { Chat } from "../bridge/protocol.js";
import { type Program, note, saveProgram } from "./program.js";
import { fingerprint } from "./safety.js";
import { shown } from "./shown.js";

/** Most messages that are counted as unread. */
const MAX_UNREAD = 100;
/** Changes within this time are shown together, in milliseconds. */
const GATHER_MS = 30;
/** Least time from one showing to the next, in milliseconds: each reads what is unread. */
const REST_MS = 250;
/** Most users whose presence the server watches for a socket. */
const MAX_WATCHED = 256;

export interface BookParts {
  client: Client;
  store: Store;
  me: number;
  program: Program;
  now(): string;
  onChats(chats: Chat[], isWhole: boolean): void;
}

export class Book {
  readonly #parts: BookParts;
  readonly #chats = new Map<number, Chat>();
  #list = new Map<number, Conversation>();
  readonly #changed = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flushedAt = 0;
  #loading: Promise<void> | null = null;
  #isOver = false;

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  /** Returns the conversations, newest first. */
  chats(): Chat[] {
    return [...this.#chats.values()].sort((one, other) => orderOf(other).localeCompare(orderOf(one)));
  }

  /** Shows what is here, without the network. */
  async open(): Promise<void> {
    await this.#take(await this.#parts.store.get("conversations"));
  }

  /** Fetches the list anew, once for all who ask meanwhile. */
  load(): Promise<void> {
    this.#loading ??= this.#parts.client
      .conversations()
      .then((list) => this.#take(list))
      .finally(() => (this.#loading = null));
    return this.#loading;
  }

  /** Has the server watch the newest partners: who became one since then was left out. */
  watch(): void {
    if (this.#isOver) return;
    const newest = this.chats().slice(0, MAX_WATCHED);
    this.#parts.client.watch(newest.map(({ partner }) => partner.id));
  }

  /** Puts a conversation together anew, soon. */
  touch(partner: number): void {
    this.#changed.add(partner);
    const wait = Math.max(GATHER_MS, this.#flushedAt + REST_MS - Date.now());
    this.#timer ??= setTimeout(() => void this.#flush(), wait);
  }

  touchAll(): void {
    for (const partner of this.#chats.keys()) this.touch(partner);
  }

  /** Returns a partner as the server described them last. */
  partner(id: number): KeyedUser | undefined {
    return this.#list.get(id)?.partner;
  }

  setBlocked(id: number, isBlocked: boolean): void {
    const conversation = this.#list.get(id);
    if (conversation) this.#list.set(id, { ...conversation, blocked: isBlocked });
    this.touch(id);
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  async #take(list: readonly Conversation[]): Promise<void> {
    const { program, store, now } = this.#parts;
    this.#list = new Map(list.map((conversation) => [conversation.partner.id, conversation]));
    const notes = list.map(({ partner }) => note(program, partner, now()));
    if (notes.includes(true)) await saveProgram(store, program);
    const partners = new Set([...this.#list.keys(), ...Object.keys(program.people).map(Number)]);
    const positions = await this.#positions();
    const chats = await Promise.all([...partners].map((partner) => this.#chat(partner, positions)));
    this.#chats.clear();
    for (const chat of chats) if (chat) this.#chats.set(chat.partner.id, chat);
    if (this.#isOver) return;
    this.#parts.onChats(this.chats(), true);
    if ((await store.get("tokens")) !== null) this.watch();
  }

  async #flush(): Promise<void> {
    this.#timer = undefined;
    this.#flushedAt = Date.now();
    const partners = [...this.#changed];
    this.#changed.clear();
    if (await this.#isNew(partners)) await this.load().catch(() => {});
    const positions = await this.#positions();
    const chats = (await Promise.all(partners.map((partner) => this.#chat(partner, positions)))).filter(
      (chat) => chat !== null,
    );
    for (const chat of chats) this.#chats.set(chat.partner.id, chat);
    if (chats.length > 0 && !this.#isOver) this.#parts.onChats(chats, false);
  }

  /** Returns whether there is a conversation among these that the list does not have. */
  async #isNew(partners: readonly number[]): Promise<boolean> {
    const { store, program } = this.#parts;
    for (const partner of partners) {
      if (this.#list.has(partner) || program.people[partner]?.isGone) continue;
      if ((await store.messages(partner, undefined, 1)).length > 0) return true;
    }
    return false;
  }

  async #positions(): Promise<Map<string, number>> {
    const positions = await this.#parts.store.positions();
    return new Map(positions.map((position) => [positionKey(position), position.up_to_id]));
  }

  async #chat(id: number, positions: ReadonlyMap<string, number>): Promise<Chat | null> {
    const { client, store, me, program } = this.#parts;
    const conversation = this.#list.get(id);
    const notes = program.people[id];
    if (!notes) return null;
    const [last] = await client.here(id, 1);
    const draft = program.drafts[id] ?? "";
    // Of a person without a word there is no conversation; of oneself only when there is one.
    if (!last && !conversation && draft === "") return null;
    const conversation_id = last?.conversation_id ?? conversation?.conversation_id ?? 0;
    const upTo = (user_id: number, kind: Position["kind"]) =>
      positions.get(positionKey({ conversation_id, user_id, kind })) ?? 0;
    const readUpTo = Math.max(upTo(me, "read"), conversation?.read_up_to_id ?? 0);
    const isVerified =
      notes.verified !== undefined && conversation !== undefined
        ? notes.verified === (await fingerprint(conversation.partner.public_key))
        : notes.verified !== undefined;
    return {
      partner: { id, name: notes.name },
      last: last ? shown(last, me) : null,
      unread: id === me ? 0 : unreadIn(await store.messages(id, undefined, MAX_UNREAD), readUpTo, me),
      readUpTo,
      partnerReadUpTo: Math.max(upTo(id, "read"), conversation?.partner_read_up_to_id ?? 0),
      partnerDeliveredUpTo: Math.max(upTo(id, "delivered"), conversation?.partner_delivered_up_to_id ?? 0),
      isBlocked: conversation?.blocked ?? false,
      isGone: notes.isGone ?? false,
      draft,
      expiresInS: program.timers[id] ?? null,
      keyChanges: notes.changes,
      isVerified,
      mustConfirmKey: notes.verified !== undefined && !isVerified,
    };
  }
}

function unreadIn(newest: readonly StoredMessage[], readUpTo: number, me: number): number {
  return newest.filter(({ id, sender_id }) => sender_id !== me && id > readUpTo).length;
}

function orderOf({ last }: Chat): string {
  return last?.timestamp ?? "";
}
