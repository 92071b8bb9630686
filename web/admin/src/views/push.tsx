/** Waking devices: the push services, what is owed, and why a device was woken or was not. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { place } from "../data/place.js";
import { useResource } from "../data/resource.js";
import type { PushAttempt, PushStatus, PushTrace } from "../data/types.js";
import { count, some, span } from "../lib/format.js";
import { State, type Health } from "../parts/icon.js";
import { Field, Head, Loaded, Panel } from "../parts/parts.js";
import { Table } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { Runbook } from "./runbook.js";

const EVERY_MS = 5_000;
/** What the states of a service mean. */
const STATES: Record<string, [Health, string]> = {
  working: ["good", "working"],
  open: ["warn", "fails, tried now and then"],
  stopped: ["bad", "refuses this server"],
  fused: ["warn", "says that too many devices are gone"],
};
/** A wake-up that is owed for longer means that a service fails, as the alert has it. */
const STALLED_MS = 600_000;

export function Push(): JSX.Element {
  const status = useResource<PushStatus>("push/status", EVERY_MS);
  return (
    <>
      <Head title="Push" about="Waking devices that sleep, by the services of their makers." />
      <Loaded of={status}>
        {({ enabled, owed, oldest_owed_at, providers }) => (
          <Panel
            title="Services"
            about={
              enabled ? (
                <>
                  {some(owed, "device")} {owed === 1 ? "is" : "are"} owed a wake-up
                  {oldest_owed_at && <>, the oldest since <Time at={oldest_owed_at} /></>}.
                </>
              ) : (
                "Switched off: push.enabled is false."
              )
            }
          >
            <Table
              caption="Push services"
              columns={[
                { head: "Service", isName: true, cell: ({ provider }) => provider },
                { head: "State", cell: (row) => <Provider of={row} /> },
                { head: "Active", isNumber: true, cell: ({ active }) => count(active) },
                { head: "Suspended", isNumber: true, cell: ({ suspended }) => count(suspended) },
                { head: "Owed", isNumber: true, cell: ({ owed }) => count(owed) },
              ]}
              rows={providers}
              keyOf={({ provider }) => provider}
              empty="No service is known."
            />
            {oldest_owed_at && Date.now() - Date.parse(oldest_owed_at) > STALLED_MS && <Runbook alert="FluentPushStalled" />}
          </Panel>
        )}
      </Loaded>
      <Trace />
    </>
  );
}

function Provider({ of }: { of: PushStatus["providers"][number] }): JSX.Element {
  const { configured, state, why, until } = of;
  if (!configured) return <State is="off" word="not configured" />;
  const [is, word] = STATES[state] ?? (["warn", state] as const);
  return (
    <>
      <State is={is} word={word} /> {why} {until && <>until <Time at={until} /></>}
    </>
  );
}

function Trace(): JSX.Element {
  const given = place.value[1] ?? "";
  const [text, setText] = useState(given);
  const [id, setId] = useState(/^\d+$/.test(given) ? given : null);
  const trace = useResource<PushTrace>(id === null ? null : `push/trace/${id}`);
  return (
    <Panel title="Why was a device woken, or was not?" about="Each device of the receiver, in words. Nothing of the message is shown.">
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() === id) trace.reload();
          setId(text.trim());
        }}
      >
        <Field label="Id of the message" type="search" value={text} onValue={(value) => setText(value.replace(/\D/g, ""))} placeholder="4711" />
        <button disabled={text.trim() === ""}>Trace</button>
      </form>
      {id !== null && (
        <Loaded of={trace}>
          {({ targets, deleted }) => (
            <>
              {targets.length === 0 && <p class="empty">The receiver has no device that can be woken.</p>}
              {targets.map(({ device_id, provider, state, words: lines, attempts }) => (
                <section key={device_id} class="offenders">
                  <h3>
                    {device_id} <span class="soft">{provider}, {state}</span>
                  </h3>
                  <ul class="lines">
                    {lines.map((line) => (
                      <li key={line}>{line}</li>
                    ))}
                  </ul>
                  {attempts.length > 0 && <Attempts of={attempts} />}
                </section>
              ))}
              {deleted.length > 0 && (
                <section class="offenders">
                  <h3>Devices that are gone</h3>
                  <Attempts of={deleted} />
                </section>
              )}
            </>
          )}
        </Loaded>
      )}
    </Panel>
  );
}

function Attempts({ of }: { of: PushAttempt[] }): JSX.Element {
  return (
    <Table
      caption="Requests"
      columns={[
        { head: "Request", isName: true, cell: ({ at }) => <Time at={at} /> },
        { head: "Outcome", cell: ({ words }) => words },
        { head: "Status", isNumber: true, cell: ({ status }) => status ?? "–" },
        { head: "Took", isNumber: true, cell: ({ took_ms }) => span(took_ms) },
      ]}
      rows={of}
      keyOf={({ at, device_id }) => at + device_id}
      empty=""
    />
  );
}
