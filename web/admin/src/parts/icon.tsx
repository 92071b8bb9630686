/** The signs of the page, drawn in lines: a shape each, so that nothing is told by colour alone. */
import type { JSX } from "preact";

const PATHS = {
  now: "M3 12h4l2.500-7 5 14 2.500-7h4",
  actors: "M12 4v5M6 15v-3h12v3M12 9v3M9.500 2h5v4h-5zM3.500 15h5v5h-5zM15.500 15h5v5h-5zM9.500 15h5v5h-5z",
  sockets: "M9 3v5M15 3v5M6 8h12v4a6 6 0 0 1-12 0zM12 18v4",
  people: "M9 4a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM2.500 20c0-4 3-6 6.500-6s6.500 2 6.500 6M16 4.500a3.200 3.200 0 0 1 0 6M18 14.500c2.200.8 3.500 2.500 3.500 5.500",
  door: "M5 21V3h14v18M2.500 21h19M14.500 12v.01",
  push: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  media: "M4 5h16v14H4zM4 15l4.500-4.500 4 4 2.500-2.500L20 17M15.500 9v.01",
  store: "M12 3c4.500 0 8 1.300 8 3s-3.500 3-8 3-8-1.300-8-3 3.500-3 8-3zM4 6v12c0 1.700 3.500 3 8 3s8-1.300 8-3V6M4 12c0 1.700 3.500 3 8 3s8-1.300 8-3",
  log: "M5 3h14v18H5zM8.500 8h7M8.500 12h7M8.500 16h4",
  server: "M4 4h16v7H4zM4 13h16v7H4zM7.500 7.500v.01M7.500 16.500v.01",
  search: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.200 15.200L20 20",
  good: "M5 12.500l4.500 4.500L19 7.500",
  warn: "M12 4l9.500 16h-19zM12 10v4.500M12 17.200v.01",
  bad: "M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 7.500v5M12 16v.01",
  wait: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 7.500V12l3 2",
  off: "M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM8 12h8",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  out: "M10 4H5v16h5M14 8l4 4-4 4M8.500 12H18",
  keys: "M3 6h18v12H3zM7 10v.01M11 10v.01M15 10v.01M7 14h10",
  back: "M15 5l-7 7 7 7",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** How something is. */
export type Health = "good" | "warn" | "bad" | "wait" | "off";

/** A state as a shape, a colour and a word. */
export function State({ is, word }: { is: Health; word: string }): JSX.Element {
  return (
    <span class={`state ${is}`}>
      <Icon name={is} />
      {word}
    </span>
  );
}
