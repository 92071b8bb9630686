import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from "idb";
import {
  type Change,
  type Meta,
  type Position,
  type Store,
  type StoredMessage,
  emptyMeta,
  positionKey,
} from "../store.js";

/** Version of the layout. A newer one is made from an older in `upgrade`. */
const VERSION = 1;

/** What the database holds. */
export interface Layout extends DBSchema {
  meta: { key: string; value: unknown };
  messages: {
    key: number;
    value: StoredMessage;
    indexes: { partner: [number, number]; timestamp: string };
  };
  /** Ids of deleted messages. */
  gone: { key: number; value: true };
  positions: { key: string; value: Position };
}

const ALL = ["meta", "messages", "gone", "positions"] as const;
type Writing = IDBPTransaction<Layout, ("meta" | "messages" | "gone" | "positions")[], "readwrite">;

/** Opens a database of this layout, or makes it. */
export function openDatabase(name: string): Promise<IDBPDatabase<Layout>> {
  return openDB<Layout>(name, VERSION, {
    upgrade(db) {
      db.createObjectStore("meta");
      const messages = db.createObjectStore("messages", { keyPath: "id" });
      messages.createIndex("partner", ["partner_id", "id"]);
      messages.createIndex("timestamp", "timestamp");
      db.createObjectStore("gone");
      db.createObjectStore("positions");
    },
    // A newer version of the program is open in another tab: it must not wait for this one.
    blocking: (_old, _new, event) => (event.target as IDBDatabase).close(),
  });
}

/**
 * Keeps everything in the IndexedDB of a browser: one database for a server and a user. Each {@link Store.write} is one
 * transaction that is on disk when it has succeeded.
 */
export function indexedDb(database: string | Promise<IDBPDatabase<Layout>> = "fluent"): Store {
  const opened = typeof database === "string" ? openDatabase(database) : database;
  const empty = emptyMeta();

  return {
    async get<Key extends keyof Meta>(key: Key): Promise<Meta[Key]> {
      return ((await (await opened).get("meta", key)) as Meta[Key] | undefined) ?? empty[key];
    },
    async write(changes) {
      const writing = (await opened).transaction([...ALL], "readwrite", { durability: "strict" });
      const added: number[] = [];
      try {
        for (const change of changes) {
          if ((await apply(writing, change)) && "message" in change) added.push(change.message.id);
        }
      } catch (error) {
        writing.done.catch(() => {});
        try {
          writing.abort();
        } catch {
          // It has failed by itself.
        }
        throw error;
      }
      await writing.done;
      return added;
    },
    message: async (id) => (await opened).get("messages", id),
    async messages(partner, before = Number.MAX_SAFE_INTEGER, limit) {
      const range = IDBKeyRange.bound([partner, 0], [partner, before], false, true);
      const found: StoredMessage[] = [];
      const index = (await opened).transaction("messages").store.index("partner");
      let cursor = await index.openCursor(range, "prev");
      while (cursor && found.length < limit) {
        found.push(cursor.value);
        cursor = await cursor.continue();
      }
      return found;
    },
    positions: async () => (await opened).getAll("positions"),
    close: () => void opened.then((db) => db.close()),
  };
}

/** Returns whether the change is a message that was not here before. */
async function apply(writing: Writing, change: Change): Promise<boolean> {
  const messages = writing.objectStore("messages");
  const gone = writing.objectStore("gone");
  const positions = writing.objectStore("positions");
  if ("meta" in change) await writing.objectStore("meta").put(change.value, change.meta);
  else if ("message" in change) {
    const { id } = change.message;
    if ((await gone.get(id)) !== undefined || (await messages.getKey(id)) !== undefined) return false;
    await messages.put(change.message);
    return true;
  } else if ("text" in change) {
    const message = await messages.get(change.text);
    if (message) await messages.put({ ...message, text: change.value });
  } else if ("deleted" in change) {
    await gone.put(true, change.deleted);
    await messages.delete(change.deleted);
  } else if ("missing" in change) await messages.delete(change.missing);
  else if ("deleted_before" in change) {
    const older = IDBKeyRange.upperBound(change.deleted_before, true);
    for (const id of await messages.index("timestamp").getAllKeys(older)) await messages.delete(id);
  } else if ("position" in change) {
    const key = positionKey(change.position);
    if (((await positions.get(key))?.up_to_id ?? 0) < change.position.up_to_id) {
      await positions.put(change.position, key);
    }
  } else for (const all of [messages, gone, positions]) await all.clear();
  return false;
}
