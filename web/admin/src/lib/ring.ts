/** The history of a quarter of an hour: one value a second for each series. Pure. */

/** Seconds that are shown. */
export const WINDOW_S = 900;

/** A series: a number a second, or null where none is known. */
export type Series = (number | null)[];

/** The series of the last quarter of an hour, all with the same times. */
export class History {
  /** Unix times in seconds. */
  times: number[] = [];
  private readonly series = new Map<string, Series>();

  /** Replaces everything by what the server has kept, the oldest first. */
  fill(from: number, everyS: number, series: Record<string, Series>): void {
    this.times = [];
    this.series.clear();
    const length = Math.max(0, ...Object.values(series).map((values) => values.length));
    for (let at = 0; at < length; at += 1) this.times.push(from + at * everyS);
    for (const [name, values] of Object.entries(series)) {
      const missing: Series = Array.from({ length: length - values.length }, () => null);
      this.series.set(name, [...missing, ...values]);
    }
    this.trim();
  }

  /** Adds a moment. */
  add(time: number, values: Record<string, number | null>): void {
    const last = this.times.at(-1);
    if (last !== undefined && time <= last) return;
    for (const name of Object.keys(values)) {
      if (!this.series.has(name)) this.series.set(name, this.times.map(() => null));
    }
    this.times.push(time);
    for (const [name, known] of this.series) known.push(values[name] ?? null);
    this.trim();
  }

  /** Returns a series; one that is not known has no value at any time. */
  get(name: string): Series {
    return this.series.get(name) ?? this.times.map(() => null);
  }

  /** Returns the names of series. */
  names(): string[] {
    return [...this.series.keys()];
  }

  /** Returns the newest value. */
  last(name: string): number | null {
    return this.series.get(name)?.at(-1) ?? null;
  }

  private trim(): void {
    const end = this.times.at(-1);
    if (end === undefined) return;
    let gone = 0;
    while ((this.times[gone] ?? end) < end - WINDOW_S) gone += 1;
    if (gone === 0) return;
    this.times.splice(0, gone);
    for (const values of this.series.values()) values.splice(0, gone);
  }
}

/** The least, the mean and the greatest of the values that are known; null when none is. */
export function summary(values: Series): { least: number; mean: number; most: number } | null {
  let [least, most, sum, known] = [Infinity, -Infinity, 0, 0];
  for (const value of values) {
    if (value === null) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
    sum += value;
    known += 1;
  }
  return known > 0 ? { least, mean: sum / known, most } : null;
}

/** Returns the history as rows of a table: the mean of each minute, the newest first. */
export function minutes(times: number[], series: Series[]): { at: number; values: (number | null)[] }[] {
  const rows = new Map<number, Series[]>();
  times.forEach((time, index) => {
    const minute = Math.floor(time / 60) * 60;
    const row = rows.get(minute) ?? series.map(() => []);
    rows.set(minute, row);
    series.forEach((values, at) => row[at]?.push(values[index] ?? null));
  });
  return [...rows]
    .sort(([one], [other]) => other - one)
    .map(([at, row]) => ({ at, values: row.map((values) => summary(values)?.mean ?? null) }));
}
