/** People: finding one, and one person's page. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { withQuery } from "../data/api.js";
import { go, place } from "../data/place.js";
import { usePages } from "../data/resource.js";
import type { User } from "../data/types.js";
import { State } from "../parts/icon.js";
import { Field, Head, Loaded, More } from "../parts/parts.js";
import { Table, type Column } from "../parts/table.js";
import { Time } from "../parts/time.js";
import { PersonPage } from "./person.js";

const PAGE = 50;
/** Typing is over after so many milliseconds. */
const TYPED_MS = 200;

export function People(): JSX.Element {
  const id = Number(place.value[1]);
  return id > 0 ? <PersonPage key={id} id={id} /> : <Search />;
}

const COLUMNS: Column<User>[] = [
  { head: "Name", isName: true, cell: ({ id, name }) => <a href={`#/people/${id}`}>{name}</a> },
  { head: "Id", isNumber: true, cell: ({ id }) => id },
  { head: "State", cell: (user) => <AccountState of={user} /> },
  { head: "Second factor", cell: ({ second_factor }) => (second_factor ? "on" : "off") },
  { head: "Last seen", cell: ({ last_seen_at }) => <Time at={last_seen_at} none="never" /> },
  { head: "Joined", cell: ({ created_at }) => <Time at={created_at} /> },
];

export function AccountState({ of }: { of: User }): JSX.Element {
  if (of.state !== "disabled") return <State is="good" word="active" />;
  return <State is="off" word="disabled" />;
}

function Search(): JSX.Element {
  const [text, setText] = useState("");
  const [query, setQuery] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setQuery(text.trim()), TYPED_MS);
    return () => clearTimeout(timer);
  }, [text]);
  // Of those who are searched the server gives the best alone.
  const size = query === "" ? PAGE : Infinity;
  const people = usePages<User>(
    withQuery("users", { query, limit: PAGE }),
    ({ users }: { users: User[] }) => users,
    size,
    (shown) => withQuery("users", { before: shown.at(-1)?.id, limit: PAGE }),
  );
  const first = people.data?.[0];
  return (
    <>
      <Head title="People" about="Who has an account here. No address is shown, unless you ask for it on a person’s page." />
      <form
        role="search"
        class="panel"
        onSubmit={(event) => {
          event.preventDefault();
          if (first && text.trim() !== "") go(`people/${first.id}`);
        }}
      >
        <Field label="Search" type="search" value={text} onValue={setText} placeholder="Part of a name, or an id" />
        <Loaded of={people}>
          {(users) => (
            <Table
              caption="People"
              columns={COLUMNS}
              rows={users}
              keyOf={({ id }) => id}
              empty={query === "" ? "Nobody has an account yet." : `Nobody is found by “${query}”.`}
            />
          )}
        </Loaded>
        <More onMore={people.more} />
      </form>
    </>
  );
}
