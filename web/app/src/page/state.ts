/** What a page shows, as signals. */
import { computed, signal } from "@preact/signals";
import type {
  AppState,
  Arrival,
  Chat,
  News,
  Pending,
  Person,
  Presence,
  Progress,
  Snapshot,
} from "../bridge/protocol.js";
import { Conversation } from "./conversation.js";

/** What typing lapses after, in milliseconds: docs/protocol.md. */
const TYPING_MS = 6_000;
/** The longest time for which a message that has left the outbox is shown until it comes back, in milliseconds. */
const LEAVING_MS = 5_000;

export const app = signal<AppState>({
  phase: "starting",
  user: null,
  known: [],
  signedOut: null,
  connection: "signed_out",
  hasPassphrase: false,
  isPersisted: null,
  clockOffsetMs: 0,
  mediaBytes: null,
});
export const chats = signal<readonly Chat[]>([]);
export const pending = signal<readonly Pending[]>([]);
export const presence = signal<ReadonlyMap<number, Presence>>(new Map());
/** Files on their way, by their keys. */
export const transfers = signal<ReadonlyMap<string, Progress>>(new Map());
/** Files that are chosen, and sent with what is being written. */
export const staged = signal<readonly File[]>([]);
/** Counts up when a message has become larger than it was drawn. */
export const grown = signal(0);
export const typing = signal<ReadonlySet<number>>(new Set());
/** The conversation on the screen. */
export const conversation = signal<Conversation | null>(null);
/** Whether somebody looks at this page. */
export const isLookedAt = signal(document.visibilityState === "visible" && document.hasFocus());
/** Whether another version of the program waits. */
export const update = signal<{ worker: ServiceWorker; version: string } | null>(null);

export const unread = computed(() => chats.value.reduce((sum, chat) => sum + chat.unread, 0));

export function chatWith(partner: number): Chat | undefined {
  return chats.value.find((chat) => chat.partner.id === partner);
}

export function isSelf(person: Person): boolean {
  return person.id === app.value.user?.id;
}

/** Returns the time by the server's clock, in milliseconds since 1970. */
export function now(): number {
  return Date.now() + app.value.clockOffsetMs;
}

export function takeSnapshot(snapshot: Snapshot): void {
  app.value = snapshot.state;
  takeChats(snapshot.chats, true);
  pending.value = snapshot.pending;
  presence.value = new Map(snapshot.presence);
  void conversation.value?.refresh();
}

export function takeNews(news: News): void {
  if ("state" in news) app.value = news.state;
  else if ("chats" in news) takeChats(news.chats, news.isWhole);
  else if ("pending" in news) takePending(news.pending);
  else if ("arrived" in news) void takeArrival(news.arrived);
  else if ("gone" in news) conversation.value?.remove(({ id }) => id === news.gone);
  else if ("goneBefore" in news) conversation.value?.remove(({ timestamp }) => timestamp < news.goneBefore);
  else if ("reloaded" in news) void conversation.value?.reload();
  else if ("typing" in news) setTyping(news.typing.user, news.typing.isActive);
  else if ("transfer" in news) {
    const { key, progress } = news.transfer;
    const others = [...transfers.value].filter(([other]) => other !== key);
    transfers.value = new Map(progress ? [...others, [key, progress]] : others);
  } else presence.value = new Map([...presence.value, news.presence]);
}

/** What was waiting to be sent is taken away when it can be shown as stored. */
async function takeArrival({ partner, count, hasTheirs, clientIds }: Arrival): Promise<void> {
  if (hasTheirs) setTyping(partner, false);
  const open = conversation.value;
  if (open?.partner.id === partner) await open.arrived(count);
  const stored = new Set<string>(clientIds);
  if (stored.size > 0) pending.value = pending.value.filter(({ clientId }) => !stored.has(clientId));
}

function takeChats(list: readonly Chat[], isWhole: boolean): void {
  const byId = new Map(isWhole ? [] : chats.value.map((chat) => [chat.partner.id, chat]));
  for (const chat of list) byId.set(chat.partner.id, chat);
  const order = (chat: Chat) => chat.last?.timestamp ?? "";
  // A draft without a conversation comes first.
  chats.value = [...byId.values()].sort((one, other) => {
    if (!one.last !== !other.last) return one.last ? 1 : -1;
    return order(other).localeCompare(order(one));
  });
}

/** A message leaves the outbox a moment before it comes as stored: it is not to vanish in between. */
function takePending(list: readonly Pending[]): void {
  const left = pending.value.filter(
    ({ clientId, failed }) => failed === null && !list.some((item) => item.clientId === clientId),
  );
  const stored = new Set(conversation.value?.messages.value.map(({ clientId }) => clientId));
  const leaving = left.filter(({ clientId }) => !stored.has(clientId));
  pending.value = [...leaving, ...list].sort((one, other) => one.clientId.localeCompare(other.clientId));
  if (leaving.length === 0) return;
  const names = new Set(leaving.map(({ clientId }) => clientId));
  setTimeout(() => (pending.value = pending.value.filter(({ clientId }) => !names.has(clientId))), LEAVING_MS);
}

const typingTimers = new Map<number, ReturnType<typeof setTimeout>>();

function setTyping(user: number, isActive: boolean): void {
  clearTimeout(typingTimers.get(user));
  const users = new Set(typing.value);
  if (isActive) {
    users.add(user);
    typingTimers.set(
      user,
      setTimeout(() => setTyping(user, false), TYPING_MS),
    );
  } else users.delete(user);
  typing.value = users;
}
