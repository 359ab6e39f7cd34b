import { describe, expect, it } from 'vitest';
import { alarmKey, alarmTag, announcement, cameraRank, cameraTone, firstToAnswer, inOrder, inputTag, isOccupied, latencyName, list, listeningAnswer, mainCamera, newlyRaised, offWords, personTone, sirenAnswer, subjectOf, toAnswer, watchedAnswer, zoneLabel, zoneTone } from './status';
import { siteClock } from './format';
import { alarm, boxState, camera, SINCE, siren, zone } from './testing';

const NOW = Date.parse(SINCE);

const blind = (id: number, rest = {}) => alarm(id, { kind: 'blind', priority: 'fault', zone: null, camera: 'yard', title: 'Yard east', text: 'no picture', ...rest });
const fault = (id: number, rest = {}) => alarm(id, { kind: 'fault', priority: 'fault', zone: null, camera: null, part: 'siren', title: 'Siren', text: 'no device', ...rest });
const warning = (id: number, rest = {}) => alarm(id, { kind: 'warning', priority: 'high', zone: 'apron', title: 'apron', text: '1 person inside', ...rest });
const untested = (id: number, rest = {}) => alarm(id, { kind: 'untested', priority: 'low', title: 'gate', text: 'walk test due since 1 March', ...rest });
const OFF = { armed: false, by: 'schedule', reason: '', until: '2026-03-02T05:00:00Z' } as const;
const occupied = zone('gate', { state: 'occupied', people: 2 });

describe('names', () => {
  it('two_alarms_of_one_zone_are_called_differently', () => expect([alarm(1), untested(2), warning(3), blind(4), fault(5)].map((a) => subjectOf({ ...a, title: 'Gate' }))).toEqual([
    'Gate', 'Gate, walk test overdue', 'Gate, warning', 'Gate, not watched', 'Gate',
  ]));
});

describe('tags', () => {
  it.each([
    [alarm(1), '▲ Emergency'],
    [blind(1), '◆ Not watched'],
    [fault(1), '◆ Fault'],
    [alarm(1, { state: 'acknowledged' }), '● Acknowledged'],
    [fault(1, { state: 'acknowledged' }), '● Acknowledged'],
    [alarm(1, { state: 'returned_unacknowledged' }), '▲ Left, not acknowledged'],
    [blind(1, { state: 'returned_unacknowledged' }), '◆ Over, not acknowledged'],
    [warning(1), '△ Warning'],
    [warning(1, { state: 'returned_unacknowledged' }), '△ Left, not acknowledged'],
    [untested(1), '◆ Walk test overdue'],
    [alarm(1, { state: 'latched_unacknowledged' }), '▲ Stays in alarm, not acknowledged'],
    [alarm(1, { state: 'latched_acknowledged' }), '● Acknowledged, waits for reset'],
    [alarm(1, { state: 'shelved' }), '⊝ Shelved'],
    [blind(1, { state: 'out_of_service' }), '⊝ Out of service'],
  ])('alarm %# reads %s', (a, words) => expect(`${alarmTag(a).shape} ${alarmTag(a).word}`).toBe(words));

  it.each([
    [zone('Pit'), 'Pit · clear'],
    [zone('Gate', { state: 'occupied', people: 2 }), '▲ Gate · 2 inside'],
    [zone('Gate', { state: 'unknown' }), '◆ Gate · not watched'],
    [zone('Apron', { kind: 'warning', state: 'occupied', people: 1 }), '△ Apron · 1 inside'],
    [zone('Cell', { kind: 'occupancy', state: 'occupied', people: 1 }), 'Cell · 1 inside'],
    [zone('Cell', { kind: 'occupancy', state: 'occupied', people: 2, incident: 4 }), '▲ Cell · 2 inside'],
    [zone('Cell', { kind: 'occupancy', state: 'occupied', people: 0, incident: 4 }), '▲ Cell · nobody there'],
    [zone('Fence', { kind: 'tripwire', state: 'occupied', incident: 4 }), '▲ Fence · crossed'],
    [zone('Glass', { kind: 'ignore' }), '⊘ Glass · ignored'],
    [zone('Gate', { arming: OFF }), '‖ Gate · off'],
    [zone('Gate', { arming: OFF, state: 'occupied', people: 2 }), '‖ Gate · off, 2 inside'],
    [zone('Gate', { arming: OFF, state: 'unknown' }), '◆ Gate · not watched'],
    [zone('Gate', { unheard: 'shelved' }), '⊝ Gate · shelved'],
    [zone('Gate', { unheard: 'out_of_service', state: 'occupied', people: 2, incident: 4 }), '⊝ Gate · out of service, 2 inside'],
    [zone('Gate', { unheard: 'shelved', state: 'unknown' }), '◆ Gate · not watched'],
    [zone('Gate', { arming: OFF, state: 'occupied', people: 1, incident: 3 }), '▲ Gate · 1 inside'],
  ])('zone %# reads %s', (z, words) => expect(zoneLabel(z)).toBe(words));
});

