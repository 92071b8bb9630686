/** Which users have data in this browser, and which of them is in use. */
import { deleteDB, openDB } from "idb";

interface Known {
  current: string | null;
  names: string[];
}

const NONE: Known = { current: null, names: [] };

/** Returns the name of a user's database. Names of users differ by more than case. */
export function databaseName(server: string, username: string): string {
  return `fluent ${server} ${keyOf(username)}`;
}

/** Returns the name of the database that keeps a user's files while they are on their way. */
export function filesName(server: string, username: string): string {
  return `${databaseName(server, username)} files`;
}

export function isSameName(one: string, other: string): boolean {
  return keyOf(one) === keyOf(other);
}

/** Returns the users of a server. */
export async function known(server: string): Promise<Known> {
  const database = await open();
  const found = (await database.get("known", server)) as Known | undefined;
  database.close();
  return found ?? NONE;
}

/** Makes a user the one in use. */
export async function remember(server: string, username: string): Promise<void> {
  const { names } = await known(server);
  const others = names.filter((name) => !isSameName(name, username));
  await save(server, { current: username, names: [username, ...others] });
}

/** Removes a user with everything that is kept of them. */
export async function forget(server: string, username: string): Promise<void> {
  const { names, current } = await known(server);
  const others = names.filter((name) => !isSameName(name, username));
  const isCurrent = current !== null && isSameName(current, username);
  await save(server, { current: isCurrent ? null : current, names: others });
  await Promise.all([databaseName, filesName].map((nameOf) => deleteDB(nameOf(server, username))));
}

async function save(server: string, value: Known): Promise<void> {
  const database = await open();
  await database.put("known", value, server);
  database.close();
}

function open() {
  return openDB("fluent", 1, { upgrade: (database) => void database.createObjectStore("known") });
}

function keyOf(username: string): string {
  return username.trim().normalize("NFKC").toLowerCase();
}
