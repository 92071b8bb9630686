/** The live stream of the server: its history of a quarter of an hour at once, then a moment each second. */
import { signal } from "@preact/signals";
import { EventReader } from "../lib/sse.js";
import { History, type Series } from "../lib/ring.js";
import { call, Failure, request, said } from "./api.js";
import { isLookedAt } from "./look.js";
import { token } from "./session.js";
import type { ActorState, Overview } from "./types.js";

/** A moment is due each second. */
const EVERY_MS = 1_000;
/** The server says something at least every 15 s: after this long in silence it is away. */
const SILENT_MS = 20_000;
/** Waits between attempts, in milliseconds; the last one holds on. */
const BACK_OFF = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
/** Notices that are kept. */
const MAX_NOTICES = 50;

/** Overviews are asked for so often beside the moments, which hold less, and instead of them. */
const OVERVIEW_MS = 4_000;

/** Whether the page hears the server; `polled`: the server streams to enough others. */
export type Connection =
  | { kind: "connecting" }
  | { kind: "live" }
  | { kind: "polled"; why: string }
  | { kind: "lost"; since: number; nextAt: number; why: string }
  | { kind: "refused"; why: string };

/** Something that has happened. */
export interface Notice {
  at: string;
  level: "info" | "warn" | "error";
  kind: string;
  text: string;
}

export const connection = signal<Connection>({ kind: "connecting" });
export const overview = signal<Overview | null>(null);
export const notices = signal<Notice[]>([]);
/** What the newest moment says of each kind of actor. */
export const pulse = signal<Map<string, { state: ActorState; waiting: number; oldestMs: number }>>(new Map());
/** Counts moments, for whatever draws the history. */
export const beat = signal(0);
export const history = new History();

let stop: AbortController | null = null;
let wake: (() => void) | null = null;

/** Follows the server until `unfollow`. */
export function follow(): void {
  unfollow();
  const mine = new AbortController();
  stop = mine;
  void run(mine.signal);
}

export function unfollow(): void {
  stop?.abort();
  stop = null;
  connection.value = { kind: "connecting" };
}

/** Tries again at once. */
export function retryNow(): void {
  wake?.();
}

for (const name of ["online", "pageshow"]) addEventListener(name, retryNow);
document.addEventListener("visibilitychange", () => isLookedAt() && retryNow());

async function run(signal: AbortSignal): Promise<void> {
  let tries = 0;
  let since = 0;
  while (!signal.aborted && token.value !== null) {
    let why = "The server has ended the connection.";
    try {
      await listen(signal, () => {
        tries = 0;
        since = 0;
        connection.value = { kind: "live" };
      });
    } catch (error) {
      if (signal.aborted) return;
      const status = error instanceof Failure ? error.status : 0;
      why = said(error);
      if (status === 403 || status === 404) {
        connection.value = { kind: "refused", why };
        return;
      }
      if (status === 503 && (await refresh(signal))) {
        connection.value = { kind: "polled", why };
        await pause(OVERVIEW_MS);
        continue;
      }
    }
    if (signal.aborted || token.value === null) return;
    since ||= Date.now();
    const planned = BACK_OFF[Math.min(tries, BACK_OFF.length - 1)] ?? 0;
    const wait = planned * (0.75 + Math.random() / 2);
    tries += 1;
    connection.value = { kind: "lost", since, nextAt: Date.now() + wait, why };
    await pause(wait);
  }
}

/** Waits, unless somebody wants it at once. */
function pause(ms: number): Promise<void> {
  return new Promise((done) => {
    wake = done;
    setTimeout(done, ms);
  });
}

/** Asks for an overview. Returns whether one has come. */
async function refresh(signal: AbortSignal): Promise<boolean> {
  try {
    overview.value = await call<Overview>("overview", { signal });
    return true;
  } catch {
    return false;
  }
}

async function listen(signal: AbortSignal, onLive: () => void): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENT_MS);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENT_MS);
  };
  const overviews = setInterval(() => isLookedAt() && void refresh(signal), OVERVIEW_MS);
  try {
    const both = AbortSignal.any([signal, silence.signal]);
    const response = await request(`events?every_ms=${EVERY_MS}`, { signal: both });
    const reader = new EventReader();
    const text = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    while (text) {
      const { done, value } = await text.read();
      if (done) return;
      heard();
      for (const event of reader.push(value)) {
        onLive();
        take(event.type, JSON.parse(event.data));
      }
    }
  } catch (error) {
    if (silence.signal.aborted) throw new Failure(0, "The server has said nothing for 20 seconds.");
    if (error instanceof Failure || signal.aborted) throw error;
    throw new Failure(0, "The connection has broken.");
  } finally {
    clearTimeout(timer);
    clearInterval(overviews);
  }
}

type Numbers = { [name: string]: unknown };

function take(type: string, data: Numbers): void {
  if (type === "snapshot") {
    overview.value = data.overview as Overview;
    notices.value = ((data.notices ?? []) as Notice[]).toReversed();
    const { every_ms, from, to: _, ...series } = data.history as Numbers & { every_ms: number; from: string };
    history.fill(Date.parse(from) / 1000, every_ms / 1000, flat<Series>(series, Array.isArray));
    beat.value += 1;
  } else if (type === "tick") {
    const { at, actors, ready, draining, ...values } = data as Numbers & { at: string };
    history.add(Date.parse(at) / 1000, flat<number | null>(values, isNumber));
    pulse.value = pulseOf(actors as [string, ActorState, number, number][]);
    const known = overview.value;
    // What is amiss is in the overview: it is asked for when that changes.
    if (known && (known.ready !== ready || known.draining !== draining) && stop) void refresh(stop.signal);
    beat.value += 1;
  } else if (type === "notice") {
    notices.value = [data as unknown as Notice, ...notices.value].slice(0, MAX_NOTICES);
    if (stop) void refresh(stop.signal);
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}

function pulseOf(actors: [string, ActorState, number, number][]): typeof pulse.value {
  return new Map(actors.map(([kind, state, waiting, oldestMs]) => [kind, { state, waiting, oldestMs }]));
}

/** Returns series by one name each: those of actors as `mailbox_wait_p99_ms.registry`. */
function flat<T>(values: Numbers, isValue: (value: unknown) => boolean, prefix = ""): Record<string, T> {
  const found: Record<string, T> = {};
  for (const [name, value] of Object.entries(values)) {
    if (isValue(value)) found[prefix + name] = value as T;
    else if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      Object.assign(found, flat<T>(value as Numbers, isValue, `${prefix}${name}.`));
    }
  }
  return found;
}
