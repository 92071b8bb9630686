/** The types of the wire, made from the server's documents, and the reading of frames. */
import type { components as Frames } from "./wire/frames.js";
import type { components as Rest } from "./wire/openapi.js";

type Frame<Name extends keyof Frames["schemas"]> = Frames["schemas"][Name];
type Body<Name extends keyof Rest["schemas"]> = Rest["schemas"][Name];

export type ClientFrame = Frame<"ClientFrame">;
export type ServerFrame = Frame<"ServerFrame">;
export type SendFrame = Frame<"SendFrame">;
export type ReadFrame = Frame<"ReadFrame">;
export type HelloFrame = Frame<"HelloFrame">;
export type StoredFrame = Frame<"StoredFrame">;
export type MessageFrame = Frame<"MessageFrame">;
export type ReceiptFrame = Frame<"ReceiptFrame"> | Frame<"StandingReceiptFrame">;
export type DeletedFrame = Frame<"DeletedFrame">;
export type ErrorFrame = Frame<"ErrorFrame">;
export type DeleteFor = Frame<"DeleteFor">;
/** Frames that a device keeps. */
export type EventFrame = Extract<
  ServerFrame,
  { type: "message" | "receipt" | "deleted" | "deleted_before" | "key_changed" | "user_deleted" | "block" }
>;

/** A message as it is sent, on the socket or by REST. Its bytes never change. */
export type Draft = Omit<SendFrame, "type" | "ref">;
/** A message of history. */
export type HistoryMessage = Body<"Message">;
export type Conversation = Body<"Conversation">;
export type User = Body<"User">;
export type KeyedUser = Body<"KeyedUser">;
export type Profile = Body<"Profile">;
export type Settings = Body<"Settings">;
export type Session = Body<"Session">;
export type Tokens = Body<"TokenAnswer">;
export type Problem = Body<"Problem">;
export type ErrorCode = Body<"ErrorCode">;
export type { operations, paths } from "./wire/openapi.js";

/** A received frame: `frame` is absent for a type of a newer server, whose `seq` moves the cursor all the same. */
export interface Incoming {
  /** The number to which the frame moves the cursor, if it moves it. */
  seq: number | undefined;
  frame: ServerFrame | undefined;
}

/** A field of a frame, as the kind of its value. */
type Kind = "string" | "number" | "boolean";

/** The fields without which a frame of a known type cannot be used. */
const NEEDED: { [Type in ServerFrame["type"]]: Record<string, Kind> } = {
  hello: { cursor: "string" },
  reset: { cursor: "string" },
  live: { cursor: "string" },
  stored: { client_id: "string", conversation_id: "number", id: "number", seq: "number", timestamp: "string" },
  message: {
    seq: "number",
    id: "number",
    conversation_id: "number",
    sender_id: "number",
    receiver_id: "number",
    content: "string",
    message_type: "string",
    timestamp: "string",
  },
  receipt: { kind: "string", user_id: "number", partner_id: "number", up_to_id: "number" },
  deleted: { id: "number", partner_id: "number" },
  deleted_before: { timestamp: "string" },
  key_changed: { user_id: "number", key_id: "string" },
  user_deleted: { user_id: "number" },
  block: { user_id: "number", blocked: "boolean" },
  typing: { user_id: "number", active: "boolean" },
  presence: { user_id: "number", status: "string" },
  pong: {},
  going_away: { reconnect_after_ms: "number" },
  error: { code: "string", message: "string" },
};

/**
 * Reads a frame of the server: its text, or the value that was read of it. Returns nothing for what is no object with a
 * `type`, and for a known type without the fields that it needs.
 */
export function parse(received: unknown): Incoming | undefined {
  const value = typeof received === "string" ? parseJson(received) : received;
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  const { type } = fields;
  if (typeof type !== "string") return undefined;
  // An error may name the message it is about, and a reply marked as duplicate repeats an old number.
  const movesCursor = type !== "error" && fields["duplicate"] !== true;
  const seq = movesCursor && Number.isSafeInteger(fields["seq"]) ? (fields["seq"] as number) : undefined;
  if (!Object.hasOwn(NEEDED, type)) return { seq, frame: undefined };
  const needed = Object.entries(NEEDED[type as ServerFrame["type"]]);
  if (!needed.every(([name, kind]) => typeof fields[name] === kind)) return undefined;
  return { seq, frame: fields as ServerFrame };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
