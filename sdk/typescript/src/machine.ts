/**
 * The state machine of a client: events go in, actions come out. It does no I/O and reads no clock, and `step` changes
 * nothing of the state that it is given.
 *
 * It is the machine of `clients/rust` of the server's repository: the same traces (`vectors/`) run on both.
 */
import { type Backoff, type Pause, nextPause } from "./backoff.js";
import * as connection from "./connection.js";
import { type Cursor, seqOf } from "./cursor.js";
import * as outbox from "./outbox.js";
import * as progress from "./progress.js";
import * as reads from "./reads.js";
import { receive } from "./receive.js";
import type { ClientFrame, DeleteFor, Draft, ErrorFrame, EventFrame } from "./wire.js";

/** The code of 1009: a frame was larger than the server takes. */
const TOO_LARGE = 1009;

/** An event: the input of the machine. */
export type Event =
  /** The program has started, or wants a socket again after a `stop`. */
  | "start"
  /** `connect` did not lead to a socket. Success is not an event: the first event of a socket is its `hello`. */
  | { refused: connection.Refusal }
  /** A text frame has arrived: its text, or what was read of it. */
  | { received: unknown }
  /** The socket has ended: `code` if the server sent one, and for how long it was open. */
  | { closed: { code: number | null; reason: string; held_ms: number } }
  /** The time of `pause` is over. */
  | "pause_ended"
  /** `refresh` has ended. */
  | { refreshed: connection.Refreshed }
  /** History is loaded, for the `start_over` of this number. */
  | { reloaded: number }
  /** History could not be loaded, for the `start_over` of this number. */
  | { not_reloaded: number }
  /** The person has written a message. It is encrypted once and for all. */
  | { written: Draft }
  /** A message was encrypted anew, under a new `client_id`. */
  | { renewed: { client_id: string; draft: Draft } }
  /** The receiver's key could not be fetched; it may succeed later. */
  | { not_renewed: { client_id: string } }
  /** The receiver's key cannot be used. */
  | { not_encryptable: { client_id: string; why: string } }
  /** The person gives up the messages that have failed. */
  | "discard_failed"
  /** The person gives up one message that has failed. */
  | { discarded: { client_id: string } }
  /** The time of `pause_sending` is over. */
  | "sending_resumed"
  /** The person has seen the partner's messages up to this one. */
  | { seen: { partner: number; id: number } }
  /** The person begins or stops writing. */
  | { typing: { to: number; active: boolean } }
  /** The person wants a message gone. */
  | { delete: { id: number; for: DeleteFor } };

/** An action of the program. Actions must be carried out in the order given, each before the next. */
export type Action =
  /** Open a socket that resumes behind the cursor; `null` on a device without data. */
  | { connect: { since: Cursor | null } }
  /** Drop the socket. No `closed` is expected. */
  | "disconnect"
  /** Report `pause_ended` after this time. Replaces an earlier pause. */
  | { pause: Pause }
  /** Get new tokens, and report `refreshed`. */
  | "refresh"
  /** Send this frame. */
  | { send: ClientFrame }
  /** Store this event on the device. Must do nothing for a message that is stored already or was deleted. */
  | { keep: EventFrame }
  /** Delete the cursor, load history, and report `reloaded` with this number. Events stored meanwhile stay. */
  | { start_over: number }
  /** Write the cursor to disk, with everything that was stored before. */
  | { save_cursor: Cursor }
  /** Write the outbox to disk. */
  | "save_outbox"
  /** Fetch the receiver's key and encrypt this message anew. */
  | { renew: Draft }
  /** Report `sending_resumed` after this time. */
  | { pause_sending: Pause }
  /** Show this to the person. */
  | { tell: Notice }
  /** Stop: there will be no further attempt. */
  | { stop: connection.Stop };

/** News for the person that is not stored. */
export type Notice =
  | "live"
  | { failed: { draft: Draft; code: string } }
  | { typing: { user_id: number; active: boolean } }
  | { presence: { user_id: number; is_online: boolean; last_seen: string | null } }
  | { refused: ErrorFrame }
  | "not_connected"
  | "not_understood";

/** The whole state. Treat it as opaque: only {@link step} makes a new one. */
export interface State {
  readonly me: number;
  readonly watch: readonly number[];
  readonly connection: connection.Connection;
  readonly progress: progress.Progress;
  readonly outbox: outbox.Outbox;
  outbox_has_changed: boolean;
  readonly reads: reads.Reads;
  /** The newest event that holds a message for this user. */
  newest_incoming: number;
  /** The position of the last `delivered` on this socket. */
  said_delivered: number | null;
  /** Whether sending waits for `sending_resumed`. */
  holds_back: boolean;
  readonly send_backoff: Backoff;
}

/** Makes the state of user `me` who watches the presence of `watch`, with the cursor and the outbox from disk. */
export function begin(
  me: number,
  watch: readonly number[],
  cursor: Cursor | null,
  saved: readonly outbox.SavedItem[],
): State {
  return {
    me,
    watch,
    connection: connection.makeConnection(),
    progress: progress.makeProgress(cursor),
    outbox: outbox.makeOutbox(saved),
    outbox_has_changed: false,
    reads: { partners: {} },
    newest_incoming: 0,
    said_delivered: null,
    holds_back: false,
    send_backoff: { attempts: 0 },
  };
}

