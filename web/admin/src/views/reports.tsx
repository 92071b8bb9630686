/** What users report. What a message says is shown only when asked for, and the audit log says that it was. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, withQuery } from "../data/api.js";
import { usePages } from "../data/resource.js";
import { mayWrite } from "../data/session.js";
import type { Report } from "../data/types.js";
import { words } from "../lib/format.js";
import { ask, tell } from "../parts/dialog.js";
import { State, type Health } from "../parts/icon.js";
import { Loaded, More, Panel } from "../parts/parts.js";
import { Table } from "../parts/table.js";
import { Time } from "../parts/time.js";

const PAGE = 50;
const STATES: Record<Report["state"], Health> = { open: "warn", upheld: "bad", dismissed: "off" };
const FILTERS = ["open", "upheld", "dismissed", ""] as const;

export function Reports(): JSX.Element {
  const [state, setState] = useState<string>("open");
  const reports = usePages<Report>(
    withQuery("reports", { state, limit: PAGE }),
    ({ reports }: { reports: Report[] }) => reports,
    PAGE,
    (shown) => withQuery("reports", { state, before: shown.at(-1)?.id, limit: PAGE }),
  );
  return (
    <Panel title="Reports" about="Messages that users have reported. Nothing here can be made up by who reports.">
      <div class="tabs" role="group" aria-label="Which reports">
        {FILTERS.map((filter) => (
          <button key={filter} type="button" aria-pressed={filter === state} onClick={() => setState(filter)}>
            {filter === "" ? "all" : filter}
          </button>
        ))}
      </div>
      <Loaded of={reports}>
        {(all) => (
          <Table
            caption="Reports"
            columns={[
              { head: "Report", isName: true, cell: ({ id }) => id },
              { head: "State", cell: ({ state }) => <State is={STATES[state]} word={state} /> },
              { head: "Reason", cell: ({ reason }) => words(reason) },
              { head: "Sent by", cell: ({ subject_id }) => <Who id={subject_id} /> },
              { head: "Reported by", cell: ({ reporter_id }) => <Who id={reporter_id} /> },
              { head: "Sent", cell: ({ sent_at }) => <Time at={sent_at} /> },
              { head: "Reported", cell: ({ created_at }) => <Time at={created_at} /> },
              { head: "Note", cell: ({ note, decision_note }) => [note, decision_note].filter(Boolean).join("; ") || "–" },
              { head: "Actions", isAction: true, cell: (report) => mayWrite.value && <Actions of={report} reload={reports.reload} /> },
            ]}
            rows={all}
            keyOf={({ id }) => id}
            empty={state === "open" ? "No report waits for a decision." : "There are none."}
          />
        )}
      </Loaded>
      <More onMore={reports.more} />
    </Panel>
  );
}

function Who({ id }: { id: number | null }): JSX.Element {
  return id === null ? <span class="soft">deleted</span> : <a href={`#/people/${id}`}>{id}</a>;
}

function Actions({ of, reload }: { of: Report; reload: () => void }): JSX.Element {
  const { id, subject_id, state, has_plaintext } = of;
  const reveal = () =>
    ask({
      title: `Show what report ${id} discloses?`,
      effect: <p>You read a private message. The audit log says that you have, with the name of your token.</p>,
      verb: "Show it",
      act: async () => {
        const { plaintext } = await call<Report>(`reports/${id}`);
        // Another question takes the place of the first one once that is closed.
        setTimeout(() =>
          ask({
            title: `Report ${id}`,
            effect: <blockquote>{plaintext ?? "It has been wiped."}</blockquote>,
            verb: "Done",
            act: () => Promise.resolve(),
          }),
        );
      },
    });
  const decide = (decision: "upheld" | "dismissed", disable: boolean) =>
    ask({
      title: decision === "upheld" ? `Is report ${id} right?` : `Dismiss report ${id}?`,
      effect: (
        <p>
          {disable && `Account ${subject_id} is disabled: it cannot sign in any more, and its logins end. `}
          What the report discloses is wiped 30 days from now. You can decide anew.
        </p>
      ),
      verb: disable ? "Uphold and disable" : decision === "upheld" ? "Uphold" : "Dismiss",
      isDangerous: disable,
      act: async () => {
        const body = { state: decision, ...(disable ? { disable_user: true } : {}) };
        await call(`reports/${id}`, { method: "PATCH", body });
        tell(`Report ${id} is ${decision}.`);
        reload();
      },
    });
  const about = <span class="unseen"> report {id}</span>;
  return (
    <>
      {has_plaintext && (
        <button type="button" class="small" onClick={reveal}>
          Show text{about}
        </button>
      )}
      {state !== "upheld" && (
        <button type="button" class="small" onClick={() => decide("upheld", false)}>
          Uphold{about}
        </button>
      )}
      <button type="button" class="small" onClick={() => decide("upheld", true)}>
        Uphold and disable{about}
      </button>
      {state !== "dismissed" && (
        <button type="button" class="small" onClick={() => decide("dismissed", false)}>
          Dismiss{about}
        </button>
      )}
    </>
  );
}
