import { describe, expect, it } from 'vitest';
import { atMostAnyTime, plotOf } from './bounds';
import type { Run } from './comparison';

const run = (rest: Partial<Run>): Run => ({
  id: 1, source: 'live', began: '', ended: null, name: 'here', coverage: { seen: 1, of: 1, percent: 100 }, tally: { both: 0, active_only: 0, shadow_only: 0, labelled: 0, to_label: 0 },
  true_incidents: 10, missed: 0, at_most: 0.2815, more_needed: 322, mcnemar: { active_only: 0, shadow_only: 0, p: 1 },
  frames: { looked: 0, matched_boxes: 0, active_only_boxes: 0, shadow_only_boxes: 0, agreement: null, score_shift: null }, latency_ms: { active_p50: null, active_p99: null, shadow_p50: null, shadow_p99: null }, ...rest,
});

describe('atMostAnyTime', () => {
  // docs/design/gate.md, "What can be claimed with how many incidents".
  it.each([[0, 10, 28.15], [0, 59, 5.48], [0, 299, 1.11], [0, 1000, 0.33], [1, 10, 51.6], [1, 100, 6.77], [1, 350, 1.98]])('%i missed of %i is at most %d %', (misses, of, percent) => {
    expect(atMostAnyTime(misses, of, 0.95) * 100).toBeCloseTo(percent, 1);
  });
  // "Incidents needed": the claim holds from there on and not one before.
  it.each([[0, 332, 0.01], [1, 696, 0.01], [0, 65, 0.05], [2, 178, 0.05]])('with %i missed it takes %i for less than %d', (misses, of, claim) => {
    expect(atMostAnyTime(misses, of, 0.95)).toBeLessThan(claim);
    expect(atMostAnyTime(misses, of - 1, 0.95)).toBeGreaterThan(claim);
  });
  it('of_nothing_everything_is_possible', () => expect(atMostAnyTime(0, 0, 0.95)).toBe(1));
});

describe('plotOf', () => {
  it('has_room_for_what_is_still_needed', () => expect(plotOf([run({})], 0.01, 0.95).of_max).toBeGreaterThanOrEqual(332));
  it('puts_a_run_where_its_numbers_are', () => {
    const plot = plotOf([run({})], 0.01, 0.95);
    const [mark] = plot.marks;
    expect(mark?.x).toBeCloseTo((10 / plot.of_max) * 100, 1);
    // 28 % lies below 30 % and above 10 %.
    const tick = (words: string) => plot.y_ticks.find((t) => t.words === words)?.at ?? NaN;
    expect(mark?.y).toBeGreaterThan(tick('30 %'));
    expect(mark?.y).toBeLessThan(tick('10 %'));
    expect(plot.claim).toBe(tick('1 %'));
  });
  it('what_is_not_known_yet_excludes_nothing', () => expect(plotOf([run({ at_most: null })], 0.01, 0.95).marks[0]?.y).toBe(0));
  it('a_run_without_incidents_has_no_place', () => expect(plotOf([run({ true_incidents: 0 })], 0.01, 0.95).marks).toEqual([]));
  it('stays_in_its_frame', () => {
    const numbers = plotOf([run({ more_needed: null, true_incidents: 4000 })], 0.05, 0.95).curve.match(/[\d.]+/g)?.map(Number) ?? [];
    expect(numbers.length).toBeGreaterThan(100);
    expect(numbers.every((n) => n >= 0 && n <= 100)).toBe(true);
  });
});
