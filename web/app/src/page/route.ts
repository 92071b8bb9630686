/** Which screen is shown: the part of the address behind `#`, so that the way back of a phone works. */
import { signal } from "@preact/signals";
import { type Route, parseRoute, pathOf } from "../lib/routes.js";

export { pathOf };

export const route = signal<Route>(parseRoute(location.hash));
addEventListener("hashchange", () => (route.value = parseRoute(location.hash)));

export function go(to: Route): void {
  location.hash = pathOf(to);
}
