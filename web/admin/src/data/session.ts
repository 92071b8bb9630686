/** Who is signed in: a token of operators, which this tab alone has, until it is closed. */
import { computed, signal } from "@preact/signals";

const KEY = "fluent-operator";

/** What is known of the token. */
export interface Operator {
  /** Its name; null where the server does not say. */
  name: string | null;
  /** What it is good for; null where the server does not say. */
  scope: "metrics" | "read" | "write" | null;
}

/** The token; null when nobody is signed in. */
export const token = signal<string | null>(sessionStorage.getItem(KEY));

/** Who it belongs to; null while that is not known. */
export const operator = signal<Operator | null>(null);

/** Why the last session has ended, for the person who signs in again. */
export const ended = signal<string | null>(null);

/** Whether changes may be offered: not to a token that is known to be good for reading alone. */
export const mayWrite = computed(() => operator.value?.scope !== "read");

/** Keeps a token that the server has accepted. */
export function keep(accepted: string, who: Operator): void {
  sessionStorage.setItem(KEY, accepted);
  ended.value = null;
  operator.value = who;
  token.value = accepted;
}

/** Forgets the token. */
export function signOut(why: string | null = null): void {
  sessionStorage.removeItem(KEY);
  ended.value = why;
  token.value = null;
  operator.value = null;
}
