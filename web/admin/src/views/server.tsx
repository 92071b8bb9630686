/** The server itself: stopping it, what it reads anew, its settings, and the tokens of operators. */
import type { JSX } from "preact";
import { overview } from "../data/live.js";
import { mayWrite } from "../data/session.js";
import { count } from "../lib/format.js";
import { Facts, Head, Panel } from "../parts/parts.js";
import { Time } from "../parts/time.js";
import { ProcessActions } from "./process.js";
import { Settings } from "./settings.js";
import { Tokens } from "./tokens.js";

export function Server(): JSX.Element {
  const server = overview.value;
  return (
    <>
      <Head title="Server" about="The process, its settings, and who else may look." />
      <Panel title="Process" actions={mayWrite.value && <ProcessActions />}>
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
