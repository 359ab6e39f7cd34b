import { describe, expect, it } from 'vitest';
import { around, boxWords, drawn } from './marks';

const box = (left: number, top: number, score: number | null) => ({ left, top, width: 0.05, height: 0.15, score });
const ZONE = { polygons: [[[[0.4, 0.5], [0.6, 0.5], [0.6, 0.9], [0.4, 0.9], [0.4, 0.5]]]] as const, line: null };
const marked = (boxes: ReturnType<typeof box>[], width_px = 800, zone: typeof ZONE | null = ZONE) => drawn(boxes, around(zone as never), width_px).filter((d) => d.marked).map((d) => d.box.score);

describe('a picture with dozens of boxes', () => {
  const crowd = Array.from({ length: 40 }, (_, i) => box((i % 10) / 10, 0.05 + Math.floor(i / 10) / 10, 0.1 + i / 100));
  it('has_words_for_a_few_of_them_only', () => expect(marked(crowd)).toHaveLength(6));
  it('and_for_fewer_where_it_is_small', () => expect(marked(crowd, 240)).toHaveLength(2));
  it('who_stands_at_the_zone_is_named_however_unsure_the_model_is', () => expect(marked([...crowd, box(0.5, 0.5, 0.12)])).toContain(0.12));
  it('a_second_guess_at_the_same_person_has_no_word_of_its_own', () => expect(marked([box(0.5, 0.5, 0.77), box(0.51, 0.51, 0.12)])).toEqual([0.77]));
  it('a_head_over_the_zone_whose_feet_are_elsewhere_is_not_at_it', () => expect(marked([box(0.5, 0.82, 0.2)])).toEqual([]));
  it('what_is_weak_and_elsewhere_is_drawn_without_a_word', () => expect(drawn([box(0.1, 0.1, 0.2)], around(ZONE as never), 800)).toMatchObject([{ weight: 'weak', marked: false }]));
  it('a_box_that_a_person_drew_is_sure', () => expect(drawn([box(0.1, 0.1, null)], null, 800)).toMatchObject([{ weight: 'sure', marked: true }]));
  it('a_tripwire_has_a_surrounding_too', () => expect(around({ polygons: [], line: [[0.2, 0.5], [0.8, 0.5]] })).toMatchObject({ top: 0.46, bottom: 0.54 }));
  it('of_no_zone_the_surest_are_named', () => expect(marked([box(0.1, 0.1, 0.2), box(0.3, 0.1, 0.8)], 800, null)).toEqual([0.8]));
});

describe('boxWords', () => {
  it('says_the_surest_and_how_many_more', () => expect(boxWords([0.1, 0.82, 0.5, 0.4, 0.3].map((score) => box(0, 0, score)))).toBe('a box of 0.82, a box of 0.50, a box of 0.40 and 2 more'));
  it('and_no_score_of_a_box_that_a_person_drew', () => expect(boxWords([{ ...box(0, 0, 1), by: 'person' }])).toBe('a box that a person drew'));
});
