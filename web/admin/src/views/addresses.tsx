/** Which networks may come in: rules of operators, bans of the server, and what would happen to an address. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, said, withQuery } from "../data/api.js";
import { usePages } from "../data/resource.js";
import { mayWrite } from "../data/session.js";
import type { AddressRule, Decisions } from "../data/types.js";
import { count, seconds } from "../lib/format.js";
import { ask, attempt, tell } from "../parts/dialog.js";
import { State } from "../parts/icon.js";
import { Choice, Field, Loaded, More, Panel } from "../parts/parts.js";
import { Table, type Column } from "../parts/table.js";
import { Time } from "../parts/time.js";

const PAGE = 200;

const SCOPES: Record<AddressRule["scope"], string> = {
  all: "everything",
  auth: "whatever comes without a valid login",
};

export function Addresses(): JSX.Element {
  const rules = usePages<AddressRule>(
    withQuery("address_rules", { limit: PAGE }),
    ({ rules }: { rules: AddressRule[] }) => rules,
    PAGE,
    (shown) => withQuery("address_rules", { after: shown.at(-1)?.id, limit: PAGE }),
  );
  const remove = ({ id, cidr, source, action }: AddressRule) =>
    ask({
      title: source === "auto" ? `Lift the ban of ${cidr}?` : `Remove the rule for ${cidr}?`,
      effect: (
        <p>
          {source === "auto"
            ? "The network may sign in again at once. If it goes on as before, it is banned anew, for longer."
            : action === "block"
              ? "The network may come in again, unless a wider rule keeps it out."
              : "A wider rule may keep the network out from then on."}
        </p>
      ),
      verb: source === "auto" ? "Lift the ban" : "Remove",
      isDangerous: action === "allow",
      act: async () => {
        await call(`address_rules/${id}`, { method: "DELETE" });
        tell(source === "auto" ? `The ban of ${cidr} is lifted.` : `The rule for ${cidr} is removed.`);
        rules.reload();
      },
    });
  const button: Column<AddressRule> = {
    head: "Actions",
    isAction: true,
    cell: (rule) => (
      <button type="button" class="small" onClick={() => remove(rule)}>
        {rule.source === "auto" ? "Lift" : "Remove"}
        <span class="unseen"> {rule.cidr}</span>
      </button>
    ),
  };
  const actions = mayWrite.value ? [button] : [];
  return (
    <>
      <Check />
      <Panel title="Rules" about="Of operators. The narrowest rule for an address decides.">
        {mayWrite.value && <NewRule onMade={rules.reload} />}
        <Loaded of={rules}>
          {(all) => (
            <Table
              caption="Rules"
              columns={[
                { head: "Network", isName: true, cell: ({ cidr }) => <code>{cidr}</code> },
                { head: "May come in", cell: ({ action }) => <State is={action === "allow" ? "good" : "bad"} word={action} /> },
                { head: "What", cell: ({ scope }) => SCOPES[scope] },
                { head: "Reason", cell: ({ reason }) => reason || "–" },
                { head: "Made", cell: ({ created_at }) => <Time at={created_at} /> },
                { head: "Ends", cell: ({ expires_at }) => <Time at={expires_at} none="never" /> },
                ...actions,
              ]}
              rows={all.filter(({ source }) => source === "manual")}
              keyOf={({ id }) => id}
              empty="There are no rules: every network may come in."
            />
          )}
        </Loaded>
        <More onMore={rules.more} />
      </Panel>
      <Panel title="Bans" about="Made by the server itself, because of what came from the network.">
        <Loaded of={rules}>
          {(all) => (
            <Table
              caption="Bans"
              columns={[
                { head: "Network", isName: true, cell: ({ cidr }) => <code>{cidr}</code> },
                { head: "Reason", cell: ({ reason }) => reason },
                { head: "Times", isNumber: true, cell: ({ strikes }) => count(strikes) },
                { head: "Banned", cell: ({ created_at }) => <Time at={created_at} /> },
                { head: "Ends", cell: ({ expires_at }) => <Time at={expires_at} none="never" /> },
                ...actions,
              ]}
              rows={all.filter(({ source }) => source === "auto")}
              keyOf={({ id }) => id}
              empty="No network is banned."
            />
          )}
        </Loaded>
      </Panel>
    </>
  );
}

function Check(): JSX.Element {
  const [text, setText] = useState("");
  const [found, setFound] = useState<{ address: string; decisions: Decisions } | string | null>(null);
  const check = async (event: Event) => {
    event.preventDefault();
    const address = text.trim();
    try {
      setFound({ address, decisions: await call<Decisions>(withQuery("address_rules/check", { address })) });
    } catch (error) {
      setFound(said(error));
    }
  };
  return (
    <Panel title="What would happen to this address?">
      <form class="ask" onSubmit={(event) => void check(event)}>
        <Field label="Address" type="search" value={text} onValue={setText} placeholder="203.0.113.7 or 2001:db8::1" />
        <button disabled={text.trim() === ""}>Ask</button>
      </form>
      <div aria-live="polite">
        {typeof found === "string" && <p class="failed">{found}</p>}
        {found !== null && typeof found === "object" && <Answer {...found} />}
      </div>
    </Panel>
  );
}

function Answer({ address, decisions }: { address: string; decisions: Decisions }): JSX.Element {
  return (
    <ul class="answer">
      <Decision of={decisions.all} address={address} what="What is signed in, and open sockets" />
      <Decision of={decisions.auth ?? decisions.all} address={address} what="Registration, logins, and whatever has no valid login" />
    </ul>
  );
}

function Decision({ of, address, what }: { of: AddressRule | null; address: string; what: string }): JSX.Element {
  const isOut = of?.action === "block";
  return (
    <li>
      <State is={isOut ? "bad" : "good"} word={isOut ? "kept out" : "comes in"} />
      <span>
        {what} from <code>{address}</code>:{" "}
        {of === null ? (
          "no rule is about it."
        ) : (
          <>
            the {of.source === "auto" ? "ban" : "rule"} for <code>{of.cidr}</code> decides
            {of.reason && ` (${of.reason})`}
            {of.expires_at && <>, it ends <Time at={of.expires_at} /></>}.
          </>
        )}
      </span>
    </li>
  );
}

function NewRule({ onMade }: { onMade: () => void }): JSX.Element {
  const [cidr, setCidr] = useState("");
  const [action, setAction] = useState("block");
  const [scope, setScope] = useState("all");
  const [life, setLife] = useState("");
  const [reason, setReason] = useState("");
  const make = (event: Event) => {
    event.preventDefault();
    const for_s = life.trim() === "" ? null : seconds(life);
    if (life.trim() !== "" && for_s === null) return tell("The life is a number and s, m, h, d or w, such as 7d.", true);
    const body = { cidr: cidr.trim(), action, scope, reason: reason.trim(), ...(for_s ? { for_s } : {}) };
    const save = async () => {
      await call("address_rules", { method: "POST", body });
      setCidr("");
      setReason("");
      onMade();
    };
    if (action === "allow") {
      void attempt(async () => {
        await save();
        return `${body.cidr} may come in.`;
      });
      return undefined;
    }
    ask({
      title: `Block ${body.cidr}?`,
      effect: (
        <p>
          From this network {scope === "all" ? "nothing comes in any more, and its open sockets close" : "nobody registers or signs in any more; who is signed in goes on"}
          {for_s === null ? ", until you remove the rule." : `, for ${life.trim()}.`} A rule for exactly this network is replaced.
        </p>
      ),
      verb: "Block",
      isDangerous: true,
      act: async () => {
        await save();
        tell(`${body.cidr} is blocked.`);
      },
    });
    return undefined;
  };
  return (
    <form class="form" onSubmit={make}>
      <Field label="Network" value={cidr} onValue={setCidr} placeholder="203.0.113.0/24" />
      <Choice label="It" value={action} onValue={setAction} options={[["block", "is blocked"], ["allow", "may come in"]]} />
      <Choice label="For" value={scope} onValue={setScope} options={[["all", "everything"], ["auth", "what has no login"]]} />
      <Field label="Life" value={life} onValue={setLife} placeholder="for ever, or 7d" />
      <Field label="Reason" value={reason} onValue={setReason} placeholder="for operators" />
      <div class="buttons">
        <button class="primary" disabled={cidr.trim() === ""}>
          Add the rule
        </button>
      </div>
    </form>
  );
}
