/** The views that are not the first one: loaded when somebody goes there, or is about to. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";

/** The views by their paths; null until they are loaded. */
export const views = signal<Record<string, () => JSX.Element> | null>(null);
/** Whether they could not be loaded. */
export const hasFailed = signal(false);

let loading: Promise<void> | null = null;

/** Loads them, unless they are there. */
export function loadViews(): Promise<void> {
  loading ??= import("./all.js").then(
    ({ ALL }) => {
      views.value = ALL;
    },
    () => {
      hasFailed.value = true;
      loading = null;
    },
  );
  hasFailed.value = false;
  return loading;
}
