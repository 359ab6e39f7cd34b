import { describe, expect, it } from 'vitest';
import type { Polygon } from './api';
import { arrowPath, linePath, nameAt, placeLabels, zonePath } from './overlay';
import { zone } from './testing';

const size = { width: 800, height: 600 };
const square = (left: number, top: number, side: number): Polygon => [[[left, top], [left + side, top], [left + side, top + side], [left, top + side], [left, top]]];
const text = () => 'Excavation · clear';

describe('zonePath', () => {
  it('draws_every_ring_closed', () => {
    const hole = [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]] as const;
    expect(zonePath([[...square(0, 0, 0.5), hole]], size)).toBe('M0 0L400 0L400 300L0 300L0 0ZM80 60L160 60L160 120Z');
  });
  it('nothing_is_nothing', () => expect(zonePath([], size)).toBe(''));
});

describe('nameAt', () => {
  const at = (name: string, polygon: Polygon) => nameAt({ name, polygons: [polygon], line: null }, size);
  it('stands_above_the_outline', () => expect(at('Gate', square(0.25, 0.5, 0.2))).toEqual([200, 293]));
  it('stands_inside_at_the_top_of_the_picture', () => expect(at('Gate', square(0.25, 0, 0.2))).toEqual([200, 16]));
  it('is_not_cut_at_the_right', () => expect(at('Excavation north', square(0.95, 0.5, 0.05))?.[0]).toBeLessThan(700));
  it('nothing_has_no_name', () => expect(nameAt({ name: 'Gate', polygons: [], line: null }, size)).toBeNull());
});

describe('tripwires', () => {
  const east = [[0.25, 0.5], [0.75, 0.5]] as const;
  const tips = (direction: 'left_to_right' | 'right_to_left' | 'both' | null) => [...arrowPath(east, direction, size).matchAll(/M400 300L([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
  it('a_line_stays_open', () => expect(linePath(east, size)).toBe('M200 300L600 300'));
  it('the_right_of_who_walks_east_is_south_which_is_down', () => expect(tips('left_to_right')).toEqual([[400, 326]]));
  it('the_other_way_points_up', () => expect(tips('right_to_left')).toEqual([[400, 274]]));
  it('both_is_two_arrows_and_unknown_is_none', () => expect([tips('both').length, tips(null).length]).toEqual([2, 0]));
  it('a_point_is_no_line', () => expect([linePath([[0, 0]], size), arrowPath([[0, 0]], 'both', size)]).toEqual(['', '']));
  it('a_line_has_a_label_too', () => expect(placeLabels([zone('wire', { line: east })], text, size)).toHaveLength(1));
});

describe('placeLabels', () => {
  it('a_quiet_label_lies_above_and_an_occupied_one_below_its_zone', () => {
    const at = (state: 'clear' | 'occupied') => placeLabels([zone('a', { state, polygons: [square(0.2, 0.3, 0.2)] })], text, size)[0]?.top ?? 0;
    expect(at('clear')).toBeLessThan(0.3 * 600);
    expect(at('occupied')).toBeGreaterThan(0.5 * 600);
  });
  it('labels_stay_inside_the_picture', () => {
    for (const [x, y] of [[0, 0], [0.9, 0], [0, 0.9], [0.95, 0.95]] as const) {
      const [label] = placeLabels([zone('a', { polygons: [square(x, y, 0.05)] })], text, size);
      expect(label && label.left >= 0 && label.left + label.width <= 800 && label.top >= 0 && label.top + 24 <= 600).toBe(true);
    }
  });
  it('labels_of_the_same_place_do_not_cover_each_other', () => {
    const zones = ['a', 'b', 'c', 'd'].map((id) => zone(id, { polygons: [square(0.4, 0.4, 0.1)] }));
    const tops = placeLabels(zones, text, size).map((l) => l.top).sort((a, b) => a - b);
    expect(tops.every((top, i) => i === 0 || top - (tops[i - 1] ?? 0) >= 24)).toBe(true);
  });
  it('a_zone_without_an_outline_has_no_label', () => expect(placeLabels([zone('a')], text, size)).toEqual([]));
});
