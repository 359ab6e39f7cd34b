import { describe, expect, it } from 'vitest';
import { ackResult, ContractError, parseState, sentence } from './api';
import { boxState } from './testing';

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

describe('ackResult', () => {
  const error = (code: string, message: string) => JSON.stringify({ error: { code, message } });
  it('done', () => expect(ackResult(200, '{"id":40,"state":"acknowledged"}')).toEqual({ kind: 'done' }));
  it('somebody_else_was_faster_is_information', () => {
    expect(ackResult(409, error('already_acknowledged', 'somebody has answered this alarm already'))).toEqual({ kind: 'already', message: 'Somebody has answered this alarm already.' });
  });
  it('another_conflict_is_a_failure', () => expect(ackResult(409, error('busy', 'no')).kind).toBe('failed'));
  it('a_refusal_is_told_in_the_words_of_the_box', () => expect(ackResult(404, error('unknown_alarm', 'no such alarm'))).toEqual({ kind: 'failed', message: 'No such alarm.' }));
  it('an_answer_without_words_still_gets_a_sentence', () => expect(ackResult(502, '<html>')).toEqual({ kind: 'failed', message: 'The box refused (502). Press again.' }));
});

describe('sentence', () => {
  it.each([['', ''], ['gone', 'Gone.'], ['Is it?', 'Is it?']])('%j is %j', (a, b) => expect(sentence(a)).toBe(b));
});
