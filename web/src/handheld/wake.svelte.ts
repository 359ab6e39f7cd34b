// Keeps the screen on while that is wanted and the page is seen. The system may take it back (low battery); then it says so.

export class StayAwake {
  state = $state<'off' | 'on' | 'refused' | 'unsupported'>('wakeLock' in navigator ? 'off' : 'unsupported');
  #wanted: 'on' | 'off' = 'off';
  #lock: WakeLockSentinel | null = null;

  constructor() {
    // The browser lets go of it whenever the page is hidden.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.#wanted === 'on') void this.#ask();
    });
  }

  async want(wanted: 'on' | 'off'): Promise<void> {
    this.#wanted = wanted;
    if (this.state === 'unsupported') return;
    if (wanted === 'on') await this.#ask();
    else {
      await this.#lock?.release().catch(() => undefined);
      this.#lock = null;
      this.state = 'off';
    }
  }

  async #ask(): Promise<void> {
    if (this.#lock && !this.#lock.released) return;
    try {
      const lock = await navigator.wakeLock.request('screen');
      this.#lock = lock;
      this.state = 'on';
      lock.addEventListener('release', () => {
        if (this.#lock === lock) this.state = this.#wanted === 'on' ? 'refused' : 'off';
      });
    } catch {
      this.state = 'refused';
    }
  }
}
