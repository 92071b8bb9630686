/** The conversation on the screen: what is loaded of it, and which part of that is drawn. */
import { computed, signal } from "@preact/signals";
import type { Message, Person } from "../bridge/protocol.js";
import { calls } from "./calls.js";

/** Messages of the first page and of further ones: a screen of them is to be there before others are decrypted. */
const FIRST = 24;
const PAGE = 60;
/** Most messages that are drawn at once, and those that are drawn together: more would stop who scrolls. */
const MAX_DRAWN = 180;
const STEP = 30;
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
  /** Whether there is more behind the newest that is loaded: the person was reading older ones when much came. */
  readonly isBehind = signal(false);
  readonly isAtEnd = computed(() => this.range.value[1] >= this.messages.value.length && !this.isBehind.value);
  /** The message to which the person has jumped. */
  readonly target = signal<number | null>(null);
  #loading: Promise<void> | null = null;
  #refreshing: Promise<void> | null = null;
  /** How many of the newest messages are to be loaded. */
  #wanted = 0;

  constructor(
    readonly partner: Person,
    /** The newest message that had been read when it was opened, for the line above what is new. */
    readonly unreadAfter: number | null,
  ) {}

  /** Loads the newest messages, or loads them anew. */
  refresh(): Promise<void> {
    return this.arrived(FIRST);
  }

  /** Loads the newest messages anew after others were loaded behind them: what seemed whole may not be. */
  reload(): Promise<void> {
    this.isWhole.value = false;
    return this.refresh();
  }

  /** Loads so many messages that have come, once for all that come meanwhile. */
  arrived(count: number): Promise<void> {
    this.#wanted += count;
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    while (this.#wanted > 0 && !this.isBehind.value) {
      // One that is here already shows that nothing is missing between.
      const limit = Math.min(FIRST, this.#wanted + 1);
      this.#wanted = 0;
      const newest = await calls()
        .history(this.partner.id, null, limit)
        .catch(() => null);
      if (newest) this.#takeNewest(newest.reverse(), limit);
      this.isLoaded.value = true;
    }
  }

  /** Takes the newest messages, oldest first; `limit`: as many were asked for. */
  #takeNewest(newest: readonly Message[], limit: number): void {
    const oldest = newest[0]?.id ?? Infinity;
    const older = this.messages.value.filter(({ id }) => id < oldest);
    const hasGap = newest.length === limit && older.length > 0 && older.length === this.messages.value.length;
    if (hasGap && limit < FIRST) return void (this.#wanted = FIRST);
    const isAtEnd = this.isAtEnd.value;
    if (hasGap && !isAtEnd) return void (this.isBehind.value = true);
    this.messages.value = hasGap ? newest : [...older, ...newest];
    if (hasGap) this.isWhole.value = false;
    else if (newest.length < limit && older.length === 0) this.isWhole.value = true;
    if (isAtEnd) this.#showEnd(hasGap);
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
      this.#drawFrom(from - STEP, to);
      return Promise.resolve();
    }
    if (this.isWhole.value || !this.isLoaded.value) return Promise.resolve();
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** Draws newer messages. */
  newer(): void {
    const [from, to] = this.range.value;
    const end = Math.min(this.messages.value.length, to + STEP);
    if (end > to) this.range.value = [Math.max(from, end - MAX_DRAWN), end];
    else if (this.isBehind.value) this.toEnd();
  }

  /** Draws the newest messages. */
  toEnd(): void {
    this.target.value = null;
    if (this.isBehind.value) {
      [this.isBehind.value, this.messages.value, this.range.value] = [false, [], [0, 0]];
      void this.reload();
    } else this.#showEnd(true);
  }

  /** Draws a message, as far back as it is. Returns whether it was found. */
  async find(id: number): Promise<boolean> {
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const index = this.messages.value.findIndex((message) => message.id === id);
      if (index >= 0) {
        this.#drawFrom(index - PAGE, this.messages.value.length);
        this.target.value = id;
        return true;
      }
      if (this.isWhole.value) return false;
      this.#drawFrom(0, this.range.value[1]);
      await this.older();
    }
    return false;
  }

  async #load(): Promise<void> {
    const oldest = this.messages.value[0]?.id ?? null;
    const page = await calls()
      .history(this.partner.id, oldest, PAGE)
      .catch(() => null);
    // Who draws what has come may want more at once.
    this.#loading = null;
    // Replaced by newer ones meanwhile.
    if (!page || (this.messages.value[0]?.id ?? null) !== oldest) return;
    if (page.length === 0) {
      this.isWhole.value = true;
      return;
    }
    const [, to] = this.range.value;
    this.messages.value = [...page.reverse(), ...this.messages.value];
    this.#drawFrom(page.length - STEP, to + page.length);
  }

  /** Draws from an index to another, or as many as may be. */
  #drawFrom(from: number, to: number): void {
    const start = Math.max(0, from);
    this.range.value = [start, Math.min(to, start + MAX_DRAWN)];
  }

  #showEnd(isOnlyEnd = false): void {
    const end = this.messages.value.length;
    const [from, to] = this.range.value;
    const start = isOnlyEnd || to === 0 ? end - FIRST : from;
    this.range.value = [Math.max(0, start, end - MAX_DRAWN), end];
  }
}
