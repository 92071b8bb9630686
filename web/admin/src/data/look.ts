/** Whether somebody looks, and what time it is for whom. */
import { signal } from "@preact/signals";

/** Milliseconds after which relative times are written anew. */
const EVERY_MS = 5_000;

/** The time, for everything that is written relative to it. */
export const now = signal(Date.now());

/** Returns whether the page is in front. */
export function isLookedAt(): boolean {
  return document.visibilityState === "visible";
}

setInterval(() => {
  if (isLookedAt()) now.value = Date.now();
}, EVERY_MS);
document.addEventListener("visibilitychange", () => {
  if (isLookedAt()) now.value = Date.now();
});
