/** Small parts of all views. */
import type { ComponentChildren, JSX } from "preact";
import { useId, useState } from "preact/hooks";
import type { Resource } from "../data/resource.js";
import { tell } from "./dialog.js";
import { Icon } from "./icon.js";

/** A view's head: its name, a line that says what it shows, and what can be done. */
export function Head({ title, about, children }: { title: string; about?: ComponentChildren; children?: ComponentChildren }): JSX.Element {
  return (
    <header class="head">
      <div>
        <h1 tabIndex={-1}>{title}</h1>
        {about && <p class="soft">{about}</p>}
      </div>
      {children && <div class="buttons">{children}</div>}
    </header>
  );
}

/** A part of a view, on a panel of its own. */
export function Panel({ title, about, children, actions }: { title: string; about?: ComponentChildren; children: ComponentChildren; actions?: ComponentChildren }): JSX.Element {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <div class="panel-head">
        <div>
          <h2 id={id}>{title}</h2>
          {about && <p class="soft">{about}</p>}
        </div>
        {actions && <div class="buttons">{actions}</div>}
      </div>
      {children}
    </section>
  );
}

/** What was fetched; before that, and when it could not be, words. */
export function Loaded<T>({ of, children }: { of: Resource<T>; children: (data: T) => ComponentChildren }): JSX.Element {
  const { data, failure, isLoading, reload } = of;
  return (
    <>
      {failure && (
        <div class={failure.isAbsent ? "note" : "failed"} role={failure.isAbsent ? undefined : "alert"}>
          <p>{failure.isAbsent ? `This server does not offer this. ${failure.message}` : failure.message}</p>
          {!failure.isAbsent && (
            <button type="button" onClick={reload}>
              Try again
            </button>
          )}
        </div>
      )}
      {data !== null && children(data)}
      {isLoading && <Skeleton />}
    </>
  );
}

export function Skeleton(): JSX.Element {
  return (
    <div class="skeleton" aria-busy="true" aria-label="Loading">
      <span />
      <span />
      <span />
    </div>
  );
}

export interface FieldProps {
  label: string;
  hint?: string;
  type?: "text" | "password" | "search" | "number";
  value: string;
  onValue: (value: string) => void;
  placeholder?: string;
  /** Where the keyboard begins. */
  isFirst?: boolean;
}

export function Field({ label, hint, type = "text", value, onValue, placeholder, isFirst = false }: FieldProps): JSX.Element {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        // Its types know which attributes go with which kind: these go with all.
        type={type as "text"}
        placeholder={placeholder ?? ""}
        autocomplete="off"
        spellcheck={false}
        autofocus={isFirst}
        value={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      {hint && (
        <small id={`${id}-hint`} class="soft">
          {hint}
        </small>
      )}
    </p>
  );
}

export function Choice({ label, value, options, onValue }: { label: string; value: string; options: [string, string][]; onValue: (value: string) => void }): JSX.Element {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </p>
  );
}

/** A text that is shown once, with a button that copies it. */
export function Secret({ label, text }: { label: string; text: string }): JSX.Element {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      tell("The browser does not allow copying here: mark the text and copy it.", true);
    }
  };
  return (
    <div class="secret">
      <span class="soft">{label}</span>
      <code>{text}</code>
      <button type="button" onClick={() => void copy()}>
        <Icon name={isCopied ? "good" : "copy"} />
        {isCopied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}

/** Facts, each with its name. */
export function Facts({ of }: { of: [string, ComponentChildren][] }): JSX.Element {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The way to the next page of a list. */
export function More({ onMore }: { onMore: (() => void) | null }): JSX.Element | null {
  if (!onMore) return null;
  return (
    <p class="more">
      <button type="button" onClick={onMore}>
        Show more
      </button>
    </p>
  );
}
