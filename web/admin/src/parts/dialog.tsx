/** Questions before something is changed, and what came of it. */
import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { said } from "../data/api.js";
import { Icon } from "./icon.js";

/** A question: what will happen, in words. */
export interface Question {
  title: string;
  /** What it does, to whom, and whether it can be undone. */
  effect: ComponentChildren;
  /** The words on the button that does it. */
  verb: string;
  isDangerous?: boolean;
  /** A word that must be typed first, for what cannot be undone. */
  typed?: string;
  act: () => Promise<void>;
}

const asked = signal<Question | null>(null);

/** Asks before something is done. */
export function ask(question: Question): void {
  asked.value = question;
}

/** What was done, for the eye and for screen readers. */
const told = signal<{ text: string; isBad: boolean } | null>(null);
/** How long it stays, in milliseconds. */
const STAYS_MS = 7_000;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Says what came of something. */
export function tell(text: string, isBad = false): void {
  told.value = { text, isBad };
  clearTimeout(timer);
  timer = setTimeout(() => (told.value = null), STAYS_MS);
}

/** Does something small at once, and says what came of it. */
export async function attempt(act: () => Promise<string>): Promise<void> {
  try {
    tell(await act());
  } catch (error) {
    tell(said(error), true);
  }
}

/** The places for questions and for what is told; once on the page. */
export function Dialogs(): JSX.Element {
  const question = asked.value;
  const news = told.value;
  return (
    <>
      {question && <Ask key={question.title} question={question} onClose={() => (asked.value = null)} />}
      <div class="told" role="status">
        {news && (
          <p class={news.isBad ? "bad" : "good"}>
            <Icon name={news.isBad ? "bad" : "good"} />
            {news.text}
          </p>
        )}
      </div>
    </>
  );
}

function Ask({ question, onClose }: { question: Question; onClose: () => void }): JSX.Element {
  const { title, effect, verb, isDangerous, typed, act } = question;
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const [text, setText] = useState("");
  const id = useId();
  const go = async () => {
    setBusy(true);
    setFailure(null);
    try {
      await act();
      onClose();
    } catch (error) {
      setFailure(said(error));
      setBusy(false);
    }
  };
  const mayGo = !isBusy && (typed === undefined || text.trim() === typed);
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="effect">{effect}</div>
      {typed !== undefined && (
        <p class="field">
          <label for={id}>
            Type <strong>{typed}</strong> to go on
          </label>
          <input id={id} value={text} autocomplete="off" spellcheck={false} onInput={(e) => setText(e.currentTarget.value)} />
        </p>
      )}
      {failure !== null && (
        <p class="failed" role="alert">
          {failure}
        </p>
      )}
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class={isDangerous ? "danger" : "primary"} disabled={!mayGo} onClick={() => void go()}>
          {isBusy ? "Working …" : verb}
        </button>
      </div>
    </Dialog>
  );
}

export interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** A window above the page, which takes the keyboard until it is closed. */
export function Dialog({ title, onClose, children }: DialogProps): JSX.Element {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    const dialog = box.current;
    dialog?.showModal();
    return () => {
      // While it is open nothing else can have the focus.
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={box}
      aria-labelledby={id}
      onCancel={onClose}
      onClick={(event) => event.target === box.current && onClose()}
    >
      <div class="dialog">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
