/** Screens and their addresses. Pure. */

export type Route =
  | { at: "home" }
  /** `message`: the one to jump to. */
  | { at: "chat"; name: string; message?: number }
  | { at: "person"; name: string }
  | { at: "settings" }
  | { at: "devices" }
  | { at: "security" };

const PLAIN = ["settings", "devices", "security"] as const;

/** Reads a route; what is unknown is the home screen. */
export function parseRoute(hash: string): Route {
  const [, first = "", second = "", third = ""] = hash.split("/");
  const plain = PLAIN.find((word) => word === first);
  if (plain) return { at: plain };
  if ((first !== "with" && first !== "person") || second === "") return { at: "home" };
  try {
    const name = decodeURIComponent(second);
    if (first === "person") return { at: "person", name };
    return /^\d{1,15}$/.test(third) ? { at: "chat", name, message: Number(third) } : { at: "chat", name };
  } catch {
    return { at: "home" };
  }
}

export function pathOf(route: Route): string {
  if (route.at === "home") return "#/";
  if (route.at === "chat") return `#/with/${encodeURIComponent(route.name)}`;
  if (route.at === "person") return `#/person/${encodeURIComponent(route.name)}`;
  return `#/${route.at}`;
}
