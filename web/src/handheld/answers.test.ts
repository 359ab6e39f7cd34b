import { describe, expect, it } from 'vitest';
import { age, AGAIN_MS, ANSWERS_MAX, answeredHere, confirm, count, countedAt, due, message, outcomeWords, press, restore, sent, TOO_OLD_MS, unsent, type Answer } from './answers';
import type { Outcome } from './protocol';
import { alarm, at, LIFE } from './testing';

const pressed = (id: string, number = 1, ms = 1_000): readonly Answer[] => press([], { id, alarm: alarm(number), at: at(ms), page: 'p' });
const told = (id: string, outcome: Outcome) => ({ type: 'acknowledged', id, alarm: 1, outcome, message: '' }) as const;

describe('answers that wait', () => {
  it('an_answer_is_due_until_sent_and_again_until_confirmed', () => {
    const [first] = pressed('a');
    expect(due([first!], at(1_000))).toHaveLength(1);
    const gone = sent([first!], new Set(['a']), at(1_000));
    expect(due(gone, at(1_000 + AGAIN_MS))).toHaveLength(0);
    expect(due(gone, at(1_001 + AGAIN_MS))).toHaveLength(1);
    expect(confirm(gone, told('a', 'acknowledged'))).toEqual([]);
  });
  it('a_new_connection_sends_everything_again_under_the_same_uuid', () => {
    const again = due(unsent(sent(pressed('a'), new Set(['a']), at(1_000))), at(1_001));
    expect(again.map((a) => a.id)).toEqual(['a']);
  });
  it('two_presses_on_one_cause_are_one_answer', () => expect(press(pressed('a'), { id: 'b', alarm: alarm(1), at: at(2_000), page: 'p' }).map((a) => a.id)).toEqual(['a']));
  it('a_further_person_wants_an_answer_of_its_own', () => {
    const next = alarm(1, { version: LIFE + 9, renewed: LIFE + 9 });
    expect(press(pressed('a'), { id: 'b', alarm: next, at: at(2_000), page: 'p' })).toHaveLength(2);
    expect(answeredHere(pressed('a'))(next)).toBe(false);
  });
  it('carries_the_version_that_was_seen_and_how_long_it_lay', () => {
    expect(message(pressed('a')[0]!, 'p', at(31_000))).toEqual({ type: 'acknowledge', alarm: 1, version: LIFE + 1, id: 'a', pressed_at: '1970-01-01T00:00:01.000Z', age_ms: 30_000 });
  });
  it('an_answer_that_counted_is_known_also_when_the_alarm_is_over_by_it', () => {
    const [answer] = pressed('a');
    const counted = count({}, answer, told('a', 'acknowledged'), 60_000);
    expect(countedAt(counted, alarm(1, { state: 'normal' }))).toBe('1970-01-01T00:01:00.000Z');
    expect(countedAt(counted, alarm(1, { renewed: LIFE + 9 }))).toBeNull();
  });
  it.each<Outcome>(['already_acknowledged', 'unknown_alarm', 'newer_cause', 'too_old', 'busy'])('one_that_is_%s_did_not_count', (outcome) => {
    expect(count({}, pressed('a')[0], told('a', outcome), 0)).toEqual({});
  });
  it('a_busy_box_is_asked_again', () => expect(confirm(pressed('a'), told('a', 'busy'))).toHaveLength(1));
  it('the_confirmation_of_another_answer_takes_nothing_away', () => expect(confirm(pressed('a'), told('b', 'acknowledged'))).toHaveLength(1));
  it('is_bounded_and_the_oldest_go', () => {
    let all: readonly Answer[] = [];
    for (let i = 0; i < ANSWERS_MAX + 5; i += 1) all = press(all, { id: String(i), alarm: alarm(i), at: at(i), page: 'p' });
    expect(all).toHaveLength(ANSWERS_MAX);
    expect(all[0]?.id).toBe('5');
  });
});

describe('age', () => {
  const [answer] = pressed('a');
  it('a_device_clock_set_back_makes_no_answer_younger', () => expect(age(answer!, 'p', { mono_ms: 61_000, wall_ms: -5_000 })).toBe(60_000));
  it('after_a_reload_the_wall_clock_counts', () => expect(age(answer!, 'q', { mono_ms: 3, wall_ms: 41_000 })).toBe(40_000));
  it('after_a_reload_a_clock_that_ran_backwards_makes_it_too_old', () => expect(age(answer!, 'q', { mono_ms: 3, wall_ms: 500 })).toBeGreaterThan(TOO_OLD_MS));
});

describe('outcomes in words', () => {
  it('only_what_a_person_must_know_is_said', () => {
    expect(outcomeWords(told('a', 'acknowledged'), 'Gate', 'you')).toBeNull();
    expect(outcomeWords(told('a', 'already_acknowledged'), 'Gate', 'you')).toBeNull();
    for (const outcome of ['already_acknowledged', 'unknown_alarm', 'newer_cause', 'too_old'] as const) expect(outcomeWords(told('a', outcome), 'Gate', 'other')).toMatch(/^Gate: /);
  });
});

describe('restore', () => {
  it('answers_survive_a_reload_unsent', () => {
    const kept = JSON.parse(JSON.stringify(sent(pressed('a'), new Set(['a']), at(1_000)))) as unknown;
    expect(restore(kept)).toEqual(pressed('a'));
  });
  it.each([[null], [{}], [[null, { id: 'x' }]], ['text']])('what_cannot_be_read_is_left_out', (kept) => expect(restore(kept)).toEqual([]));
});
