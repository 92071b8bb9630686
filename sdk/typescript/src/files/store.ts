/** Where the parts of ciphertexts are kept while a file is on its way. */
import { type DBSchema, openDB } from "idb";

/** Parts of ciphertexts by the name of their file, numbered from 0. */
export interface FileStore {
  put(name: string, index: number, part: Uint8Array<ArrayBuffer>): Promise<void>;
  get(name: string, index: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Returns how many parts there are. */
  count(name: string): Promise<number>;
  remove(name: string): Promise<void>;
  names(): Promise<string[]>;
  close(): void;
}

interface Layout extends DBSchema {
  parts: { key: [name: string, index: number]; value: Uint8Array<ArrayBuffer> };
}

/** Keeps parts in a database of a browser. */
export function indexedDbFiles(name: string): FileStore {
  const opened = openDB<Layout>(name, 1, {
    upgrade: (db) => void db.createObjectStore("parts"),
    blocking: (_old, _new, event) => (event.target as IDBDatabase).close(),
  });
  // Arrays come behind all numbers.
  const allOf = (file: string) => IDBKeyRange.bound([file], [file, []]);
  return {
    async put(file, index, part) {
      // On disk before the next one is made: an upload goes on with these very bytes.
      const writing = (await opened).transaction("parts", "readwrite", { durability: "strict" });
      await Promise.all([writing.store.put(part, [file, index]), writing.done]);
    },
    get: async (file, index) => (await opened).get("parts", [file, index]),
    count: async (file) => (await opened).count("parts", allOf(file)),
    remove: async (file) => (await opened).delete("parts", allOf(file)),
    names: async () => [...new Set((await (await opened).getAllKeys("parts")).map(([file]) => file))],
    close: () => void opened.then((db) => db.close()),
  };
}

/** Keeps parts in memory. */
export function memoryFiles(): FileStore {
  const files = new Map<string, Uint8Array<ArrayBuffer>[]>();
  return {
    async put(name, index, part) {
      const parts = files.get(name) ?? [];
      parts[index] = part;
      files.set(name, parts);
    },
    get: async (name, index) => files.get(name)?.[index],
    count: async (name) => files.get(name)?.length ?? 0,
    remove: async (name) => void files.delete(name),
    names: async () => [...files.keys()],
    close: () => {},
  };
}
