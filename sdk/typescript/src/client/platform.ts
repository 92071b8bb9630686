/** What the platform tells of the network and the page. */

/** Calls `wake` when the network is back, or the page is looked at. Returns what ends that. */
export function onWake(wake: () => void): () => void {
  const { document } = globalThis as { document?: Document };
  const listener = () => {
    if (!document || document.visibilityState === "visible") wake();
  };
  const global = globalThis as unknown as EventTarget;
  const targets: [EventTarget | undefined, string][] = [
    [global, "online"],
    [global, "pageshow"],
    [document, "visibilitychange"],
  ];
  // Node has no such events.
  const known = targets.filter(([target]) => typeof target?.addEventListener === "function");
  for (const [target, name] of known) target?.addEventListener(name, listener);
  return () => known.forEach(([target, name]) => target?.removeEventListener(name, listener));
}
