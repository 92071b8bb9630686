/** One message. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Message, Pending, Person } from "../bridge/protocol.js";
import { clock, full, line as oneLine, links } from "../lib/format.js";
import { type Line, tickOf } from "../lib/lines.js";
import { calls } from "../page/calls.js";
import type { Conversation } from "../page/conversation.js";
import { chatWith, isSelf, now } from "../page/state.js";
import { failureText, said, t, unreadableText } from "../texts.js";
import { Files } from "./lazyfiles.js";
import { Menu, type MenuItem } from "./menu.js";
import { Confirm, Icon, Ticks } from "./parts.js";

/** For how long a message may be deleted for everyone, in milliseconds: docs/protocol.md. */
const EVERYONE_MS = 24 * 3_600_000;

type Of<Kind> = Extract<Line, { kind: Kind }>;

export function Bubble({
  line,
  conversation,
  onReply,
  onJump,
}: {
  line: Of<"message">;
  conversation: Conversation;
  me: Person | null;
  onReply(message: Message): void;
  onJump(id: number): Promise<void>;
}): JSX.Element | null {
  const { message, time, isFirst, isLast } = line;
  const { partner } = conversation;
  const [deleting, setDeleting] = useState<"me" | "everyone" | null>(null);
  const isGone = useExpiry(message.expiresAt);
  if (isGone) return null;
  const mayDeleteForAll = () => message.isMine && !isSelf(partner) && now() - time < EVERYONE_MS;
  const items = (): MenuItem[] => [
    { label: t.message.reply, onSelect: () => onReply(message) },
    ...(!message.text
      ? []
      : [{ label: t.message.copy, onSelect: () => void navigator.clipboard.writeText(message.text ?? "") }]),
    { label: t.message.deleteMe, isDangerous: true, onSelect: () => setDeleting("me") },
    ...(mayDeleteForAll()
      ? [{ label: t.message.deleteAll, isDangerous: true, onSelect: () => setDeleting("everyone") }]
      : []),
  ];
  const side = message.isMine ? "mine" : "theirs";
  const who = message.isMine ? t.chat.yourMessage : partner.name;
  return (
    <article
      class={`message ${side} ${isFirst ? "first" : ""} ${isLast ? "last" : ""} ${
        conversation.target.value === message.id ? "target" : ""
      }`}
      data-key={line.key}
      data-id={message.id}
      data-message
      tabIndex={-1}
      aria-label={`${who}, ${full(time, now(), t.days)}`}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || event.target !== event.currentTarget) return;
        event.preventDefault();
        event.currentTarget.querySelector<HTMLElement>(".menu > button")?.click();
      }}
    >
      <div class="bubble">
        {message.replyTo !== null && <Quote id={message.replyTo} conversation={conversation} onJump={onJump} />}
        {message.files.length > 0 && <Files files={message.files} message={message.id} />}
        {message.text === null ? <p class="unreadable">{unreadableText(message)}</p> : <Text text={message.text} />}
        <span class="meta">
          {message.expiresAt !== null && (
            <span
              role="img"
              aria-label={t.chat.expiresAt(full(Date.parse(message.expiresAt), now(), t.days))}
              title={t.chat.expiresAt(full(Date.parse(message.expiresAt), now(), t.days))}
            >
              <Icon name="timer" />
            </span>
          )}
          <time title={full(time, now(), t.days)}>{clock(time, t.days)}</time>
          {message.isMine && !isSelf(partner) && <Ticks state={tickOf(message, chatWith(partner.id) ?? null)} />}
        </span>
      </div>
      <Menu label={t.message.actions} items={items} tabIndex={-1}>
        <Icon name="more" />
      </Menu>
      {deleting !== null && (
        <Confirm
          title={deleting === "me" ? t.message.deleteMeTitle : t.message.deleteAllTitle}
          text={deleting === "me" ? t.message.deleteMeText : t.message.deleteAllText}
          yes={t.message.delete}
          isDangerous
          onClose={() => setDeleting(null)}
          onYes={() => calls().remove(message.id, deleting)}
        />
      )}
    </article>
  );
}

