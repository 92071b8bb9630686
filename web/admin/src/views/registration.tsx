/** Who may make an account, and the invites. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, withQuery } from "../data/api.js";
import { usePages, useResource } from "../data/resource.js";
import { mayWrite } from "../data/session.js";
import type { Invite, Registration as State_ } from "../data/types.js";
import { seconds, some } from "../lib/format.js";
import { ask, attempt, tell } from "../parts/dialog.js";
import { Icon, State, type Health } from "../parts/icon.js";
import { Field, Loaded, More, Panel, Secret } from "../parts/parts.js";
import { Table, type Column } from "../parts/table.js";
import { Time } from "../parts/time.js";

const PAGE = 50;
type Mode = State_["mode"];

const MODES: [Mode, string, string][] = [
  ["open", "Open", "Everybody may make an account."],
  ["invite", "By invite", "Whoever has an invite may."],
  ["closed", "Closed", "Nobody may. Whoever has an account goes on."],
];

export function Registration(): JSX.Element {
  const state = useResource<State_>("registration");
  const change = (mode: Mode, words: string) =>
    ask({
      title: `Switch registration to “${mode}”?`,
      effect: <p>{words} It holds at once, for all servers of the database, until it is switched again.</p>,
      verb: "Switch",
      act: async () => {
        await call("registration", { method: "PUT", body: { mode } });
        tell(`Registration is ${mode} now.`);
        state.reload();
      },
    });
  return (
    <>
      <Panel title="Who may register">
        <Loaded of={state}>
          {({ mode, configured, switched_at }) => (
            <>
              <div class="choices">
                {MODES.map(([key, name, words]) => (
                  <button
                    key={key}
                    type="button"
                    class="choice"
                    aria-pressed={key === mode}
                    disabled={!mayWrite.value && key !== mode}
                    onClick={() => key !== mode && change(key, words)}
                  >
                    <strong>
                      {key === mode && <Icon name="good" />}
                      {name}
                    </strong>
                    <span class="soft">{words}</span>
                  </button>
                ))}
              </div>
              <p class="soft">
                {switched_at ? <>Switched <Time at={switched_at} />; the</> : "Never switched; the"} configuration says {configured}.
              </p>
            </>
          )}
        </Loaded>
      </Panel>
      <Invites />
    </>
  );
}

const STATES: Record<string, Health> = { active: "good", open: "good", expired: "off", revoked: "off", used: "off", spent: "off" };

function Invites(): JSX.Element {
  const [made, setMade] = useState<Invite | null>(null);
  const invites = usePages<Invite>(
    withQuery("invites", { limit: PAGE }),
    ({ invites }: { invites: Invite[] }) => invites,
    PAGE,
    (shown) => withQuery("invites", { before: shown.at(-1)?.id, limit: PAGE }),
  );
  const revoke = ({ id, code_begins }: Invite) =>
    ask({
      title: `Revoke the invite ${code_begins}…?`,
      effect: <p>Nobody can register with it any more. Who has, keeps the account.</p>,
      verb: "Revoke",
      isDangerous: true,
      act: async () => {
        await call(`invites/${id}`, { method: "DELETE" });
        tell(`The invite ${code_begins}… is revoked.`);
        invites.reload();
      },
    });
  const columns: Column<Invite>[] = [
    { head: "Code", isName: true, cell: ({ code_begins }) => <code>{code_begins}…</code> },
    { head: "State", cell: ({ state }) => <State is={STATES[state] ?? "off"} word={state} /> },
    { head: "Uses left", isNumber: true, cell: ({ uses, uses_left }) => `${uses_left} of ${uses}` },
    { head: "For", cell: ({ bound_to }) => bound_to ?? "whoever has it" },
    { head: "Note", cell: ({ note }) => note || "–" },
    { head: "Ends", cell: ({ expires_at }) => <Time at={expires_at} /> },
    { head: "Used by", cell: ({ used_by }) => (used_by ? <a href={`#/people/${used_by}`}>{used_by}</a> : "–") },
  ];
  const action: Column<Invite> = {
    head: "Actions",
    isAction: true,
    cell: (invite) =>
      invite.uses_left > 0 && !invite.revoked_at && (STATES[invite.state] ?? "good") === "good" ? (
        <button type="button" class="small" onClick={() => revoke(invite)}>
          Revoke<span class="unseen"> {invite.code_begins}</span>
        </button>
      ) : null,
  };
  return (
    <Panel title="Invites" about="A code is shown once, when it is made.">
      {made?.code && <Secret label={`Good for ${some(made.uses, "account")}. It is shown only now.`} text={made.code} />}
      {mayWrite.value && (
        <NewInvite
          onMade={(invite) => {
            setMade(invite);
            invites.reload();
          }}
        />
      )}
      <Loaded of={invites}>
        {(all) => (
          <Table
            caption="Invites"
            columns={mayWrite.value ? [...columns, action] : columns}
            rows={all}
            keyOf={({ id }) => id}
            empty="There are no invites."
          />
        )}
      </Loaded>
      <More onMore={invites.more} />
    </Panel>
  );
}

function NewInvite({ onMade }: { onMade: (invite: Invite) => void }): JSX.Element {
  const [uses, setUses] = useState("1");
  const [life, setLife] = useState("7d");
  const [whom, setWhom] = useState("");
  const [note, setNote] = useState("");
  const make = (event: Event) => {
    event.preventDefault();
    void attempt(async () => {
      const expires_in_s = seconds(life);
      if (expires_in_s === null) throw new Error("The life is a number and s, m, h, d or w, such as 7d.");
      const bound = whom.trim() === "" ? {} : { bound_to: whom.trim() };
      const body = { uses: Number(uses), expires_in_s, note: note.trim(), ...bound };
      onMade(await call<Invite>("invites", { method: "POST", body }));
      return "The invite is made.";
    });
  };
  return (
    <form class="form" onSubmit={make}>
      <Field label="Accounts" type="number" value={uses} onValue={setUses} />
      <Field label="Life" value={life} onValue={setLife} />
      <Field label="Only for" value={whom} onValue={setWhom} placeholder="e-mail address or name" />
      <Field label="Note" value={note} onValue={setNote} placeholder="for operators" />
      <div class="buttons">
        <button class="primary">Make an invite</button>
      </div>
    </form>
  );
}
