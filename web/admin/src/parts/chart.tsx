/** A chart of the last quarter of an hour, with its newest values in words, and the same as a table. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { beat, history } from "../data/live.js";
import { isLookedAt } from "../data/look.js";
import { clock, type Maybe } from "../lib/format.js";
import { minutes, summary, WINDOW_S } from "../lib/ring.js";
import { options, type Line } from "./plot.js";

export interface ChartProps {
  title: string;
  lines: Line[];
  /** Its place on the page: charts take turns with drawing, so that the page costs little. */
  turn: number;
}

/** A point is a second, and a pixel is three: drawing more often shows nothing new. */
const TURNS = 3;

export function Chart({ title, lines, turn }: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const [isOpen, setOpen] = useState(false);
  // Read so that the newest values are written with each moment.
  const moment = beat.value;
  useEffect(() => {
    const box = place.current;
    if (!box) return undefined;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(box, lines, setAt), data(lines), box);
    };
    make();
    const sizes = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = box;
      if (width > 0 && plot.current?.width !== width) plot.current?.setSize({ width, height });
    });
    sizes.observe(box);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", make);
    return () => {
      sizes.disconnect();
      scheme.removeEventListener("change", make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [lines]);
  useEffect(() => {
    if (isLookedAt() && (moment % TURNS === turn % TURNS || moment < TURNS)) plot.current?.setData(data(lines), true);
  }, [moment, lines, turn]);
  const shown = (key: string) => (at === null ? history.last(key) : (history.get(key)[at] ?? null));
  const time = at === null ? null : history.times[at];
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-time">{time === null || time === undefined ? "" : clock(time * 1000)}</span>
        <ul class="legend">
          {lines.map(({ key, label, write, style }) => (
            <li key={key} class={`line-${style}`}>
              <span class="key" aria-hidden="true" />
              <span class="legend-label">{label}</span> <strong>{write(shown(key))}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={description(title, lines)} />
      <details class="twin" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          Table<span class="unseen"> of {title}</span>
        </summary>
        {isOpen && <Twin title={title} lines={lines} />}
      </details>
    </figure>
  );
}

/** Returns times and values for uPlot, which begins at the left edge of the window. */
function data(lines: Line[]): uPlot.AlignedData {
  return [history.times, ...lines.map(({ key }) => history.get(key))] as uPlot.AlignedData;
}

/** Returns what the chart shows, in words. */
function description(title: string, lines: Line[]): string {
  const about = lines.map(({ key, label, write }) => {
    const found = summary(history.get(key));
    return found ? `${label}: ${write(history.last(key))} now, ${write(found.least)} to ${write(found.most)}` : `${label}: nothing yet`;
  });
  return `${title}, the last ${WINDOW_S / 60} minutes. ${about.join("; ")}.`;
}

function Twin({ title, lines }: { title: string; lines: Line[] }): JSX.Element {
  const minute = Math.floor((history.times.at(-1) ?? 0) / 60);
  const rows = useMemo(() => minutes(history.times, lines.map(({ key }) => history.get(key))), [minute, lines]);
  const text = (write: (value: Maybe<number>) => string, value: number | null | undefined) => write(value ?? null);
  return (
    <div class="twin-table" tabIndex={0} role="group" aria-label={`Table of ${title}`}>
      <table>
        <caption class="unseen">{title}, the mean of each minute</caption>
        <thead>
          <tr>
            <th scope="col">Minute</th>
            {lines.map(({ key, label }) => (
              <th key={key} scope="col" class="number">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ at, values }) => (
            <tr key={at}>
              <th scope="row">{clock(at * 1000).slice(0, 5)}</th>
              {lines.map(({ key, write }, index) => (
                <td key={key} class="number">
                  {text(write, values[index])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
