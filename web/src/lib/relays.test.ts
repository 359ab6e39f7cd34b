import { describe, expect, it } from 'vitest';
import { relaysWords, relayTag, roleWords, wiringWords, type Relay } from './relays';

const relay = (rest: Partial<Relay> = {}): Relay => ({
  name: 'horn', role: ['emergency', 'siren'], device: 'http://10.0.0.8', wiring: 'fail_safe', heartbeat_ms: null, state: 'working', fault: null, calling: false, caution: null, ...rest,
});

describe('the relays', () => {
  it('one_that_does_not_work_is_never_shown_as_one_that_does', () => {
    expect(relayTag(relay())).toMatchObject({ tone: 'clear', word: 'works' });
    expect(relayTag(relay({ calling: true }))).toMatchObject({ tone: 'warning', word: 'calls' });
    for (const calling of [true, false]) {
      expect(relayTag(relay({ state: 'failed', calling })).tone).toBe('unknown');
      expect(relayTag(relay({ state: 'starting', calling })).tone).toBe('unknown');
    }
  });
  it('says_what_each_calls_for_and_how_it_is_wired', () => {
    expect(roleWords(relay())).toBe('emergencies and the siren');
    expect(wiringWords(relay({ heartbeat_ms: 500 }))).toBe('wired fail-safe, heartbeat every 500 ms');
    expect(wiringWords(relay({ wiring: 'energise_to_call' }))).toContain('silent when the box is dead');
  });
  it('counts_what_does_not_work', () => {
    expect(relaysWords([relay()])).toBe('1 relay');
    expect(relaysWords([relay(), relay({ state: 'failed' }), relay({ state: 'starting' })])).toBe('2 of 3 do not work');
  });
});
