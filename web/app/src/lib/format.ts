/** How times, numbers and texts are written. Pure. */

const DAY_MS = 86_400_000;

/** How times are written, by what for. */
const FORMATS = {
  clock: { hour: "2-digit", minute: "2-digit" },
  weekday: { weekday: "long" },
  weekdayBriefly: { weekday: "short" },
  day: { day: "numeric", month: "long" },
  dayOfYear: { day: "numeric", month: "long", year: "numeric" },
  dayBriefly: { day: "numeric", month: "short" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** Formats that were made: making one takes as long as drawing a message. */
const made = new Map<string, Intl.DateTimeFormat>();

function format(name: keyof typeof FORMATS, { locale }: DayWords, time: number): string {
  const key = `${name} ${locale}`;
  let found = made.get(key);
  if (!found) made.set(key, (found = new Intl.DateTimeFormat(locale, FORMATS[name])));
  return found.format(time);
}

/** Words for days, and the locale of everything else. */
export interface DayWords {
  locale: string;
  today: string;
  yesterday: string;
}

/** Returns the time of day, such as `14:02`. */
export function clock(time: number, words: DayWords): string {
  return format("clock", words, time);
}

/** Returns the day as a line between messages says it. */
export function day(time: number, now: number, words: DayWords): string {
  const age = daysBetween(time, now);
  if (age === 0) return words.today;
  if (age === 1) return words.yesterday;
  if (age > 1 && age < 7) return format("weekday", words, time);
  const isThisYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return format(isThisYear ? "day" : "dayOfYear", words, time);
}

/** Returns the time as a list says it: the time of day today, else the day. */
export function brief(time: number, now: number, words: DayWords): string {
  const age = daysBetween(time, now);
  if (age <= 0) return clock(time, words);
  if (age === 1) return words.yesterday;
  return format(age < 7 ? "weekdayBriefly" : "dayBriefly", words, time);
}

/** Returns day and time. */
export function full(time: number, now: number, words: DayWords): string {
  return `${day(time, now, words)}, ${clock(time, words)}`;
}

/** Returns the number of midnights from one time to another. */
export function daysBetween(time: number, now: number): number {
  const midnight = (at: number) => new Date(at).setHours(0, 0, 0, 0);
  return Math.round((midnight(now) - midnight(time)) / DAY_MS);
}

/** Returns the letter that stands for a name. */
export function initial(name: string): string {
  return (/[\p{L}\p{N}]/u.exec(name)?.[0] ?? "?").toUpperCase();
}

/** Returns which of `count` colours stands for a name. */
export function hue(name: string, count: number): number {
  let sum = 7;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return sum % count;
}

/** Returns what is left of a long text for one line. */
export function line(text: string): string {
  return text.replace(/\s+/g, " ").trim().slice(0, 200);
}

/** Returns a number of bytes in the largest unit of which there is one. */
export function bytes(count: number, { locale }: DayWords): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const index = Math.min(units.length - 1, count < 1000 ? 0 : Math.floor(Math.log10(count) / 3));
  const options = { style: "unit", unit: units[index]!, unitDisplay: index === 0 ? "long" : "short" } as const;
  const number = count / 1000 ** index;
  return new Intl.NumberFormat(locale, { ...options, maximumFractionDigits: number < 10 && index > 0 ? 1 : 0 }).format(
    number,
  );
}

/** Returns a name under which a file may be saved: no path, and nothing that hides how it ends. */
export function fileName(name: string): string {
  const plain = name.normalize("NFC").replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "");
  const safe = plain
    .replace(/[\\/:*?"<>|]/g, "_")
    .replace(/^[.\s]+/, "")
    .replace(/[.\s]+$/, "");
  return safe.slice(-120) || "file";
}

/** A part of a text: a link, or what is none. */
export type Piece = { text: string; href: string | null };

/** Splits a text into its web addresses and what is between them. Only `http` and `https` become links. */
export function links(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(/\bhttps?:\/\/[^\s<>"]+/gi)) {
    // What ends a sentence does not end an address.
    const address = match[0].replace(/[.,;:!?'’)\]}]+$/, "");
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), href: null });
    pieces.push({ text: address, href: isAddress(address) ? address : null });
    end = match.index + address.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), href: null });
  return pieces;
}

function isAddress(text: string): boolean {
  try {
    return ["http:", "https:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}
