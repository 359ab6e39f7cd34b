import { describe, expect, it } from 'vitest';
import { ContractError, parseState, sentence } from './api';
import { boxState, zone } from './testing';

describe('parseState', () => {
  it('reads_a_state_of_the_contract', () => expect(parseState(JSON.stringify(boxState())).site.name).toBe('North yard'));
  it.each([
    ['text', 'hello'],
    ['a_list', '[]'],
    ['a_missing_part', JSON.stringify({ ...boxState(), siren: undefined })],
    ['zones_that_are_no_list', JSON.stringify({ ...boxState(), zones: {} })],
    ['alarms_that_are_numbers', JSON.stringify({ ...boxState(), alarms: [1] })],
    ['a_time_that_is_none', JSON.stringify(boxState({ now: 'soon' }))],
  ])('refuses_%s', (_name, text) => expect(() => parseState(text)).toThrow(ContractError));
});

describe('what_a_zone_may_lack', () => {
  const read = (rest: object) => parseState(JSON.stringify({ ...boxState(), inputs: undefined, zones: [{ ...zone('gate'), ...rest }] }));
  it.each([undefined, null, 'off', {}, { armed: null }, { armed: 'false' }])('arming %j is armed', (arming) => expect(read({ arming }).zones[0]?.arming.armed).toBe(true));
  it('why_a_zone_is_armed_is_kept', () => expect(read({ arming: { armed: true, by: 'interlock', reason: 'Armed while press-3-running is on', until: null } }).zones[0]?.arming).toMatchObject({ armed: true, by: 'interlock', reason: 'Armed while press-3-running is on' }));
  it('only_a_plain_false_is_disarmed', () => expect(read({ arming: { armed: false, by: 'schedule', reason: '', until: null } }).zones[0]?.arming.armed).toBe(false));
  it('a_state_without_inputs_has_none', () => expect(read({}).inputs).toEqual([]));
});

describe('sentence', () => {
  it.each([['', ''], ['gone', 'Gone.'], ['Is it?', 'Is it?']])('%j is %j', (a, b) => expect(sentence(a)).toBe(b));
});
