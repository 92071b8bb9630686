/** What to do about an alert: its entry in the runbook, docs/operations/alerts.md, which the page holds. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Entries } from "./entries.js";

/** The entries, once something is wrong. */
const entries = signal<Entries | null>(null);

export function Runbook({ alert, isOpen = false }: { alert: string; isOpen?: boolean }): JSX.Element | null {
  useEffect(() => {
    // Without it, the sentence above stands alone.
    if (!entries.value) void import("./entries.js").then(({ ENTRIES }) => (entries.value = ENTRIES), () => {});
  }, []);
  const entry = entries.value?.[alert];
  if (!entry) return null;
  return (
    <details class="runbook" open={isOpen}>
      <summary>
        What to do <code>{alert}</code>
      </summary>
      {entry.map((paragraph, index) => (
        <p key={index}>
          {paragraph.map(([kind, text], at) => (kind === "code" ? <code key={at}>{text}</code> : text))}
        </p>
      ))}
    </details>
  );
}
