// Whether this person sees clear pictures now: asked once in a while, and when a grant ends.

import { endsIn, fetchPrivacy, ownGrant, type Grant, type Privacy } from './privacy';

const ASK_EVERY_MS = 15_000;
/** Past its end by so much nobody's clock says that it lasts. */
const MARGIN_MS = 250;

class PrivacyNow {
  now = $state.raw<Privacy | null>(null);
  /** Raised when a grant has ended, so that whoever looks asks the clock again. */
  #turn = $state(0);
  #now_ms: () => number = Date.now;

  /** The own grant; null when people are pixelated for this person. */
  get own(): Grant | null {
    void this.#turn;
    return ownGrant(this.now, this.#now_ms());
  }

  /** Which pictures to ask for. */
  get sight(): 'shown' | 'clear' {
    return this.own === null ? 'shown' : 'clear';
  }

  /** Asks until the returned function is called; `now_ms` is the box's clock, by which grants end. */
  open(now_ms: () => number): () => void {
    this.#now_ms = now_ms;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let closed = false;
    const ask = async (): Promise<void> => {
      try {
        const now = await fetchPrivacy();
        // An answer that comes too late is about whoever was signed in before.
        if (closed) return;
        this.now = now;
      } catch {
        // What was known ends by itself; nobody sees more than before.
      }
      this.#turn += 1;
      if (closed) return;
      const ends = endsIn(this.now, now_ms());
      timer = setTimeout(() => void ask(), Math.min(ASK_EVERY_MS, (ends ?? ASK_EVERY_MS) + MARGIN_MS));
    };
    void ask();
    return () => {
      closed = true;
      clearTimeout(timer);
      this.now = null;
    };
  }
}

export const privacy = new PrivacyNow();
