/** The server itself: stopping it, what it reads anew, its settings, and the tokens of operators. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../data/api.js";
import { overview } from "../data/live.js";
import { useResource } from "../data/resource.js";
import { mayWrite } from "../data/session.js";
import type { Setting } from "../data/types.js";
import { count, seconds, span } from "../lib/format.js";
import { ask, tell } from "../parts/dialog.js";
import { Facts, Field, Head, Loaded, Panel } from "../parts/parts.js";
import { Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { Tokens } from "./tokens.js";

export function Server(): JSX.Element {
  const server = overview.value;
  return (
    <>
      <Head title="Server" about="The process, its settings, and who else may look." />
      <Panel title="Process" actions={mayWrite.value && <Actions />}>
        {server && (
          <Facts
            of={[
              ["Node", server.node],
              ["Version", `${server.version}${server.commit ? ` (${server.commit})` : ""}`],
              ["Started", <Time at={server.started_at} />],
              ["Sessions", count(server.sessions)],
              ["Restarts of actors", count(server.restarts)],
            ]}
          />
        )}
      </Panel>
      <Tokens />
      <Settings />
    </>
  );
}

function Actions(): JSX.Element {
  const reload = () =>
    ask({
      title: "Read keys, rules and certificate anew?",
      effect: <p>As SIGHUP does. What has not changed stays as it is; nobody is thrown out.</p>,
      verb: "Read anew",
      act: async () => {
        const { read } = await call<{ read: string[] }>("reload", { method: "POST", body: {} });
        tell(`Read anew: ${read.join(", ")}.`);
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

function Drain(): JSX.Element {
  const drain = () =>
    ask({
      title: "Stop this server?",
      effect: <DrainEffect />,
      verb: "Drain and stop",
      isDangerous: true,
      typed: "stop",
      act: async () => {
        const window_s = seconds(drainWindow);
        const { window_s: taken } = await call<{ window_s: number }>("drain", {
          method: "POST",
          body: window_s === null ? {} : { window_s },
        });
        tell(`Draining: the server stops within ${span(taken * 1_000)}.`);
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

function Settings(): JSX.Element {
  const settings = useResource<{ settings: Setting[] }>("config");
  const [text, setText] = useState("");
  const [isOwn, setOwn] = useState(true);
  return (
    <Panel
      title="Settings"
      about="What holds, and where it comes from. Secrets are not shown."
      actions={
        <button type="button" aria-pressed={!isOwn} onClick={() => setOwn(!isOwn)}>
          {isOwn ? "Show defaults, too" : "Only what was set"}
        </button>
      }
    >
      <Field label="Search" type="search" value={text} onValue={setText} placeholder="part of a name" />
      <Loaded of={settings}>
        {({ settings: all }) => (
          <Table
            caption="Settings"
            columns={[
              { head: "Setting", isName: true, cell: ({ key }) => <code>{key}</code> },
              { head: "Value", cell: ({ value }) => <code>{typeof value === "string" ? value : JSON.stringify(value)}</code> },
              { head: "From", cell: ({ source }) => source },
            ]}
            rows={all.filter(
              ({ key, source }) => key.includes(text.trim().toLowerCase()) && (!isOwn || text !== "" || source !== "default"),
            )}
            keyOf={({ key }) => key}
            empty={text === "" ? "Nothing was set: everything is as it comes." : "There is no such setting."}
          />
        )}
      </Loaded>
    </Panel>
  );
}
