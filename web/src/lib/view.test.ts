import { describe, expect, it } from 'vitest';
import { siteClock } from './format';
import { FAULTS, meaningOf, measuredWords, parseView, referenceWords, shiftNow, standingOf, viewPath, viewPicture, whyWords, type Reference } from './view';
import { camera } from './testing';

const REFERENCE: Reference = { taken_at: '2026-03-01T13:00:00Z', why: 'zones_approved', by: 'Eva', zone_version: 12, picture: '/api/cameras/yard/view/reference.jpg' };
const MOVED = { kind: 'moved', words: 'the view has moved', unit: 'pixels of 1920', since: '2026-03-01T14:00:00Z', measured: 27, limit: 7, picture: '/api/cameras/yard/view/trouble.jpg' };
const wire = (rest: object = {}) => ({ camera: 'yard', judged: true, reference: REFERENCE, trouble: null, shift: null, ...rest });

describe('parseView', () => {
  it('reads_what_the_box_says', () => {
    const view = parseView(wire({ trouble: MOVED, shift: { x_norm: 0.01, y_norm: -0.02, turn_deg: 1, zoom: 1.1 } }));
    expect(view).toEqual({ camera: 'yard', judged: true, reference: REFERENCE, trouble: MOVED, shift: { x_norm: 0.01, y_norm: -0.02, turn_deg: 1, zoom: 1.1 } });
  });
  it('a_shift_without_a_turn_is_not_turned', () => expect(parseView(wire({ shift: { x_norm: 0.01, y_norm: 0 } })).shift).toEqual({ x_norm: 0.01, y_norm: 0, turn_deg: 0, zoom: 1 }));
  it.each([null, [], 'well', {}, { trouble: 'moved' }, wire({ shift: { x_norm: 'far', y_norm: 0 } }), wire({ shift: { x_norm: null, y_norm: 0, turn_deg: 0 } })])('%j is not taken for a view that is well', (value) => {
    expect(() => parseView(value)).toThrow();
  });
});

describe('standingOf', () => {
  const yard = camera('yard');
  const is = (rest: object, of = yard) => standingOf(parseView(wire(rest)), of).is;
  it('a_view_like_its_reference_is_well', () => expect(is({})).toBe('well'));
  it('trouble_comes_before_everything', () => expect(is({ trouble: MOVED, judged: false, reference: null })).toBe('trouble'));
  it('a_camera_without_a_picture_is_never_well', () => expect(is({}, camera('yard', { state: 'unknown', reason: 'pictures stopped coming' }))).toBe('unseen'));
  it('without_a_reference_the_view_is_being_learned', () => expect(is({ reference: null })).toBe('learning'));
  it('a_test_pattern_is_not_judged', () => expect(is({ judged: false, reference: null })).toBe('not_judged'));
});

describe('words', () => {
  it('every_fault_has_its_own_name_and_says_how_it_ends', () => {
    expect(new Set(FAULTS.map((fault) => meaningOf(fault).title)).size).toBe(FAULTS.length);
    for (const fault of FAULTS) expect(meaningOf(fault).ends).not.toBe('');
  });
  it('only_a_view_that_moved_needs_to_be_confirmed', () => expect(FAULTS.filter((fault) => meaningOf(fault).confirming === 'needed')).toEqual(['moved']));
  it('a_fault_of_a_newer_box_can_be_confirmed_and_is_not_called_well', () => expect(meaningOf('upside_down')).toMatchObject({ title: 'The view cannot be trusted', confirming: 'may' }));
  it.each(FAULTS)('%s says what was measured and what would be right', (kind) => {
    const words = measuredWords({ kind, measured: 27.4, limit: 7, unit: '%' });
    expect(words).toMatch(/27/);
    if (!['frozen', 'time_backwards', 'wrong_picture', 'overexposed'].includes(kind)) expect(words).toMatch(/\b7\b/);
  });
  it('a_fault_of_a_newer_box_is_measured_in_its_own_unit', () => expect(measuredWords({ kind: 'upside_down', measured: 180, limit: 90, unit: 'degrees' })).toBe('180 degrees, the limit is 90'));
  it('a_view_that_measures_as_moved_no_more_is_not_said_to_lie_elsewhere', () => {
    const view = parseView(wire({ trouble: { ...MOVED, measured: null, limit: null }, shift: { x_norm: 0.1, y_norm: 0, turn_deg: 0 } }));
    expect(view.trouble && measuredWords(view.trouble)).toMatch(/no more/);
    expect(shiftNow(view)).toBeNull();
    expect(shiftNow({ ...view, trouble: MOVED })).toEqual(view.shift);
    expect(shiftNow({ ...view, trouble: null })).toBeNull();
  });
  it.each([
    [{ why: 'zones_approved', zone_version: 12, by: 'Eva' }, /version 12 .* approved by Eva/], [{ why: 'zones_approved', zone_version: null, by: null }, /its zones were approved$/],
    [{ why: 'first', zone_version: null, by: null }, /first half minute/], [{ why: 'confirmed', zone_version: 3, by: 'Jan' }, /confirmed by Jan/],
    [{ why: 'newer', zone_version: null, by: null }, /learned by the box/],
  ])('%j says whose reference it is', (reference, words) => expect(whyWords(reference)).toMatch(words));
  it('a_reference_says_when_it_was_taken', () => expect(referenceWords(REFERENCE, siteClock('UTC'), Date.parse('2026-03-02T00:00:00Z'))).toMatch(/^1 Mar 13:00:00 · the view when/));
});

describe('addresses', () => {
  it('clear_pictures_are_asked_for_by_who_may_see_them', () => expect([viewPicture('/a.jpg', 'shown'), viewPicture('/a.jpg', 'clear')]).toEqual(['/a.jpg', '/a.jpg?picture=clear']));
  it('a_camera_name_is_encoded', () => expect(viewPath('a b', '/confirm')).toBe('/api/cameras/a%20b/view/confirm'));
});
