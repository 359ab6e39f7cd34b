import { describe, expect, it } from 'vitest';
import { cells, isEmpty, legend, opacity, STEPS, stepStarts, type Heat } from './heat';

const heat = (feet: number[]): Heat => ({ columns: 3, rows: 2, feet, incidents: [], from: '', to: '' });

describe('steps', () => {
  it('rise_and_begin_with_one', () => {
    for (const most of [1, 2, 5, 37, 4_000, 1_000_000]) {
      const starts = stepStarts([0, most]);
      expect(starts[0]).toBe(1);
      expect(starts.length).toBeLessThanOrEqual(STEPS);
      expect(starts.every((start, i) => i === 0 || start > (starts[i - 1] ?? Infinity))).toBe(true);
      expect(starts.at(-1)).toBeLessThanOrEqual(most);
    }
  });
  it('nothing_has_no_steps', () => expect(stepStarts([0, 0])).toEqual([]));
  it('the_legend_leaves_no_number_out', () => expect(legend([1, 2, 5, 40]).map((l) => l.words)).toEqual(['1 s', '2 to 4 s', '5 to 39 s', '40 s or more']));
  it('more_is_never_fainter', () => expect(opacity(5)).toBeGreaterThan(opacity(1)));
});

describe('cells', () => {
  it('lie_row_by_row_and_empty_ones_are_left_out', () => expect(cells(heat([0, 4, 0, 0, 0, 9])).map((c) => [c.column, c.row, c.feet])).toEqual([[1, 0, 4], [2, 1, 9]]));
  it('the_fullest_has_the_highest_step', () => {
    const [few, most] = cells(heat([1, 1_000, 0, 0, 0, 0]));
    expect([few?.step, most?.step]).toEqual([1, legend(stepStarts([1, 1_000])).length]);
  });
  it('an_incident_alone_is_not_nothing', () => {
    expect(isEmpty(heat([0, 0]))).toBe(true);
    expect(isEmpty({ ...heat([0]), incidents: [[0.5, 0.5, '', 'gate']] })).toBe(false);
  });
});
