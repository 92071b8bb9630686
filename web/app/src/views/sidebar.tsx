/** The list of conversations, and the search. */
import { computed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Chat, Message, Person } from "../bridge/protocol.js";
import { brief, line } from "../lib/format.js";
import { tickOf } from "../lib/lines.js";
import { calls } from "../page/calls.js";
import { go, pathOf, route } from "../page/route.js";
import { app, chats, isSelf, now, pending, presence, typing } from "../page/state.js";
import { said, t } from "../texts.js";
import { Avatar, Icon, Ticks } from "./parts.js";

/** How long the person must pause before people are searched, in milliseconds. */
const PAUSE_MS = 200;
/** Most unread messages that are told exactly. */
const MANY = 99;

/** Conversations, newest first: what waits to be sent is newer than what was. */
const inOrder = computed(() => {
  const waiting = new Map(pending.value.map((item) => [item.partner, item.writtenAt]));
  const time = ({ partner, last }: Chat) => waiting.get(partner.id) ?? (last ? Date.parse(last.timestamp) : Infinity);
  return [...chats.value].sort((one, other) => time(other) - time(one) || 0);
});

interface Found {
  people: Person[];
  messages: Message[];
}

export function Sidebar(): JSX.Element {
  const query = useSignal("");
  const found = useSignal<Found | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const user = app.value.user;

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      go({ at: "home" });
      input.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  useEffect(() => {
    found.value = null;
    const word = query.value.trim();
    if (word === "") return undefined;
    let isOld = false;
    const timer = setTimeout(() => {
      void calls()
        .search(word)
        .catch((): Found => ({ people: [], messages: [] }))
        .then((result) => {
          if (!isOld) found.value = result;
        });
    }, PAUSE_MS);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [query.value]);
  const clear = () => (query.value = "");

  return (
    <nav class="sidebar" aria-label={t.list.title}>
      <header>
        <h1>{t.name}</h1>
        <a
          class="quiet"
          href={pathOf({ at: "settings" })}
          aria-label={t.list.settings}
          aria-current={route.value.at === "settings" ? "page" : undefined}
        >
          {user && <Avatar name={user.name} />}
        </a>
      </header>
      <div class="search" role="search">
        <Icon name="search" />
        <input
          ref={input}
          type="search"
          aria-label={t.list.search}
          placeholder={t.list.search}
          value={query.value}
          onInput={(event) => (query.value = event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Escape" && clear()}
        />
        {query.value !== "" && (
          <button type="button" class="quiet" aria-label={t.list.clear} onClick={clear}>
            <Icon name="close" />
          </button>
        )}
      </div>
      <div class="scroll">
        {query.value.trim() === "" ? <List /> : <Results query={query.value.trim()} found={found.value} onGo={clear} />}
      </div>
    </nav>
  );
}

function List(): JSX.Element {
  if (chats.value.length === 0) {
    return (
      <div class="empty small">
        <h2>{t.list.empty}</h2>
        <p>{t.list.emptyText}</p>
      </div>
    );
  }
  return (
    <ul class="list">
      {inOrder.value.map((chat) => (
        <Row key={chat.partner.id} chat={chat} />
      ))}
    </ul>
  );
}

function Row({ chat }: { chat: Chat }): JSX.Element {
  const { partner, last, unread } = chat;
  const waiting = pending.value.filter((item) => item.partner === partner.id).at(-1);
  const isCurrent = route.value.at === "chat" && route.value.name === partner.name;
  const time = waiting?.writtenAt ?? (last ? Date.parse(last.timestamp) : null);
  const name = isSelf(partner) ? t.list.yourself : partner.name;
  return (
    <li>
      <a
        href={pathOf({ at: "chat", name: partner.name })}
        aria-current={isCurrent ? "page" : undefined}
        class={unread > 0 ? "unread" : ""}
      >
        <Avatar name={partner.name} isOnline={presence.value.get(partner.id)?.isOnline ?? false} />
        <span class="who">{name}</span>
        <time>{time !== null && brief(time, now(), t.days)}</time>
        <span class="preview">
          <Last chat={chat} />
        </span>
        {unread > 0 && (
          <span class="count" role="img" aria-label={t.list.unread(unread)}>
            {unread > MANY ? t.list.many : unread}
          </span>
        )}
      </a>
    </li>
  );
}

/** What was said last, or is being said. */
function Last({ chat }: { chat: Chat }): JSX.Element {
  const { partner, last, draft } = chat;
  const waiting = pending.value.filter((item) => item.partner === partner.id).at(-1);
  if (typing.value.has(partner.id)) return <em>{t.chat.typing}</em>;
  if (draft !== "") {
    return (
      <>
        <em class="draft">{t.list.draft}:</em> {line(draft)}
      </>
    );
  }
  if (waiting) {
    return (
      <>
        <Ticks state={waiting.failed === null ? "waiting" : "failed"} /> {line(said(waiting))}
      </>
    );
  }
  if (chat.isBlocked) return <em>{t.list.blocked}</em>;
  if (!last) return <></>;
  return (
    <>
      {last.isMine && !isSelf(partner) && <Ticks state={tickOf(last, chat)} />}{" "}
      {last.text === null ? <em>{said(last)}</em> : line(said(last))}
    </>
  );
}

function Results({ query, found, onGo }: { query: string; found: Found | null; onGo(): void }): JSX.Element {
  const word = query.toLowerCase();
  const here = chats.value.filter(({ partner }) => partner.name.toLowerCase().includes(word));
  const known = new Set(here.map(({ partner }) => partner.id));
  const people = (found?.people ?? []).filter(({ id }) => !known.has(id));
  const messages = found?.messages ?? [];
  if (found && here.length + people.length + messages.length === 0) {
    return (
      <div class="empty small" role="status">
        <h2>{t.list.none}</h2>
        <p>{t.list.noneText}</p>
      </div>
    );
  }
  return (
    <>
      {here.length > 0 && (
        <section aria-label={t.list.title}>
          <h2>{t.list.title}</h2>
          <ul class="list" onClick={onGo}>
            {here.map((chat) => (
              <Row key={chat.partner.id} chat={chat} />
            ))}
          </ul>
        </section>
      )}
      {people.length > 0 && (
        <section aria-label={t.list.people}>
          <h2>{t.list.people}</h2>
          <ul class="list" onClick={onGo}>
            {people.map((person) => (
              <li key={person.id}>
                <a href={pathOf({ at: "chat", name: person.name })}>
                  <Avatar name={person.name} />
                  <span class="who single">{isSelf(person) ? t.list.yourself : person.name}</span>
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      {messages.length > 0 && (
        <section aria-label={t.list.messages}>
          <h2>{t.list.messages}</h2>
          <ul class="list">
            {messages.map((message) => (
              <Hit key={message.id} message={message} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Hit({ message }: { message: Message }): JSX.Element | null {
  const chat = chats.value.find(({ partner }) => partner.id === message.partner);
  if (!chat) return null;
  const { name } = chat.partner;
  return (
    <li>
      <a href={`${pathOf({ at: "chat", name })}/${message.id}`}>
        <Avatar name={name} />
        <span class="who">{isSelf(chat.partner) ? t.list.yourself : name}</span>
        <time>{brief(Date.parse(message.timestamp), now(), t.days)}</time>
        <span class="preview">
          {message.isMine && <em>{t.list.you}:</em>} {line(said(message))}
        </span>
      </a>
    </li>
  );
}
