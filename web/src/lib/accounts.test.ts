import { describe, expect, it } from 'vitest';
import { detailBesides, detailWords, passwordRules, signInWords, subjectWords, verifiedWords, waitWords } from './accounts';
import { RequestError } from './request';

const met = (password: string, again = password, name = 'Eva') => passwordRules(password, again, name).map((rule) => rule.met);

describe('passwordRules', () => {
  it('a_long_one_twice_is_taken', () => expect(met('correct horse')).toEqual([true, true, true]));
  it('nothing_meets_no_rule', () => expect(met('')).toEqual([false, false, false]));
  it('nine_characters_are_too_few_and_letters_are_counted_not_bytes', () => expect([met('ěščřžýáíé')[0], met('ěščřžýáíéú')[0]]).toEqual([false, true]));
  it('a_name_in_other_letters_is_still_the_name', () => expect(met('EVA NOVAKOVA ', undefined, 'Eva Novakova')[1]).toBe(false));
  it('two_that_differ_are_not_the_same', () => expect(met('correct horse', 'correct house')[2]).toBe(false));
  it('a_book_is_too_long', () => expect(met('x'.repeat(257))[0]).toBe(false));
});

describe('words', () => {
  it('too_many_attempts_say_when_to_try_again', () => expect(signInWords(new RequestError(429, 'too_many_attempts', '', [], 30))).toBe('Too many attempts. Try again in 30 s.'));
  it('also_when_the_box_gives_no_time', () => expect(signInWords(new RequestError(429, 'too_many_attempts', ''))).toMatch(/Try again in a few minutes/));
  it('another_refusal_keeps_the_words_of_the_box', () => expect(signInWords(new RequestError(503, 'busy', 'The store is busy.'))).toBe('The store is busy.'));
  it.each([[0.2, '1 s'], [30, '30 s'], [300, '5 min']])('%d seconds read %s', (s, words) => expect(waitWords(s)).toBe(words));
  it.each([
    [null, ''], ['', ''], ['by hand', 'by hand'], [{}, ''], [{ old_role: null, from: '10.0.0.9', role: 'viewer' }, 'role viewer, from 10.0.0.9'], [{ digest: 'dfd8b71f3c56621d', differences: 'Gate: moved', version: 2, made_by: 'Eva' }, 'version 2, Gate: moved, made by Eva, digest dfd8…621d'], [{ zones: ['gate', 'pit'], count: 2 }, 'zones gate, pit, count 2'], [{ was: { a: 1 } }, 'was a 1'],
  ])('a detail of %j reads %j', (detail, words) => expect(detailWords(detail)).toBe(words));
  it('an_alarm_is_named_by_its_zone_which_is_then_not_said_twice', () => {
    const entry = { subject: 'alarm 40', detail: { zone: 'gate-road', reason: 'fence works' } };
    const name = (zone: string) => (zone === 'gate-road' ? 'Gate road' : null);
    expect([subjectWords(entry, name), detailBesides(entry.detail)]).toEqual(['alarm 40, Gate road', 'reason fence works']);
    expect(subjectWords({ subject: 'alarm 40', detail: { zone: 'gone' } }, name)).toBe('alarm 40, gone');
    // Closed by now: the entry itself says of which zone it was.
    expect([subjectWords({ subject: 'alarm 7', detail: { alarm_of: 'warning', zone: 'gate-road' } }, name), detailBesides({ alarm_of: 'warning', zone: 'gate-road' })]).toEqual(['alarm 7, Gate road', 'alarm of warning']);
    expect(subjectWords({ subject: 'gate-road', detail: null }, name)).toBe('Gate road (gate-road)');
    expect([subjectWords({ subject: 'Eva', detail: null }, name), detailBesides(null), detailBesides({ zone: 3 })]).toEqual(['Eva', '', 'zone 3']);
  });
  it('a_whole_chain_is_counted', () => expect(verifiedWords({ ok: true, entries: 812 })).toBe('The chain is whole: 812 entries.'));
  it('a_broken_one_names_the_entry', () => expect(verifiedWords({ ok: false, number: 4, why: 'its digest does not fit' })).toMatch(/^Entry 4 was changed: its digest does not fit\./));
});
