/** Something in use, against how much of it there is: a bar, the numbers, and a word. */
import type { JSX } from "preact";
import { percent, type Maybe } from "../lib/format.js";
import { State, type Health } from "./icon.js";

/** From which share on it is worth a look, and from which it is urgent. */
export const HIGH = 0.8;
export const FULL = 0.92;

const WORDS: Record<Health, string> = { good: "fine", warn: "high", bad: "nearly full", wait: "", off: "no limit" };

/** Returns how a share is. */
export function judge(share: number | null): Health {
  if (share === null) return "off";
  return share >= FULL ? "bad" : share >= HIGH ? "warn" : "good";
}

export interface MeterProps {
  label: string;
  used: Maybe<number>;
  limit: Maybe<number>;
  /** Writes a number with its unit. */
  write: (value: Maybe<number>) => string;
  /** What `used` and `limit` are, behind them: `open of 65,536`. */
  note?: string;
}

export function Meter({ label, used, limit, write, note }: MeterProps): JSX.Element {
  const share = typeof used === "number" && typeof limit === "number" && limit > 0 ? used / limit : null;
  const is = judge(share);
  const text = share === null ? write(used) : `${write(used)} of ${write(limit)}`;
  return (
    <div class="meter">
      <div class="meter-head">
        <span class="meter-label">{label}</span>
        {share !== null && <State is={is} word={WORDS[is]} />}
      </div>
      {share !== null && (
        <progress class={is} max={1} value={Math.min(share, 1)} aria-label={`${label}: ${percent(share)}`} />
      )}
      <div class="meter-foot">
        <span>{note ? `${text} ${note}` : text}</span>
        {share !== null && <span>{percent(share)}</span>}
      </div>
    </div>
  );
}
