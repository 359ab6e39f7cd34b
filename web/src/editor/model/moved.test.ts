import { describe, expect, it } from 'vitest';
import type { Point } from '../../lib/api';
import type { Shift } from '../../lib/shift';
import { EMPTY, type Document, type Kind, type Zone } from './document';
import { rings } from './edits';
import { movedWithView } from './moved';

const FRAME = { width: 1000, height: 500 };
const by = (x_norm: number, y_norm: number, turn_deg = 0): Shift => ({ x_norm, y_norm, turn_deg, zoom: 1 });
const area = (ring: Point[], kind: Kind = 'restricted', rest: Partial<Zone> = {}): Zone => ({ id: 'a', name: 'Gate', kind, shape: { is: 'area', parts: [[ring]] }, ...rest });
const INSIDE: Point[] = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]];
const moved = (zones: Zone[], shift: Shift, rest: Partial<Document> = {}) => movedWithView({ ...EMPTY, ...rest, zones }, shift, FRAME);
const corners = (document: Document, index = 0) => rings((document.zones[index] as Zone).shape).flat(2);

describe('movedWithView', () => {
  it('a_zone_keeps_its_form_and_everything_it_says', () => {
    const zone = area(INSIDE, 'restricted', { dwell_ms: 200, latch: true });
    const { document, notes } = moved([zone], by(0.1, -0.05));
    expect(corners(document)).toEqual([[0.5, 0.35], [0.7, 0.35], [0.7, 0.55], [0.5, 0.55]]);
    expect(document.zones[0]).toMatchObject({ id: 'a', name: 'Gate', dwell_ms: 200, latch: true });
    expect(notes).toEqual([]);
  });

  it('a_zone_turns_about_the_middle_of_the_frame_in_pixels', () => {
    // 100 px above the middle: a quarter turn clockwise puts it 100 px to the right, a tenth of the width.
    const { document } = moved([area([[0.5, 0.3], [0.55, 0.45], [0.45, 0.45]])], by(0, 0, 90));
    expect(corners(document)[0]).toEqual([0.6, 0.5]);
  });

  it('holes_parts_lines_and_hazards_move_with_it', () => {
    const hole: Point[] = [[0.45, 0.45], [0.55, 0.45], [0.55, 0.55]];
    const second: Point[] = [[0.7, 0.7], [0.8, 0.7], [0.8, 0.8]];
    const machine = area(INSIDE, 'restricted', { shape: { is: 'area', parts: [[INSIDE, hole], [second]] }, hazard: { outline: [[0.4, 0.4], [0.5, 0.4], [0.5, 0.5]], stop_time_ms: 300, height_m: 1 } });
    const line: Zone = { id: 'l', name: 'Door', kind: 'tripwire', direction: 'both', shape: { is: 'line', points: [[0.1, 0.5], [0.3, 0.5]] } };
    const { document } = moved([machine, line], by(0.1, 0.1));
    expect(document.zones[0]?.shape).toEqual({ is: 'area', parts: [[[[0.5, 0.5], [0.7, 0.5], [0.7, 0.7], [0.5, 0.7]], [[0.55, 0.55], [0.65, 0.55], [0.65, 0.65]]], [[[0.8, 0.8], [0.9, 0.8], [0.9, 0.9]]]] });
    expect(document.zones[0]?.hazard).toEqual({ outline: [[0.5, 0.5], [0.6, 0.5], [0.6, 0.6]], stop_time_ms: 300, height_m: 1 });
    expect(corners(document, 1)).toEqual([[0.2, 0.6], [0.4, 0.6]]);
  });

  it('a_corner_that_leaves_the_picture_lies_at_its_edge_and_that_is_said', () => {
    const { document, notes } = moved([area([[0.6, 0.4], [0.95, 0.4], [0.95, 0.6], [0.6, 0.6]])], by(0.1, 0));
    expect(corners(document)).toEqual([[0.7, 0.4], [1, 0.4], [1, 0.6], [0.7, 0.6]]);
    expect(notes).toEqual(['Gate: 2 corners have left the picture and lie at its edge.']);
  });

  it('a_zone_that_was_drawn_to_the_edge_of_the_picture_leaves_no_strip_unguarded', () => {
    const { document, notes } = moved([area([[0, 0.5], [1, 0.5], [1, 1], [0, 1]])], by(0.02, -0.1));
    expect(corners(document)).toEqual([[0, 0.4], [1, 0.4], [1, 1], [0, 1]]);
    expect(notes).toEqual(['Gate: was drawn to the edge of the picture and still reaches it.']);
  });

  it('an_ignored_area_never_grows', () => {
    const { document } = moved([area([[0, 0.5], [0.5, 0.5], [0.5, 1], [0, 1]], 'ignore')], by(0.1, -0.1));
    expect(corners(document)).toEqual([[0.1, 0.4], [0.6, 0.4], [0.6, 0.9], [0.1, 0.9]]);
  });

  it('a_zone_of_which_nothing_is_left_in_the_picture_stays_and_that_is_said', () => {
    const zone = area([[0.8, 0.4], [0.95, 0.4], [0.95, 0.6], [0.8, 0.6]]);
    const { document, notes } = moved([zone], by(0.3, 0));
    expect(document.zones).toEqual([zone]);
    expect(notes).toEqual([expect.stringMatching(/^Gate would not fit into the picture and lies where it did/)]);
  });

  it('points_of_the_floor_move_and_those_out_of_the_picture_are_said_to_be_gone', () => {
    const floor = { points: [{ image: [0.5, 0.5] as Point, ground_m: [0, 0] as Point }, { image: [0.95, 0.5] as Point, ground_m: [3, 0] as Point }], people: [{ foot: [0.5, 0.8] as Point, head: [0.5, 0.6] as Point, height_m: 1.75 }] };
    const { document, notes } = moved([], by(0.1, 0), { floor });
    expect(document.floor).toEqual({ points: [{ image: [0.6, 0.5], ground_m: [0, 0] }], people: [{ foot: [0.6, 0.8], head: [0.6, 0.6], height_m: 1.75 }] });
    expect(notes).toEqual([expect.stringMatching(/^A mark of the floor has left/)]);
  });

  it('what_is_marked_as_a_thing_keeps_its_size_and_stays_in_the_picture', () => {
    const mark = { box: [0.8, 0.2, 0.1, 0.2] as const, reason: 'a post', until: '2026-04-01T00:00:00Z' };
    expect(moved([], by(0.05, 0.1), { marks: [mark] }).document.marks).toEqual([{ ...mark, box: [0.85, 0.3, 0.1, 0.2] }]);
    expect(moved([], by(0.5, -0.5), { marks: [mark] }).document.marks[0]?.box).toEqual([0.9, 0, 0.1, 0.2]);
  });

  it('nothing_moves_where_the_view_has_not', () => {
    const document = { ...EMPTY, zones: [area(INSIDE), area([[0, 0], [1, 0], [1, 1]])] };
    expect(movedWithView(document, by(0, 0), FRAME)).toEqual({ document, notes: [] });
  });
});
