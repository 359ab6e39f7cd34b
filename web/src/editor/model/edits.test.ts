import { describe, expect, it } from 'vitest';
import type { Point } from '../../lib/api';
import { EMPTY, fromWire, sameDocument, tidy, toWire, type Document, type Zone } from './document';
import * as drawing from './drawing';
import * as edits from './edits';
import { begin, change, redo, STEPS_MAX, undo } from './history';

const RING: Point[] = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]];
const HOLE: Point[] = [[0.3, 0.3], [0.5, 0.3], [0.5, 0.5]];
const NAMING = { camera: 'yard', taken: new Set(['yard-1']) };
const corner = (index: number, ring = 0): edits.Corner => ({ zone: 'gate', part: 0, ring, index });

function gate(rest: Partial<Zone> = {}): Document {
  return { ...EMPTY, zones: [{ id: 'gate', name: 'Gate', kind: 'restricted', shape: { is: 'area', parts: [[RING]] }, ...rest }] };
}
function must(edit: edits.Edit): Document {
  if (!edit.ok) throw new Error(edit.refusal.words);
  return edit.document;
}
function refusal(edit: edits.Edit): string {
  return edit.ok ? '' : edit.refusal.words;
}

describe('corners', () => {
  it('a_moved_corner_is_the_only_thing_that_changes', () => {
    const next = must(edits.moveCorner(gate(), corner(0), [0.1, 0.1]));
    expect(edits.cornerAt(next, corner(0))).toEqual([0.1, 0.1]);
    expect(edits.cornerAt(next, corner(1))).toEqual([0.6, 0.2]);
  });
  it('a_corner_stays_in_the_frame', () => expect(edits.cornerAt(must(edits.moveCorner(gate(), corner(0), [-0.4, -3])), corner(0))).toEqual([0, 0]));
  it('a_move_that_makes_the_outline_cross_itself_is_refused_with_both_edges', () => {
    const edit = edits.moveCorner(gate(), corner(0), [0.7, 0.4]);
    expect(edit.ok).toBe(false);
    if (!edit.ok) expect(edit.refusal.edges).toHaveLength(2);
  });
  it('a_corner_is_added_on_its_edge', () => {
    const next = must(edits.insertCorner(gate(), corner(3), [0.15, 0.4]));
    expect(edits.ringOf(next, corner(0))).toHaveLength(5);
    expect(edits.cornerAt(next, corner(4))).toEqual([0.15, 0.4]);
  });
  it('the_third_last_corner_stays', () => {
    const three = must(edits.deleteCorner(gate(), corner(0)));
    expect(refusal(edits.deleteCorner(three, corner(0)))).toMatch(/at least 3 corners/);
    const line = gate({ kind: 'tripwire', shape: { is: 'line', points: [[0.1, 0.1], [0.9, 0.9]] } });
    expect(refusal(edits.deleteCorner(line, corner(0)))).toMatch(/at least 2/);
  });
  it('deleting_a_corner_may_not_make_the_outline_cross_itself', () => {
    // Without its second corner the upper edge would run through the notch.
    const notched: Point[] = [[0.1, 0.3], [0.3, 0.1], [0.5, 0.3], [0.5, 0.6], [0.3, 0.2], [0.1, 0.6]];
    const edit = edits.deleteCorner(gate({ shape: { is: 'area', parts: [[notched]] } }), corner(1));
    expect(refusal(edit)).toMatch(/would cross/);
  });
});

