/** The messages of a conversation: a window that moves over what is loaded. */
import { useSignal } from "@preact/signals";
import type { JSX, RefObject } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Message } from "../bridge/protocol.js";
import { day } from "../lib/format.js";
import { type Line, isSame, linesOf } from "../lib/lines.js";
import { calls } from "../page/calls.js";
import type { Conversation } from "../page/conversation.js";
import { pathOf, route } from "../page/route.js";
import { app, chatWith, grown, isLookedAt, isSelf, now, pending } from "../page/state.js";
import { t } from "../texts.js";
import { Bubble, PendingBubble } from "./bubble.js";
import { Avatar, Icon } from "./parts.js";

/** How near to an end more is drawn, and what counts as the end, in pixels. */
const NEAR = 500;
const AT_END = 60;

interface Place {
  /** The element that must stay where it is, and where that was. */
  anchor: Element | null;
  /** From the beginning of what is drawn. */
  top: number;
  isAtEnd: boolean;
}

/** By their keys. */
type Lines = ReadonlyMap<string, Line>;

/** Returns lines with those in place that look the same as before, of which nothing is drawn anew then. */
function withKept(lines: readonly Line[], before: Lines): Line[] {
  return lines.map((line) => {
    const last = before.get(line.key);
    // The words for a day change at midnight.
    return last && line.kind !== "day" && isSame(last, line) ? last : line;
  });
}

