// Something a page asks the box for once and shows: what came, or why nothing did, and whether it takes long.

import { untrack } from 'svelte';
import { wordsOf } from './request';

/** Past this a person wonders whether anything happens. */
const SLOW_MS = 1_000;

export class Load<T> {
  value = $state.raw<T | null>(null);
  /** Why nothing (newer) came; empty when it did. */
  fault = $state('');
  busy = $state(false);
  slow = $state(false);

  readonly #ask: () => Promise<T>;
  /** Of the newest question; an answer to an older one is dropped. */
  #turn = 0;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  /** Asks again and keeps what is there until the answer comes. */
  async again(): Promise<void> {
    const turn = ++this.#turn;
    this.busy = true;
    const slow = setTimeout(() => (this.slow = turn === this.#turn), SLOW_MS);
    try {
      // What the question is made of must not make an effect that asks run again.
      const value = await untrack(this.#ask);
      if (turn !== this.#turn) return;
      this.value = value;
      this.fault = '';
    } catch (error) {
      if (turn === this.#turn) this.fault = wordsOf(error);
    } finally {
      clearTimeout(slow);
      if (turn === this.#turn) {
        this.busy = false;
        this.slow = false;
      }
    }
  }

  /** Forgets what was there, because it was about something else, and asks. */
  async anew(): Promise<void> {
    this.value = null;
    this.fault = '';
    await this.again();
  }
}
