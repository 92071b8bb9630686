/** The audit log: what has happened to accounts and settings. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { withQuery } from "../data/api.js";
import { usePages } from "../data/resource.js";
import type { AuditEntry } from "../data/types.js";
import { words } from "../lib/format.js";
import { Choice, Field, Loaded, More, Panel } from "../parts/parts.js";
import { Table } from "../parts/table.js";
import { Time } from "../parts/time.js";

const PAGE = 50;

/** The events (docs/operations/admin.md). */
const EVENTS = [
  "registered",
  "account_deleted",
  "account_disabled",
  "account_enabled",
  "login",
  "login_failed",
  "logout",
  "session_ended",
  "refresh_reuse",
  "password_changed",
  "second_factor_on",
  "second_factor_off",
  "second_factor_used_recovery",
  "invite_created",
  "invite_used",
  "invite_revoked",
  "report",
  "report_decided",
  "admin_action",
  "address_rule_added",
  "address_rule_removed",
  "ban",
  "key_rotated",
  "key_revoked",
  "config_changed",
];

export function Audit(): JSX.Element {
  const [event, setEvent] = useState("");
  const [user, setUser] = useState("");
  const query = (before?: number) => withQuery("audit", { event, user, before, limit: PAGE });
  const entries = usePages<AuditEntry>(
    query(),
    ({ entries }: { entries: AuditEntry[] }) => entries,
    PAGE,
    (shown) => query(shown.at(-1)?.id),
  );
  return (
    <Panel title="Audit" about="What has happened to accounts and settings, the newest first.">
      <div class="form">
        <Choice
          label="Event"
          value={event}
          onValue={setEvent}
          options={[["", "all"], ...EVENTS.map((name): [string, string] => [name, words(name)])]}
        />
        <Field label="User" type="search" value={user} onValue={(value) => setUser(value.replace(/\D/g, ""))} placeholder="id" />
      </div>
      <Loaded of={entries}>
        {(all) => (
          <Table
            caption="Audit"
            columns={[
              { head: "Event", isName: true, cell: ({ event }) => words(event) },
              { head: "When", cell: ({ at }) => <Time at={at} /> },
              { head: "By", cell: (entry) => <By of={entry} /> },
              { head: "Whom", cell: ({ subject_id }) => <Person id={subject_id} /> },
              { head: "Network", cell: ({ network }) => network ?? "–" },
              { head: "Detail", cell: ({ detail }) => <Detail of={detail} /> },
            ]}
            rows={all}
            keyOf={({ id }) => id}
            empty="Nothing has happened."
          />
        )}
      </Loaded>
      <More onMore={entries.more} />
    </Panel>
  );
}

function Person({ id }: { id: number | null }): JSX.Element {
  return id === null ? <span>–</span> : <a href={`#/people/${id}`}>{id}</a>;
}

function By({ of }: { of: AuditEntry }): JSX.Element {
  const { actor_kind, actor_id, detail } = of;
  const by = (detail as { by?: { name?: string; token?: string; local_user?: number } } | null)?.by;
  if (actor_id !== null) return <Person id={actor_id} />;
  const name = by?.name ?? by?.token;
  if (name) return <span>token {name}</span>;
  return <span>{by?.local_user === undefined ? words(actor_kind) : `local user ${by.local_user}`}</span>;
}

/** What else an entry says; who has done it is in a column of its own. */
function Detail({ of }: { of: unknown }): JSX.Element {
  if (of === null || typeof of !== "object") return <span>–</span>;
  const rest = Object.entries(of).filter(([name]) => name !== "by");
  if (rest.length === 0) return <span>–</span>;
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  return <code>{rest.map(([name, value]) => `${name}=${text(value)}`).join(" ")}</code>;
}
