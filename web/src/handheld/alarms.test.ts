import { describe, expect, it } from 'vitest';
import { inOrder, isMine, moreUrgent, NOTHING_KNOWN, pressing, SILENCED_MS_MAX, silenceHere, takeAlarm, takeState, toneOf, UNLISTED_MS_MAX, type Known } from './alarms';
import type { Moment } from '../lib/stream';
import type { AlarmMessage } from './protocol';
import { alarm, at, LIFE, sent, state, WELCOME } from './testing';

const none = () => false;
const take = (to: Known, message: AlarmMessage, now: Moment = at(0)): Known => takeAlarm(to, message, now, 'unseen');
const known = (...messages: AlarmMessage[]): Known => messages.reduce((to, message) => take(to, message), NOTHING_KNOWN);
const told = (to: Known, listed: ReturnType<typeof alarm>[], now: Moment = at(0)): Known => takeState(to, state(listed), WELCOME, now);
const tone = (of: Known, now: Moment = at(0)) => toneOf(of, none, now);
const quietly = (of: Known, now: Moment = at(0)) => silenceHere(of, none, now);

describe('alarms by id and version', () => {
  it('what_is_older_than_what_is_known_changes_nothing', () => {
    const now = known(sent(alarm(1, { version: LIFE + 5, text: 'three' })), sent(alarm(1, { version: LIFE + 4, text: 'two' })));
    expect(now.alarms.map((a) => a.text)).toEqual(['three']);
  });
  it('a_version_of_a_later_life_of_the_box_is_newer', () => {
    const now = told(known(sent(alarm(1, { version: LIFE + 900 }))), [alarm(1, { version: 2 * LIFE, state: 'acknowledged' })]);
    expect(now.alarms[0]?.state).toBe('acknowledged');
  });
  it('an_alarm_that_came_in_just_before_a_state_without_it_is_not_taken_away', () => {
    expect(told(known(sent(alarm(1))), [], at(100)).alarms).toHaveLength(1);
  });
  it('an_alarm_no_state_ever_lists_goes_though_the_clock_of_the_box_was_set_back', () => {
    const before = known(sent(alarm(1), 1, '2026-03-01T15:07:28.000Z'));
    expect(told(told(before, [], at(100)), [], at(UNLISTED_MS_MAX + 1)).alarms).toEqual([]);
  });
  it('an_alarm_that_was_listed_goes_with_the_first_state_without_it_whatever_the_clock_of_the_box_says', () => {
    const listed = told(known(sent(alarm(1), 1, '2026-03-01T15:07:28.000Z')), [alarm(1)], at(100));
    expect(told(listed, [], at(200)).alarms).toEqual([]);
    expect(told(take(listed, sent(alarm(1), 2), at(150)), [], at(200)).alarms).toEqual([]);
  });
  it('the_same_alarm_sent_again_is_one_alarm', () => expect(known(sent(alarm(1)), sent(alarm(1), 2)).alarms).toHaveLength(1));
});

describe('whose alarm it is', () => {
  it('a_listed_alarm_is_shown_and_not_heard', () => {
    const now = told(NOTHING_KNOWN, [alarm(1)]);
    expect(pressing(now)).toHaveLength(1);
    expect(tone(now)).toBeNull();
  });
  it('an_alarm_sent_here_is_heard', () => expect(tone(known(sent(alarm(1))))).toBe('emergency'));
  it('after_a_reload_it_is_heard_again_because_the_box_lists_who_got_it', () => {
    const delivery = [{ person: WELCOME.person, device: WELCOME.device, sent_ms: 1, received_ms: 2, shown_ms: null }];
    expect(tone(told(NOTHING_KNOWN, [alarm(1, { delivery })]))).toBe('emergency');
  });
  it('what_went_to_another_device_of_the_same_person_is_not_this_ones', () => {
    const delivery = [{ person: WELCOME.person, device: 'tablet', sent_ms: 1, received_ms: 2, shown_ms: null }];
    const now = told(NOTHING_KNOWN, [alarm(1, { delivery })]);
    expect(isMine(now, now.alarms[0]!)).toBe(false);
  });
});

