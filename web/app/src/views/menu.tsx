import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

export interface MenuItem {
  label: string;
  isDangerous?: boolean;
  isChosen?: boolean;
  onSelect(): void;
}

/** A button that opens a list of things to do. */
export function Menu({
  label,
  items,
  children,
  tabIndex,
}: {
  label: string;
  /** What can be done, or what finds that out when the list is opened. */
  items: readonly MenuItem[] | (() => readonly MenuItem[]);
  children: ComponentChildren;
  tabIndex?: number;
}): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!isOpen) return undefined;
    const entries = () => [...(root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    entries()[0]?.focus();
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [isOpen]);

  function close(): void {
    setOpen(false);
    button.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (!isOpen) return;
    const entries = [...(root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const index = entries.indexOf(document.activeElement as HTMLElement);
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1 + entries.length,
      Home: 0,
      End: entries.length - 1,
    };
    const move = moves[event.key];
    if (move !== undefined) entries[move % entries.length]?.focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") return setOpen(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div class="menu" ref={root} onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        class="quiet"
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        tabIndex={tabIndex ?? 0}
        onClick={() => setOpen(!isOpen)}
      >
        {children}
      </button>
      {isOpen && (
        <div class="items" id={id} role="menu" aria-label={label}>
          {(typeof items === "function" ? items() : items).map(({ label, isDangerous, isChosen, onSelect }) => (
            <button
              key={label}
              type="button"
              role={isChosen === undefined ? "menuitem" : "menuitemradio"}
              aria-checked={isChosen}
              class={isDangerous ? "dangerous" : ""}
              tabIndex={-1}
              onClick={() => {
                close();
                onSelect();
              }}
            >
              {label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
