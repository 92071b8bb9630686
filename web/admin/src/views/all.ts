/** All views but the first one, by their paths. */
import type { JSX } from "preact";
import { Actors } from "./actors.js";
import { Door } from "./door.js";
import { Log } from "./log.js";
import { Media } from "./media.js";
import { People } from "./people.js";
import { Push } from "./push.js";
import { Server } from "./server.js";
import { Sockets } from "./sockets.js";
import { Store } from "./store.js";

export const ALL: Record<string, () => JSX.Element> = {
  actors: Actors,
  sockets: Sockets,
  people: People,
  door: Door,
  push: Push,
  media: Media,
  store: Store,
  log: Log,
  server: Server,
};
