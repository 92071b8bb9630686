/** Whether the page hears the server. While it does not, what is shown is old, and said to be. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { connection, retryNow } from "../data/live.js";
import { span } from "../lib/format.js";
import { Icon } from "../parts/icon.js";

export function Connection(): JSX.Element | null {
  const state = connection.value;
  const [, tick] = useState(0);
  const isLost = state.kind === "lost";
  useEffect(() => {
    if (!isLost) return undefined;
    const timer = setInterval(() => tick((count) => count + 1), 1_000);
    return () => clearInterval(timer);
  }, [isLost]);
  if (state.kind === "lost") {
    const left = Math.max(0, state.nextAt - Date.now());
    return (
      <div class="banner bad">
        <Icon name="bad" />
        <p>
          <span role="alert">
            <strong>No connection to the server.</strong> {state.why}
          </span>{" "}
          What is shown is {span(Math.max(1_000, Date.now() - state.since))} old.{" "}
          {left < 500 ? "Trying again …" : `Next attempt in ${Math.ceil(left / 1_000)} s.`}
        </p>
        <button type="button" onClick={retryNow}>
          Try now
        </button>
      </div>
    );
  }
  if (state.kind === "polled" || state.kind === "refused") {
    return (
      <div class="banner warn" role="status">
        <Icon name="warn" />
        <p>
          <strong>No live figures.</strong> {state.why}
        </p>
      </div>
    );
  }
  return null;
}
