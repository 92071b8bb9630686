import type { Bridge } from "../bridge/bridge.js";

let bridge: Bridge | null = null;

/** Sets the bridge to the Worker, once. */
export function connect(to: Bridge): void {
  bridge = to;
}

/** Returns what may be asked of the Worker. */
export function calls(): Bridge["calls"] {
  if (!bridge) throw new Error("the page has not started");
  return bridge.calls;
}
