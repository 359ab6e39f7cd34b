import { describe, expect, it } from 'vitest';
import { alarmKey, alarmTag, announcement, cameraRank, documentTitle, firstToAnswer, headline, inOrder, list, mainCamera, newlyRaised, sirenAnswer, watchedAnswer, zoneLabel } from './status';
import { alarm, boxState, camera, zone } from './testing';

const blind = (id: number, rest = {}) => alarm(id, { kind: 'blind', priority: 'fault', zone: null, camera: 'yard', title: 'Yard east', text: 'no picture', ...rest });
const fault = (id: number, rest = {}) => alarm(id, { kind: 'fault', priority: 'fault', zone: null, camera: null, part: 'siren', title: 'Siren', text: 'no device', ...rest });
const occupied = zone('gate', { state: 'occupied', people: 2 });

describe('tags', () => {
  it.each([
    [alarm(1), '▲ Emergency'],
    [blind(1), '◆ Not watched'],
    [fault(1), '◆ Fault'],
    [alarm(1, { state: 'acknowledged' }), '● Acknowledged'],
    [fault(1, { state: 'acknowledged' }), '● Acknowledged'],
    [alarm(1, { state: 'returned_unacknowledged' }), '▲ Left, not acknowledged'],
    [blind(1, { state: 'returned_unacknowledged' }), '◆ Over, not acknowledged'],
  ])('alarm %# reads %s', (a, words) => expect(`${alarmTag(a).shape} ${alarmTag(a).word}`).toBe(words));

  it.each([
    [zone('Pit'), 'Pit · clear'],
    [zone('Gate', { state: 'occupied', people: 2 }), '▲ Gate · 2 inside'],
    [zone('Gate', { state: 'unknown' }), '◆ Gate · not watched'],
  ])('zone %# reads %s', (z, words) => expect(zoneLabel(z)).toBe(words));
});

describe('order', () => {
  const mixed = [fault(1, { state: 'acknowledged' }), fault(2), alarm(3, { state: 'returned_unacknowledged' }), blind(4), alarm(5), alarm(6, { state: 'acknowledged' })];
  it('unanswered_people_come_first_and_answered_alarms_last', () => expect(inOrder(mixed).map((a) => a.id)).toEqual([5, 4, 2, 3, 6, 1]));
  it('equals_keep_the_order_of_the_box', () => expect(inOrder([alarm(9), alarm(3), alarm(7)]).map((a) => a.id)).toEqual([9, 3, 7]));
  it('the_first_to_answer_is_never_an_answered_one', () => expect(firstToAnswer([alarm(1, { state: 'acknowledged' })])).toBeNull());
  it('a_returned_alarm_still_wants_an_answer', () => expect(firstToAnswer([alarm(1, { state: 'returned_unacknowledged' })])?.id).toBe(1));
});

describe('newlyRaised', () => {
  const answered = alarm(1, { state: 'acknowledged' });
  it('a_new_alarm_is_told', () => expect(newlyRaised([], [alarm(1)])).toHaveLength(1));
  it('an_alarm_is_told_once', () => expect(newlyRaised([alarm(1)], [alarm(1, { text: '3 people inside' })])).toEqual([]));
  it('a_new_person_in_an_answered_zone_is_told_again', () => expect(newlyRaised([answered], [alarm(1)])).toHaveLength(1));
  it('an_answer_is_not_told', () => expect(newlyRaised([alarm(1)], [answered])).toEqual([]));
  it('is_told_in_words', () => expect(announcement([alarm(1)])).toBe('Emergency: gate. 2 people inside'));
  it('a_re_alarm_is_a_new_thing_to_press', () => expect(alarmKey(answered)).not.toBe(alarmKey(alarm(1))));
});

