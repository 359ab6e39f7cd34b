import { describe, expect, it } from 'vitest';
import type { Point } from '../../lib/api';
import { budgetOf, seconds } from './budget';
import { EMPTY, type Document, type Zone } from './document';
import { alarming, boxShare, placed, type SeenPerson } from './inside';

const RING: Point[] = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]];
const zone = (rest: Partial<Zone> = {}): Zone => ({ id: 'gate', name: 'Gate', kind: 'restricted', shape: { is: 'area', parts: [[RING]] }, ...rest });
const site = (...zones: Zone[]): Document => ({ ...EMPTY, zones });
/** A box of a tenth of the frame whose foot point is at (x, y). */
const person = (x: number, y: number, rest: Partial<SeenPerson> = {}): SeenPerson => ({ track: null, box: [x - 0.05, y - 0.1, 0.1, 0.1], foot: [x, y], score: 0.8, inside: [], ...rest } as SeenPerson);
const zonesOf = (document: Document, one: SeenPerson) => placed(document, [one])[0]?.zones.map(({ id }) => id);

describe('who would be inside', () => {
  it('a_foot_on_the_edge_is_inside', () => {
    expect(zonesOf(site(zone()), person(0.6, 0.4))).toEqual(['gate']);
    expect(zonesOf(site(zone()), person(0.601, 0.4))).toEqual([]);
  });
  it('any_touch_counts_where_it_is_the_criterion', () => {
    expect(zonesOf(site(zone({ criterion: 'any' })), person(0.64, 0.4))).toEqual(['gate']);
    expect(zonesOf(site(zone({ criterion: 'any' })), person(0.66, 0.4))).toEqual([]);
  });
  it('a_box_around_a_small_zone_touches_it', () => {
    const small = zone({ criterion: 'any', shape: { is: 'area', parts: [[[[0.39, 0.35], [0.41, 0.35], [0.4, 0.36]]]] } });
    expect(zonesOf(site(small), person(0.4, 0.4))).toEqual(['gate']);
  });
  it('a_share_of_the_box_counts_where_it_is_the_criterion', () => {
    const half = zone({ criterion: { overlap: 0.5 } });
    expect(zonesOf(site(half), person(0.59, 0.4))).toEqual(['gate']);
    expect(zonesOf(site(half), person(0.61, 0.4))).toEqual([]);
  });
  it('a_hole_is_not_of_the_share', () => {
    const hole: Point[] = [[0.3, 0.2], [0.6, 0.2], [0.6, 0.6], [0.3, 0.6]];
    expect(boxShare([[RING, hole]], { left: 0.25, top: 0.3, right: 0.35, bottom: 0.4 })).toBeCloseTo(0.5);
  });
  it('an_ignored_area_of_the_draft_takes_people_out', () => {
    const ignore = zone({ id: 'van', kind: 'ignore', reason: 'van' });
    const [one] = placed(site(zone(), ignore), [person(0.4, 0.4)]);
    expect(one?.zones).toEqual([]);
    expect(one?.ignoredBy?.id).toBe('van');
  });
  it('what_the_box_ignores_today_counts_in_a_draft_that_does_not', () => expect(zonesOf(site(zone()), person(0.4, 0.4, { verdict: 'ignored' }))).toEqual(['gate']));
  it('what_is_no_person_is_not_inside', () => {
    expect(zonesOf(site(zone()), person(0.4, 0.4, { verdict: 'marked' }))).toEqual([]);
    expect(zonesOf(site(zone()), person(0.4, 0.4, { verdict: 'too_small' }))).toEqual([]);
  });
});

describe('which zones would alarm', () => {
  const tone = (z: Zone, people: SeenPerson[]) => alarming(site(z), placed(site(z), people)).get('gate');
  // The zones of `placed` and of `alarming` are the same objects in the editor.
  const toneOf = (z: Zone, n: number) => { const document = site(z); return alarming(document, placed(document, Array.from({ length: n }, () => person(0.4, 0.4)))).get('gate'); };
  it('nobody_inside_is_calm', () => expect(tone(zone(), [])).toBe('none'));
  it('a_restricted_zone_is_an_emergency_and_a_warning_zone_a_warning', () => {
    expect(toneOf(zone(), 1)).toBe('emergency');
    expect(toneOf(zone({ kind: 'warning' }), 1)).toBe('warning');
  });
  it('at_most_one_allows_one', () => {
    expect(toneOf(zone({ kind: 'occupancy', count: { at_most: 1 } }), 1)).toBe('none');
    expect(toneOf(zone({ kind: 'occupancy', count: { at_most: 1 } }), 2)).toBe('emergency');
  });
  it('nobody_works_alone_but_nobody_at_all_is_allowed_or_not', () => {
    const two = (empty: 'allowed' | 'alarms') => zone({ kind: 'occupancy', count: { at_least: 2, empty } });
    expect([0, 1, 2].map((n) => toneOf(two('allowed'), n))).toEqual(['none', 'emergency', 'none']);
    expect([0, 1, 2].map((n) => toneOf(two('alarms'), n))).toEqual(['emergency', 'emergency', 'none']);
  });
});

describe('the time budget', () => {
  const measured = { p99_ms: 212, max_ms: 410, measured: true };
  it('adds_up_the_worst_case', () => {
    const budget = budgetOf(zone({ enter_window_ms: 300 }), measured);
    expect(budget?.sum_ms).toBe(710);
    expect(seconds(710)).toBe('0.71');
    expect(budget?.shares.reduce((sum, { ms }) => sum + ms, 0)).toBe(710);
  });
  it('a_dwell_that_leaves_no_time_does_not_fit', () => {
    expect(budgetOf(zone({ dwell_ms: 1_290 }), measured)?.fits).toBe(true);
    expect(budgetOf(zone({ dwell_ms: 1_291 }), measured)?.fits).toBe(false);
  });
  it('the_grace_of_an_occupancy_zone_is_no_delay', () => expect(budgetOf(zone({ kind: 'occupancy', dwell_ms: 60_000 }), measured)?.fits).toBe(true));
  it('what_the_box_assumes_is_called_an_assumption', () => {
    const budget = budgetOf(zone(), { p99_ms: 700, max_ms: 700, measured: false });
    expect(budget?.sum_ms).toBe(1_000);
    expect(budget?.words).toMatch(/assumed/);
  });
  it('an_excess_is_never_rounded_away', () => expect(seconds(2_001)).toBe('2.01'));
});
