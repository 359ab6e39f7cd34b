import { describe, expect, it } from 'vitest';
import type { Point } from '../../lib/api';
import { contains, meeting, orientation, place, ringShare, selfCrossing } from './geometry';
import { refusalOf, ringRefusal } from './validity';

const SQUARE: Point[] = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]];
const BOW: Point[] = [[0.2, 0.2], [0.6, 0.6], [0.6, 0.2], [0.2, 0.6]];

describe('orientation', () => {
  it('is_exact_where_floating_point_is_not', () => {
    // Neighbouring doubles beside a diagonal: the plain determinant gets some of their signs wrong.
    const ulp = 2 ** -53;
    const sign = (p: bigint) => (p > 0n ? 1 : p < 0n ? -1 : 0);
    const whole = (v: number) => BigInt(v * 2 ** 200);
    let differing = 0;
    for (let i = 0; i < 40; i += 1) {
      for (let j = 0; j < 40; j += 1) {
        const [a, b, c]: Point[] = [[0.5 + i * ulp, 0.5 + j * ulp], [12, 12], [24, 24]];
        const exact = sign((whole(a![0]) - whole(c![0])) * (whole(b![1]) - whole(c![1])) - (whole(a![1]) - whole(c![1])) * (whole(b![0]) - whole(c![0])));
        expect(orientation(a!, b!, c!)).toBe(exact);
        const plain = (a![0] - c![0]) * (b![1] - c![1]) - (a![1] - c![1]) * (b![0] - c![0]);
        if (Math.sign(plain) !== exact) differing += 1;
      }
    }
    expect(differing).toBeGreaterThan(0);
  });
  it('turning_around_changes_the_sign', () => {
    expect(orientation([0, 0], [1, 0], [1, 1])).toBe(1);
    expect(orientation([1, 1], [1, 0], [0, 0])).toBe(-1);
    expect(orientation([0, 0], [0.5, 0.5], [1, 1])).toBe(0);
  });
});

describe('selfCrossing', () => {
  it('finds_the_crossing_point_and_both_edges_of_a_bow_tie', () => {
    const crossing = selfCrossing(BOW, 'closed');
    expect(crossing?.numbers).toEqual([1, 3]);
    expect(crossing?.at[0]).toBeCloseTo(0.4);
    expect(crossing?.at[1]).toBeCloseTo(0.4);
  });
  it('a_plain_outline_has_none', () => expect(selfCrossing(SQUARE, 'closed')).toBeNull());
  it('touching_a_far_edge_counts', () => expect(selfCrossing([[0.2, 0.2], [0.6, 0.2], [0.4, 0.2], [0.4, 0.6]], 'closed')).not.toBeNull());
  it('running_back_on_itself_counts', () => expect(selfCrossing([[0.2, 0.2], [0.6, 0.2], [0.3, 0.2]], 'open')).not.toBeNull());
  it('the_last_edge_of_an_open_line_does_not_close_it', () => expect(selfCrossing([[0.2, 0.2], [0.6, 0.6], [0.6, 0.2]], 'open')).toBeNull());
  it('a_triangle_is_no_crossing', () => expect(selfCrossing(SQUARE.slice(0, 3), 'closed')).toBeNull());
  it('overlapping_edges_meet', () => expect(meeting([[0, 0], [0.5, 0]], [[0.25, 0], [1, 0]])).toEqual([0.25, 0]));
});

describe('contains', () => {
  const parts = [[SQUARE, [[0.3, 0.3], [0.5, 0.3], [0.5, 0.5], [0.3, 0.5]] as Point[]]];
  it('edges_belong_to_the_area_those_of_holes_too', () => {
    for (const point of [[0.2, 0.4], [0.6, 0.6], [0.3, 0.4], [0.5, 0.5]] as Point[]) expect(contains(parts, point)).toBe(true);
  });
  it('the_inside_of_a_hole_does_not', () => expect(contains(parts, [0.4, 0.4])).toBe(false));
  it('outside_is_outside', () => expect(contains(parts, [0.61, 0.4])).toBe(false));
  it('a_ray_through_a_corner_counts_once', () => {
    const diamond: Point[] = [[0.5, 0.2], [0.8, 0.5], [0.5, 0.8], [0.2, 0.5]];
    expect(place([0.3, 0.5], diamond)).toBe('inside');
    expect(place([0.1, 0.5], diamond)).toBe('outside');
    expect(place([0.1, 0.2], diamond)).toBe('outside');
  });
  it('is_the_same_whichever_way_the_outline_runs', () => {
    const turned = [...SQUARE].reverse();
    for (let i = 0; i < 200; i += 1) {
      const point: Point = [(i % 20) / 19, Math.floor(i / 20) / 9];
      expect(place(point, turned)).toBe(place(point, SQUARE));
    }
  });
});