describe('order', () => {
  const mixed = [fault(1, { state: 'acknowledged' }), fault(2), alarm(3, { state: 'returned_unacknowledged' }), blind(4), alarm(5), alarm(6, { state: 'acknowledged' })];
  it('unanswered_people_come_first_and_answered_alarms_last', () => expect(inOrder(mixed).map((a) => a.id)).toEqual([5, 4, 2, 3, 6, 1]));
  it('a_warning_stands_between_people_and_faults_and_an_overdue_test_after_people_who_left', () => {
    expect(inOrder([untested(1), alarm(2, { state: 'returned_unacknowledged' }), fault(3), warning(4), alarm(5)]).map((a) => a.id)).toEqual([5, 4, 3, 2, 1]);
  });
  it('equals_keep_the_order_of_the_box', () => expect(inOrder([alarm(9), alarm(3), alarm(7)]).map((a) => a.id)).toEqual([9, 3, 7]));
  it('what_waits_for_a_reset_comes_before_what_is_answered_and_what_is_not_heard_last', () => {
    const states = ['shelved', 'acknowledged', 'latched_acknowledged', 'latched_unacknowledged', 'unacknowledged'] as const;
    expect(inOrder(states.map((state, id) => alarm(id, { state }))).map((a) => a.state)).toEqual(['unacknowledged', 'latched_unacknowledged', 'latched_acknowledged', 'acknowledged', 'shelved']);
    expect(states.map((state) => toAnswer(alarm(1, { state })))).toEqual([false, false, false, true, true]);
  });
  it('the_first_to_answer_is_never_an_answered_one', () => expect(firstToAnswer([alarm(1, { state: 'acknowledged' })])).toBeNull());
  it('a_returned_alarm_still_wants_an_answer', () => expect(firstToAnswer([alarm(1, { state: 'returned_unacknowledged' })])?.id).toBe(1));
});

describe('newlyRaised', () => {
  const answered = alarm(1, { state: 'acknowledged' });
  it('a_new_alarm_is_told', () => expect(newlyRaised([], [alarm(1)])).toHaveLength(1));
  it('an_alarm_is_told_once', () => expect(newlyRaised([alarm(1)], [alarm(1, { text: '3 people inside' })])).toEqual([]));
  it('a_new_person_in_an_answered_zone_is_told_again', () => expect(newlyRaised([answered], [alarm(1)])).toHaveLength(1));
  it('a_further_person_in_an_open_alarm_is_told', () => expect(newlyRaised([alarm(1, { renewed: 7 })], [alarm(1, { renewed: 8 })])).toHaveLength(1));
  it('what_is_not_heard_is_not_told', () => expect(newlyRaised([], [alarm(1, { state: 'shelved' })])).toEqual([]));
  it('an_answer_is_not_told', () => expect(newlyRaised([alarm(1)], [answered])).toEqual([]));
  it('is_told_in_words', () => expect(announcement([alarm(1)])).toBe('Emergency: gate. 2 people inside'));
  it('a_re_alarm_is_a_new_thing_to_press', () => expect(alarmKey(answered)).not.toBe(alarmKey(alarm(1))));
});

