/**
 * The connection: when to connect, to wait, to refresh tokens and to give up, as docs/protocol.md advises for each close
 * code.
 */
import { type Backoff, type Pause, after, connectedFor, nextPause } from "./backoff.js";

/** Least wait after a close that is the client's own fault, in milliseconds. */
const AFTER_A_FAULT_MS = 60_000;
/** The close code of a server that restarts. */
const RESTART = 1012;

/** The phase of the connection. */
export type Phase = "idle" | "opening" | "live" | "refreshing" | { waiting: "connect" | "refresh" };

/** The state of the connection. */
export interface Connection {
  phase: Phase;
  backoff: Backoff;
  /** Whether the tokens are new and no socket with them was live: then requesting newer ones is of no use. */
  has_fresh_tokens: boolean;
  /** Whether the last socket ended because the server restarts. */
  is_restart: boolean;
  /** The time in `going_away`, if it came. */
  away_for_ms: number | null;
  /** The server's reason for the end of the login, until a socket is live again. */
  signed_out: string | null;
}

/** The reason why there is no socket. `passing`: no response, or a temporary one, such as 429 and 503. */
export type Refusal =
  { unauthorized: string } | { forbidden: string } | { passing: { retry_after_ms: number | null } } | { final: string };

/** The outcome of an attempt to get new tokens. */
export type Refreshed = "done" | "unreachable" | { refused: string };

/** The reason why there will be no other attempt. */
export type Stop =
  | "replaced"
  | "too_many"
  | { sign_in: string }
  | { forbidden: string }
  | { closed: string }
  | { bad_handshake: string };

/** A step of the connection. */
export type Step = "connect" | "refresh" | { pause: Pause } | { stop: Stop };

/** Makes a connection that is not started yet. */
export function makeConnection(): Connection {
  return {
    phase: "idle",
    backoff: { attempts: 0 },
    has_fresh_tokens: false,
    is_restart: false,
    away_for_ms: null,
    signed_out: null,
  };
}

/** Returns whether frames may be sent. */
export function isLive(connection: Connection): boolean {
  return connection.phase === "live" && connection.away_for_ms === null;
}

/** Starts an attempt. */
export function connect(connection: Connection): Step {
  connection.phase = "opening";
  return "connect";
}

/** Handles `live`: all missed events have arrived. */
export function goLive(connection: Connection): void {
  Object.assign(connection, { phase: "live", has_fresh_tokens: false, signed_out: null });
}

/** Handles a failed handshake. */
export function refused(connection: Connection, refusal: Refusal): Step {
  if ("unauthorized" in refusal) return refresh(connection, refusal.unauthorized);
  if ("forbidden" in refusal) return stop(connection, { forbidden: refusal.forbidden });
  if ("final" in refusal) return stop(connection, { bad_handshake: refusal.final });
  return backOff(connection, refusal.passing.retry_after_ms ?? 0);
}

/** Handles the end of a socket that lasted for `heldMs`, with the code if the server has closed it. */
export function closed(connection: Connection, code: number | null, reason: string, heldMs: number): Step {
  connectedFor(connection.backoff, heldMs);
  const awayForMs = connection.away_for_ms;
  connection.away_for_ms = null;
  connection.is_restart = code === RESTART;
  switch (code) {
    case null:
    case 1001:
    case 1011:
    case 1012:
    case 1013:
      // The server has already made its time random.
      if (awayForMs !== null) return wait(connection, { at_least_ms: awayForMs, spread_ms: 0 }, "connect");
      return backOff(connection, 0);
    case 4001:
      connection.signed_out = signedOut(reason);
      return refresh(connection, connection.signed_out);
    case 4002:
      return stop(connection, "too_many");
    case 4003:
      return stop(connection, "replaced");
    default:
      if (code === 1000 || code >= 4000) return stop(connection, { closed: `${code} ${reason}`.trimEnd() });
      // 1008, 1009, and any other protocol error.
      return backOff(connection, AFTER_A_FAULT_MS);
  }
}

/** Handles the end of a wait. Does nothing when the connection is no longer waiting. */
export function waited(connection: Connection): Step | undefined {
  const { phase } = connection;
  if (typeof phase === "string") return undefined;
  if (phase.waiting === "connect") return connect(connection);
  connection.phase = "refreshing";
  return "refresh";
}

/** Handles the outcome of a refresh. */
export function refreshed(connection: Connection, outcome: Refreshed): Step {
  if (outcome === "done") {
    connection.has_fresh_tokens = true;
    return connect(connection);
  }
  if (outcome === "unreachable") return wait(connection, nextPause(connection.backoff), "refresh");
  return signIn(connection, outcome.refused);
}

function backOff(connection: Connection, atLeastMs: number): Step {
  connection.has_fresh_tokens = false;
  const pause = nextPause(connection.backoff, connection.is_restart);
  return wait(connection, after(pause, atLeastMs), "connect");
}

function wait(connection: Connection, pause: Pause, next: "connect" | "refresh"): Step {
  connection.phase = { waiting: next };
  return { pause };
}

function refresh(connection: Connection, detail: string): Step {
  if (connection.has_fresh_tokens) return signIn(connection, detail);
  connection.phase = "refreshing";
  return "refresh";
}

/** Stops for a new login. The reason of an earlier close is preferred to `detail`, which says less. */
function signIn(connection: Connection, detail: string): Step {
  const why = connection.signed_out ?? detail;
  connection.signed_out = null;
  return stop(connection, { sign_in: why });
}

function stop(connection: Connection, why: Stop): Step {
  connection.phase = "idle";
  return { stop: why };
}

/** Returns the reason of a close with 4001, for people. */
function signedOut(reason: string): string {
  switch (reason) {
    case "logout":
      return "signed out";
    case "revoked":
      return "another device has signed this one out";
    case "password":
      return "the password was changed";
    case "deleted":
      return "the account was deleted";
    default:
      return reason;
  }
}
