/** Upper bound of the first wait, in milliseconds. */
const FIRST_MS = 1_000;
/** Upper bound of any wait, in milliseconds. */
const MAX_MS = 60_000;
/** The time that a connection must last to begin anew, in milliseconds. */
const LASTING_MS = 30_000;
/** Upper bound of the first waits after a restart, which takes a server seconds and not minutes. */
const RESTART_MS = 4_000;
/** The number of waits to which {@link RESTART_MS} applies. */
const RESTART_TRIES = 5;

/** A wait of random length. The caller draws the length, so that the machine itself is deterministic. */
export interface Pause {
  /** The shortest wait. */
  at_least_ms: number;
  /** The most that is added at random. */
  spread_ms: number;
}

/** Exponential backoff with full jitter, so that clients that were disconnected at once do not all return at once. */
export interface Backoff {
  attempts: number;
}

/** Returns the time to wait for a random number from 0 (included) to 1 (excluded), in milliseconds. */
export function draw(pause: Pause, random: number): number {
  return pause.at_least_ms + pause.spread_ms * random;
}

/** Returns a random time below a bound that doubles with each attempt, from 1 s to 60 s. */
export function nextPause(backoff: Backoff, isRestart = false): Pause {
  const max = isRestart && backoff.attempts < RESTART_TRIES ? RESTART_MS : MAX_MS;
  const spread_ms = Math.min(FIRST_MS * 2 ** Math.min(backoff.attempts, 32), max);
  backoff.attempts += 1;
  return { at_least_ms: 0, spread_ms };
}

/**
 * Returns a wait that is longer by `ms`, and spread over as much time again at least: those who are told the same time
 * do not come together.
 */
export function after(pause: Pause, ms: number): Pause {
  return { at_least_ms: pause.at_least_ms + ms, spread_ms: Math.max(pause.spread_ms, ms) };
}

/** Begins anew after a connection that lasted long enough. */
export function connectedFor(backoff: Backoff, ms: number): void {
  if (ms > LASTING_MS) backoff.attempts = 0;
}
