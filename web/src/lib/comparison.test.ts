import { describe, expect, it } from 'vitest';
import { ContractError } from './api';
import { laterWords, neededWords, otherLaterWords, parseEvidence, percentAtMost, pictureWords, placed, standingWords } from './comparison';
import { exampleQuestion, importedWords, parseExamples, parseThresholds } from './examples';

describe('parseEvidence', () => {
  it('a_judgement_this_page_does_not_know_lets_nobody_approve', () => expect(parseEvidence({ judgement: 'great', runs: [] }).judgement).toBe('not_enough'));
  it('lists_that_are_missing_are_empty', () => expect(parseEvidence({ judgement: 'refused' })).toMatchObject({ judgement: 'refused', reasons: [], runs: [], claims: [] }));
  it.each([[null], [[]], [{ runs: 3 }], [{ reasons: ['x'] }]])('%j is refused', (value) => expect(() => parseEvidence(value)).toThrow(ContractError));
});

describe('a bound', () => {
  it.each([[0.0098, '0.98\u00a0%'], [0.01001, '1.01\u00a0%'], [0.2815, '28.2\u00a0%'], [0.28, '28.0\u00a0%'], [1, '100.0\u00a0%']])('%d is %s, never rounded down', (share, words) => expect(percentAtMost(share)).toBe(words));
  it('says_how_many_more_are_needed', () => {
    expect(neededWords({ true_incidents: 10, missed: 0, more_needed: 322 }, 0.01)).toBe('322 more true incidents without a miss to claim that it misses less than 1\u00a0%.');
    expect(neededWords({ true_incidents: 344, missed: 0, more_needed: 0 }, 0.01)).toMatch(/^Enough/);
    expect(neededWords({ true_incidents: 9, missed: 9, more_needed: null }, 0.01)).toMatch(/^So much was missed/);
  });
});

describe('a case', () => {
  it('who was later is the other one', () => {
    expect(otherLaterWords({ told: 'shadow_only', later_by_ms: 420 })).toBe('the guarding model 0.42\u00a0s later');
    expect(otherLaterWords({ told: 'active_only', later_by_ms: 420 })).toBe('the shadow model 0.42\u00a0s later');
    expect(otherLaterWords({ told: 'active_only', later_by_ms: null })).toBe('');
  });
  it.each([[420, '0.42\u00a0s later'], [-80, '0.08\u00a0s earlier'], [0, 'at the same time'], [null, '']])('%j ms is %j', (ms, words) => expect(laterWords(ms)).toBe(words));
  it('a_standing_this_page_does_not_know_keeps_its_word', () => expect(standingWords('half_seen')).toBe('half seen'));
  it('who_cannot_see_the_picture_hears_which_model_saw_what', () => {
    const side = { began: '', ended: null, score: 0.8, incident: null, clip: null, boxes: [{ left: 0, top: 0, width: 0.1, height: 0.1, score: 0.82 }] };
    expect(pictureWords({ active: side, shadow: null })).toBe('Active model, solid: a box of 0.82. Shadow model, dashed: nothing.');
  });
  it('a_box_that_sticks_out_is_cut_off_at_the_edge', () => {
    const { left, top, width, height } = placed({ left: -0.1, top: 0.9, width: 0.3, height: 0.3, score: null });
    expect([left, top]).toEqual([0, 90]);
    expect(width).toBeCloseTo(20);
    expect(height).toBeCloseTo(10);
  });
});

describe('examples', () => {
  it.each([[{}], [{ examples: 1 }]])('%j is refused', (value) => expect(() => parseExamples(value)).toThrow(ContractError));
  it('thresholds_too', () => expect(() => parseThresholds({ cameras: null })).toThrow(ContractError));
  it('are_asked_about_by_their_zone', () => {
    expect(exampleQuestion({ zone: { number: 1, name: 'Road' } })).toBe('Is there somebody in Road?');
    expect(exampleQuestion({ zone: null })).toBe('Is there somebody where the box looked?');
  });
  it('an_import_says_what_was_left_out', () => {
    expect(importedWords({ labels: 1, unknown: 0, changed: 0 })).toBe('1 picture has labels now, 0 of them others than before.');
    expect(importedWords({ labels: 3, unknown: 1, changed: 2 })).toBe('3 pictures have labels now, 2 of them others than before. 1 picture of the file is not in the bank, and left out.');
  });
});