describe('headline', () => {
  it('is_calm_when_everything_is_watched_and_nobody_inside', () => {
    expect(headline(boxState())).toMatchObject({ tone: 'clear', title: 'All 2 zones watched. Nobody inside.', alarm: null, others: [] });
  });
  it('names_the_occupied_zone_and_what_to_press', () => {
    const line = headline(boxState({ zones: [occupied, zone('pit')], alarms: [alarm(40)] }));
    expect(line).toMatchObject({ tone: 'emergency', title: 'gate is occupied', detail: '2 people inside', others: [] });
    expect(line.alarm?.id).toBe(40);
  });
  it('an_answered_zone_with_people_is_never_calm', () => {
    const alarms = [alarm(40, { state: 'acknowledged', acknowledged_by: 'Jana' })];
    expect(headline(boxState({ zones: [occupied], alarms }))).toMatchObject({ tone: 'emergency', title: 'gate is still occupied', detail: '2 people inside, acknowledged by Jana', alarm: null });
  });
  it('an_occupied_zone_without_an_alarm_is_never_calm', () => expect(headline(boxState({ zones: [occupied] })).tone).toBe('emergency'));
  it('an_unwatched_zone_without_an_alarm_is_never_calm', () => {
    expect(headline(boxState({ zones: [zone('gate'), zone('pit', { state: 'unknown', reason: 'frozen' })] }))).toMatchObject({ tone: 'unknown', title: 'pit is not watched', detail: 'frozen' });
  });
  it('a_blind_camera_is_named_by_its_zones', () => {
    const zones = ['gate', 'pit'].map((id) => zone(id, { state: 'unknown' }));
    expect(headline(boxState({ zones, alarms: [blind(1)] }))).toMatchObject({ tone: 'unknown', title: 'gate and pit are not watched', others: [] });
  });
  it('a_person_precedes_a_fault_and_the_fault_is_still_named', () => {
    const zones = [occupied, zone('pit', { state: 'unknown', camera: 'press' })];
    const line = headline(boxState({ zones, alarms: [blind(2, { camera: 'press' }), fault(3), alarm(1)] }));
    expect(line.title).toBe('gate is occupied');
    expect(line.others.map((t) => `${t.shape} ${t.word}`)).toEqual(['◆ pit not watched', '◆ Siren']);
  });
  it('people_who_left_without_an_answer_are_not_forgotten', () => {
    expect(headline(boxState({ alarms: [alarm(1, { state: 'returned_unacknowledged' })] }))).toMatchObject({ tone: 'emergency', title: 'gate was occupied' });
  });
  it('a_broken_siren_or_store_is_never_calm', () => {
    expect(headline(boxState({ siren: { state: 'broken', zone: null, device: 'x', fault: 'gone' } })).title).toBe('The siren is broken');
    expect(headline(boxState({ store: { fault: 'disk full' } })).tone).toBe('unknown');
  });
  it('a_broken_part_is_named_as_such', () => {
    expect(headline(boxState({ alarms: [fault(3)] }))).toMatchObject({ tone: 'unknown', title: 'The siren is broken', detail: 'no device' });
    expect(headline(boxState({ alarms: [fault(3, { state: 'returned_unacknowledged' })] })).title).toBe('The siren was broken');
  });
  it('no_zones_is_not_calm', () => {
    expect(headline(boxState({ zones: [], vision: { state: 'starting', detail: 'loading', restarts: 0 } }))).toMatchObject({ tone: 'unknown', title: 'Nothing is watched yet' });
    expect(headline(boxState({ zones: [] })).tone).toBe('unknown');
  });
});

describe('documentTitle', () => {
  const state = boxState({ zones: [occupied], alarms: [alarm(1)] });
  it('says_what_the_headline_says', () => expect(documentTitle(state, false)).toBe('▲ gate – Standclear'));
  it('a_lost_box_overrides_an_old_state', () => expect(documentTitle(state, true)).toBe('◆ No connection – Standclear'));
  it('is_the_site_when_calm', () => expect(documentTitle(boxState(), false)).toBe('North yard – Standclear'));
  it('is_not_calm_before_the_first_state', () => expect(documentTitle(null, false)).toBe('Connecting – Standclear'));
});

describe('header', () => {
  it('the_siren_says_which_zone', () => expect(sirenAnswer({ state: 'intrusion', zone: 'gate', device: '', fault: null }, [zone('gate', { name: 'Gate road' })]).word).toBe('Sounding: Gate road'));
  it('a_broken_siren_says_why', () => expect(sirenAnswer({ state: 'broken', zone: null, device: '', fault: 'gone' }, [])).toEqual({ tone: 'unknown', word: 'Broken', why: 'gone' }));
  it('a_zone_not_watched_is_counted_and_loud', () => expect(watchedAnswer([occupied, zone('pit', { state: 'unknown' })])).toEqual({ tone: 'unknown', word: '1 of 2' }));
  it('no_zones_is_loud', () => expect(watchedAnswer([]).tone).toBe('unknown'));
});

describe('mainCamera', () => {
  const cameras = ['a', 'b', 'c'].map((id) => camera(id));
  const zones = [zone('za', { camera: 'a' }), zone('zb', { camera: 'b', state: 'unknown' }), zone('zc', { camera: 'c', state: 'occupied' })];
  it('is_the_one_with_people_before_the_blind_one', () => expect(mainCamera(boxState({ cameras, zones }), null)?.id).toBe('c'));
  it('is_the_one_a_person_picked', () => expect(mainCamera(boxState({ cameras, zones }), 'a')?.id).toBe('a'));
  it('forgets_a_picked_camera_that_is_gone', () => expect(mainCamera(boxState({ cameras, zones }), 'z')?.id).toBe('c'));
  it('is_the_first_when_all_are_calm', () => expect(mainCamera(boxState({ cameras, zones: [] }), null)?.id).toBe('a'));
  it('is_none_without_cameras', () => expect(mainCamera(boxState({ cameras: [] }), null)).toBeNull());
  it('unanswered_people_precede_answered_ones', () => {
    const both = [zone('za', { camera: 'a', state: 'occupied' }), zone('zc', { camera: 'c', state: 'occupied' })];
    const state = boxState({ cameras, zones: both, alarms: [alarm(1, { zone: 'zc', camera: 'c' })] });
    expect(cameras.map((c) => cameraRank(c, state))).toEqual([1, 9, 0]);
  });
});

describe('list', () => {
  it.each([[[], ''], [['a'], 'a'], [['a', 'b'], 'a and b'], [['a', 'b', 'c'], 'a, b and c'], [['a', 'b', 'c', 'd'], 'a, b and 2 more']])('%j reads %s', (names, text) => expect(list(names)).toBe(text));
});
