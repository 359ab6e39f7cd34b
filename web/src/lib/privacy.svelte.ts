// Whether this person sees clear pictures now: asked once in a while, and when a grant ends.

import { endsIn, fetchPrivacy, ownGrant, type Grant, type Privacy } from './privacy';

const ASK_EVERY_MS = 15_000;
/** Past its end by so much nobody's clock says that it lasts. */
const MARGIN_MS = 250;

class PrivacyNow {
  now = $state.raw<Privacy | null>(null);
  /** Raised when a grant has ended, so that whoever looks asks the clock again. */
  #turn = $state(0);

  /** The own grant; null when people are pixelated for this person. */
  get own(): Grant | null {
    void this.#turn;
    return ownGrant(this.now, Date.now());
  }

  /** Which pictures to ask for. */
  get sight(): 'shown' | 'clear' {
    return this.own === null ? 'shown' : 'clear';
  }

  /** Whether video may be seen: nobody is hidden in it. */
  get video(): boolean {
    return this.now?.hidden === 'off' || this.own !== null;
  }

  /** Asks until the returned function is called. */
  open(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let closed = false;
    const ask = async (): Promise<void> => {
      try {
        this.now = await fetchPrivacy();
      } catch {
        // What was known ends by itself; nobody sees more than before.
      }
      this.#turn += 1;
      if (closed) return;
      const ends = endsIn(this.now, Date.now());
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
