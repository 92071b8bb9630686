/** The progress of this device in the stream of events, and when a cursor may be saved. */
import { type Cursor, cursorAt, epochOf, seqOf } from "./cursor.js";

/** Events after which a replay saves again: a crash repeats at most so many. */
const SAVE_EVERY = 100;

/**
 * The place up to which everything is kept.
 *
 * There is none on a new device, nor between a `reset` and the end of the reload by history: a device that stops then
 * begins the reload anew instead of resuming behind a hole.
 */
export interface Progress {
  kept: Cursor | null;
  /** The newest cursor seen on this socket: events up to it are known. */
  heard: Cursor;
  /** The number of the running reload. */
  reloading: number | null;
  reloads: number;
  unsaved: number;
}

/** Makes the progress from the cursor on disk. */
export function makeProgress(saved: Cursor | null): Progress {
  return { kept: saved, heard: ":0", reloading: null, reloads: 0, unsaved: 0 };
}

/** Handles the start of a socket. Returns a number when the device has nothing before it: history must be loaded. */
export function begin(progress: Progress, start: Cursor): number | undefined {
  progress.heard = start;
  return progress.kept === null ? reload(progress) : undefined;
}

/** Handles `reset`: the cursor was not honoured, and history must be loaded. */
export function reset(progress: Progress, start: Cursor): number {
  progress.heard = start;
  return reload(progress);
}

/** Returns whether the event with this number is new. */
export function isNew(progress: Progress, seq: number): boolean {
  return seq > seqOf(progress.heard);
}

/** Records that the event with this number is stored. */
export function keep(progress: Progress, seq: number): void {
  if (isNew(progress, seq)) progress.heard = cursorAt(epochOf(progress.heard), seq);
  advance(progress);
}

/** Handles `live`: nothing is missing up to `end`. */
export function catchUp(progress: Progress, end: Cursor): void {
  progress.heard = cursorAt(epochOf(end), Math.max(seqOf(progress.heard), seqOf(end)));
  advance(progress);
}

/** Handles a loaded history. It counts only for the current socket: events between two sockets would be missing. */
export function finishReload(progress: Progress, number: number): void {
  if (progress.reloading !== number) return;
  progress.reloading = null;
  advance(progress);
}

/** Handles the end of the socket. */
export function closeProgress(progress: Progress): void {
  progress.reloading = null;
}

/** Returns the cursor to save: each time when live, otherwise every {@link SAVE_EVERY} events. */
export function toSave(progress: Progress, isLive: boolean): Cursor | undefined {
  if (progress.unsaved === 0 || (!isLive && progress.unsaved < SAVE_EVERY)) return undefined;
  progress.unsaved = 0;
  return progress.kept ?? undefined;
}

function reload(progress: Progress): number {
  progress.reloads += 1;
  Object.assign(progress, { kept: null, unsaved: 0, reloading: progress.reloads });
  return progress.reloads;
}

function advance(progress: Progress): void {
  if (progress.reloading !== null || progress.kept === progress.heard) return;
  progress.kept = progress.heard;
  progress.unsaved += 1;
}
