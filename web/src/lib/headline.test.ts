import { describe, expect, it } from 'vitest';
import { documentTitle, headline, sinceWords } from './headline';
import { withUnheard } from './inhibited';
import { alarm, boxState, siren, unheard, zone } from './testing';

const blind = (id: number, rest = {}) => alarm(id, { kind: 'blind', priority: 'fault', zone: null, camera: 'yard', title: 'Yard east', text: 'no picture', ...rest });
const fault = (id: number, rest = {}) => alarm(id, { kind: 'fault', priority: 'fault', zone: null, camera: null, part: 'siren', title: 'Siren', text: 'no device', ...rest });
const warning = (id: number, rest = {}) => alarm(id, { kind: 'warning', priority: 'high', zone: 'apron', title: 'apron', text: '1 person inside', ...rest });
const untested = (id: number, rest = {}) => alarm(id, { kind: 'untested', priority: 'low', title: 'gate', text: 'walk test due since 1 March', ...rest });
const OFF = { armed: false, by: 'schedule', reason: '', until: '2026-03-02T05:00:00Z' } as const;
const occupied = zone('gate', { state: 'occupied', people: 2 });

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
  it('people_inside_who_were_answered_are_not_behind_a_fault_that_is_over_and_the_fault_still_wants_its_answer', () => {
    const answered = alarm(40, { state: 'acknowledged', acknowledged_by: 'Eva' });
    const over = [blind(1, { state: 'returned_unacknowledged' }), fault(2, { state: 'returned_unacknowledged' })];
    const line = headline(boxState({ zones: [zone('pit'), occupied], alarms: [answered, ...over] }));
    expect(line).toMatchObject({ tone: 'emergency', title: 'gate is still occupied', detail: '2 people inside, acknowledged by Eva; to be acknowledged: Yard east and Siren', alarm: null, subject: 'gate' });
    expect(line.others.map((t) => t.word)).toEqual(['Yard east was not watched', 'Siren was broken']);
  });
  it('what_wants_an_answer_now_stays_before_people_who_were_answered', () => {
    const zones = [occupied, zone('pit', { camera: 'press', state: 'unknown' })];
    const answered = alarm(40, { state: 'acknowledged', acknowledged_by: 'Eva' });
    expect(headline(boxState({ zones, alarms: [answered, blind(1, { camera: 'press' })] })).title).toBe('pit is not watched');
    const left = alarm(41, { zone: 'pit', title: 'pit', state: 'returned_unacknowledged' });
    expect(headline(boxState({ zones: [occupied, zone('pit')], alarms: [answered, left] })).title).toBe('pit was occupied');
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
    expect(line.others.map((t) => `${t.shape} ${t.word}`)).toEqual(['◆ pit not watched', '◆ Siren broken']);
  });
  it('people_who_left_without_an_answer_are_not_forgotten', () => {
    expect(headline(boxState({ alarms: [alarm(1, { state: 'returned_unacknowledged' })] }))).toMatchObject({ tone: 'emergency', title: 'gate was occupied' });
  });
  it('a_broken_siren_or_store_is_never_calm', () => {
    expect(headline(boxState({ siren: siren({ state: 'broken', fault: 'gone' }) })).title).toBe('The siren is broken');
    expect(headline(boxState({ store: { fault: 'disk full' } })).tone).toBe('unknown');
  });
  it('a_siren_that_sounds_all_the_same_is_not_called_broken_and_never_calm', () => {
    const state = { siren: siren({ attention: 'it sounds on its second device' }) };
    expect(headline(boxState(state))).toMatchObject({ tone: 'unknown', title: 'The siren needs somebody to look after it', detail: 'it sounds on its second device' });
    expect(headline(boxState({ ...state, alarms: [fault(3)] })).title).toBe('The siren needs somebody to look after it');
  });
  it('a_broken_part_is_named_as_such', () => {
    expect(headline(boxState({ alarms: [fault(3)] }))).toMatchObject({ tone: 'unknown', title: 'The siren is broken', detail: 'no device' });
    expect(headline(boxState({ alarms: [fault(3, { state: 'returned_unacknowledged' })] })).title).toBe('The siren was broken');
  });
  it('nobody_listening_is_said_in_words_of_people', () => {
    expect(headline(boxState({ alarms: [fault(3, { part: 'handhelds', title: 'Handhelds' })] })).title).toBe('Nobody listens on a handheld');
    expect(headline(boxState({ alarms: [fault(3, { part: 'relay', title: 'Relay' })] })).title).toBe('The relay is broken');
  });
  it('the_clock_ends_the_sentence_and_is_about_the_same_thing', () => {
    const now = Date.parse('2026-03-01T14:10:00Z');
    const inside = zone('gate', { state: 'occupied', people: 1, since: '2026-03-01T14:09:48Z' });
    const words = (line: ReturnType<typeof headline>) => line.since && `${line.title} ${sinceWords(line.since, now)}`;
    const raised = (rest = {}) => alarm(40, { raised_at: '2026-03-01T14:09:48Z', changed_at: '2026-03-01T14:09:55Z', ...rest });
    expect(words(headline(boxState({ zones: [inside], alarms: [raised()] })))).toBe('gate is occupied for 12 s');
    expect(words(headline(boxState({ zones: [inside] })))).toBe('gate is still occupied for 12 s');
    expect(words(headline(boxState({ alarms: [raised({ state: 'returned_unacknowledged' })] })))).toBe('gate was occupied until 5 s ago');
    expect(words(headline(boxState({ zones: [zone('gate', { kind: 'tripwire' })], alarms: [raised()] })))).toBe('gate was crossed 12 s ago');
  });
  it('an_alarm_that_waits_longer_than_somebody_is_inside_says_both', () => {
    const inside = zone('gate', { state: 'occupied', people: 1, since: '2026-03-01T14:09:48Z' });
    const at = (raised_at: string) => headline(boxState({ zones: [inside], alarms: [alarm(40, { raised_at })] })).waits_since;
    expect(at('2026-03-01T14:05:00Z')).toBe('2026-03-01T14:05:00Z');
    expect(at('2026-03-01T14:09:48.200Z')).toBeNull();
  });
  it('a_warning_zone_and_an_approach_read_differently', () => {
    const apron = zone('apron', { kind: 'warning', state: 'occupied', people: 1, incident: 5 });
    expect(headline(boxState({ zones: [apron], alarms: [warning(1)] }))).toMatchObject({ tone: 'warning', title: 'Warning: apron is occupied', detail: '1 person inside' });
    expect(headline(boxState({ zones: [zone('gate')], alarms: [warning(1, { zone: 'gate', title: 'gate' })] })).title).toBe('Somebody is approaching gate');
  });
  it('an_overdue_walk_test_never_hides_people_or_a_blind_zone', () => {
    expect(headline(boxState({ zones: [occupied], alarms: [untested(1)] }))).toMatchObject({ tone: 'emergency', title: 'gate is still occupied' });
    expect(headline(boxState({ zones: [zone('gate'), zone('pit', { state: 'unknown' })], alarms: [untested(1)] })).title).toBe('pit is not watched');
    expect(headline(boxState({ alarms: [untested(1)] }))).toMatchObject({ tone: 'untested', title: 'gate: walk test overdue' });
  });
  it('many_overdue_walk_tests_are_one_word', () => {
    const tags = (...ids: number[]) => headline(boxState({ zones: [occupied], alarms: [alarm(40), ...ids.map((id) => untested(id))] })).others.map((t) => t.word);
    expect([tags(), tags(1), tags(1, 2, 3)]).toEqual([[], ['gate untested'], ['3 zones untested']]);
  });
  it('zones_other_than_those_meant_are_said_but_hide_nobody', () => {
    const state = boxState();
    const cameras = state.cameras.map((c, i) => (i === 0 ? { ...c, name: 'Yard', zones_fault: 'the changed zone file cannot be used' } : c));
    expect(headline({ ...state, cameras })).toMatchObject({ tone: 'untested', title: 'Yard is guarded by older zones', detail: 'the changed zone file cannot be used', others: [] });
    const line = headline(boxState({ cameras, zones: [occupied], alarms: [alarm(40)] }));
    expect([line.title, line.others.map((t) => t.word)]).toEqual(['gate is occupied', ['Yard is guarded by older zones']]);
  });
  it('a_zone_that_is_off_is_never_called_watched', () => {
    const line = headline(boxState({ zones: [zone('gate'), zone('pit', { arming: OFF })] }));
    expect(line.title).toBe('1 of 2 zones watched, 1 off. Nobody inside.');
    expect(line.others.map((t) => `${t.shape} ${t.word}`)).toEqual(['‖ pit off']);
  });
  it('all_off_is_not_calm', () => expect(headline(boxState({ zones: [zone('gate', { arming: OFF })] })).tone).toBe('off'));
  it('a_zone_not_heard_is_never_calm_and_says_who_and_why', () => {
    const state = withUnheard(boxState(), [unheard(7)]);
    expect(headline(state)).toMatchObject({ tone: 'unheard', title: 'gate is shelved: nobody is alarmed there', detail: 'by Eva: fence works', others: [] });
    expect(documentTitle(state, false)).toBe('⊝ gate not heard – Standclear');
  });
  it('people_in_a_zone_not_heard_are_said_first', () => {
    const inside = boxState({ zones: [zone('gate', { state: 'occupied', people: 2, incident: 17 }), zone('pit')] });
    const line = headline(withUnheard(inside, [unheard(8, { zone: null, title: 'Camera B' }), unheard(7, { open_alarm: 40, state: 'out_of_service', until: null })]));
    expect(line).toMatchObject({ tone: 'unheard', title: 'gate would alarm now and is out of service', detail: '2 people inside, nobody is alarmed. By Eva: fence works' });
    expect(line.others.map((t) => `${t.shape} ${t.word}`)).toEqual(['⊝ Camera B shelved']);
  });
  it('people_nobody_is_alarmed_of_are_never_hidden_by_an_overdue_walk_test', () => {
    const inside = boxState({ zones: [zone('gate', { state: 'occupied', people: 2, incident: 17 }), zone('pit')], alarms: [untested(1)] });
    const line = headline(withUnheard(inside, [unheard(7, { open_alarm: 40 })]));
    expect([line.title, line.others.map((t) => t.word)]).toEqual(['gate would alarm now and is shelved', ['gate untested']]);
    const nobody = headline(withUnheard(boxState({ alarms: [untested(1)] }), [unheard(7)]));
    expect([nobody.title, nobody.others.map((t) => t.word)]).toEqual(['gate: walk test overdue', ['gate shelved']]);
  });
  it('a_shelved_walk_test_is_not_said_to_keep_people_from_being_heard', () => {
    const shelved = unheard(7, { kind: 'untested', open_alarm: 1 });
    expect(headline(withUnheard(boxState(), [shelved]))).toMatchObject({ tone: 'unheard', title: 'gate: its walk test is shelved', detail: 'nobody is told that it is overdue, by Eva: fence works' });
    expect(headline(withUnheard(boxState(), [shelved, unheard(8, { zone: 'pit', title: 'pit', open_alarm: 40 })])).title).toBe('pit would alarm now and is shelved');
  });
  it('several_not_heard_are_named_and_never_hide_an_alarm', () => {
    const two = [unheard(7), unheard(8, { zone: 'pit', title: 'pit' })];
    expect(headline(withUnheard(boxState(), two)).title).toBe('gate and pit are not heard');
    const line = headline(withUnheard(boxState({ zones: [zone('gate'), zone('pit'), zone('yard', { state: 'occupied', people: 1 })], alarms: [alarm(40, { zone: 'yard', title: 'yard' })] }), two));
    expect([line.title, line.others.map((t) => t.word)]).toEqual(['yard is occupied', ['gate shelved', 'pit shelved']]);
  });
  it('an_alarm_that_stays_says_what_is_still_to_do', () => {
    const kept = (state: 'latched_unacknowledged' | 'latched_acknowledged') => headline(boxState({ alarms: [alarm(40, { state, acknowledged_by: 'Eva' })] }));
    expect(kept('latched_unacknowledged')).toMatchObject({ tone: 'emergency', title: 'gate was occupied', detail: 'they have left; it stays in alarm until acknowledged and reset' });
    expect(kept('latched_acknowledged')).toMatchObject({ tone: 'acked', title: 'gate stays in alarm until it is reset', alarm: { id: 40 } });
  });
  it('a_post_nobody_is_at_is_not_called_occupied', () => {
    const post = zone('post', { kind: 'occupancy', state: 'occupied', people: 0, incident: 17 });
    expect(headline(boxState({ zones: [post], alarms: [alarm(40, { zone: 'post', state: 'acknowledged', acknowledged_by: 'Eva' })] }))).toMatchObject({
      tone: 'emergency', title: 'post still has the wrong number of people', detail: 'nobody inside, acknowledged by Eva',
    });
    const beside = headline(boxState({ zones: [zone('gate', { state: 'occupied', people: 1 }), post], alarms: [alarm(41)] }));
    expect(beside.others.map((t) => t.word)).toEqual(['post has the wrong number of people']);
  });
  it('people_at_work_are_not_nobody', () => {
    const cell = zone('cell', { kind: 'occupancy', state: 'occupied', people: 1 });
    expect(headline(boxState({ zones: [cell, zone('pit')] }))).toMatchObject({ tone: 'clear', title: 'All 2 zones watched. Nobody where nobody may be.' });
  });
  it('only_ignored_areas_is_nothing_watched', () => expect(headline(boxState({ zones: [zone('glass', { kind: 'ignore' })] })).title).toBe('Nothing is watched'));
  it('no_zones_is_not_calm', () => {
    expect(headline(boxState({ zones: [], vision: { state: 'starting', detail: 'loading', restarts: 0 } }))).toMatchObject({ tone: 'unknown', title: 'Nothing is watched yet' });
    expect(headline(boxState({ zones: [] })).tone).toBe('unknown');
  });
});

describe('documentTitle', () => {
  const state = boxState({ zones: [occupied], alarms: [alarm(1)] });
  it('says_what_the_headline_says', () => expect(documentTitle(state, false)).toBe('▲ gate – Standclear'));
  it('a_lost_box_overrides_an_old_state', () => expect(documentTitle(state, true)).toBe('◆ No connection – Standclear'));
  it('another_page_is_named_behind_what_is_so', () => expect(documentTitle(state, false, 'Audit')).toBe('▲ gate – Audit – Standclear'));
  it('is_the_site_when_calm', () => expect(documentTitle(boxState(), false)).toBe('North yard – Standclear'));
  it('is_not_calm_before_the_first_state', () => expect(documentTitle(null, false)).toBe('Connecting – Standclear'));
});