export function Log({
  conversation,
  onReply,
}: {
  conversation: Conversation;
  onReply(message: Message): void;
}): JSX.Element {
  const { partner } = conversation;
  const chat = chatWith(partner.id);
  const box = useRef<HTMLDivElement>(null);
  const place = useRef<Place>({ anchor: null, top: 0, isAtEnd: true });
  const isAway = useSignal(false);
  const drawn = conversation.drawn.value;
  const isWhole = conversation.isWhole.value && conversation.range.value[0] === 0;
  const found = linesOf({
    messages: drawn,
    pending: conversation.isAtEnd.value ? pending.value.filter((item) => item.partner === partner.id) : [],
    keyChanges: chat?.keyChanges ?? [],
    unreadAfter: conversation.unreadAfter,
    isWhole,
  });

  const kept = useRef<Lines>(new Map());
  const lines = withKept(found, kept.current);
  kept.current = new Map(lines.map((line) => [line.key, line]));
  const onJump = useCallback((id: number) => jump(conversation, id, box, place), [conversation]);

  /** Notes what is on the screen, so that it stays there whatever is drawn above it. */
  function look(): void {
    const scroller = box.current;
    if (!scroller) return;
    const top = scroller.getBoundingClientRect().top;
    // Lines between messages go when others come.
    const anchor = [...scroller.querySelectorAll("[data-message]")].find(
      (element) => element.getBoundingClientRect().bottom > top,
    );
    const toEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    const isAtEnd = toEnd < AT_END && conversation.isAtEnd.value;
    place.current = { anchor: anchor ?? null, top: anchor ? topIn(scroller, anchor) : 0, isAtEnd };
    isAway.value = !isAtEnd;
    if (scroller.scrollTop < NEAR) void conversation.older();
    else if (toEnd < NEAR) conversation.newer();
  }

  // Before anything is drawn: the person may have gone on since it was noted what is on the screen.
  const scrolled = box.current?.scrollTop ?? 0;
  useLayoutEffect(() => {
    const scroller = box.current;
    if (!scroller) return;
    const { anchor, top, isAtEnd } = place.current;
    if (isAtEnd && conversation.isAtEnd.value && conversation.target.value === null) {
      scroller.scrollTop = scroller.scrollHeight;
    } else if (anchor?.isConnected) scroller.scrollTop = scrolled + topIn(scroller, anchor) - top;
    look();
  }, [lines.length, drawn, conversation.isLoaded.value, grown.value]);

  // What is at the end stays there when a phone's keyboard opens.
  useEffect(() => {
    const scroller = box.current;
    if (!scroller) return undefined;
    const observer = new ResizeObserver(() => {
      if (place.current.isAtEnd) scroller.scrollTop = scroller.scrollHeight;
    });
    observer.observe(scroller);
    return () => observer.disconnect();
  }, []);

  const newest = drawn.findLast((message) => !message.isMine)?.id ?? 0;
  const isReading = isLookedAt.value && !isAway.value && newest > (chat?.readUpTo ?? 0);
  useEffect(() => {
    if (isReading && newest > 0)
      void calls()
        .read(partner.id, newest)
        .catch(() => {});
  }, [isReading, newest]);

  const wanted = route.value.at === "chat" ? route.value.message : undefined;
  useEffect(() => {
    if (wanted !== undefined && conversation.isLoaded.value) void onJump(wanted);
  }, [wanted, conversation.isLoaded.value]);

  /** Arrows go from message to message. */
  function onKeyDown(event: KeyboardEvent): void {
    const to = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (to === undefined || !box.current) return;
    const items = [...box.current.querySelectorAll<HTMLElement>("[data-message]")];
    const index = items.indexOf(
      (document.activeElement as HTMLElement | null)?.closest("[data-message]") as HTMLElement,
    );
    const next = index < 0 ? items.at(-1) : items[index + to];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  return (
    <div class="log-place">
      <div
        class="log"
        ref={box}
        role="log"
        aria-live="polite"
        aria-label={t.chat.log(isSelf(partner) ? t.list.yourself : partner.name)}
        tabIndex={0}
        onScroll={look}
        onKeyDown={onKeyDown}
      >
        {conversation.isLoaded.value && isWhole && <Beginning conversation={conversation} />}
        {lines.map((line) => (
          <LineView key={line.key} line={line} conversation={conversation} onReply={onReply} onJump={onJump} />
        ))}
      </div>
      {isAway.value && conversation.isLoaded.value && (
        <button
          type="button"
          class="to-end"
          aria-label={t.chat.newest}
          title={t.chat.newest}
          onClick={() => {
            place.current = { anchor: null, top: 0, isAtEnd: true };
            conversation.toEnd();
            requestAnimationFrame(() => box.current?.scrollTo({ top: box.current.scrollHeight }));
          }}
        >
          <Icon name="down" />
          {chat && chat.unread > 0 && <span class="count">{chat.unread}</span>}
        </button>
      )}
    </div>
  );
}

/** Shows a message, and moves the focus there. */
async function jump(
  conversation: Conversation,
  id: number,
  box: RefObject<HTMLDivElement | null>,
  place: { current: Place },
): Promise<void> {
  if (!(await conversation.find(id))) return;
  place.current = { anchor: null, top: 0, isAtEnd: false };
  requestAnimationFrame(() => {
    const found = box.current?.querySelector<HTMLElement>(`[data-id="${id}"]`);
    found?.scrollIntoView({ block: "center" });
    found?.focus({ preventScroll: true });
  });
}

/** Returns where an element begins in all that can be scrolled. */
function topIn(scroller: Element, element: Element): number {
  return element.getBoundingClientRect().top + scroller.scrollTop;
}

function Beginning({ conversation: { partner } }: { conversation: Conversation }): JSX.Element {
  return (
    <div class="beginning">
      <Avatar name={partner.name} />
      <h2>{isSelf(partner) ? t.list.yourself : t.chat.start(partner.name)}</h2>
      <p>{isSelf(partner) ? t.chat.startSelf : t.chat.startText}</p>
    </div>
  );
}

/** Uses signals, so it is drawn anew only when one of these is another, or what it is given: @preact/signals sees to it. */
function LineView({
  line,
  conversation,
  onReply,
  onJump,
}: {
  line: Line;
  conversation: Conversation;
  onReply(message: Message): void;
  onJump(id: number): Promise<void>;
}): JSX.Element {
  switch (line.kind) {
    case "day":
      return (
        <p class="day" data-key={line.key}>
          <span>{day(line.time, now(), t.days)}</span>
        </p>
      );
    case "unread":
      return (
        <p class="day unread" data-key={line.key}>
          <span>{t.chat.unread}</span>
        </p>
      );
    case "key_changed":
      return (
        <p class="event" data-key={line.key}>
          <Icon name="key" />
          <span>
            {t.chat.keyChanged(conversation.partner.name)}. {t.chat.keyChangedWhy}{" "}
            <a href={pathOf({ at: "person", name: conversation.partner.name })}>{t.chat.compare}</a>
          </span>
        </p>
      );
    case "message":
      return <Bubble line={line} conversation={conversation} me={app.value.user} onReply={onReply} onJump={onJump} />;
    case "pending":
      return <PendingBubble line={line} conversation={conversation} />;
  }
}
