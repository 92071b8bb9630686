/** The door: who may register, which networks may come in, who is held back, and what users report. */
import type { JSX } from "preact";
import { place } from "../data/place.js";
import { Head } from "../parts/parts.js";
import { Addresses } from "./addresses.js";
import { Limiters } from "./limiters.js";
import { Registration } from "./registration.js";
import { Reports } from "./reports.js";

const ROOMS: [string, string, () => JSX.Element][] = [
  ["", "Registration", Registration],
  ["addresses", "Addresses and bans", Addresses],
  ["limiters", "Limiters", Limiters],
  ["reports", "Reports", Reports],
];

export function Door(): JSX.Element {
  const name = place.value[1] ?? "";
  const [, , Room] = ROOMS.find(([path]) => path === name) ?? ROOMS[0]!;
  return (
    <>
      <Head title="Door" about="Who comes in, and who is kept out." />
      <nav class="rooms" aria-label="Parts of the door">
        {ROOMS.map(([path, title]) => (
          <a key={path} href={path === "" ? "#/door" : `#/door/${path}`} aria-current={path === name ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <Room />
    </>
  );
}