/** Handles an event: returns the next state, and the actions to carry out, in this order. */
export function step(state: State, event: Event): [State, Action[]] {
  const next = copy(state);
  const actions: Action[] = [];
  handle(next, event, actions);
  settle(next, actions);
  return [next, actions];
}

function copy(state: State): State {
  const { connection, progress, outbox, reads, send_backoff } = state;
  const partners = Object.fromEntries(Object.entries(reads.partners).map(([id, position]) => [id, { ...position }]));
  return {
    ...state,
    connection: { ...connection, backoff: { ...connection.backoff } },
    progress: { ...progress },
    // Drafts never change: their copies are the same.
    outbox: { ...outbox, items: outbox.items.map((item) => ({ ...item })) },
    reads: { partners },
    send_backoff: { ...send_backoff },
  };
}

function handle(state: State, event: Event, actions: Action[]): void {
  if (event === "start") take(state, connection.connect(state.connection), actions);
  else if (event === "pause_ended") take(state, connection.waited(state.connection), actions);
  else if (event === "sending_resumed") state.holds_back = false;
  else if (event === "discard_failed") {
    outbox.discardFailed(state.outbox);
    state.outbox_has_changed = true;
  } else if ("refused" in event) take(state, connection.refused(state.connection, event.refused), actions);
  else if ("received" in event) receive(state, event.received, actions);
  else if ("closed" in event) end(state, event.closed, actions);
  else if ("refreshed" in event) take(state, connection.refreshed(state.connection, event.refreshed), actions);
  else if ("reloaded" in event) progress.finishReload(state.progress, event.reloaded);
  else if ("not_reloaded" in event) {
    if (state.progress.reloading !== event.not_reloaded) return;
    actions.push("disconnect");
    end(state, { code: null, reason: "", held_ms: 0 }, actions);
  } else if ("written" in event) {
    outbox.push(state.outbox, event.written);
    state.outbox_has_changed = true;
  } else if ("discarded" in event) {
    outbox.discard(state.outbox, event.discarded.client_id);
    state.outbox_has_changed = true;
  } else if ("renewed" in event) {
    outbox.replace(state.outbox, event.renewed.client_id, event.renewed.draft);
    state.outbox_has_changed = true;
  } else if ("not_renewed" in event) {
    outbox.putBack(state.outbox, event.not_renewed.client_id);
    sendLater(state, null, actions);
  } else if ("not_encryptable" in event) {
    failMessage(state, event.not_encryptable.client_id, event.not_encryptable.why, actions);
  } else if ("seen" in event) reads.seen(state.reads, event.seen.partner, event.seen.id);
  else if ("typing" in event) {
    if (connection.isLive(state.connection)) actions.push({ send: { type: "typing", ...event.typing } });
  } else {
    const { id, for: scope } = event.delete;
    const frame: ClientFrame = { type: "delete", id, for: scope, ref: `delete-${id}` };
    actions.push(connection.isLive(state.connection) ? { send: frame } : { tell: "not_connected" });
  }
}

/** Adds actions that save before those that send: the server must not learn of anything that a crash could undo. */
function settle(state: State, actions: Action[]): void {
  if (state.outbox_has_changed) actions.push("save_outbox");
  state.outbox_has_changed = false;
  const cursor = progress.toSave(state.progress, state.connection.phase === "live");
  if (cursor !== undefined) actions.push({ save_cursor: cursor });
  if (!connection.isLive(state.connection)) return;
  const keptSeq = state.progress.kept === null ? 0 : seqOf(state.progress.kept);
  if (keptSeq > 0 && (state.said_delivered === null || state.said_delivered < state.newest_incoming)) {
    state.said_delivered = keptSeq;
    actions.push({ send: { type: "delivered", up_to_seq: keptSeq } });
  }
  if (state.holds_back) return;
  for (let draft = outbox.takeNext(state.outbox); draft; draft = outbox.takeNext(state.outbox)) {
    actions.push({ send: { type: "send", ...draft } });
  }
  for (let read = reads.takeRead(state.reads); read; read = reads.takeRead(state.reads)) actions.push({ send: read });
}

function take(state: State, step: connection.Step | undefined, actions: Action[]): void {
  if (step === undefined) return;
  actions.push(step === "connect" ? { connect: { since: state.progress.kept } } : step);
}

function end(state: State, how: { code: number | null; reason: string; held_ms: number }, actions: Action[]): void {
  const tooLarge = how.code === TOO_LARGE ? outbox.largestOnItsWay(state.outbox) : undefined;
  if (tooLarge !== undefined) failMessage(state, tooLarge, "too_large", actions);
  progress.closeProgress(state.progress);
  outbox.closeOutbox(state.outbox);
  reads.closeReads(state.reads);
  state.said_delivered = null;
  take(state, connection.closed(state.connection, how.code, how.reason, how.held_ms), actions);
}

/** Marks a message as failed, and tells the person. */
export function failMessage(state: State, clientId: string, code: string, actions: Action[]): void {
  const draft = outbox.fail(state.outbox, clientId, code);
  if (!draft) return;
  state.outbox_has_changed = true;
  actions.push({ tell: { failed: { draft, code } } });
}

/** Holds all messages back, not only the refused one: later messages must not overtake it. */
export function sendLater(state: State, waitMs: number | null, actions: Action[]): void {
  if (state.holds_back) return;
  state.holds_back = true;
  const pause = waitMs === null ? nextPause(state.send_backoff) : { at_least_ms: waitMs, spread_ms: 0 };
  actions.push({ pause_sending: pause });
}
