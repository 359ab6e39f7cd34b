import { describe, expect, it } from 'vitest';
import { siteClock } from './format';
import { inOrderOfEnd, minutesWords, shareOver, SHELVE_MINUTES, shelveWords, unheardAnswer, unheardOf, untilWords, withUnheard } from './inhibited';
import { zoneTone } from './status';
import { boxState, SINCE, unheard, zone } from './testing';

const NOW = Date.parse(SINCE);
const clock = siteClock('Europe/Prague');
const OUT = { state: 'out_of_service', until: null } as const;

describe('words', () => {
  it('times_from_ten_minutes_to_one_shift', () => expect(SHELVE_MINUTES.map(minutesWords)).toEqual(['10 min', '30 min', '1 h', '2 h', '4 h', '8 h']));
  it('the_end_is_said_as_a_time_and_as_what_is_left', () => {
    expect(untilWords(unheard(1), clock, NOW)).toBe('until 16:07, 1 h 00 min left');
    expect(untilWords(unheard(1), clock, NOW + 59 * 60_000 + 1)).toBe('until 16:07, 1 min left');
    expect(untilWords(unheard(1), clock, NOW + 61 * 60_000)).toBe('ends now');
    expect(untilWords(OUT, clock, NOW)).toBe('until an engineer ends it');
  });
  it('a_choice_says_when_it_would_end', () => expect(shelveWords(480, clock, NOW)).toMatch(/^Until 23:07, for 8 h, it is shown, never heard/));
  it('half_its_time_is_half_its_bar', () => {
    expect(shareOver(unheard(1), NOW + 30 * 60_000)).toBe(50);
    expect([shareOver(unheard(1), NOW + 9e9), shareOver(unheard(1), NOW - 9e9), shareOver(unheard(1, OUT), NOW)]).toEqual([100, 0, null]);
  });
  it('the_header_counts_what_is_not_heard_and_how', () => {
    expect(unheardAnswer([])).toBeNull();
    expect(unheardAnswer([unheard(1), unheard(2, OUT), unheard(3)])).toEqual({ word: '3', why: '2 shelved, 1 out of service' });
  });
});

describe('zones', () => {
  it('what_would_alarm_now_comes_first_then_what_only_a_person_ends', () => {
    const all = [unheard(1), unheard(2, { until: '2026-03-01T14:20:00Z' }), unheard(3, OUT), unheard(4, { open_alarm: 9 })];
    expect(inOrderOfEnd(all).map((u) => u.alarm)).toEqual([4, 3, 2, 1]);
  });
  it('a_zone_is_marked_by_its_own_alarm_and_not_by_its_overdue_walk_test', () => {
    const state = (...list: Parameters<typeof withUnheard>[1]) => withUnheard(boxState({ zones: [zone('gate'), zone('pit')] }), list);
    expect(state(unheard(1)).zones.map(zoneTone)).toEqual(['unheard', 'clear']);
    expect(state(unheard(1, { kind: 'untested' })).zones.map(zoneTone)).toEqual(['clear', 'clear']);
    expect(unheardOf({ id: 'gate' }, state(unheard(1), unheard(2, OUT)))?.state).toBe('out_of_service');
  });
});
