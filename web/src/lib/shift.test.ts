import { describe, expect, it } from 'vitest';
import { isBack, isPlain, shifted, shiftedShape, shiftWords, type Shift } from './shift';
import type { Point } from './api';

const WIDE = { width: 1920, height: 1080 };
const by = (x_norm: number, y_norm: number, turn_deg = 0, zoom = 1): Shift => ({ x_norm, y_norm, turn_deg, zoom });
const px = ([x, y]: Point): number[] => [Math.round(x * WIDE.width * 10) / 10, Math.round(y * WIDE.height * 10) / 10];

describe('shifted', () => {
  it('a_view_that_slid_takes_every_point_as_far', () => expect(shifted([0.2, 0.4], by(0.1, -0.05), WIDE)).toEqual([expect.closeTo(0.3), expect.closeTo(0.35)]));

  it.each([
    ['the middle stays', [0.5, 0.5], [960, 540]],
    ['what was above lies to the right', [0.5, 0], [1500, 540]],
    ['what was to the right lies below', [1, 0.5], [960, 1500]],
  ] as [string, Point, number[]][])('a_quarter_turn_clockwise_as_seen: %s', (_what, point, at) => expect(px(shifted(point, by(0, 0, 90), WIDE))).toEqual(at));

  it('a_turn_keeps_distances_in_pixels_in_a_frame_that_is_not_square', () => {
    const [a, b] = [[0.3, 0.3], [0.7, 0.9]] as Point[] as [Point, Point];
    const apart = (p: Point, q: Point) => Math.hypot((p[0] - q[0]) * WIDE.width, (p[1] - q[1]) * WIDE.height);
    const turn = by(0.01, 0.02, 7);
    expect(apart(shifted(a, turn, WIDE), shifted(b, turn, WIDE))).toBeCloseTo(apart(a, b));
  });

  it('is_turned_first_and_shifted_then', () => expect(px(shifted([0.5, 0], by(0.1, 0, 90), WIDE))).toEqual([1692, 540]));

  it('what_is_zoomed_grows_about_the_middle', () => expect(px(shifted([0.75, 0.5], by(0, 0.1, 0, 1.1), WIDE))).toEqual([1488, 648]));

  it('an_outline_and_a_line_move_alike', () => {
    const shape = { polygons: [[[[0, 0], [0.5, 0.5]]]] as Point[][][], line: [[0, 0], [0.5, 0.5]] as Point[] };
    expect(shiftedShape(shape, by(0.25, 0), WIDE)).toEqual({ polygons: [[[[0.25, 0], [0.75, 0.5]]]], line: [[0.25, 0], [0.75, 0.5]] });
    expect(shiftedShape({ polygons: [], line: null }, by(0.25, 0), WIDE)).toEqual({ polygons: [], line: null });
  });
});

describe('shiftWords', () => {
  it.each([
    [by(0.01, -0.01, 1), '19 px to the right, 11 px up, turned by 1.0° clockwise'],
    [by(-0.01, 0.01, -0.25), '19 px to the left, 11 px down, turned by 0.3° anticlockwise'],
    [by(0, 0.01), '11 px down'],
    [by(0, 0.01, 0, 1.02), '11 px down, 2 % larger'],
    [by(0, 0, 0, 0.97), '3 % smaller'],
    [by(0.0001, 0), 'by less than a pixel'],
  ])('%j is %s', (shift, words) => expect(shiftWords(shift, WIDE)).toBe(words));
});

describe('isPlain', () => {
  it('ten_pixels_are_seen_with_one_picture_over_the_other', () => expect(isPlain(by(10 / 1920, 0), WIDE)).toBe(false));
  it('a_twentieth_of_the_picture_is_seen_side_by_side', () => expect(isPlain(by(0.05, 0), WIDE)).toBe(true));
  it('a_turn_is_judged_where_it_moves_most', () => expect(isPlain(by(0, 0, 4), WIDE)).toBe(true));
});

describe('isBack', () => {
  it.each([[by(6 / 1920, 0), true], [by(8 / 1920, 0), false], [by(0, 8 / 1080), false], [by(0, 0, 0.1), true], [by(0, 0, 1), false]])('%j: %s', (shift, back) => expect(isBack(shift, WIDE)).toBe(back));
});
