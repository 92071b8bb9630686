/** The actors: the tree in which each is supervised, as it is this second. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { pulse } from "../data/live.js";
import { useResource } from "../data/resource.js";
import { mayWrite } from "../data/session.js";
import type { ActorNode, ActorState, ActorTree } from "../data/types.js";
import { count, figure, some, span, UNKNOWN } from "../lib/format.js";
import { State, type Health } from "../parts/icon.js";
import { Head, Loaded } from "../parts/parts.js";
import { Time } from "../parts/time.js";
import { SessionLists } from "./sessions.js";

const EVERY_MS = 2_000;

/** How each state is. */
export const STATES: Record<ActorState, Health> = {
  running: "good",
  stuck: "bad",
  restarting: "warn",
  failed: "bad",
  stopped: "off",
};

const NAMES: Record<string, [string, string]> = {
  root: ["Root", "supervises all others"],
  registry: ["Registry", "one session for each connected user"],
  persistence: ["Writer", "all changes of the database, in batches"],
  presence: ["Presence", "who is online, for whom"],
  janitor: ["Janitor", "destroys what has expired"],
  push: ["Push", "wakes sleeping devices"],
  relay: ["Relay", "batches of this server and of the others"],
  who: ["Who", "who is connected to which server"],
};

export function Actors(): JSX.Element {
  const [reveals, setReveals] = useState(false);
  const tree = useResource<ActorTree>(reveals ? "actors?reveal=true" : "actors", EVERY_MS);
  return (
    <>
      <Head title="Actors" about="Each kind with what it does this second. One that stands still is known within 7 s." />
      <Loaded of={tree}>
        {({ root, at }) => (
          <>
            <ul class="tree">
              <Node node={root} at={Date.parse(at)} />
            </ul>
            {root.children?.map(
              ({ kind, sessions }) =>
                sessions && (
                  <SessionLists
                    key={kind}
                    sessions={sessions}
                    reveals={reveals}
                    onReveal={mayWrite.value ? () => setReveals(!reveals) : null}
                  />
                ),
            )}
          </>
        )}
      </Loaded>
    </>
  );
}

function Node({ node, at }: { node: ActorNode; at: number }): JSX.Element {
  const { kind, restarts, handled, last_error, bound, batch, sessions, children } = node;
  const live = pulse.value.get(kind);
  const state = live?.state ?? node.state;
  const waiting = live?.waiting ?? node.waiting;
  const oldest = live?.oldestMs ?? node.oldest_wait_ms;
  const rate = useRate(handled, at);
  const [name, about] = NAMES[kind] ?? [kind, ""];
  return (
    <li>
      <article class={`actor ${STATES[state]}`} aria-label={name}>
        <div class="actor-head">
          <h2>{name}</h2>
          <State is={STATES[state]} word={state} />
        </div>
        <p class="soft">
          {about}
          {sessions && `: ${some(sessions.actors, "session")}, ${some(sessions.sockets, "socket")}`}
        </p>
        <dl class="figures">
          <Figure name="Handled" value={count(handled)} more={rate === null ? null : `${figure(rate)}/s`} />
          <Figure name="Waiting" value={count(waiting)} more={waiting > 0 ? span(oldest) : null} />
          <Figure name="Busy for" value={node.busy_ms > 0 ? span(node.busy_ms) : UNKNOWN} />
          <Figure name="Restarts" value={count(restarts)} isBad={restarts > 0} />
          {batch && <Figure name="Last batch" value={some(batch.last_commands, "command")} more={span(batch.last_commit_ms)} />}
          {batch && <Figure name="In flight" value={count(batch.in_flight)} />}
        </dl>
        {last_error && (
          <p class="actor-error">
            <State is="warn" word="last error" /> <Time at={last_error.at} />: <code>{last_error.text}</code>
          </p>
        )}
        <p class="bound soft">At most: {bound}</p>
      </article>
      {children && children.length > 0 && (
        <ul>
          {children.map((child) => (
            <Node key={child.kind} node={child} at={at} />
          ))}
        </ul>
      )}
    </li>
  );
}

function Figure({ name, value, more, isBad }: { name: string; value: string; more?: string | null; isBad?: boolean }): JSX.Element {
  return (
    <div class={isBad ? "is-bad" : undefined}>
      <dt>{name}</dt>
      <dd>
        {value}
        {more && <small> {more}</small>}
      </dd>
    </div>
  );
}

/** Returns how many a second a count has grown by since it was seen before. */
function useRate(value: number, at: number): number | null {
  const seen = useRef({ value, at, rate: null as number | null });
  const before = seen.current;
  if (at > before.at) {
    const rate = ((value - before.value) * 1_000) / (at - before.at);
    seen.current = { value, at, rate: Math.max(0, rate) };
  }
  return seen.current.rate;
}