describe('refusals', () => {
  it('a_bow_tie_is_refused_with_words_and_the_place', () => {
    const refusal = ringRefusal(BOW);
    expect(refusal?.words).toMatch(/Edge 1 and edge 3 would cross/);
    expect(refusal?.at).toBeDefined();
    expect(refusal?.edges).toHaveLength(2);
  });
  it('two_corners_are_no_outline', () => expect(ringRefusal(SQUARE.slice(0, 2))?.words).toMatch(/at least 3/));
  it('no_area_is_refused', () => expect(ringRefusal([[0.1, 0.1], [0.105, 0.1], [0.1, 0.105]])?.words).toMatch(/too small/));
  it('three_corners_on_one_line_are_refused', () => expect(ringRefusal([[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]])).not.toBeNull());
  it('a_hole_outside_its_zone_is_refused', () => {
    expect(refusalOf({ is: 'area', parts: [[SQUARE, [[0.7, 0.7], [0.8, 0.7], [0.8, 0.8]]]] })?.words).toMatch(/outside its zone/);
    expect(refusalOf({ is: 'area', parts: [[SQUARE, [[0.5, 0.5], [0.8, 0.5], [0.8, 0.55]]]] })?.words).toMatch(/crosses the outline/);
    expect(refusalOf({ is: 'area', parts: [[SQUARE, SQUARE]] })).not.toBeNull();
    // All its corners lie on the outline, and between two of them it leaves the zone.
    const notched: Point[] = [[0.2, 0.2], [0.6, 0.2], [0.4, 0.4], [0.6, 0.6], [0.2, 0.6]];
    expect(refusalOf({ is: 'area', parts: [[notched, [[0.6, 0.2], [0.6, 0.6], [0.3, 0.4]]]] })).not.toBeNull();
  });
  it('parts_that_overlap_are_refused_parts_that_touch_are_not', () => {
    const beside: Point[] = [[0.6, 0.2], [0.9, 0.2], [0.9, 0.6], [0.6, 0.6]];
    const over: Point[] = beside.map(([x, y]) => [x - 0.1, y]);
    const within: Point[] = [[0.3, 0.3], [0.4, 0.3], [0.4, 0.4]];
    expect(refusalOf({ is: 'area', parts: [[SQUARE], [beside]] })).toBeNull();
    expect(refusalOf({ is: 'area', parts: [[SQUARE], [over]] })?.words).toMatch(/overlap/);
    expect(refusalOf({ is: 'area', parts: [[SQUARE], [within]] })?.words).toMatch(/overlap/);
    expect(refusalOf({ is: 'area', parts: [[SQUARE], [SQUARE]] })?.words).toMatch(/overlap/);
    // A corner that only touches, and a slanted edge shared whole, are neighbours.
    expect(refusalOf({ is: 'area', parts: [[SQUARE], [[[0.6, 0.6], [0.9, 0.7], [0.7, 0.9]]]] })).toBeNull();
    expect(refusalOf({ is: 'area', parts: [[[[0.1, 0.1], [0.37, 0.71], [0.1, 0.9]]], [[[0.1, 0.1], [0.9, 0.1], [0.37, 0.71]]]] })).toBeNull();
  });
  it('a_line_of_no_length_is_refused', () => {
    expect(refusalOf({ is: 'line', points: [[0.1, 0.1], [0.1, 0.1]] })).not.toBeNull();
    expect(refusalOf({ is: 'line', points: [[0.1, 0.1], [0.5, 0.1]] })).toBeNull();
  });
  it('the_share_of_a_square_is_its_area', () => expect(ringShare(SQUARE)).toBeCloseTo(0.16));
});
