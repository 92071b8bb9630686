/** The conversation on the screen: what is loaded of it, and which part of that is drawn. */
import { computed, signal } from "@preact/signals";
import type { Message, Person } from "../bridge/protocol.js";
import { merged } from "../lib/lines.js";
import { calls } from "./calls.js";

/** Messages of the first page and of further ones. */
const FIRST = 40;
const PAGE = 60;
/** Most messages that are drawn at once. */
const MAX_DRAWN = 180;
/** Most pages that are loaded to find a message. */
const MAX_PAGES = 200;

export class Conversation {
  /** Oldest first. */
  readonly messages = signal<readonly Message[]>([]);
  readonly isLoaded = signal(false);
  /** Whether there is nothing older. */
  readonly isWhole = signal(false);
  /** Messages that are drawn: from an index to another, which is left out. */
  readonly range = signal<readonly [from: number, to: number]>([0, 0]);
  readonly drawn = computed(() => this.messages.value.slice(...this.range.value));
  readonly isAtEnd = computed(() => this.range.value[1] >= this.messages.value.length);
  /** The message to which the person has jumped. */
  readonly target = signal<number | null>(null);
  #loading: Promise<void> | null = null;

  constructor(
    readonly partner: Person,
    /** The newest message that had been read when it was opened, for the line above what is new. */
    readonly unreadAfter: number | null,
  ) {}

  /** Loads the newest messages, or loads them anew. */
  async refresh(): Promise<void> {
    const newest = await calls()
      .history(this.partner.id, null, FIRST)
      .catch(() => []);
    const oldest = newest.at(-1)?.id ?? 0;
    const older = this.messages.value.filter(({ id }) => id < oldest);
    const isGap = older.length > 0 && newest.length === FIRST && !this.messages.value.some(({ id }) => id >= oldest);
    this.messages.value = merged(isGap ? [] : older, newest.reverse());
    this.isLoaded.value = true;
    if (newest.length < FIRST && older.length === 0) this.isWhole.value = true;
    this.#showEnd();
  }

  add(message: Message): void {
    if (message.partner !== this.partner.id || !this.isLoaded.value) return;
    const isAtEnd = this.isAtEnd.value;
    this.messages.value = merged(this.messages.value, [message]);
    if (isAtEnd) this.#showEnd();
  }

  remove(isGone: (message: Message) => boolean): void {
    const [from, to] = this.range.value;
    const left = this.messages.value.filter((message) => !isGone(message));
    const before = (index: number) => this.messages.value.slice(0, index).filter((message) => !isGone(message)).length;
    const range = [before(from), before(to)] as const;
    this.messages.value = left;
    this.range.value = range;
  }

  /** Draws older messages; loads them when there are none. Resolves when they are here. */
  older(): Promise<void> {
    const [from, to] = this.range.value;
    if (from > 0) {
      const start = Math.max(0, from - PAGE);
      this.range.value = [start, Math.min(to, start + MAX_DRAWN)];
      return Promise.resolve();
    }
    if (this.isWhole.value || !this.isLoaded.value) return Promise.resolve();
    this.#loading ??= this.#load().finally(() => (this.#loading = null));
    return this.#loading;
  }

  /** Draws newer messages. */
  newer(): void {
    const [from, to] = this.range.value;
    const end = Math.min(this.messages.value.length, to + PAGE);
    if (end > to) this.range.value = [Math.max(from, end - MAX_DRAWN), end];
  }

  /** Draws the newest messages. */
  toEnd(): void {
    this.target.value = null;
    this.#showEnd(true);
  }

  /** Draws a message, as far back as it is. Returns whether it was found. */
  async find(id: number): Promise<boolean> {
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const index = this.messages.value.findIndex((message) => message.id === id);
      if (index >= 0) {
        const start = Math.max(0, index - PAGE);
        this.range.value = [start, Math.min(this.messages.value.length, start + MAX_DRAWN)];
        this.target.value = id;
        return true;
      }
      if (this.isWhole.value) return false;
      this.range.value = [0, this.range.value[1]];
      await this.older();
    }
    return false;
  }

  async #load(): Promise<void> {
    const oldest = this.messages.value[0]?.id ?? null;
    const page = await calls()
      .history(this.partner.id, oldest, PAGE)
      .catch(() => null);
    if (!page) return;
    if (page.length === 0) {
      this.isWhole.value = true;
      return;
    }
    const [, to] = this.range.value;
    const all = merged(page.reverse(), this.messages.value);
    const added = all.length - this.messages.value.length;
    this.messages.value = all;
    this.range.value = [0, Math.min(to + added, MAX_DRAWN)];
  }

  #showEnd(isOnlyEnd = false): void {
    const end = this.messages.value.length;
    const [from, to] = this.range.value;
    const start = isOnlyEnd || to === 0 ? end - FIRST : from;
    this.range.value = [Math.max(0, start, end - MAX_DRAWN), end];
  }
}
