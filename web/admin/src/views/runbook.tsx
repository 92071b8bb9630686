/** What to do about an alert: its entry in the runbook, docs/operations/alerts.md, which the page holds. */
import type { JSX } from "preact";

export function Runbook({ alert, isOpen = false }: { alert: string; isOpen?: boolean }): JSX.Element | null {
  const entry = RUNBOOK[alert];
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