describe('header', () => {
  it('the_siren_says_which_zone', () => expect(sirenAnswer(siren({ state: 'intrusion', zone: 'gate' }), NOW, [zone('gate', { name: 'Gate road' })]).word).toBe('Sounding: Gate road'));
  it('no_time_to_a_siren_is_claimed_where_there_is_none', () => {
    expect(latencyName(siren()).term).toBe('Camera to siren, p99');
    expect(latencyName(siren({ device: 'none' }))).toEqual({ term: 'Camera to alarm, p99', why: 'no siren' });
  });
  it('a_broken_siren_says_why', () => expect(sirenAnswer(siren({ state: 'broken', fault: 'gone' }), NOW, [])).toEqual({ tone: 'unknown', word: 'Broken', why: 'gone' }));
  it('nobody_who_listens_is_a_fault_and_no_handheld_at_all_is_nothing_to_say', () => {
    const eva = [{ person: 'Eva', device: 'phone' }, { person: 'Eva', device: 'tablet' }, { person: 'Ben', device: 'phone' }];
    expect(listeningAnswer({ listening: 'somebody', connected: eva, paired: 4 })).toEqual({ tone: 'clear', word: '2 listening', why: 'Eva, Ben' });
    expect(listeningAnswer({ listening: 'nobody', connected: [], paired: 4 })).toMatchObject({ tone: 'unknown', word: 'Nobody listens' });
    expect(listeningAnswer({ listening: 'not_expected', connected: [], paired: 0 })).toBeNull();
    expect(listeningAnswer(null)).toBeNull();
  });
  it('a_zone_not_watched_is_counted_and_loud', () => expect(watchedAnswer([occupied, zone('pit', { state: 'unknown' })])).toEqual({ tone: 'unknown', word: '1 of 2', why: null }));
  it('a_zone_that_is_off_is_not_counted_as_watched', () => expect(watchedAnswer([zone('gate'), zone('pit', { arming: OFF })])).toEqual({ tone: 'off', word: '1 of 2', why: '1 off' }));
  it('a_zone_that_is_shelved_or_out_of_service_is_watched_all_the_same', () => {
    expect(watchedAnswer([zone('gate'), zone('pit', { unheard: 'shelved' })])).toEqual({ tone: 'clear', word: '2 of 2', why: null });
    expect(watchedAnswer([zone('gate', { unheard: 'out_of_service', state: 'unknown' })]).word).toBe('0 of 1');
  });
  it('an_ignored_area_is_no_zone_to_watch', () => expect(watchedAnswer([zone('gate'), zone('glass', { kind: 'ignore' })]).word).toBe('1 of 1'));
  it('a_warning_siren_is_not_an_emergency', () => expect(sirenAnswer(siren({ state: 'warning', zone: 'gate' }), NOW, [zone('gate')])).toMatchObject({ tone: 'warning', word: 'Warning: gate' }));
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
    expect(cameras.map((c) => cameraRank(c, state))).toEqual([1, 12, 0]);
  });
});

describe('list', () => {
  it.each([[[], ''], [['a'], 'a'], [['a', 'b'], 'a and b'], [['a', 'b', 'c'], 'a, b and c'], [['a', 'b', 'c', 'd'], 'a, b and 2 more']])('%j reads %s', (names, text) => expect(list(names)).toBe(text));
});

describe('off', () => {
  const clock = siteClock('Europe/Prague');
  const now = Date.parse('2026-02-27T12:00:00Z');
  it('says_why_and_until_when', () => expect(offWords(OFF, clock, now)).toBe('Off by schedule until Mon 06:00'));
  it('takes_the_sentence_of_the_box_where_it_is_one', () => expect(offWords({ ...OFF, by: 'interlock', until: null, reason: 'Off while press-3-running is off' }, clock, now)).toBe('Off while press-3-running is off'));
  it('adds_the_words_of_the_box_where_they_say_more', () => expect(offWords({ ...OFF, by: 'interlock', until: null, reason: 'press-3-running is off' }, clock, now)).toBe('Off: press-3-running is off'));
  it('an_open_incident_outlives_disarming', () => expect(isOccupied(zone('gate', { arming: OFF, incident: 3 }))).toBe(true));
  it('a_camera_with_one_zone_off_and_one_blind_is_blind', () => {
    const zones = [zone('a', { arming: OFF }), zone('b', { state: 'unknown' })];
    expect(cameraTone(camera('yard'), zones)).toBe('unknown');
    expect(cameraTone(camera('yard'), [zone('a', { arming: OFF })])).toBe('off');
  });
});

describe('kinds of zones', () => {
  it('somebody_in_a_kind_this_page_does_not_know_is_an_emergency', () => expect(zoneTone({ ...occupied, kind: 'moat' as never })).toBe('emergency'));
  it('people_at_work_are_no_emergency', () => expect(zoneTone(zone('cell', { kind: 'occupancy', state: 'occupied', people: 1 }))).toBe('clear'));
});

describe('personTone', () => {
  const zones = [zone('gate'), zone('apron', { kind: 'warning' }), zone('cell', { kind: 'occupancy', state: 'occupied', people: 1 }), zone('late', { arming: OFF }), zone('blind', { state: 'unknown' })];
  it.each([
    [[], 'clear'], [['gate'], 'emergency'], [['apron'], 'warning'], [['apron', 'gate'], 'emergency'], [['cell'], 'clear'], [['late'], 'clear'], [['blind'], 'emergency'], [['new'], 'emergency'],
  ] as const)('whoever stands in %j is %s', (inside, tone) => expect(personTone(inside, zones)).toBe(tone));
  it('one_too_many_at_work_is_an_emergency', () => expect(personTone(['cell'], [zone('cell', { kind: 'occupancy', state: 'occupied', people: 3, incident: 2 })])).toBe('emergency'));
});

describe('inputs', () => {
  it('an_unknown_signal_is_loud', () => expect(inputTag({ name: 'press', state: 'unknown', reason: null, since: null, age_ms: null })).toMatchObject({ tone: 'unknown', word: 'unknown' }));
});
