// Asking later: of a value that changes quickly only the newest is sent, and only the answer to the newest counts.

export type SaveState = { readonly is: 'saved' } | { readonly is: 'waiting' } | { readonly is: 'saving' } | { readonly is: 'failed'; readonly words: string };

/** Asks `delay_ms` after the last call; answers to anything but the newest question are dropped. */
export function newest<Q, A>(delay_ms: number, ask: (question: Q) => Promise<A>, onAnswer: (answer: A) => void, onFault: (error: unknown) => void) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;

  async function go(question: Q, mine: number): Promise<void> {
    try {
      const answer = await ask(question);
      if (mine === last) onAnswer(answer);
    } catch (error) {
      if (mine === last) onFault(error);
    }
  }
  return {
    ask(question: Q): void {
      clearTimeout(timer);
      last += 1;
      const mine = last;
      timer = setTimeout(() => void go(question, mine), delay_ms);
    },
    /** Nothing is asked or answered any more. */
    stop(): void {
      clearTimeout(timer);
      last += 1;
    },
  };
}

/**
 * Saves what it was given last, one request at a time:
 *
 *   saved ──changed──> waiting ──delay──> saving ──done──> saved
 *                         ^                  │└─changed meanwhile──> waiting
 *                         └──retry── failed <┘
 */
export class Saver<T> {
  #value: T | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy: Promise<void> | null = null;
  #held = false;
  #stopped = false;
  readonly #put: (value: T) => Promise<void>;
  readonly #onState: (state: SaveState) => void;
  readonly #delay_ms: number;
  readonly #retry_ms: number;
  readonly #wordsOf: (error: unknown) => string;

  constructor(options: { put: (value: T) => Promise<void>; onState: (state: SaveState) => void; delay_ms: number; retry_ms: number; wordsOf: (error: unknown) => string }) {
    this.#put = options.put;
    this.#onState = options.onState;
    this.#delay_ms = options.delay_ms;
    this.#retry_ms = options.retry_ms;
    this.#wordsOf = options.wordsOf;
  }

  get dirty(): boolean {
    return this.#value !== undefined || this.#busy !== null;
  }

  changed(value: T): void {
    this.#value = value;
    this.#onState({ is: 'waiting' });
    this.#after(this.#delay_ms);
  }

  /** Nothing is to be saved any more: what was changed is given up. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#value = undefined;
    this.#onState({ is: 'saved' });
  }

  /** Keeps back what is to be saved while somebody else's work would be overwritten. */
  hold(): void {
    this.#held = true;
    clearTimeout(this.#timer);
  }

  release(): void {
    this.#held = false;
    if (this.#value !== undefined) this.#after(0);
  }

  /** Saves now; resolves when nothing is left to save, false where that failed. */
  async flush(): Promise<boolean> {
    clearTimeout(this.#timer);
    await this.#busy;
    if (this.#value === undefined) return true;
    if (this.#held) return false;
    await this.#save();
    return this.#value === undefined;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #after(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#held || this.#stopped) return;
    this.#timer = setTimeout(() => void this.#save(), ms);
  }

  async #save(): Promise<void> {
    if (this.#busy !== null) return this.#busy;
    this.#busy = this.#send();
    await this.#busy;
  }

  async #send(): Promise<void> {
    const value = this.#value;
    if (value === undefined) {
      this.#busy = null;
      return;
    }
    this.#value = undefined;
    this.#onState({ is: 'saving' });
    try {
      await this.#put(value);
      this.#busy = null;
      if (this.#value === undefined) this.#onState({ is: 'saved' });
      else {
        this.#onState({ is: 'waiting' });
        this.#after(this.#delay_ms);
      }
    } catch (error) {
      this.#busy = null;
      // A newer value that came meanwhile is the one to try again with.
      this.#value ??= value;
      this.#onState({ is: 'failed', words: this.#wordsOf(error) });
      this.#after(this.#retry_ms);
    }
  }
}
