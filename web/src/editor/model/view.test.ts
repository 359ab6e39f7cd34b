import { describe, expect, it } from 'vitest';
import type { Point } from '../../lib/api';
import { EMPTY, type Document, type Zone } from './document';
import { addPerson, addPoint, asMeasured, asRectangle, nextStep, rectangleOf, tapesOf, unmeasured } from './floor';
import { handleAt, handlesOf } from './hit';
import { arrowPaths, placeNames } from './paths';
import { SNAP_PX, snapped, snapTargets } from './snap';
import { panned, placement, toFrame, toScreen, WHOLE, zoomed, ZOOM_MAX } from './view';
import { cornerWords, directionWords, errorWords, shapeWords, zoneWords } from './words';

const STAGE = { width: 800, height: 500 };
const FRAME = { width: 768, height: 576 };
const RING: Point[] = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]];
const GATE: Zone = { id: 'gate', name: 'Gate road', kind: 'restricted', shape: { is: 'area', parts: [[RING]] } };
const site: Document = { ...EMPTY, zones: [GATE] };
const at = placement(STAGE, FRAME, WHOLE);

describe('the view', () => {
  it('fits_the_whole_picture_in_the_middle', () => {
    expect(at.height).toBeCloseTo(500);
    expect(at.left + at.width / 2).toBeCloseTo(400);
  });
  it('a_point_on_the_screen_is_the_point_of_the_frame', () => {
    const view = zoomed(WHOLE, 3, [120, 300], STAGE, FRAME);
    const there = placement(STAGE, FRAME, view);
    const [x, y] = toFrame(toScreen([0.31, 0.77], there), there);
    expect(x).toBeCloseTo(0.31);
    expect(y).toBeCloseTo(0.77);
  });
  it('what_lies_under_the_pointer_stays_there_when_zooming_in', () => {
    const anchor: Point = [300, 200];
    const before = toFrame(anchor, at);
    const after = toFrame(anchor, placement(STAGE, FRAME, zoomed(WHOLE, 2, anchor, STAGE, FRAME)));
    expect(after[0]).toBeCloseTo(before[0]);
    expect(after[1]).toBeCloseTo(before[1]);
  });
  it('the_picture_never_leaves_the_stage', () => {
    for (const [dx, dy] of [[9_999, 0], [-9_999, 0], [0, 9_999], [0, -9_999]] as const) {
      const there = placement(STAGE, FRAME, panned(zoomed(WHOLE, 4, [0, 0], STAGE, FRAME), dx, dy, STAGE, FRAME));
      expect(there.left).toBeLessThanOrEqual(0.001);
      expect(there.left + there.width).toBeGreaterThanOrEqual(799.999);
      expect(there.top).toBeLessThanOrEqual(0.001);
      expect(there.top + there.height).toBeGreaterThanOrEqual(499.999);
    }
  });
  it('zoom_is_bounded_both_ways', () => {
    expect(zoomed(WHOLE, 1e9, [0, 0], STAGE, FRAME).zoom).toBe(ZOOM_MAX);
    expect(zoomed(WHOLE, 1e-9, [0, 0], STAGE, FRAME)).toEqual({ ...WHOLE, left_px: expect.closeTo(0), top_px: expect.closeTo(0) });
  });
});

describe('snapping', () => {
  const near = (point: Point, px: number): Point => [point[0] + px / at.width, point[1]];
  it('pulls_to_a_corner_of_another_zone_within_its_reach', () => {
    expect(snapped(near([0.6, 0.2], SNAP_PX - 1), snapTargets(site, null), at, 'pull')).toEqual({ point: [0.6, 0.2], to: 'corner' });
    expect(snapped(near([0.6, 0.2], SNAP_PX + 1), snapTargets(site, null), at, 'pull').to).toBeNull();
  });
  it('a_zone_does_not_pull_its_own_corners', () => expect(snapTargets(site, 'gate')).toEqual([]));
  it('pulls_to_the_edge_of_the_frame', () => expect(snapped([0.005, 0.5], [], at, 'pull')).toEqual({ point: [0, 0.5], to: 'edge' }));
  it('alt_lets_go_but_not_out_of_the_frame', () => {
    expect(snapped([0.005, 0.5], [], at, 'free')).toEqual({ point: [0.005, 0.5], to: null });
    expect(snapped([1.4, 0.5], [], at, 'free').point).toEqual([1, 0.5]);
  });
});

describe('handles', () => {
  it('a_corner_wins_over_the_middle_beside_it', () => {
    const tiny: Zone = { ...GATE, shape: { is: 'area', parts: [[[[0.2, 0.2], [0.26, 0.2], [0.26, 0.26]]]] } };
    const handle = handleAt(tiny, toScreen([0.2, 0.2], at), at, 'touch');
    expect(handle).toMatchObject({ is: 'corner', corner: { index: 0 } });
  });
  it('a_finger_reaches_further_than_a_mouse', () => {
    const [x, y] = toScreen([0.2, 0.2], at);
    expect(handleAt(GATE, [x - 18, y], at, 'mouse')).toBeNull();
    expect(handleAt(GATE, [x - 18, y], at, 'touch')).not.toBeNull();
  });
  it('each_edge_has_its_middle_the_closing_one_too', () => expect(handlesOf(GATE, at).filter(({ is }) => is === 'middle')).toHaveLength(4));
  it('a_line_has_no_closing_edge', () => expect(handlesOf({ ...GATE, shape: { is: 'line', points: RING } }, at).filter(({ is }) => is === 'middle')).toHaveLength(3));
});

