/** Where on the page somebody is: the views are named behind the `#`. */
import { computed, signal } from "@preact/signals";
import type { IconName } from "../parts/icon.js";

/** A view: its path, its name, and its sign. */
export interface View {
  path: string;
  name: string;
  icon: IconName;
}

export const VIEWS: View[] = [
  { path: "", name: "Now", icon: "now" },
  { path: "actors", name: "Actors", icon: "actors" },
  { path: "sockets", name: "Sockets", icon: "sockets" },
  { path: "people", name: "People", icon: "people" },
  { path: "door", name: "Door", icon: "door" },
  { path: "push", name: "Push", icon: "push" },
  { path: "media", name: "Media", icon: "media" },
  { path: "store", name: "Store", icon: "store" },
  { path: "log", name: "Log", icon: "log" },
  { path: "server", name: "Server", icon: "server" },
];

const hash = signal(location.hash);
addEventListener("hashchange", () => (hash.value = location.hash));

/** The parts of the path: the view first. */
export const place = computed(() => {
  const [path = ""] = hash.value.replace(/^#\/?/, "").split("?");
  return path.split("/").map(decoded);
});

/** The view that is shown. */
export const view = computed(() => VIEWS.find(({ path }) => path === place.value[0]) ?? null);

/** Goes to another view. */
export function go(path: string): void {
  location.hash = `#/${path}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