/** A message that the server does not have yet. */
export function PendingBubble({
  line,
  conversation,
}: {
  line: Of<"pending">;
  conversation: Conversation;
}): JSX.Element {
  const { pending, time, isFirst, isLast } = line;
  return (
    <article
      class={`message mine ${isFirst ? "first" : ""} ${isLast ? "last" : ""} ${pending.failed === null ? "" : "failed"}`}
      data-key={line.key}
      data-message
      tabIndex={-1}
      aria-label={`${t.chat.yourMessage}, ${full(time, now(), t.days)}`}
    >
      <div class="bubble">
        {pending.replyTo !== null && <Quote id={pending.replyTo} conversation={conversation} onJump={async () => {}} />}
        {pending.files.length > 0 && <Files files={pending.files} clientId={pending.clientId} />}
        <Text text={pending.text} />
        <span class="meta">
          <time>{clock(time, t.days)}</time>
          <Ticks state={pending.failed === null ? "waiting" : "failed"} />
        </span>
      </div>
      {pending.failed !== null && <FailedNote pending={pending} failed={pending.failed} />}
    </article>
  );
}

function FailedNote({ pending, failed }: { pending: Pending; failed: string }): JSX.Element {
  return (
    <p class="failed-note" role="alert">
      {t.message.failed(failureText(failed))}
      <button type="button" class="link" onClick={() => void calls().retry(pending.clientId)}>
        {t.message.retry}
      </button>
      <button type="button" class="link" onClick={() => void calls().discard(pending.clientId)}>
        {t.message.discard}
      </button>
    </p>
  );
}

/** The text with its links; nothing is fetched of them. */
function Text({ text }: { text: string }): JSX.Element | null {
  if (text === "") return null;
  return (
    <p class={isOnlyEmoji(text) ? "text big" : "text"} dir="auto">
      {links(text).map(({ text, href }, index) =>
        href === null ? (
          text
        ) : (
          <a key={index} href={href} target="_blank" rel="noopener noreferrer nofollow">
            {text}
          </a>
        ),
      )}
    </p>
  );
}

function isOnlyEmoji(text: string): boolean {
  return text.length <= 24 && /^(\p{RGI_Emoji}|\s){1,6}$/v.test(text) && /\S/.test(text);
}

/** The message that is answered. */
function Quote({
  id,
  conversation,
  onJump,
}: {
  id: number;
  conversation: Conversation;
  onJump(id: number): Promise<void>;
}): JSX.Element {
  const loaded = conversation.messages.value.find((message) => message.id === id) ?? null;
  const [fetched, setFetched] = useState<Message | null>(null);
  useEffect(() => {
    if (loaded) return undefined;
    let isOld = false;
    void calls()
      .message(id)
      .then((message) => !isOld && setFetched(message))
      .catch(() => {});
    return () => void (isOld = true);
  }, [id, loaded === null]);
  const message = loaded ?? fetched;
  if (!message) return <p class="quote gone">{t.chat.replyGone}</p>;
  return (
    <button type="button" class="quote" tabIndex={-1} onClick={() => void onJump(id)}>
      <strong>{message.isMine ? t.chat.yourMessage : conversation.partner.name}</strong>
      <span>{oneLine(said(message))}</span>
    </button>
  );
}

/** Returns whether a message has disappeared by the server's clock. */
function useExpiry(expiresAt: string | null): boolean {
  const [, setTick] = useState(0);
  const leftMs = expiresAt === null ? Infinity : Date.parse(expiresAt) - now();
  useEffect(() => {
    // A timer takes at most some 24 days.
    if (leftMs === Infinity || leftMs <= 0 || leftMs > 2 ** 31 - 1) return undefined;
    const timer = setTimeout(() => setTick((tick) => tick + 1), leftMs + 50);
    return () => clearTimeout(timer);
  }, [expiresAt]);
  return leftMs <= 0;
}
