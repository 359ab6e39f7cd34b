import { describe, expect, it } from 'vitest';
import { changedShapes, consequencesFirst, doubtsOf, firstComparison, mayApprove, ownWords, shapesOf, type Version, type VersionState } from './zones';

const feature = (id: string, properties: object, geometry: object) => ({ type: 'Feature', properties: { id, name: id, ...properties }, geometry });
const square = { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1], [0, 0]]] };
const document = (...features: object[]) => ({ type: 'FeatureCollection', features });
const version = (number: number, state: VersionState, by = 'Eva'): Version => ({ number, state, by, digest: '', at: '', reason: '', approved_by: null, approved_at: null, applied_at: null, source: 'page' });

describe('shapesOf', () => {
  it('reads_polygons_and_lines', () => {
    const shapes = shapesOf(document(
      feature('gate', { kind: 'restricted' }, square),
      feature('fence', { kind: 'tripwire', direction: 'both' }, { type: 'LineString', coordinates: [[0, 0], [1, 1]] }),
      feature('yard', { kind: 'warning' }, { type: 'MultiPolygon', coordinates: [square.coordinates, square.coordinates] }),
    ));
    expect(shapes.map((s) => [s.id, s.kind, s.polygons.length, s.line?.length ?? 0, s.direction])).toEqual([
      ['gate', 'restricted', 1, 0, null], ['fence', 'tripwire', 0, 2, 'both'], ['yard', 'warning', 2, 0, null],
    ]);
  });
  it('a_kind_it_does_not_know_is_restricted', () => expect(shapesOf(document(feature('a', { kind: 'moat' }, square)))[0]?.kind).toBe('restricted'));
  it.each([[undefined], [null], [[]], [{ features: 3 }], [document({})], [document(feature('a', {}, { type: 'Point', coordinates: [0, 0] }))]])('%j has nothing to draw', (value) => expect(shapesOf(value)).toEqual([]));
});

describe('changedShapes', () => {
  const of = (...features: object[]) => shapesOf(document(...features));
  it('names_what_moved_came_or_went', () => {
    const moved = { ...square, coordinates: [[[0, 0], [0.5, 0], [1, 1], [0, 0]]] };
    expect([...changedShapes(of(feature('same', {}, square), feature('moved', {}, square), feature('gone', {}, square)), of(feature('same', {}, square), feature('moved', {}, moved), feature('new', {}, square)))].sort()).toEqual(['gone', 'moved', 'new']);
  });
  it('another_name_is_no_other_outline', () => expect(changedShapes(of(feature('a', { name: 'x' }, square)), of(feature('a', { name: 'y' }, square))).size).toBe(0));
});

describe('mayApprove', () => {
  it.each([
    ['proposed', 'Jana', 'second_person', 'yes'], ['proposed', 'Eva', 'second_person', 'own'], ['proposed', 'Eva', 'self', 'yes'],
    ['in_force', 'Jana', 'self', 'no'], ['refused', 'Jana', 'self', 'no'],
  ] as const)('%s by Eva seen by %s with approval %s: %s', (state, me, approval, answer) => expect(mayApprove(version(1, state), me, approval)).toBe(answer));
  it('whoever_drew_at_it_does_not_approve_it_either', () => {
    const drawn = { ...version(1, 'proposed'), drawn_by: ['Ben', 'Eva'] };
    expect([mayApprove(drawn, 'ben', 'second_person'), mayApprove(drawn, 'Jana', 'second_person'), mayApprove(drawn, 'Ben', 'self')]).toEqual(['own', 'yes', 'yes']);
    expect([ownWords(drawn, 'Ben'), ownWords(drawn, 'eva')]).toEqual(['You drew at it', 'You proposed it']);
  });
});

describe('firstComparison', () => {
  it('is_what_waits_against_what_is_in_force', () => expect(firstComparison([version(11, 'replaced'), version(12, 'in_force'), version(13, 'proposed')])).toEqual({ from: 12, to: 13 }));
  it('else_what_is_in_force_against_the_one_before', () => expect(firstComparison([version(10, 'replaced'), version(11, 'replaced'), version(12, 'in_force')])).toEqual({ from: 11, to: 12 }));
  it('is_none_with_one_version', () => expect(firstComparison([version(1, 'in_force')])).toBeNull());
});

describe('consequencesFirst', () => {
  it('a_guard_that_goes_is_said_before_all_else', () => {
    const told = consequencesFirst(['Gate road: one corner moved 18 px left', 'Press: hazard removed', 'Crossing: restricted zone removed', 'Hedge: new ignored area with 4 corners', 'Crossing: kind warning zone → ignored area']);
    expect(told.map(({ text, loss }) => [loss, text])).toEqual([
      [true, 'Crossing: restricted zone removed'],
      [true, 'Hedge: new ignored area with 4 corners'],
      [true, 'Crossing: kind warning zone → ignored area'],
      [false, 'Gate road: one corner moved 18 px left'],
      [false, 'Press: hazard removed'],
    ]);
  });
});

describe('doubtsOf', () => {
  it('warnings_and_set_backs_that_are_too_short_are_told_and_others_are_not', () => {
    const setback = (zone: string, tight: boolean, actual_m: number | null) => ({ zone, required_m: 2.26, actual_m, tight });
    expect(doubtsOf({ problems: [], warnings: [{ field: 'features[0]', message: 'Small.' }], setback: [setback('press-3', true, 1.9), setback('saw', false, 3), setback('lift', true, null)] }))
      .toEqual(['Small.', 'Set-back of press-3: wanted 2.26 m, it is 1.90 m.', 'Set-back of lift: wanted 2.26 m, it is not measurable.']);
  });
  it('an_older_box_that_says_nothing_is_no_fault', () => expect(doubtsOf({})).toEqual([]));
});
