/** Where one writes. */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { CallError } from "../bridge/bridge.js";
import type { Message, Person } from "../bridge/protocol.js";
import { line } from "../lib/format.js";
import { calls } from "../page/calls.js";
import { chatWith, conversation, staged } from "../page/state.js";
import { failureText, said, t } from "../texts.js";
import { Attachments } from "./lazyfiles.js";
import { Icon } from "./parts.js";

/** How often the other side is told of typing, and how long a pause is its end, in milliseconds. */
const TYPING_EVERY_MS = 3_000;
const TYPING_PAUSE_MS = 4_000;
/** How long after the last key a draft is kept, in milliseconds. */
const DRAFT_MS = 500;
/** Bytes of a message: texts above it may be several. */
const ONE_MESSAGE = 60;

export function Composer({
  partner,
  replyTo,
  onReplied,
}: {
  partner: Person;
  replyTo: Message | null;
  onReplied(): void;
}): JSX.Element {
  const chat = chatWith(partner.id);
  const [text, setText] = useState(chat?.draft ?? "");
  const [parts, setParts] = useState(1);
  const [failure, setFailure] = useState<string | null>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const saidTyping = useRef(0);
  const stopTimer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const draftTimer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const current = useRef(text);
  current.current = text;

  useEffect(() => {
    // A phone's keyboard would cover what one wants to read.
    if (matchMedia("(pointer: fine)").matches) area.current?.focus({ preventScroll: true });
    return () => {
      stopTyping();
      staged.value = [];
      clearTimeout(draftTimer.current);
      void calls().keepDraft(partner.id, current.current);
    };
  }, []);
  useLayoutEffect(() => {
    if (replyTo) area.current?.focus();
  }, [replyTo]);
  useEffect(() => {
    if (text.length <= ONE_MESSAGE) return setParts(1);
    let isOld = false;
    void calls()
      .parts(text)
      .then((count) => !isOld && setParts(count));
    return () => void (isOld = true);
  }, [text]);

  function stopTyping(): void {
    clearTimeout(stopTimer.current);
    if (saidTyping.current === 0) return;
    saidTyping.current = 0;
    void calls()
      .typing(partner.id, false)
      .catch(() => {});
  }

  function write(value: string): void {
    setText(value);
    setFailure(null);
    clearTimeout(draftTimer.current);
    draftTimer.current = setTimeout(() => void calls().keepDraft(partner.id, current.current), DRAFT_MS);
    if (value.trim() === "") return stopTyping();
    if (Date.now() - saidTyping.current > TYPING_EVERY_MS) {
      saidTyping.current = Date.now();
      void calls()
        .typing(partner.id, true)
        .catch(() => {});
    }
    clearTimeout(stopTimer.current);
    stopTimer.current = setTimeout(stopTyping, TYPING_PAUSE_MS);
  }

  function send(): void {
    const written = text.trim();
    const files = staged.value;
    if (written === "" && files.length === 0) return;
    clearTimeout(draftTimer.current);
    setText("");
    staged.value = [];
    stopTyping();
    const answered = replyTo?.id ?? null;
    onReplied();
    conversation.value?.toEnd();
    const { send, sendFiles } = calls();
    (files.length > 0 ? sendFiles(partner.id, files, written, answered) : send(partner.id, written, answered)).catch(
      (error: unknown) => {
        setFailure(failureText(error instanceof CallError ? error.code : "unknown"));
        // It is not lost, nor is what was written meanwhile.
        setText((now) => `${written}\n${now}`.trim());
        if (staged.value.length === 0) staged.value = files;
      },
    );
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === "Escape" && replyTo) return onReplied();
    // A line break by Shift, on a touch keyboard, and while an input method composes.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    send();
  }

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {failure && (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
      {replyTo && (
        <div class="quote">
          <span>
            <strong>{t.chat.replyTo(replyTo.isMine ? t.chat.yourMessage : partner.name)}</strong>
            {line(said(replyTo))}
          </span>
          <button type="button" class="quiet" aria-label={t.composer.cancelReply} onClick={onReplied}>
            <Icon name="close" />
          </button>
        </div>
      )}
      <div class="row">
        <Attachments onFailure={(code) => setFailure(failureText(code))} />
        <textarea
          ref={area}
          rows={1}
          aria-label={t.composer.label}
          placeholder={t.composer.placeholder}
          value={text}
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <button
          class="send"
          aria-label={t.composer.send}
          title={t.composer.send}
          disabled={text.trim() === "" && staged.value.length === 0}
        >
          <Icon name="send" />
        </button>
      </div>
      <p class="hint" role="status">
        {parts > 1 && t.composer.parts(parts)}
      </p>
    </form>
  );
}
