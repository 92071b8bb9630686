/** How numbers, sizes and times are written. Pure. */

const LOCALE = "en-GB";
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const hundredths = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 });

/** What stands for a number that is not known. */
export const UNKNOWN = "–";

/** A value of the API that may be missing. */
export type Maybe<T> = T | null | undefined;

const known = (value: Maybe<number>): value is number => typeof value === "number" && Number.isFinite(value);

/** Returns a number of things, such as `1,388`. */
export function count(value: Maybe<number>): string {
  return known(value) ? whole.format(value) : UNKNOWN;
}

/** Returns a number that may be a fraction, with as many digits as matter. */
export function figure(value: Maybe<number>): string {
  if (!known(value)) return UNKNOWN;
  const size = Math.abs(value);
  return (size >= 100 ? whole : size >= 1 ? tenths : hundredths).format(value);
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Returns a size, such as `412 MiB`. */
export function bytes(value: Maybe<number>): string {
  if (!known(value)) return UNKNOWN;
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? whole.format(size) : tenths.format(size)} ${UNITS[unit]}`;
}

/** Returns a share, such as `40 %`. */
export function percent(value: Maybe<number>): string {
  if (!known(value)) return UNKNOWN;
  const hundred = value * 100;
  return `${(hundred > 0 && hundred < 10 ? tenths : whole).format(hundred)} %`;
}

const SPANS: [number, string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** Returns a span in milliseconds with its largest unit: `4 ms`, `1.2 s`, `3 h`. */
export function span(ms: Maybe<number>): string {
  if (!known(ms)) return UNKNOWN;
  const size = Math.abs(ms);
  if (size < 999.5) return `${size >= 10 || size === 0 ? whole.format(ms) : figure(ms)} ms`;
  const [unit, name] = SPANS.find(([unit]) => size >= unit * 0.9995) ?? [1_000, "s"];
  const value = ms / unit;
  return `${unit === 1_000 && Math.abs(value) < 10 ? tenths.format(value) : whole.format(value)} ${name}`;
}

/** Returns how far a time is from now: `12 s ago`, `in 3 d`. */
export function relative(at: number, now: number): string {
  const ago = now - at;
  // The clocks of the server and of this machine are never quite the same.
  if (Math.abs(ago) < 2_000) return "now";
  return ago > 0 ? `${span(ago)} ago` : `in ${span(-ago)}`;
}

const exactly = new Intl.DateTimeFormat(LOCALE, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
});
const clockTime = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Returns day and time, to the second. */
export function exact(at: number): string {
  return exactly.format(at);
}

/** Returns the time of day, to the second. */
export function clock(at: number): string {
  return clockTime.format(at);
}

/** Returns a noun after its number: `1 socket`, `1,388 sockets`. */
export function some(value: Maybe<number>, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Returns a name of the code as words: `worst_queue` becomes `worst queue`. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** Reads a span as people write it: `90s`, `10m`, `12h`, `30d`, `2w`. Returns seconds, or null when it is none. */
export function seconds(text: string): number | null {
  const found = /^\s*(\d{1,9})\s*(s|m|min|h|d|w)?\s*$/.exec(text);
  if (!found) return null;
  const unit = { s: 1, m: 60, min: 60, h: 3_600, d: 86_400, w: 604_800 }[found[2] ?? "s"];
  return unit === undefined ? null : Number(found[1]) * unit;
}