describe('the tone', () => {
  it('stops_when_somebody_anywhere_acknowledges', () => {
    const now = told(known(sent(alarm(1))), [alarm(1, { version: LIFE + 2, state: 'acknowledged' })]);
    expect(tone(now)).toBeNull();
  });
  it('is_that_of_the_most_urgent', () => {
    const fault = alarm(1, { priority: 'fault' });
    const high = alarm(2, { priority: 'high' });
    expect(tone(known(sent(fault)))).toBe('fault');
    expect(tone(known(sent(fault), sent(high)))).toBe('warning');
    expect(tone(known(sent(fault), sent(high), sent(alarm(3))))).toBe('emergency');
  });
  it('silenced_here_is_silent_until_a_further_person_comes', () => {
    const quiet = quietly(known(sent(alarm(1))));
    expect(tone(quiet)).toBeNull();
    expect(tone(take(quiet, sent(alarm(1, { version: LIFE + 2, renewed: LIFE + 2 }))))).toBe('emergency');
  });
  it('silenced_here_stays_so_when_it_is_sent_again_for_want_of_a_receipt', () => expect(tone(take(quietly(known(sent(alarm(1)))), sent(alarm(1), 2)))).toBeNull());
  it('a_reminder_of_what_was_shown_is_heard_though_it_was_silenced', () => {
    const quiet = quietly(known(sent(alarm(1))));
    expect(tone(takeAlarm(quiet, sent(alarm(1), 2), at(20_000), 'shown'), at(20_000))).toBe('emergency');
  });
  it('silence_here_ends_by_itself_after_two_minutes', () => {
    const quiet = quietly(known(sent(alarm(1))), at(5));
    expect(tone(quiet, at(5 + SILENCED_MS_MAX))).toBeNull();
    expect(tone(quiet, at(6 + SILENCED_MS_MAX))).toBe('emergency');
  });
  it('silence_here_does_not_begin_anew_for_what_is_silent_already', () => {
    const twice = quietly(quietly(known(sent(alarm(1))), at(0)), at(100_000));
    expect(tone(twice, at(SILENCED_MS_MAX + 1))).toBe('emergency');
  });
  it('what_was_only_listed_is_heard_when_it_is_sent_here_though_silence_was_pressed_before', () => {
    const quiet = quietly(take(told(NOTHING_KNOWN, [alarm(1), alarm(2)]), sent(alarm(2))));
    expect(tone(quiet)).toBeNull();
    expect(tone(take(quiet, sent(alarm(1))))).toBe('emergency');
  });
  it('what_was_put_aside_when_silence_was_pressed_is_heard_when_it_comes_back', () => {
    const quiet = quietly(known(sent(alarm(1, { state: 'shelved' }))));
    expect(tone(take(quiet, sent(alarm(1, { version: LIFE + 2 }))))).toBe('emergency');
  });
  it('goes_on_for_a_latched_one_nobody_answered_and_not_for_an_answered_one', () => {
    expect(tone(known(sent(alarm(1, { state: 'latched_unacknowledged' }))))).toBe('emergency');
    expect(tone(known(sent(alarm(1, { state: 'latched_acknowledged' }))))).toBeNull();
  });
  it('another_alarm_is_heard_over_a_silenced_one', () => expect(tone(take(quietly(known(sent(alarm(1)))), sent(alarm(2))))).toBe('emergency'));
  it('goes_on_for_somebody_who_left_until_it_is_answered', () => expect(tone(known(sent(alarm(1, { state: 'returned_unacknowledged' }))))).toBe('emergency'));
  it.each(['shelved', 'suppressed_by_design', 'out_of_service'])('is_not_made_for_what_is_%s', (word) => {
    expect(tone(known(sent(alarm(1, { state: word }))))).toBeNull();
  });
  it('stops_at_the_press_here', () => expect(toneOf(known(sent(alarm(1))), () => true, at(0))).toBeNull());
  it('a_low_one_is_listed_only', () => {
    const now = known(sent(alarm(1, { priority: 'low' })));
    expect(pressing(now)).toEqual([]);
    expect(tone(now)).toBeNull();
  });
});

describe('order', () => {
  it('an_emergency_takes_the_screen_from_a_fault_and_never_the_other_way', () => {
    expect(moreUrgent(alarm(2), alarm(1, { priority: 'fault' }))).toBe(true);
    expect(moreUrgent(alarm(1, { priority: 'fault' }), alarm(2))).toBe(false);
    expect(moreUrgent(alarm(2), alarm(1))).toBe(false);
  });
  it('most_urgent_first_then_the_longest_waiting', () => {
    const now = told(NOTHING_KNOWN, [
      alarm(1, { priority: 'fault' }), alarm(2, { state: 'acknowledged' }), alarm(3, { raised_at: '2026-03-01T14:07:30.000Z' }), alarm(4), alarm(5, { priority: 'high' }), alarm(6, { state: 'returned_unacknowledged' }),
    ]);
    expect(inOrder(now).map((a) => a.id)).toEqual([4, 3, 5, 1, 6, 2]);
  });
});
