/** The tokens by which operators and their programs come in. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../data/api.js";
import { useResource } from "../data/resource.js";
import { mayWrite, token } from "../data/session.js";
import type { OperatorToken } from "../data/types.js";
import { seconds } from "../lib/format.js";
import { ask, attempt, tell } from "../parts/dialog.js";
import { State } from "../parts/icon.js";
import { Choice, Field, Loaded, Panel, Secret } from "../parts/parts.js";
import { Table, type Column } from "../parts/table.js";
import { Time } from "../parts/time.js";

export function Tokens(): JSX.Element {
  const tokens = useResource<{ tokens: OperatorToken[] }>("tokens");
  const [made, setMade] = useState<OperatorToken | null>(null);
  const isOwn = ({ id }: OperatorToken) => token.value?.startsWith(`fla_${id}_`) ?? false;
  const revoke = (one: OperatorToken) =>
    ask({
      title: `Revoke the token ${one.name}?`,
      effect: <p>{isOwn(one) ? "You are signed in by it: you are signed out at once." : "Whoever uses it is refused from now on."}</p>,
      verb: "Revoke",
      isDangerous: true,
      act: async () => {
        await call(`tokens/${one.id}`, { method: "DELETE" });
        tell(`The token ${one.name} is revoked.`);
        tokens.reload();
      },
    });
  const columns: Column<OperatorToken>[] = [
    { head: "Name", isName: true, cell: (one) => <>{one.name} {isOwn(one) && <small class="soft">(yours)</small>}</> },
    { head: "Scope", cell: ({ scope }) => scope },
    { head: "State", cell: ({ state }) => <State is={state === "active" ? "good" : "off"} word={state} /> },
    { head: "Made", cell: ({ created_at }) => <Time at={created_at} /> },
    { head: "Ends", cell: ({ expires_at }) => <Time at={expires_at} none="never" /> },
    { head: "Last used", cell: ({ last_used_at }) => <Time at={last_used_at} none="never" /> },
  ];
  const action: Column<OperatorToken> = {
    head: "Actions",
    isAction: true,
    cell: (one) => (
      <button type="button" class="small" onClick={() => revoke(one)}>
        Revoke<span class="unseen"> {one.name}</span>
      </button>
    ),
  };
  return (
    <Panel title="Tokens" about="By which operators and their programs come in here.">
      {made?.secret && <Secret label={`The token ${made.name}. It is shown only now.`} text={made.secret} />}
      {mayWrite.value && (
        <NewToken
          onMade={(one) => {
            setMade(one);
            tokens.reload();
          }}
        />
      )}
      <Loaded of={tokens}>
        {({ tokens: all }) => (
          <Table
            caption="Tokens"
            columns={mayWrite.value ? [...columns, action] : columns}
            rows={all}
            keyOf={({ id }) => id}
            empty="There are no tokens."
          />
        )}
      </Loaded>
    </Panel>
  );
}

function NewToken({ onMade }: { onMade: (made: OperatorToken) => void }): JSX.Element {
  const [name, setName] = useState("");
  const [scope, setScope] = useState("read");
  const [life, setLife] = useState("12w");
  const make = (event: Event) => {
    event.preventDefault();
    void attempt(async () => {
      const expires_in_s = life.trim() === "" ? null : seconds(life);
      if (life.trim() !== "" && expires_in_s === null) throw new Error("The life is a number and s, m, h, d or w, such as 12w.");
      onMade(await call<OperatorToken>("tokens", { method: "POST", body: { name: name.trim(), scope, expires_in_s } }));
      setName("");
      return "The token is made.";
    });
  };
  return (
    <form class="form" onSubmit={make}>
      <Field label="Name" value={name} onValue={setName} placeholder="what it is for" />
      <Choice
        label="Good for"
        value={scope}
        onValue={setScope}
        options={[
          ["metrics", "metrics alone"],
          ["read", "reading"],
          ["write", "everything"],
        ]}
      />
      <Field label="Life" value={life} onValue={setLife} placeholder="for ever, or 12w" />
      <div class="buttons">
        <button class="primary" disabled={name.trim() === ""}>
          Make a token
        </button>
      </div>
    </form>
  );
}