describe('drawing over the picture', () => {
  it('the_arrow_points_from_left_to_right_as_seen_along_the_line', () => {
    // Along a line that runs to the right in the picture, left is up and right is down.
    const [path] = arrowPaths([[0.2, 0.5], [0.8, 0.5]], 'left_to_right', at);
    const [from, tip] = (path ?? '').split(/[ML]/).filter(Boolean).map((p) => Number(p.trim().split(' ')[1]));
    expect(tip).toBeGreaterThan(from ?? Infinity);
    expect(arrowPaths([[0.2, 0.5], [0.8, 0.5]], 'both', at)).toHaveLength(2);
  });
  it('names_stay_on_the_stage_and_off_each_other', () => {
    const labels = placeNames(['a', 'b', 'c'].map((of) => ({ of, shape: GATE.shape, text: `Zone ${of}` })), at, STAGE);
    expect(new Set(labels.map(({ top }) => top)).size).toBe(3);
    expect(labels.every(({ left, top, width }) => left >= 0 && left + width <= 800 && top >= 0)).toBe(true);
  });
});

describe('words', () => {
  it('say_which_corner_and_where', () => expect(cornerWords(site, { zone: 'gate', part: 0, ring: 0, index: 2 }, FRAME)).toBe('Gate road, corner 3 of 4, x 461, y 346'));
  it('say_what_a_zone_is_and_who_is_in_it', () => expect(zoneWords(GATE, 2)).toBe('Gate road, restricted, 4 corners, 2 people inside now'));
  it('count_holes_and_parts', () => expect(shapeWords({ ...GATE, shape: { is: 'area', parts: [[RING, RING], [RING]] } })).toBe('2 parts, 8 corners, 1 hole'));
  it('a_direction_is_words', () => expect(directionWords('both')).toBe('either way'));
  it('an_error_has_its_unit', () => expect([errorWords(0.04), errorWords(1.2)]).toEqual(['±\u00a04\u00a0cm', '±\u00a01.20\u00a0m']));
});

describe('the floor', () => {
  const four = RING.reduce(addPoint, { points: [], people: [] } as Parameters<typeof addPoint>[0]);
  it('asks_for_what_is_missing', () => {
    expect(nextStep({ points: four.points.slice(0, 3), people: [] })).toMatch(/1 more point/);
    expect(nextStep(four)).toMatch(/how far apart/);
    expect(nextStep(asRectangle(four, 8, 6))).toBe('');
  });
  it('a_rectangle_is_known_again', () => {
    expect(rectangleOf(asRectangle(four, 8, 6).points)).toEqual({ width_m: 8, length_m: 6 });
    expect(rectangleOf(four.points)).toBeNull();
    expect(unmeasured(four)).toBe(true);
  });
  it('a_fifth_point_keeps_its_own_metres', () => {
    const five = addPoint(four, [0.5, 0.5]);
    const measured = { ...five, points: five.points.map((p, i) => (i === 4 ? { ...p, ground_m: [3, 3] as Point } : p)) };
    expect(asRectangle(measured, 8, 6).points[4]?.ground_m).toEqual([3, 3]);
  });
  it('five_tapes_of_a_rectangle_are_that_rectangle', () => {
    const measured = asMeasured(four, [8, 6, 8, 6, 10]);
    expect(typeof measured === 'string' ? measured : rectangleOf(measured.points)).toEqual({ width_m: 8, length_m: 6 });
  });
  it('five_tapes_of_any_four_corners_are_those_corners', () => {
    const yard: Point[] = [[0, 0], [7.5, 0], [9.2, 4.1], [-1.3, 5.6]];
    const there = four.points.map((point, i) => ({ ...point, ground_m: yard[i] ?? ([0, 0] as Point) }));
    const tapes = (tapesOf(there) ?? []).map((m) => Math.round(m * 100) / 100);
    const measured = asMeasured(four, tapes);
    if (typeof measured === 'string') throw new Error(measured);
    measured.points.forEach(({ ground_m: [x, y] }, i) => expect(Math.hypot(x - (yard[i]?.[0] ?? 0), y - (yard[i]?.[1] ?? 0))).toBeLessThan(0.03));
  });
  it('tapes_that_do_not_meet_are_refused_with_their_names', () => {
    expect(asMeasured(four, [8, 6, 8, 6, 15])).toMatch(/1 to 2, 2 to 3 and 1 to 3 .*15 m/);
    expect(asMeasured(four, [8, 6, 1, 2, 10])).toMatch(/3 to 4, 4 to 1 and 1 to 3/);
  });
  it('people_are_kept_beside_the_points', () => expect(addPerson(four, [0.3, 0.7], [0.3, 0.5]).people).toHaveLength(1));
});
