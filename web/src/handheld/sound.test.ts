import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Sound } from './sound';

/** A loudspeaker that a browser gives and takes. */
class Speaker {
  static last: Speaker;
  state = 'suspended';
  sampleRate = 8_000;
  onstatechange: (() => void) | null = null;
  playing = 0;
  begun = 0;
  constructor() {
    Speaker.last = this;
  }
  resume = (): Promise<void> => Promise.reject(new Error('a call has the loudspeaker'));
  close = (): Promise<void> => Promise.resolve();
  createGain = () => ({ gain: { value: 1 }, connect: () => undefined });
  createBuffer = () => ({ copyToChannel: () => undefined });
  createBufferSource = () => ({
    connect: () => undefined,
    start: () => {
      this.playing += 1;
      this.begun += 1;
    },
    stop: () => (this.playing -= 1),
  });
  becomes(state: 'running' | 'suspended'): void {
    this.state = state;
    this.onstatechange?.();
  }
}

describe('the sound', () => {
  beforeEach(() => {
    vi.stubGlobal('AudioContext', Speaker);
    vi.stubGlobal('navigator', {});
  });
  afterEach(() => void vi.unstubAllGlobals());

  it('an_alarm_that_came_while_a_call_had_the_loudspeaker_is_heard_when_the_call_ends', async () => {
    const states: string[] = [];
    const sound = new Sound((state) => states.push(state));
    expect(await sound.unlock()).toBe('blocked');
    sound.play('emergency');
    expect(Speaker.last.playing).toBe(0);
    Speaker.last.becomes('running');
    expect(Speaker.last.playing).toBe(1);
    expect(states).toEqual(['ready']);
    sound.close();
  });
  it('what_plays_already_is_not_begun_twice', async () => {
    const sound = new Sound(() => undefined);
    await sound.unlock();
    sound.play('warning');
    for (const state of ['running', 'suspended', 'running'] as const) Speaker.last.becomes(state);
    await sound.unlock();
    expect(Speaker.last.begun).toBe(1);
    sound.close();
  });
  it('nothing_begins_when_nothing_is_wanted', async () => {
    const sound = new Sound(() => undefined);
    await sound.unlock();
    sound.play('lost');
    sound.play(null);
    Speaker.last.becomes('running');
    expect(Speaker.last.playing).toBe(0);
    sound.close();
  });
});
