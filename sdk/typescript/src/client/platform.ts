/** What the platform tells of the network and the page. */

/** Calls `wake` when the network is back, or the page is looked at. Returns what ends that. */
export function onWake(wake: () => void): () => void {
  const { document } = globalThis as { document?: Document };
  const stop = new AbortController();
  const { signal } = stop;
  const listener = () => {
    if (!document || document.visibilityState === "visible") wake();
  };
  // Node has no such events.
  const global = globalThis as Partial<EventTarget>;
  for (const name of ["online", "pageshow"]) global.addEventListener?.(name, listener, { signal });
  document?.addEventListener("visibilitychange", listener, { signal });
  return () => stop.abort();
}
