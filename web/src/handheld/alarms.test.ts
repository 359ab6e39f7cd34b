import { describe, expect, it } from 'vitest';
import { inOrder, isMine, moreUrgent, NOTHING_KNOWN, pressing, silenceHere, takeAlarm, takeState, toneOf, type Known } from './alarms';
import { alarm, LIFE, sent, state, WELCOME } from './testing';

const none = () => false;
const known = (...messages: ReturnType<typeof sent>[]): Known => messages.reduce(takeAlarm, NOTHING_KNOWN);

describe('alarms by id and version', () => {
  it('what_is_older_than_what_is_known_changes_nothing', () => {
    const now = known(sent(alarm(1, { version: LIFE + 5, text: 'three' })), sent(alarm(1, { version: LIFE + 4, text: 'two' })));
    expect(now.alarms.map((a) => a.text)).toEqual(['three']);
  });
  it('a_version_of_a_later_life_of_the_box_is_newer', () => {
    const now = takeState(known(sent(alarm(1, { version: LIFE + 900 }))), state([alarm(1, { version: 2 * LIFE, state: 'acknowledged' })]), WELCOME);
    expect(now.alarms[0]?.state).toBe('acknowledged');
  });
  it('an_alarm_sent_after_the_state_was_made_is_not_taken_away_by_it', () => {
    const before = known(sent(alarm(1), 1, '2026-03-01T14:07:28.000Z'));
    expect(takeState(before, state([]), WELCOME).alarms).toHaveLength(1);
    expect(takeState(before, state([], { now: '2026-03-01T14:07:29.000Z' }), WELCOME).alarms).toHaveLength(0);
  });
  it('the_same_alarm_sent_again_is_one_alarm', () => expect(known(sent(alarm(1)), sent(alarm(1), 2)).alarms).toHaveLength(1));
});

describe('whose alarm it is', () => {
  it('a_listed_alarm_is_shown_and_not_heard', () => {
    const now = takeState(NOTHING_KNOWN, state([alarm(1)]), WELCOME);
    expect(pressing(now)).toHaveLength(1);
    expect(toneOf(now, none)).toBeNull();
  });
  it('an_alarm_sent_here_is_heard', () => expect(toneOf(known(sent(alarm(1))), none)).toBe('emergency'));
  it('after_a_reload_it_is_heard_again_because_the_box_lists_who_got_it', () => {
    const delivery = [{ person: WELCOME.person, device: WELCOME.device, sent_ms: 1, received_ms: 2, shown_ms: null }];
    expect(toneOf(takeState(NOTHING_KNOWN, state([alarm(1, { delivery })]), WELCOME), none)).toBe('emergency');
  });
  it('what_went_to_another_device_of_the_same_person_is_not_this_ones', () => {
    const delivery = [{ person: WELCOME.person, device: 'tablet', sent_ms: 1, received_ms: 2, shown_ms: null }];
    const now = takeState(NOTHING_KNOWN, state([alarm(1, { delivery })]), WELCOME);
    expect(isMine(now, now.alarms[0]!)).toBe(false);
  });
});

describe('the tone', () => {
  it('stops_when_somebody_anywhere_acknowledges', () => {
    const now = takeState(known(sent(alarm(1))), state([alarm(1, { version: LIFE + 2, state: 'acknowledged' })]), WELCOME);
    expect(toneOf(now, none)).toBeNull();
  });
  it('is_that_of_the_most_urgent', () => {
    const fault = alarm(1, { priority: 'fault' });
    const high = alarm(2, { priority: 'high' });
    expect(toneOf(known(sent(fault)), none)).toBe('fault');
    expect(toneOf(known(sent(fault), sent(high)), none)).toBe('warning');
    expect(toneOf(known(sent(fault), sent(high), sent(alarm(3))), none)).toBe('emergency');
  });
  it('silenced_here_is_silent_until_a_further_person_comes', () => {
    const quiet = silenceHere(known(sent(alarm(1))));
    expect(toneOf(quiet, none)).toBeNull();
    expect(toneOf(takeAlarm(quiet, sent(alarm(1), 2)), none)).toBeNull();
    expect(toneOf(takeAlarm(quiet, sent(alarm(1, { version: LIFE + 2, renewed: LIFE + 2 }))), none)).toBe('emergency');
  });
  it('goes_on_for_a_latched_one_nobody_answered_and_not_for_an_answered_one', () => {
    expect(toneOf(known(sent(alarm(1, { state: 'latched_unacknowledged' }))), none)).toBe('emergency');
    expect(toneOf(known(sent(alarm(1, { state: 'latched_acknowledged' }))), none)).toBeNull();
  });
  it('another_alarm_is_heard_over_a_silenced_one', () => expect(toneOf(takeAlarm(silenceHere(known(sent(alarm(1)))), sent(alarm(2))), none)).toBe('emergency'));
  it('goes_on_for_somebody_who_left_until_it_is_answered', () => expect(toneOf(known(sent(alarm(1, { state: 'returned_unacknowledged' }))), none)).toBe('emergency'));
  it.each(['shelved', 'suppressed_by_design', 'out_of_service'])('is_not_made_for_what_is_%s', (word) => {
    expect(toneOf(known(sent(alarm(1, { state: word }))), none)).toBeNull();
  });
  it('stops_at_the_press_here', () => expect(toneOf(known(sent(alarm(1))), () => true)).toBeNull());
  it('a_low_one_is_listed_only', () => {
    const now = known(sent(alarm(1, { priority: 'low' })));
    expect(pressing(now)).toEqual([]);
    expect(toneOf(now, none)).toBeNull();
  });
});

describe('order', () => {
  it('an_emergency_takes_the_screen_from_a_fault_and_never_the_other_way', () => {
    expect(moreUrgent(alarm(2), alarm(1, { priority: 'fault' }))).toBe(true);
    expect(moreUrgent(alarm(1, { priority: 'fault' }), alarm(2))).toBe(false);
    expect(moreUrgent(alarm(2), alarm(1))).toBe(false);
  });
  it('most_urgent_first_then_the_longest_waiting', () => {
    const now = takeState(NOTHING_KNOWN, state([
      alarm(1, { priority: 'fault' }), alarm(2, { state: 'acknowledged' }), alarm(3, { raised_at: '2026-03-01T14:07:30.000Z' }), alarm(4), alarm(5, { priority: 'high' }), alarm(6, { state: 'returned_unacknowledged' }),
    ]), WELCOME);
    expect(inOrder(now).map((a) => a.id)).toEqual([4, 3, 5, 1, 6, 2]);
  });
});
