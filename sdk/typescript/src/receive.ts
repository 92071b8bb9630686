/** The machine's handling of the server's frames. */
import * as connection from "./connection.js";
import { type Action, type State, failMessage, sendLater } from "./machine.js";
import * as outbox from "./outbox.js";
import * as progress from "./progress.js";
import * as reads from "./reads.js";
import { type ErrorFrame, type ServerFrame, type StoredFrame, parse } from "./wire.js";

/** Handles a text frame. */
export function receive(state: State, received: unknown, actions: Action[]): void {
  const incoming = parse(received);
  if (!incoming) {
    actions.push({ tell: "not_understood" });
    return;
  }
  const { frame, seq } = incoming;
  const isKnown = seq !== undefined && !progress.isNew(state.progress, seq);
  if (frame) dispatch(state, frame, isKnown, actions);
  if (seq !== undefined) progress.keep(state.progress, seq);
}

function dispatch(state: State, frame: ServerFrame, isKnown: boolean, actions: Action[]): void {
  switch (frame.type) {
    case "hello": {
      state.outbox.in_flight = frame.limits?.in_flight ?? 64;
      const reload = progress.begin(state.progress, frame.cursor);
      if (reload !== undefined) actions.push({ start_over: reload });
      return;
    }
    case "reset":
      actions.push({ start_over: progress.reset(state.progress, frame.cursor) });
      return;
    case "live":
      progress.catchUp(state.progress, frame.cursor);
      connection.goLive(state.connection);
      actions.push({ tell: "live" });
      if (state.watch.length > 0) actions.push({ send: { type: "presence", watch: [...state.watch] } });
      return;
    // Replies count whatever their number.
    case "stored":
      return stored(state, frame, actions);
    case "error":
      return refused(state, frame, actions);
    case "receipt":
      if (frame.user_id === state.me && frame.kind === "read") reads.answered(state.reads, frame.ref);
      actions.push({ keep: frame });
      return;
    case "message":
      if (isKnown) return;
      if (frame.sender_id !== state.me) state.newest_incoming = Math.max(state.newest_incoming, frame.seq);
      // Sent on an earlier socket, which ended before the reply.
      else if (frame.client_id !== undefined) confirm(state, frame.client_id);
      actions.push({ keep: frame });
      return;
    case "deleted":
    case "deleted_before":
    case "key_changed":
    case "user_deleted":
    case "block":
      if (!isKnown) actions.push({ keep: frame });
      return;
    case "typing":
      actions.push({ tell: { typing: { user_id: frame.user_id, active: frame.active } } });
      return;
    case "presence": {
      const { user_id, status, last_seen } = frame;
      actions.push({ tell: { presence: { user_id, is_online: status === "online", last_seen: last_seen ?? null } } });
      return;
    }
    case "going_away":
      state.connection.away_for_ms = frame.reconnect_after_ms;
      return;
    case "pong":
      return;
  }
}

/** Handles `stored`. The sending socket gets no `message`: it is made from the draft and the numbers in the reply. */
function stored(state: State, frame: StoredFrame, actions: Action[]): void {
  const draft = confirm(state, frame.client_id);
  if (!draft) return;
  state.send_backoff.attempts = 0;
  const { client_id, conversation_id, id, seq, timestamp } = frame;
  const { franking_tag, reply_to, expires_in_s } = draft;
  actions.push({
    keep: {
      type: "message",
      client_id,
      conversation_id,
      id,
      seq,
      timestamp,
      sender_id: state.me,
      receiver_id: draft.to,
      content: draft.sender_encrypted,
      message_type: draft.message_type,
      ...(franking_tag == null ? {} : { franking_tag }),
      ...(reply_to == null ? {} : { reply_to }),
      ...(expires_in_s == null ? {} : { expires_at: laterBy(timestamp, expires_in_s) }),
    },
  });
}

/** Returns the time so many seconds after a time stamp, to the millisecond. */
function laterBy(timestamp: string, seconds: number): string {
  return new Date(Date.parse(timestamp) + seconds * 1000).toISOString();
}

function confirm(state: State, clientId: string) {
  const draft = outbox.confirm(state.outbox, clientId);
  if (draft) state.outbox_has_changed = true;
  return draft;
}

function refused(state: State, error: ErrorFrame, actions: Action[]): void {
  const waitMs = error.retry_after_ms ?? null;
  const { client_id: clientId, code, ref } = error;
  if (clientId === undefined) {
    if (error.retryable && reads.putReadBack(state.reads, ref)) return sendLater(state, waitMs, actions);
    reads.answered(state.reads, ref);
    actions.push({ tell: { refused: error } });
  } else if (error.retryable) {
    outbox.putBack(state.outbox, clientId);
    sendLater(state, waitMs, actions);
  } else if (code === "stale_key") {
    const renewal = outbox.renew(state.outbox, clientId);
    if (renewal?.isGivenUp) failMessage(state, clientId, code, actions);
    else if (renewal) actions.push({ renew: renewal.draft });
  } else failMessage(state, clientId, code, actions);
}
