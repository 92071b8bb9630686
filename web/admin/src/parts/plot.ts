/** How charts are drawn. Colours are those of the style sheet, six hexadecimal digits each, right in both schemes. */
import type uPlot from "uplot";
import type { Maybe } from "../lib/format.js";

/** How a line looks: each with a colour and a dash of its own. */
export type Look = "first" | "second" | "third" | "fourth";

/** A line of a chart. */
export interface Line {
  /** The series of the history. */
  key: string;
  label: string;
  style: Look;
  write: (value: Maybe<number>) => string;
  /** It has the scale at the right. */
  isRight?: boolean;
}

const DASHES: Record<Look, number[] | undefined> = {
  first: undefined,
  second: [5, 3],
  third: [2, 2],
  fourth: [8, 3, 2, 3],
};

/** The scale at the right is one of bytes, which are counted in powers of two. */
const POWERS = Array.from({ length: 40 }, (_, power) => 2 ** (power + 10));

/** Seconds that a chart shows at least, when the server has just started. */
const LEAST_S = 120;

const FONT = '11px system-ui, "Segoe UI", Roboto, sans-serif';

/** Returns the options of uPlot for lines in a box; `onPoint` learns which point the pointer is at. */
export function options(box: HTMLElement, lines: Line[], onPoint: (at: number | null) => void): uPlot.Options {
  const style = getComputedStyle(box);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const hasRight = lines.some(({ isRight }) => isRight);
  const grid = { stroke: colour("grid"), width: 1 };
  const axis = { stroke: colour("soft"), font: FONT, grid, ticks: { show: false } };
  const write = (isRight: boolean) => lines.find((line) => (line.isRight ?? false) === isRight)?.write ?? String;
  const values = (isRight: boolean) => (_: uPlot, splits: number[]) => splits.map((value) => write(isRight)(value));
  return {
    width: Math.max(box.clientWidth, 120),
    height: box.clientHeight || 130,
    padding: [8, hasRight ? 0 : 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      sync: { key: "fluent" },
      points: { size: 6 },
    },
    scales: {
      x: { time: true, range: (_, least, most) => [Math.min(least ?? 0, (most ?? 0) - LEAST_S), most ?? LEAST_S] },
      y: { range: fromZero },
      right: { range: fromZero },
    },
    axes: [
      { ...axis, size: 24, space: 64, values: (_, splits) => splits.map(minute) },
      { ...axis, size: 52, space: 30, values: values(false) },
      ...(hasRight ? [{ ...axis, grid: { show: false }, scale: "right", side: 1, size: 58, space: 30, incrs: POWERS, values: values(true) } as uPlot.Axis] : []),
    ],
    series: [
      {},
      ...lines.map(({ label, style: look, isRight }): uPlot.Series => {
        const dash = DASHES[look];
        const stroke = colour(`line-${look}`);
        return {
          label,
          stroke,
          width: 1.5,
          spanGaps: true,
          points: { show: false },
          scale: isRight ? "right" : "y",
          ...(dash ? { dash } : { fill: `${stroke}1f` }),
        };
      }),
    ],
    hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)] },
  };
}

/** Begins at zero, so that a small change does not look like a large one. */
function fromZero(_: uPlot, __: number | null, most: number | null): [number, number] {
  return [0, most !== null && most > 0 ? most * 1.12 : 1];
}

function minute(time: number): string {
  const at = new Date(time * 1000);
  return `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
}
