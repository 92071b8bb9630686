/** What may be asked of the process: to read its files anew, and to stop. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../data/api.js";
import type { Reloaded } from "../data/types.js";
import { seconds, span, words } from "../lib/format.js";
import { ask, tell } from "../parts/dialog.js";
import { Field } from "../parts/parts.js";

export function ProcessActions(): JSX.Element {
  const reload = () =>
    ask({
      title: "Read keys, rules and certificate anew?",
      effect: <p>As SIGHUP does. What has not changed stays as it is; nobody is thrown out.</p>,
      verb: "Read anew",
      act: async () => {
        const [text, isBad] = outcome(await call<Reloaded>("reload", { method: "POST", body: {} }));
        tell(text, isBad);
      },
    });
  return (
    <>
      <button type="button" onClick={reload}>
        Reload …
      </button>
      <Drain />
    </>
  );
}

/** Returns what came of reading files anew, as sentences, and whether something is wrong. */
function outcome({ parts, needs_restart, config_error }: Reloaded): [string, boolean] {
  const failed = parts.filter((part) => part.outcome === "failed");
  const changed = parts.filter((part) => part.outcome === "changed").map(({ name }) => words(name));
  const sentences = [
    changed.length > 0 ? `Changed: ${changed.join(", ")}.` : "Nothing in use has changed.",
    ...failed.map(({ name, reason }) => `Cannot be used: ${words(name)} (${reason}).`),
  ];
  if (needs_restart.length > 0) sentences.push(`A restart is needed for ${needs_restart.join(", ")}.`);
  if (config_error !== null) sentences.push(`The configuration cannot be read: ${config_error}`);
  return [sentences.join(" "), failed.length > 0 || config_error !== null];
}

function Drain(): JSX.Element {
  const drain = () =>
    ask({
      title: "Stop this server?",
      effect: <DrainEffect />,
      verb: "Drain and stop",
      isDangerous: true,
      typed: "stop",
      act: async () => {
        const asked = seconds(drainWindow);
        if (drainWindow.trim() !== "" && asked === null) throw new Error("The window is no span such as 30s or 2m.");
        const { window_s } = await call<{ window_s: number }>("drain", {
          method: "POST",
          body: asked === null ? {} : { window_s: asked },
        });
        tell(`Draining: the server stops within ${span(window_s * 1_000)}.`);
      },
    });
  return (
    <button type="button" class="danger" onClick={drain}>
      Drain …
    </button>
  );
}

/** What the open question has; there is one at a time. */
let drainWindow = "";

function DrainEffect(): JSX.Element {
  const [text, setText] = useState("");
  drainWindow = text;
  return (
    <>
      <p>
        No newcomer is let in, phones are sent away over the window, and then the process ends, as with SIGTERM. Whatever
        supervises it may start it again; otherwise nobody can write until you do.
      </p>
      <Field label="Window" value={text} onValue={setText} placeholder="as configured, or 30s" />
    </>
  );
}