describe('zones', () => {
  it('a_moved_zone_stops_at_the_edge_and_keeps_its_form', () => {
    const ring = edits.ringOf(must(edits.moveZone(gate(), 'gate', [-0.5, 0.9])), corner(0));
    expect(ring).toEqual([[0, 0.6], [0.4, 0.6], [0.4, 1], [0, 1]].map((p) => tidy(p as unknown as Point)));
  });
  it('a_copy_has_an_id_nobody_has_and_a_name_of_its_own', () => {
    const { edit, id } = edits.duplicateZone(gate(), 'gate', NAMING);
    const next = must(edit);
    expect(id).toBe('yard-2');
    expect(next.zones.map((zone) => zone.name)).toEqual(['Gate', 'Gate copy']);
    expect(edits.ringOf(next, { ...corner(0), zone: id })?.[0]).toEqual([0.23, 0.23]);
  });
  it('a_hole_goes_into_the_part_it_lies_in', () => {
    const far: Point[] = [[0.7, 0.7], [0.9, 0.7], [0.9, 0.9]];
    const two = must(edits.addPart(gate(), 'gate', far));
    const next = must(edits.addHole(two, 'gate', HOLE));
    expect(edits.ringOf(next, corner(0, 1))).toEqual(HOLE);
    expect(refusal(edits.addHole(gate(), 'gate', far))).toMatch(/outside its zone/);
    expect(refusal(edits.addPart(gate(), 'gate', HOLE))).toMatch(/overlap/);
  });
  it('deleting_the_last_part_deletes_the_zone', () => {
    const holed = must(edits.addHole(gate(), 'gate', HOLE));
    expect(edits.ringOf(edits.deleteRing(holed, corner(0, 1)), corner(0, 1))).toBeUndefined();
    expect(edits.deleteRing(gate(), corner(0)).zones).toEqual([]);
  });
  it('another_kind_says_what_it_must_and_no_more', () => {
    const zone = edits.changeKind(gate({ approach_ms: 500, hazard: { outline: HOLE, stop_time_ms: 1, height_m: 0 } }), 'gate', 'occupancy').zones[0];
    expect(zone?.count).toEqual({ at_most: 1 });
    expect(zone?.approach_ms).toBeUndefined();
    expect(zone?.hazard).toBeUndefined();
    expect(edits.changeKind(gate({ latch: true }), 'gate', 'warning').zones[0]?.latch).toBe(true);
    expect(edits.changeKind(gate({ latch: true }), 'gate', 'ignore').zones[0]).not.toHaveProperty('latch');
    expect(edits.changeKind(gate({ schedule: { armed: [] } }), 'gate', 'ignore').zones[0]).not.toHaveProperty('schedule');
  });
  it('the_smallest_zone_under_a_pointer_is_meant', () => {
    const small: Zone = { id: 'small', name: 'Small', kind: 'warning', shape: { is: 'area', parts: [[HOLE]] } };
    const both = { ...gate(), zones: [small, ...gate().zones] };
    expect(edits.zoneAt(both, [0.45, 0.35], 0)?.id).toBe('small');
    expect(edits.zoneAt(both, [0.25, 0.25], 0)?.id).toBe('gate');
    expect(edits.zoneAt(both, [0.9, 0.9], 0)).toBeUndefined();
  });
});

describe('drawing', () => {
  const points = (...at: Point[]) => at.reduce((d, p) => { const step = drawing.add(d, p); return step.is === 'closed' ? d : step.drawing; }, drawing.start('ring'));
  it('closes_to_the_points_that_were_clicked', () => expect(drawing.close(points(...RING))).toEqual({ is: 'closed', points: RING }));
  it('a_point_that_makes_it_cross_is_not_placed', () => {
    const step = drawing.add(points([0.2, 0.2], [0.6, 0.2], [0.6, 0.6]), [0.4, 0.1]);
    expect(step.is).toBe('refused');
    if (step.is === 'refused') expect(step.drawing.points).toHaveLength(3);
  });
  it('a_closing_edge_that_crosses_is_refused', () => {
    expect(drawing.close(points([0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.3, 0.8], [0.3, 0.4], [0.6, 0.4], [0.6, 0.6])).is).toBe('refused');
  });
  it('two_points_do_not_close', () => expect(drawing.close(points([0.1, 0.1], [0.2, 0.2])).is).toBe('refused'));
  it('backspace_takes_the_last_and_then_all', () => {
    expect(drawing.back(points([0.1, 0.1], [0.2, 0.2]))?.points).toHaveLength(1);
    expect(drawing.back(points([0.1, 0.1]))).toBeNull();
  });
  it('the_second_press_of_a_double_click_is_no_second_point', () => expect(points([0.1, 0.1], [0.1, 0.1]).points).toHaveLength(1));
  it('a_rectangle_runs_from_any_corner_to_any_other', () => {
    expect(drawing.rectangle([0.6, 0.6], [0.2, 0.2])).toHaveLength(4);
    expect(drawing.rectangle([0.6, 0.6], [0.6, 0.2])).toBeNull();
  });
});

