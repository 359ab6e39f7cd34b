import { describe, expect, it } from 'vitest';
import { siteClock } from '../lib/format';
import { goneAs, heldOf, heldWords } from './held';
import type { Held } from './protocol';
import { alarm, RAISED } from './testing';

const SHELVED: Held = { state: 'shelved', alarm: 1, open_alarm: null, zone: 'zone-1', title: 'zone 1', by: 'Ada', reason: 'fence works', until: '2026-03-01T14:40:00.000Z' };
const OUT: Held = { ...SHELVED, state: 'out_of_service', alarm: null, until: null };
const clock = siteClock('Europe/Prague');
const left = alarm(1, { state: 'returned_unacknowledged', text: 'nobody seen inside any more' });

describe('an alarm that somebody keeps quiet', () => {
  it('says_by_whom_until_when_and_why', () => {
    expect(heldWords(SHELVED, clock, Date.parse(RAISED))).toBe('Shelved by Ada until 15:40: fence works');
    expect(heldWords(OUT, clock, Date.parse(RAISED))).toBe('Out of service by Ada, until an engineer ends it: fence works');
  });
  it('is_not_called_over_when_the_box_ends_it_by_the_shelf', () => {
    expect(goneAs(left, [SHELVED], [])).toMatchObject({ state: 'shelved', text: 'nobody is alarmed there' });
    expect(goneAs(left, [OUT], [])).toMatchObject({ state: 'out_of_service' });
  });
  it('is_followed_by_the_alarm_of_those_who_came_in_since', () => {
    const now = alarm(9, { zone: 'zone-1', state: 'shelved', people: 3 });
    expect(goneAs(left, [{ ...SHELVED, open_alarm: 9 }], [now])).toBe(now);
    expect(heldOf(now, [{ ...SHELVED, open_alarm: 9 }])?.by).toBe('Ada');
  });
  it('is_over_when_the_shelf_is', () => expect(goneAs({ ...left, state: 'shelved' }, [], []).state).toBe('normal'));
  it('in_another_zone_says_nothing_of_this_one', () => {
    expect(goneAs(left, [{ ...SHELVED, alarm: 2, zone: 'zone-2' }, { ...OUT, zone: 'zone-2' }], []).state).toBe('normal');
    expect(heldOf(alarm(3, { zone: null }), [{ ...OUT, zone: null }])).toBeNull();
  });
});
