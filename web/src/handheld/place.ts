// One page of a device listens at a time: the box keeps one line for a device, and two pages would take it from each other.

const NAME = 'standclear-handheld';
/** A page that is being loaded again finds its own lock free within this. */
const ELSEWHERE_AFTER_MS = 400;

export type Place = 'asking' | 'here' | 'elsewhere';

export class OnePlace {
  readonly #changed: (place: Place) => void;
  #release: (() => void) | null = null;
  #waiting: AbortController | null = null;

  constructor(changed: (place: Place) => void) {
    this.#changed = changed;
  }

  /** Waits until no other page listens; `steal` takes it from the one that does. */
  claim(how: 'wait' | 'steal'): void {
    if (this.#release) return;
    this.#waiting?.abort();
    if (!('locks' in navigator)) {
      this.#changed('here');
      return;
    }
    const waiting = new AbortController();
    this.#waiting = waiting;
    const elsewhere = setTimeout(() => this.#changed('elsewhere'), ELSEWHERE_AFTER_MS);
    const options: LockOptions = how === 'steal' ? { steal: true } : { signal: waiting.signal };
    let granted = false;
    navigator.locks.request(NAME, options, () => {
      granted = true;
      clearTimeout(elsewhere);
      this.#changed('here');
      return new Promise<void>((resolve) => (this.#release = resolve));
    }).catch(() => {
      clearTimeout(elsewhere);
      // Given up by ourselves before it was ours.
      if (!granted) return;
      // Another page took it: the turn comes again after that one's.
      this.#release = null;
      this.#changed('elsewhere');
      this.claim('wait');
    });
  }

  leave(): void {
    this.#waiting?.abort();
    this.#release?.();
    this.#release = null;
  }
}
