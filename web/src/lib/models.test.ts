import { describe, expect, it } from 'vitest';
import { ContractError } from './api';
import { candidateOf, deadlineWords, formatBytes, grouped, measuresOf, parseModels, slotWords, stepsOf, takingOf, titleOf, type ModelRow, type ModelsNow, type Trial } from './models';

const row = (rest: Partial<ModelRow> = {}): ModelRow => ({
  slot: 'shipped', digest: null, name: 'nanodet', version: 'r1', release: 0, roles: ['active', 'shipped'], stage: null, installed_at: null, installed_by: null, signed_by: [], bytes: 1, licence: null, decoder: null, guards_since: null, damaged: null, ...rest,
});
const trial = (rest: Partial<Trial> = {}): Trial => ({
  digest: 'd', approved_by: 'Eva', started: '2026-03-01T00:00:00Z', deadline: '2026-03-08T00:00:00Z', attempts_left: 2, attempts: 3, frames: 812, frames_min: 5000, run_s: 300, run_min_s: 86_400, p99_ms: 41, budget_ms: 150, reviews_open: 0, golden: 'not_yet', ...rest,
});
const now = (rest: Partial<ModelsNow> = {}): ModelsNow => parseModels({ active: { slot: 'shipped', since: null, on_trial: false }, models: [row()], floor: 0, ...rest });
const measure = (name: string, rest: Partial<Trial> = {}) => measuresOf(trial(rest)).find((m) => m.name === name);

describe('parseModels', () => {
  it.each([[null], [{}], [{ models: 3, active: {} }], [{ models: [], active: null }]])('%j is refused', (value) => expect(() => parseModels(value)).toThrow(ContractError));
  it('what_the_box_does_not_allow_is_not_offered', () => {
    expect(now().may.promote).toEqual({ allowed: false, why: null });
    expect(now().may.rollback).toEqual({ allowed: false, why: null, to: null });
  });
  it('what_it_allows_is', () => expect(now({ may: { ...now().may, shadow: { allowed: true, why: null } } }).may.shadow.allowed).toBe(true));
});

describe('candidateOf', () => {
  it('is_nobody_on_a_box_that_is_as_it_came', () => expect(candidateOf(now())).toBeNull());
  it('is_the_one_on_trial_even_while_it_guards', () => {
    const guards = row({ slot: 'sha256-a', roles: ['active', 'trial'], stage: 'probation' });
    expect(candidateOf(now({ models: [row(), guards] }))?.slot).toBe('sha256-a');
  });
});

describe('words of a model', () => {
  it('name_and_version', () => expect(titleOf(row())).toBe('nanodet r1'));
  it.each([['shipped', 'nanodet r1'], ['sha256-0123456789abcdef', 'package 0123…cdef'], [null, 'none']])('the slot %j is %s', (slot, words) => expect(slotWords(now(), slot)).toBe(words));
  it('what_came_with_the_program_is_said_so_when_the_box_does_not_list_it', () => expect(slotWords(now({ models: [] }), 'shipped')).toMatch(/came with the program/));
});

describe('stepsOf', () => {
  const states = (stage: Parameters<typeof stepsOf>[0]) => stepsOf(stage).map((s) => s.state);
  it.each([['staged', 0], ['verified', 1], ['shadowing', 2], ['approved', 3], ['probation', 4]] as const)('%s is step %i of the way, what lies before is done', (stage, at) => {
    expect(states(stage)).toEqual([0, 1, 2, 3, 4, 5].map((i) => (i < at ? 'done' : i === at ? 'now' : 'ahead')));
  });
  it('without_a_stage_nothing_is_done', () => expect(states(null)).toEqual(Array(6).fill('ahead')));
});

describe('measuresOf', () => {
  it('counts_pictures_and_hours', () => {
    expect(measure('Pictures')).toMatchObject({ words: '812 of 5\u202f000', state: 'open' });
    expect(measure('Time')).toMatchObject({ words: '5 min of 24 h', state: 'open' });
    expect(measure('Time', { run_s: 45_000 })?.words).toBe('12.5 h of 24 h');
    expect(measure('Pictures', { frames: 6000 })).toMatchObject({ share: 1, state: 'met' });
  });
  it('a_latency_above_the_budget_is_in_the_way', () => {
    expect(measure('Latency', { p99_ms: 171 })).toMatchObject({ state: 'bad', words: '171 ms of 150 ms' });
    expect(measure('Latency')).toMatchObject({ state: 'met' });
    expect(measure('Latency', { p99_ms: null })).toMatchObject({ state: 'open', share: null });
  });
  it('an_open_review_and_the_last_start_are_in_the_way', () => {
    expect(measure('Reviews', { reviews_open: 1 })?.state).toBe('bad');
    expect(measure('Starts left', { attempts_left: 0 })?.state).toBe('bad');
  });
  it('nothing_to_reach_is_reached', () => expect(measure('Pictures', { frames: 0, frames_min: 0 })?.share).toBe(1));
});

describe('numbers', () => {
  it.each([[12, '12'], [5000, '5\u202f000'], [1_234_567, '1\u202f234\u202f567']])('%i is %s', (n, words) => expect(grouped(n)).toBe(words));
  it.each([[1, '1 byte'], [901, '901 bytes'], [91_000, '91 kB'], [7_700_000, '7.7 MB'], [2_000_000_000, '2.0 GB']])('%i is %s', (n, words) => expect(formatBytes(n)).toBe(words));
  it('a_deadline_is_ahead_or_over', () => {
    expect(deadlineWords(trial(), Date.parse('2026-03-07T00:00:00Z'))).toBe('in 1 d 00 h');
    expect(deadlineWords(trial(), Date.parse('2026-03-08T00:00:30Z'))).toBe('30 s ago');
  });
});

describe('takingOf', () => {
  it('says_how_far_where_that_is_known', () => expect(takingOf({ from: 'url', name: 'a', bytes: 1_000_000, of: 4_000_000, state: 'taking' })).toEqual({ words: 'a is taken in from an address: 1.0 MB of 4.0 MB', share: 0.25 }));
  it('says_only_how_much_where_it_is_not', () => expect(takingOf({ from: 'url', name: 'a', bytes: 1_000_000, of: null, state: 'taking' })).toMatchObject({ share: null, words: expect.stringMatching(/1\.0 MB$/) as string }));
  it('verifying_has_no_end_that_is_known', () => expect(takingOf({ from: 'folder', name: 'a', bytes: 4, of: 4, state: 'verifying' }).share).toBeNull());
});
