/** Whether anybody looks: when no tab was visible for a while, the connection is given up until one is. */

/** In milliseconds. */
const PATIENCE_MS = 5 * 60_000;

export class Attention {
  readonly #visible = new Map<string, boolean>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly rest: () => void,
    readonly wake: () => void,
    readonly patienceMs = PATIENCE_MS,
  ) {}

  look(tab: string, isVisible: boolean): void {
    this.#visible.set(tab, isVisible);
    if (isVisible) this.wake();
    this.#settle();
  }

  forget(tab: string): void {
    this.#visible.delete(tab);
    this.#settle();
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if ([...this.#visible.values()].includes(true)) return;
    this.#timer = setTimeout(this.rest, this.patienceMs);
  }
}
