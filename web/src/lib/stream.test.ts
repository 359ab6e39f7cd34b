import { describe, expect, it } from 'vitest';
import { boxNow, elapsed, linkState, SILENCE_MS_MAX } from './stream';
import { boxState } from './testing';

const at = (mono_ms: number, wall_ms = mono_ms) => ({ mono_ms, wall_ms });

describe('linkState', () => {
  it('connects_before_the_first_message', () => expect(linkState(at(0), null, at(100))).toBe('connecting'));
  it('a_box_that_never_answers_is_lost', () => expect(linkState(at(0), null, at(SILENCE_MS_MAX + 1))).toBe('lost'));
  it('is_fresh_up_to_the_limit_inclusive', () => expect(linkState(at(0), at(1_000), at(1_000 + SILENCE_MS_MAX))).toBe('fresh'));
  it('is_lost_after_the_limit', () => expect(linkState(at(0), at(1_000), at(1_001 + SILENCE_MS_MAX))).toBe('lost'));
  it('a_laptop_that_slept_is_lost_though_its_monotonic_clock_stood_still', () => {
    expect(linkState(at(0), at(1_000, 1_000), at(1_100, 3_600_000))).toBe('lost');
  });
  it('a_wall_clock_set_back_does_not_hide_silence', () => {
    expect(linkState(at(0), at(1_000, 90_000), at(9_000, 10_000))).toBe('lost');
  });
});

describe('elapsed', () => {
  it('is_never_negative', () => expect(elapsed(at(5, 5), at(4, 3))).toBe(0));
});

describe('boxNow', () => {
  it('runs_on_from_the_time_of_the_box', () => {
    const state = boxState({ now: '2026-03-01T14:07:33.000Z' });
    expect(new Date(boxNow(state, at(1_000), at(3_500))).toISOString()).toBe('2026-03-01T14:07:35.500Z');
  });
});
