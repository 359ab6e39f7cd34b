import { describe, expect, it } from 'vitest';
import { zone } from './testing';
import { currentEdge, inOrderOfDue, middleOf, progressWords, resultWords, share, shortOf, slowest, type EdgeState, type WalkTest } from './walk';

const test = (states: readonly EdgeState[], rest: Partial<WalkTest> = {}): WalkTest => ({
  id: 1, zone: 'gate', state: 'running', siren: 'sounds', ...rest,
  edges: states.map((state, edge) => ({ edge, label: `edge ${edge + 1}`, from: [0, 0], to: [1, 1], state, time_ms: state === 'pass' ? 400 + edge : state === 'fail' ? 2_100 : null })),
});

describe('currentEdge', () => {
  it('is_the_first_nobody_walked_in_at', () => expect(currentEdge(test(['pass', 'waiting', 'waiting']))?.edge).toBe(1));
  it('is_none_once_all_are_done_or_the_test_is_over', () => {
    expect(currentEdge(test(['pass', 'skipped']))).toBeNull();
    expect(currentEdge(test(['waiting'], { state: 'abandoned' }))).toBeNull();
  });
});

describe('an edge that failed', () => {
  it('may_be_walked_in_at_again_once_the_others_are_done', () => {
    expect(currentEdge(test(['fail', 'waiting']))?.edge).toBe(1);
    expect(currentEdge(test(['pass', 'fail']))?.edge).toBe(1);
  });
});

describe('what finishing now would come to', () => {
  it.each([[['pass', 'skipped'], /^$/], [['pass', 'waiting'], /incomplete.*1 edge was not/], [['fail', 'waiting'], /^It fails/]] as const)('%j: %s', (states, words) => expect(shortOf(test(states))).toMatch(words));
});

describe('the number of an edge', () => {
  const [edge] = test(['waiting']).edges;
  it('stands_in_the_middle_of_its_line', () => expect(edge && middleOf(edge)).toEqual([0.5, 0.5]));
  it('also_where_it_bends', () => expect(edge && middleOf({ ...edge, points: [[0, 0], [0.3, 0.9], [1, 1]] })).toEqual([0.3, 0.9]));
});

describe('words', () => {
  it('count_what_passed_failed_and_was_skipped', () => expect(progressWords(test(['pass', 'pass', 'fail', 'skipped']))).toBe('2 of 4 edges pass, 1 failed, 1 skipped'));
  it('the_slowest_is_named', () => expect(slowest(test(['pass', 'pass', 'waiting']))?.edge).toBe(1));
  it('nothing_measured_has_no_slowest', () => expect(slowest(test(['waiting']))).toBeNull());
  it.each([['passed', 'sounds', '✓ Passed'], ['passed', 'muted', '△ Passed — siren not proved'], ['failed', 'muted', '◆ Failed'], ['incomplete', 'muted', '– Incomplete']] as const)('a test that %s while the siren %s reads %s', (state, siren, words) => {
    expect(resultWords(test([], { state, siren }))).toBe(words);
  });
  it('a_bar_never_runs_over', () => expect([share(500), share(9_000)]).toEqual([25, 100]));
});

describe('inOrderOfDue', () => {
  const of = (state: 'valid' | 'overdue', due_at: string | null) => ({ walk_test: { state, due_at, last: null } });
  it('overdue_first_then_by_date_and_ignored_areas_not_at_all', () => {
    const zones = [zone('late', of('valid', '2026-05-01T00:00:00Z')), zone('soon', of('valid', '2026-04-01T00:00:00Z')), zone('never', of('valid', null)), zone('glass', { kind: 'ignore' }), zone('due', of('overdue', '2026-02-01T00:00:00Z')), zone('unsaid')];
    expect(inOrderOfDue(zones).map((z) => z.id)).toEqual(['due', 'unsaid', 'soon', 'late', 'never']);
  });
});
