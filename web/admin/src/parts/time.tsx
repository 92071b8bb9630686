/** Times: how far from now, and exactly when on hover. */
import type { JSX } from "preact";
import { now } from "../data/look.js";
import { exact, relative, UNKNOWN, type Maybe } from "../lib/format.js";

export function Time({ at, none = UNKNOWN }: { at: Maybe<string>; none?: string }): JSX.Element {
  const time = at ? Date.parse(at) : Number.NaN;
  if (Number.isNaN(time)) return <span class="soft">{none}</span>;
  return (
    <time dateTime={new Date(time).toISOString()} title={exact(time)}>
      {relative(time, now.value)}
    </time>
  );
}
