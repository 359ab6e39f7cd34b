// The sound and the shaking of this device. Knows no alarm: it is told a pattern and keeps it going.
// A browser lets a page sound only after a touch; until then, and after a call took the loudspeaker, it is `blocked`.

import { samplesOf } from './samples';
import { LOOPS, VIBRATION_AGAIN_MS, VIBRATIONS, type Pattern } from './tone';

export type SoundState = 'ready' | 'blocked';

/** Safari's: without it the ring/silent switch of an iPhone mutes a page. */
interface AudioSessionHolder { audioSession?: { type: string } }

export class Sound {
  readonly #changed: (state: SoundState) => void;
  #context: AudioContext | null = null;
  #gain: GainNode | null = null;
  #source: AudioBufferSourceNode | null = null;
  #pattern: Pattern | null = null;
  #volume = 1;
  #shaking: ReturnType<typeof setInterval> | undefined;

  constructor(changed: (state: SoundState) => void) {
    this.#changed = changed;
  }

  get state(): SoundState {
    return this.#context?.state === 'running' ? 'ready' : 'blocked';
  }

  /** To be called from a touch or a key: nothing else unlocks a browser's sound. */
  async unlock(): Promise<SoundState> {
    try {
      const context = this.#context ?? this.#make();
      if (context.state !== 'running') await context.resume();
    } catch {
      // No loudspeaker, or not allowed yet: the state says so.
    }
    this.#keepUp();
    return this.state;
  }

  /** 0 to 1, of what the device's own volume lets through. */
  set volume(share: number) {
    this.#volume = Math.min(1, Math.max(0, share));
    if (this.#gain) this.#gain.gain.value = this.#volume;
  }

  /** Keeps a pattern going; null is silence. The same again changes nothing. */
  play(pattern: Pattern | null): void {
    if (pattern === this.#pattern) return;
    this.#pattern = pattern;
    this.#sound();
    this.#shake();
  }

  /** Once, to hear and feel it. Not over an alarm. */
  try(what: 'sound' | 'vibration'): void {
    if (this.#pattern !== null) return;
    if (what === 'sound') this.#start('test', false);
    else vibrate(VIBRATIONS.test);
  }

  close(): void {
    this.play(null);
    void this.#context?.close();
    this.#context = null;
  }

  #make(): AudioContext {
    const session = (navigator as AudioSessionHolder).audioSession;
    if (session) session.type = 'playback';
    const context = new AudioContext({ latencyHint: 'interactive' });
    this.#gain = context.createGain();
    this.#gain.gain.value = this.#volume;
    this.#gain.connect(context.destination);
    // A call that took the loudspeaker gives it back without a touch: what was wanted meanwhile begins now.
    context.onstatechange = () => {
      this.#keepUp();
      this.#changed(this.state);
    };
    this.#context = context;
    return context;
  }

  #sound(): void {
    this.#source?.stop();
    this.#source = null;
    if (this.#pattern !== null) this.#start(this.#pattern, true);
  }

  /** Begins what is wanted where nothing plays. */
  #keepUp(): void {
    if (this.#pattern !== null && this.#source === null) this.#start(this.#pattern, true);
  }

  #start(pattern: Pattern, loop: boolean): void {
    if (!this.#context || !this.#gain || this.state !== 'ready') return;
    const samples = samplesOf(LOOPS[pattern], this.#context.sampleRate);
    const buffer = this.#context.createBuffer(1, samples.length, this.#context.sampleRate);
    buffer.copyToChannel(samples, 0);
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.loop = loop;
    source.connect(this.#gain);
    source.start();
    if (loop) this.#source = source;
  }

  #shake(): void {
    clearInterval(this.#shaking);
    const pattern = this.#pattern;
    if (pattern === null) {
      vibrate([]);
      return;
    }
    vibrate(VIBRATIONS[pattern]);
    this.#shaking = setInterval(() => vibrate(VIBRATIONS[pattern]), VIBRATION_AGAIN_MS);
  }
}

/** Safari has none. Chromium refuses, and complains, before the page was touched. */
function vibrate(pattern: readonly number[]): void {
  if (!canVibrate() || navigator.userActivation?.hasBeenActive === false) return;
  navigator.vibrate([...pattern]);
}

export function canVibrate(): boolean {
  return typeof navigator.vibrate === 'function';
}
