import { describe, expect, it } from 'vitest';
import { whyNotTaken } from './model-asks';
import { endOfTaking, eventWords, faultMeaning, refusedMeaning, surelyUnchanged, rejectedWords, said, shadowWords } from './model-words';
import { RequestError } from './request';

// Named in docs/reference/model-packages.md.
const REFUSALS = [
  'unsigned', 'unknown_key', 'wrong_role', 'revoked_key', 'expired_key', 'bad_signature', 'swapped_file', 'rollback', 'freeze', 'path_traversal',
  'name_collision', 'not_named', 'missing', 'endless_data', 'not_a_regular_file', 'wrong_schema', 'malformed',
];

describe('refusedMeaning', () => {
  it.each(REFUSALS)('%s is told in words of its own with what to do', (code) => {
    const { title, help } = refusedMeaning(code);
    expect(title.toLowerCase()).not.toBe(code.replaceAll('_', ' '));
    expect(help).toMatch(/^[A-Z].+\.$/);
  });
  it('no_two_are_told_the_same', () => expect(new Set(REFUSALS.map((code) => refusedMeaning(code).title)).size).toBe(REFUSALS.length));
  it('one_this_page_does_not_know_is_named_as_the_box_does', () => expect(refusedMeaning('new_attack')).toEqual({ title: 'New attack', help: '' }));
});

describe('faultMeaning', () => {
  it.each(['ledger_older', 'ledger_lost', 'not_kept', 'passed_over'])('%s says what to do', (code) => expect(faultMeaning({ code, text: '' }).help).not.toBe(''));
});

describe('the history', () => {
  it.each([['rolled_back', 'fault', '◆'], ['committed', 'step', '●'], ['installed', 'plain', '·'], ['something_new', 'plain', '·']])('%s is %s, with a shape', (kind, tone, shape) => expect(eventWords(kind)).toMatchObject({ tone, shape }));
  it('a_kind_this_page_does_not_know_keeps_its_word', () => expect(eventWords('something_new').word).toBe('Something new'));
  it('a_reason_of_a_rejection_too', () => {
    expect(rejectedWords('review_confirmed')).toBe('missed somebody');
    expect(rejectedWords('some_thing')).toBe('some thing');
  });
});

describe('shadowWords', () => {
  const shadow = { text: '', restarts: 0, coverage: null, skipped_because: null, run: null };
  it.each([['watching', false], ['starting', false], ['off', false], ['resting', true], ['gave_up', true]] as const)('%s is a trouble: %j', (state, bad) => expect(shadowWords({ ...shadow, state }).bad).toBe(bad));
  it('says_how_often_it_was_started_again', () => expect(shadowWords({ ...shadow, state: 'watching', restarts: 2 }).words).toMatch(/2 times$/));
});

describe('surelyUnchanged', () => {
  it.each([[422, true], [409, true], [507, true], [0, false], [500, false], [503, false]])('after %i it is %j that nothing was changed', (status, sure) => expect(surelyUnchanged(status)).toBe(sure));
});

describe('endOfTaking', () => {
  const event = (id: number, kind: string) => ({ id, at: '', kind, slot: null, release: null, by: 'box', text: '' });
  it.each([
    [['golden_failed', 'installed'], 'golden_failed'], [['rejected', 'installed'], 'rejected'], [['verified', 'installed'], 'verified'], [['refused'], 'refused'], [['installed'], 'installed'],
  ])('of %j, the newest first, %s is how it ended', (kinds, end) => expect(endOfTaking(kinds.map((kind, i) => event(9 - i, kind)), 5)?.kind).toBe(end));
  it('what was before the fetch is no end of it', () => expect(endOfTaking([event(5, 'installed'), event(4, 'verified')], 5)).toBeNull());
});

describe('said', () => {
  it.each([
    ['another package is being taken in', 'Another package is being taken in.'], ['nanodet-g-416 r2 could not be loaded', 'nanodet-g-416 r2 could not be loaded.'],
    ['model-s8.onnx is missing', 'model-s8.onnx is missing.'], ['It is so.', 'It is so.'], ['332 are needed', '332 are needed.'], ['  ', ''],
  ])('%j is %j', (text, words) => expect(said(text)).toBe(words));
});

describe('whyNotTaken', () => {
  it('a_model_that_is_too_slow_and_a_box_that_takes_longer_are_two_things', () => {
    expect(whyNotTaken(new RequestError(422, 'too_slow', '41 ms')).code).toBe('too_slow');
    expect(whyNotTaken(new RequestError(503, 'too_slow', 'it goes on')).code).toBe('goes_on');
  });
});
