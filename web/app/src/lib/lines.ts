/** What a conversation shows, line by line. Pure. */
import type { Message, Pending } from "../bridge/protocol.js";
import { daysBetween } from "./format.js";

/** Messages of one side within this time belong together, in milliseconds. */
const GROUP_MS = 5 * 60_000;

export type Line =
  | { kind: "day"; key: string; time: number }
  | { kind: "unread"; key: string }
  | { kind: "key_changed"; key: string; time: number }
  | { kind: "message"; key: string; message: Message; time: number; isFirst: boolean; isLast: boolean }
  | { kind: "pending"; key: string; pending: Pending; time: number; isFirst: boolean; isLast: boolean };

export interface LinesOf {
  /** Oldest first. */
  messages: readonly Message[];
  pending: readonly Pending[];
  keyChanges: readonly string[];
  /** The newest message that had been read when the conversation was opened; `null` for no line. */
  unreadAfter: number | null;
  /** Whether everything older is shown too: else what is older than the first message is left out. */
  isWhole: boolean;
}

/** Returns the lines, oldest first. */
export function linesOf({ messages, pending, keyChanges, unreadAfter, isWhole }: LinesOf): Line[] {
  const lines: Line[] = [];
  const oldest = messages[0] ? Date.parse(messages[0].timestamp) : 0;
  const changes = keyChanges.map((change) => Date.parse(change)).filter((time) => isWhole || time >= oldest);
  let lastTime: number | null = null;
  let isUnreadShown = unreadAfter === null;

  const dayLine = (time: number) => {
    if (lastTime === null || daysBetween(lastTime, time) !== 0) lines.push({ kind: "day", key: `day-${time}`, time });
    lastTime = time;
  };
  const changesUntil = (limit: number) => {
    for (let time = changes[0]; time !== undefined && time <= limit; time = changes[0]) {
      changes.shift();
      dayLine(time);
      lines.push({ kind: "key_changed", key: `key-${time}`, time });
    }
  };

  for (const message of messages) {
    const time = Date.parse(message.timestamp);
    changesUntil(time);
    dayLine(time);
    if (!isUnreadShown && !message.isMine && message.id > (unreadAfter ?? 0)) {
      lines.push({ kind: "unread", key: "unread" });
      isUnreadShown = true;
    }
    const key = message.clientId ?? `message-${message.id}`;
    lines.push({ kind: "message", key, message, time, isFirst: true, isLast: true });
  }
  changesUntil(Infinity);
  const stored = new Set(pending.length > 0 ? messages.map(({ clientId }) => clientId) : []);
  for (const item of pending) {
    if (stored.has(item.clientId)) continue;
    dayLine(Math.max(item.writtenAt, lastTime ?? 0));
    const { clientId: key, writtenAt: time } = item;
    lines.push({ kind: "pending", key, pending: item, time, isFirst: true, isLast: true });
  }
  group(lines);
  return lines;
}

/** Marks the first and the last of what belongs together. */
function group(lines: Line[]): void {
  for (const [index, line] of lines.entries()) {
    const before = lines[index - 1];
    if (line.kind !== "message" && line.kind !== "pending") continue;
    if (before?.kind !== "message" && before?.kind !== "pending") continue;
    const isTogether = isMine(before) === isMine(line) && line.time - before.time < GROUP_MS;
    if (!isTogether) continue;
    line.isFirst = false;
    before.isLast = false;
  }
}

/** Returns whether two lines look the same. */
export function isSame(one: Line, other: Line): boolean {
  const [fields, others] = [one, other] as unknown as Record<string, unknown>[] as [
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  return Object.keys(fields).every((name) => fields[name] === others[name]);
}

function isMine(line: Extract<Line, { kind: "message" | "pending" }>): boolean {
  return line.kind === "pending" || line.message.isMine;
}

export type Tick = "sent" | "delivered" | "read";

/** Returns how far a message of one's own has come. */
export function tickOf(
  { id }: Pick<Message, "id">,
  chat: { partnerReadUpTo: number; partnerDeliveredUpTo: number } | null,
): Tick {
  if (!chat) return "sent";
  if (id <= chat.partnerReadUpTo) return "read";
  return id <= chat.partnerDeliveredUpTo ? "delivered" : "sent";
}
