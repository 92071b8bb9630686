/** A conversation. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Message, Person } from "../bridge/protocol.js";
import { brief, clock, daysBetween } from "../lib/format.js";
import { calls } from "../page/calls.js";
import { Conversation } from "../page/conversation.js";
import { go, pathOf } from "../page/route.js";
import { app, chatWith, chats, conversation, isSelf, now, presence, typing } from "../page/state.js";
import { t } from "../texts.js";
import { Composer } from "./composer.js";
import { Log } from "./log.js";
import { Menu } from "./menu.js";
import { Avatar, Icon } from "./parts.js";

export function ChatScreen({ name }: { name: string }): JSX.Element {
  const [isMissing, setMissing] = useState(false);
  const [replyTo, setReplyTo] = useState<Message | null>(null);
  const open = conversation.value;

  useEffect(() => {
    let isLeft = false;
    const here = chats.value.find(({ partner }) => partner.name === name);
    const show = (person: Person) => {
      const chat = chatWith(person.id);
      conversation.value = new Conversation(person, chat && chat.unread > 0 ? chat.readUpTo : null);
      void conversation.value.refresh();
    };
    if (here) show(here.partner);
    else {
      calls()
        .find(name)
        .then((person) => {
          if (isLeft) return;
          if (person) show(person);
          else setMissing(true);
        })
        .catch(() => !isLeft && setMissing(true));
    }
    return () => {
      isLeft = true;
      conversation.value = null;
    };
  }, [name]);

  if (isMissing) {
    return (
      <div class="empty" role="status">
        <h2>{t.chat.notFound(name)}</h2>
        <a href="#/">{t.back}</a>
      </div>
    );
  }
  if (!open) return <div class="empty" />;
  return (
    <section class="chat" aria-label={t.chat.log(name)}>
      <ChatHeader partner={open.partner} />
      <Log conversation={open} onReply={setReplyTo} />
      <Foot partner={open.partner} replyTo={replyTo} onReplied={() => setReplyTo(null)} />
    </section>
  );
}

function ChatHeader({ partner }: { partner: Person }): JSX.Element {
  const chat = chatWith(partner.id);
  const isOwn = isSelf(partner);
  const seconds = chat?.expiresInS ?? null;
  return (
    <header class="bar">
      <a class="quiet only-narrow" href="#/" aria-label={t.back}>
        <Icon name="back" />
      </a>
      <a class="title" href={pathOf(isOwn ? { at: "settings" } : { at: "person", name: partner.name })}>
        <Avatar name={partner.name} isOnline={presence.value.get(partner.id)?.isOnline ?? false} />
        <span>
          <h1>
            {isOwn ? t.list.yourself : partner.name}
            {chat?.isVerified && (
              <span class="verified" role="img" aria-label={t.person.verified} title={t.person.verified}>
                <Icon name="verified" />
              </span>
            )}
          </h1>
          <p class={typing.value.has(partner.id) ? "accent" : ""}>{statusOf(partner)}</p>
        </span>
      </a>
      <Menu
        label={t.chat.expiry}
        items={t.timers.map((timer) => ({
          label: timer.label,
          isChosen: timer.seconds === seconds,
          onSelect: () => void calls().expire(partner.id, timer.seconds),
        }))}
      >
        <span class={seconds === null ? "" : "accent"}>
          <Icon name="timer" />
        </span>
      </Menu>
      {!isOwn && (
        <Menu
          label={t.more}
          items={[{ label: t.chat.person, onSelect: () => go({ at: "person", name: partner.name }) }]}
        >
          <Icon name="more" />
        </Menu>
      )}
    </header>
  );
}

function statusOf(partner: Person): string {
  if (isSelf(partner)) return t.chat.self;
  if (typing.value.has(partner.id)) return t.chat.typing;
  const status = app.value.connection === "live" ? presence.value.get(partner.id) : undefined;
  if (status?.isOnline) return t.chat.online;
  if (!status?.lastSeen) return "";
  const time = Date.parse(status.lastSeen);
  const isToday = daysBetween(time, now()) === 0;
  return t.chat.lastSeen(isToday ? clock(time, t.days) : brief(time, now(), t.days));
}

/** Where one writes, or why one cannot. */
function Foot({
  partner,
  replyTo,
  onReplied,
}: {
  partner: Person;
  replyTo: Message | null;
  onReplied(): void;
}): JSX.Element {
  const chat = chatWith(partner.id);
  if (chat?.isGone) return <p class="foot-note">{t.chat.gone}</p>;
  if (chat?.isBlocked) {
    return (
      <p class="foot-note">
        {t.chat.blockedByYou}{" "}
        <button type="button" class="link" onClick={() => void calls().block(partner.id, false)}>
          {t.chat.unblock}
        </button>
      </p>
    );
  }
  if (chat?.mustConfirmKey) {
    return (
      <div class="foot-note warn" role="alert">
        <p>{t.chat.mustConfirm(partner.name)}</p>
        <a class="button" href={pathOf({ at: "person", name: partner.name })}>
          {t.chat.compare}
        </a>
        <button type="button" onClick={() => void calls().acceptKey(partner.id)}>
          {t.chat.accept}
        </button>
      </div>
    );
  }
  return <Composer partner={partner} replyTo={replyTo} onReplied={onReplied} />;
}
