/** The keys of the page. */
import type { JSX } from "preact";
import { VIEWS } from "../data/place.js";
import { Dialog } from "../parts/dialog.js";

/** Returns whether a key is part of a text. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

export function Keys({ onClose }: { onClose: () => void }): JSX.Element {
  const views = VIEWS.map(({ name }, index): [string, string] => ["1234567890".charAt(index), name]);
  const all: [string, string][] = [["/", "Search"], ["?", "This list"], ["Esc", "Close what is open"], ...views];
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        {all.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