describe('history', () => {
  it('undo_and_redo_go_the_same_way_back', () => {
    let h = begin(0);
    for (const n of [1, 2, 3]) h = change(h, n, null, 0);
    h = undo(undo(h));
    expect(h.present).toBe(1);
    expect(redo(h).present).toBe(2);
    expect(redo(redo(redo(h))).present).toBe(3);
    expect(undo(undo(undo(h))).present).toBe(0);
  });
  it('a_change_after_undo_forgets_what_was_undone', () => expect(redo(change(undo(change(begin(0), 1, null, 0)), 5, null, 0)).present).toBe(5));
  it('typing_one_name_is_one_step', () => {
    let h = begin('');
    for (const [i, text] of ['G', 'Ga', 'Gate'].entries()) h = change(h, text, 'name:gate', i * 200);
    expect(undo(h).present).toBe('');
    expect(undo(change(h, 'Gates', 'name:gate', 60_000)).present).toBe('Gate');
    expect(undo(change(h, 'Pit', 'name:pit', 600)).present).toBe('Gate');
  });
  it('is_bounded', () => {
    let h = begin(0);
    for (let n = 1; n <= STEPS_MAX + 50; n += 1) h = change(h, n, null, 0);
    expect(h.past).toHaveLength(STEPS_MAX);
  });
});

describe('document', () => {
  const wire = { type: 'FeatureCollection', name: 'yard', features: [
    { type: 'Feature', properties: { id: 'gate', name: 'Gate', kind: 'restricted' }, geometry: { type: 'Polygon', coordinates: [[...RING, RING[0]], [...HOLE, HOLE[0]]] } },
    { type: 'Feature', properties: { id: 'wire', name: 'Wire', kind: 'tripwire', direction: 'both' }, geometry: { type: 'LineString', coordinates: [[0, 0], [1, 1]] } },
    { type: 'Feature', properties: { id: 'two', name: 'Two', kind: 'warning' }, geometry: { type: 'MultiPolygon', coordinates: [[[...RING, RING[0]]], [[[0.7, 0.7], [0.9, 0.7], [0.9, 0.9], [0.7, 0.7]]]] } },
  ] };
  it('comes_back_as_it_was_read', () => expect(toWire(fromWire(wire))).toEqual(wire));
  it('rings_are_open_inside_and_closed_outside', () => expect(fromWire(wire).zones[0]?.shape).toEqual({ is: 'area', parts: [[RING, HOLE]] }));
  it('what_the_box_fills_in_is_no_difference', () => {
    const bare = gate();
    const filled = gate({ criterion: 'foot', enter_window_ms: 300, clear_after_ms: 1_000, dwell_ms: 0, schedule: undefined });
    expect(sameDocument(bare, filled)).toBe(true);
    expect(sameDocument(bare, gate({ enter_window_ms: 200 }))).toBe(false);
    expect([sameDocument(bare, gate({ latch: false })), sameDocument(bare, gate({ latch: true }))]).toEqual([true, false]);
    expect(sameDocument(bare, gate({ name: 'Other' }))).toBe(false);
  });
  it('refuses_what_is_no_document', () => expect(() => fromWire({ features: 3 })).toThrow());
});
