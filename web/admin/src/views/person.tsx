/** One person's page: what the server knows of the account, and what may be done about it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../data/api.js";
import { useResource } from "../data/resource.js";
import { mayWrite } from "../data/session.js";
import type { Login, Person, PushTarget } from "../data/types.js";
import { bytes, count, figure, span } from "../lib/format.js";
import { ask, attempt, tell } from "../parts/dialog.js";
import { Icon, State } from "../parts/icon.js";
import { Facts, Head, Loaded, Panel } from "../parts/parts.js";
import { Table, type Column } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { PersonActions } from "./person-actions.js";
import { AccountState } from "./people.js";

const EVERY_MS = 10_000;

export function PersonPage({ id }: { id: number }): JSX.Element {
  const [reveals, setReveals] = useState(false);
  const person = useResource<Person>(reveals ? `users/${id}?reveal=true` : `users/${id}`, reveals ? 0 : EVERY_MS);
  return (
    <>
      <p>
        <a href="#/people" class="back">
          <Icon name="back" /> People
        </a>
      </p>
      <Head title={person.data?.name ?? `Account ${id}`} />
      <Loaded of={person}>
        {(data) => (
          <>
            <Panel
              title="Account"
              actions={
                mayWrite.value &&
                !reveals && (
                  <button type="button" onClick={() => setReveals(true)}>
                    Show the e-mail address
                  </button>
                )
              }
            >
              <Facts
                of={[
                  ["State", <AccountState of={data} />],
                  ["Id", data.id],
                  ["Joined", <Time at={data.created_at} />],
                  ["Last seen", <Time at={data.last_seen_at} none="never" />],
                  ["Second factor", data.second_factor ? "on" : "off"],
                  ["Logins", count(data.sessions)],
                  ["Sockets at this server", count(data.sockets)],
                  ["Files", bytes(data.media_bytes)],
                  ...(data.disabled_at ? [["Disabled", <Time at={data.disabled_at} />] as [string, JSX.Element]] : []),
                  ...(data.email ? [["E-mail", data.email] as [string, string]] : []),
                ]}
              />
              {reveals && <p class="soft">The audit log says that you have looked.</p>}
            </Panel>
            {mayWrite.value && <PersonActions person={data} reload={person.reload} />}
            <Logins person={data} reload={person.reload} />
            <Devices person={data} />
            <Limits id={id} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Logins({ person, reload }: { person: Person; reload: () => void }): JSX.Element {
  const path = `users/${person.id}/sessions`;
  const logins = useResource<{ sessions: Login[] }>(path);
  const end = ({ id }: Login) =>
    ask({
      title: `End login ${id} of ${person.name}?`,
      effect: <p>Its tokens are refused and its sockets close at once. {person.name} can sign in again.</p>,
      verb: "End login",
      act: async () => {
        await call(`${path}/${id}`, { method: "DELETE" });
        tell(`Login ${id} is ended.`);
        logins.reload();
        reload();
      },
    });
  const columns: Column<Login>[] = [
    { head: "Login", isName: true, cell: ({ id }) => id },
    { head: "Devices", cell: ({ device_ids }) => device_ids.join(", ") || "–" },
    { head: "Network", cell: ({ network }) => network ?? "–" },
    { head: "Second factor", cell: ({ second_factor }) => (second_factor ? "yes" : "no") },
    { head: "Begun", cell: ({ created_at }) => <Time at={created_at} /> },
    { head: "Last used", cell: ({ last_used_at }) => <Time at={last_used_at} none="never" /> },
  ];
  const action: Column<Login> = {
    head: "Actions",
    isAction: true,
    cell: (login) => (
      <button type="button" class="small" onClick={() => end(login)}>
        End<span class="unseen"> login {login.id}</span>
      </button>
    ),
  };
  return (
    <Panel title="Logins">
      <Loaded of={logins}>
        {({ sessions }) => (
          <Table
            caption="Logins"
            columns={mayWrite.value ? [...columns, action] : columns}
            rows={sessions}
            keyOf={({ id }) => id}
            empty={`${person.name} is signed in nowhere.`}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function Devices({ person }: { person: Person }): JSX.Element {
  const [isBusy, setBusy] = useState<string | null>(null);
  const test = async (device: string) => {
    setBusy(device);
    await attempt(async () => {
      const path = `push/targets/${person.id}/${encodeURIComponent(device)}/test`;
      const { outcome, reason, provider_status, took_ms } = await call<{
        outcome: string;
        reason: string | null;
        provider_status: number | null;
        took_ms: number;
      }>(path, { method: "POST", timeoutMs: 30_000 });
      const status = provider_status === null ? "" : `, status ${provider_status}`;
      return `${device}: ${outcome}${status}${reason ? `, ${reason}` : ""}, in ${span(took_ms)}.`;
    });
    setBusy(null);
  };
  const columns: Column<PushTarget>[] = [
    { head: "Device", isName: true, cell: ({ device_id }) => device_id },
    { head: "Service", cell: ({ provider }) => provider },
    {
      head: "State",
      cell: ({ state, reason }) => (
        <>
          <State is={state === "active" ? "good" : "warn"} word={state} /> {reason}
        </>
      ),
    },
    {
      head: "Last wake-up",
      cell: ({ last_wake_at, last_wake_outcome }) => (
        <>
          <Time at={last_wake_at} none="never" /> {last_wake_outcome}
        </>
      ),
    },
    { head: "Seen", cell: ({ last_seen_at }) => <Time at={last_seen_at} none="never" /> },
  ];
  const action: Column<PushTarget> = {
    head: "Actions",
    isAction: true,
    cell: ({ device_id }) => (
      <button type="button" class="small" disabled={isBusy !== null} onClick={() => void test(device_id)}>
        {isBusy === device_id ? "Waking …" : "Send a test"}
      </button>
    ),
  };
  return (
    <Panel title="Devices that can be woken" about="Where a push service is asked to wake the app.">
      <Table
        caption="Devices"
        columns={mayWrite.value ? [...columns, action] : columns}
        rows={person.push_targets}
        keyOf={({ device_id }) => device_id}
        empty="No device is registered for push."
      />
    </Panel>
  );
}

function Limits({ id }: { id: number }): JSX.Element {
  const limits = useResource<Record<string, { burst: number; every_ms: number }>>(`users/${id}/limits`);
  return (
    <Panel title="Limits of their own" about="Set for this account instead of those of the configuration.">
      <Loaded of={limits}>
        {(own) => (
          <Table
            caption="Limits"
            columns={[
              { head: "Limiter", isName: true, cell: ([name]) => <code>{name}</code> },
              { head: "At once", isNumber: true, cell: ([, { burst }]) => (burst === 0 ? "no limit" : count(burst)) },
              { head: "One more after", isNumber: true, cell: ([, { every_ms }]) => span(every_ms) },
              { head: "A minute", isNumber: true, cell: ([, { every_ms }]) => (every_ms > 0 ? figure(60_000 / every_ms) : "–") },
            ]}
            rows={Object.entries(own)}
            keyOf={([name]) => name}
            empty="None: the limits of the configuration hold."
          />
        )}
      </Loaded>
    </Panel>
  );
}
