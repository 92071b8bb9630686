/** The key under which this browser keeps what people write: the browser's own, or one that only a passphrase opens. */
import type { IDBPDatabase } from "idb";
import type { Store } from "../../../../sdk/typescript/src/store.js";
import { type Layout, indexedDb } from "../../../../sdk/typescript/src/store/indexeddb.js";
import { aesGcm, sealed } from "../../../../sdk/typescript/src/store/sealed.js";
import { type Box, boxUp, unbox } from "./box.js";

/** Where the vault is, beside the values of the store. */
const NAME = "vault";

/** `key` cannot be exported by scripts; a browser writes it to the disk in the clear all the same. */
type Vault = { key: CryptoKey } | { box: Box };

type Database = IDBPDatabase<Layout>;

/** Returns whether a passphrase is needed. */
export async function isLocked(database: Database): Promise<boolean> {
  const vault = await load(database);
  return vault !== undefined && "box" in vault;
}

/** Opens the store of a database: with the passphrase, if there is one. Fails when it is wrong. */
export async function openStore(database: Database, passphrase: string | null): Promise<Store> {
  return sealed(indexedDb(Promise.resolve(database)), aesGcm(await openKey(database, passphrase)));
}

/** Seals everything anew under a key of its own: with a passphrase, or without. Nothing may write meanwhile. */
export async function changeLock(database: Database, old: string | null, next: string | null): Promise<void> {
  const from = aesGcm(await openKey(database, old));
  const raw = crypto.getRandomValues(new Uint8Array(32));
  const to = aesGcm(await importKey(raw));
  const vault: Vault = next === null ? { key: await importKey(raw) } : { box: await boxUp(raw, next) };
  raw.fill(0);
  const again = async (text: string) => to.seal(await from.open(text));

  const messages = await Promise.all(
    (await database.getAll("messages")).map(async (message) =>
      typeof message.text === "string" ? { ...message, text: await again(message.text) } : message,
    ),
  );
  const metas: [string, unknown][] = [];
  for (const key of await database.getAllKeys("meta")) {
    const value = (await database.get("meta", key)) as { sealed?: string } | null;
    if (value && typeof value === "object" && typeof value.sealed === "string") {
      metas.push([key, { sealed: await again(value.sealed) }]);
    }
  }
  const writing = database.transaction(["meta", "messages"], "readwrite", { durability: "strict" });
  for (const message of messages) void writing.objectStore("messages").put(message);
  for (const [key, value] of metas) void writing.objectStore("meta").put(value, key);
  void writing.objectStore("meta").put(vault, NAME);
  await writing.done;
}

async function openKey(database: Database, passphrase: string | null): Promise<CryptoKey> {
  const vault = await load(database);
  if (!vault) {
    const key = await importKey(crypto.getRandomValues(new Uint8Array(32)));
    await database.put("meta", { key } satisfies Vault, NAME);
    return key;
  }
  if ("key" in vault) return vault.key;
  const raw = await unbox(vault.box, passphrase ?? "");
  return importKey(raw);
}

async function load(database: Database): Promise<Vault | undefined> {
  return (await database.get("meta", NAME)) as Vault | undefined;
}

function importKey(raw: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}
