import { describe, expect, it } from 'vitest';
import { changeShift, dutyOf, EMPTY_LIST, endsNextDay, handheldTag, handheldWords, inOrderOfUse, moved, newShift, pairedWith, pairingSteps, problemAt, problems, timeLeft, toggleDay, withoutPhone, type Handheld, type Shift } from './handhelds';
import { SINCE } from './testing';

const one = (id: string, rest: Partial<Handheld> = {}): Handheld => ({
  id, person: 'Eva', name: 'phone', platform: 'Android', paired_at: SINCE, last_seen_at: null, connected: true, presence: { visible: true, sound: 'ready', notifications: null }, revoked: null, ...rest,
});
const DAY: Shift = { name: 'Day', days: ['mon'], from: '06:00', to: '14:00', people: ['Eva'] };

describe('pairing', () => {
  it('tells_an_iphone_to_go_to_its_home_screen_first_and_an_android_to_scan', () => {
    const steps = pairingSteps('https://box.local:8081/handheld#pair=ABCD2345');
    expect(steps.find((s) => s.startsWith('Android'))).toMatch(/scan/);
    expect(steps.find((s) => s.startsWith('iPhone'))).toMatch(/do not scan.*https:\/\/box\.local:8081\/handheld, choose Share, Add to Home Screen.*type the code/);
    expect(steps.join(' ')).toContain('https://box.local:8081/handheld/trust');
    expect(steps.join(' ')).not.toContain('ABCD2345');
  });
  it('warns_of_no_certificate_where_there_is_none', () => expect(pairingSteps('http://localhost:8081/handheld#pair=ABCD2345').join(' ')).not.toMatch(/certificate|trust|Wi-Fi/));
});

describe('a handheld in the list', () => {
  it('only_one_that_can_sound_is_said_to_listen', () => {
    expect(handheldTag(one('a')).word).toBe('listening');
    expect(handheldTag(one('a', { presence: { visible: true, sound: 'blocked', notifications: null } })).word).toBe('connected, silent');
    expect(handheldTag(one('a', { connected: false })).word).toBe('not connected');
    expect(handheldTag(one('a', { revoked: { by: 'Olga', at: SINCE, reason: 'lost' } })).word).toBe('revoked');
  });
  it('says_when_it_was_last_there', () => {
    expect(handheldWords(one('a', { connected: false, last_seen_at: SINCE }), Date.parse(SINCE) + 120_000)).toBe('last seen 2 min ago');
    expect(handheldWords(one('a', { connected: false }), 0)).toBe('never connected');
  });
  it('revoked_ones_stand_last', () => {
    const revoked = one('a', { person: 'Adam', revoked: { by: 'Olga', at: SINCE, reason: 'lost' } });
    expect(inOrderOfUse([revoked, one('b'), one('c', { person: 'Ben' })]).map((h) => h.id)).toEqual(['c', 'b', 'a']);
  });
});

describe('pairing', () => {
  it('counts_down_to_nothing', () => {
    const end = new Date(600_000).toISOString();
    expect(timeLeft(end, 0)).toBe('10:00');
    expect(timeLeft(end, 599_001)).toBe('0:01');
    expect(timeLeft(end, 600_000)).toBeNull();
  });
  it('finds_who_used_the_code', () => expect(pairedWith([one('a'), one('b')], new Set(['a']))?.id).toBe('b'));
});

describe('the duty list', () => {
  it.each([[0, 2, ['b', 'c', 'a']], [2, 0, ['c', 'a', 'b']], [1, 1, ['a', 'b', 'c']], [0, -5, ['a', 'b', 'c']], [0, 9, ['b', 'c', 'a']], [7, 0, ['a', 'b', 'c']]])('moving_%i_to_%i_keeps_everybody', (from, to, order) => {
    expect(moved(['a', 'b', 'c'], from, to)).toEqual(order);
  });
  it('an_empty_list_and_every_empty_field_is_named', () => {
    expect(problems(EMPTY_LIST).map((p) => p.field)).toEqual(['otherwise']);
    const bare = changeShift(newShift(EMPTY_LIST), 0, { days: [], from: '06:00', to: '06:00' });
    expect(problems(bare).map((p) => p.field)).toEqual(['shifts[0].name', 'shifts[0].days', 'shifts[0].to', 'shifts[0].people', 'otherwise']);
  });
  it('a_good_list_has_no_problem', () => expect(problems({ shifts: [DAY], otherwise: ['Ben'] })).toEqual([]));
  it('what_the_box_refuses_inside_a_field_is_shown_at_it', () => {
    expect(problemAt([{ field: 'shifts[0].people[1]', message: 'nobody of this name' }], 'shifts[0].people')).toBe('nobody of this name');
    expect(problemAt([{ field: 'shifts[10].people', message: 'x' }], 'shifts[1].people')).toBe('');
  });
  it('days_keep_the_order_of_the_week', () => expect(toggleDay({ ...DAY, days: ['fri'] }, 'tue')).toEqual(['tue', 'fri']));
  it('a_night_shift_ends_on_the_next_day', () => {
    expect(endsNextDay({ ...DAY, from: '22:00', to: '06:00' })).toBe(true);
    expect(endsNextDay(DAY)).toBe(false);
  });
  it('an_answer_that_cannot_be_read_puts_nobody_on_duty', () => {
    expect(dutyOf(null)).toEqual({ list: EMPTY_LIST, digest: null, now: { shift: null, people: [] }, known: [] });
    expect(dutyOf({ shifts: [DAY], otherwise: ['Ben'], digest: 'd' }).list).toEqual({ shifts: [DAY], otherwise: ['Ben'] });
  });
});

describe('people on the duty list', () => {
  it('who_carries_no_phone_are_named_once', () => {
    const list = { shifts: [{ ...DAY, people: ['Eva', 'Ben'] }], otherwise: ['Ben', 'Ada'] };
    expect(withoutPhone(list, ['Eva'])).toEqual(['Ben', 'Ada']);
    expect(withoutPhone(list, ['Eva', 'Ben', 'Ada'])).toEqual([]);
  });
});
