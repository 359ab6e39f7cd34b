import { describe, expect, it } from 'vitest';
import type { History } from './api';
import { lanes, stageBar, ticks } from './lanes';
import { zone } from './testing';

const FROM = '2026-03-01T13:07:00.000Z';
const TO = '2026-03-01T14:07:00.000Z';
const history = (spans: History['zones'][number]['spans']): History => ({ from: FROM, to: TO, zones: [{ id: 'gate', spans }] });
const spansOf = (spans: History['zones'][number]['spans']) => lanes(history(spans), [zone('gate')])[0]?.spans;

describe('lanes', () => {
  it('a_span_lies_at_its_share_of_the_hour', () => {
    expect(spansOf([{ state: 'occupied', from: '2026-03-01T13:37:00Z', to: '2026-03-01T13:43:00Z' }])).toMatchObject([{ left: 50, width: 10, open: false }]);
  });
  it('an_open_span_reaches_now', () => expect(spansOf([{ state: 'unknown', from: '2026-03-01T14:04:00Z', to: null }])).toMatchObject([{ left: 95, width: 5, open: true }]));
  it('a_span_from_before_is_cut_at_the_edge_but_keeps_its_times', () => {
    expect(spansOf([{ state: 'unknown', from: '2026-03-01T12:00:00Z', to: '2026-03-01T13:13:00Z' }])).toMatchObject([{ left: 0, width: 10, from_ms: Date.parse('2026-03-01T12:00:00Z') }]);
  });
  it('a_span_outside_or_unreadable_is_left_out', () => {
    expect(spansOf([{ state: 'occupied', from: '2026-03-01T10:00:00Z', to: '2026-03-01T11:00:00Z' }, { state: 'occupied', from: 'soon', to: null }])).toEqual([]);
  });
  it('what_was_before_the_box_is_kept_apart_from_blindness', () => {
    expect(spansOf([{ state: 'no_record', from: FROM, to: '2026-03-01T13:37:00Z' }, { state: 'unknown', from: '2026-03-01T13:37:00Z', to: null }])?.map((s) => [s.state, s.left, s.width])).toEqual([['no_record', 0, 50], ['unknown', 50, 50]]);
  });
  it('a_zone_without_history_has_an_empty_lane_and_a_removed_zone_keeps_its_own', () => {
    expect(lanes(history([]), [zone('pit', { name: 'Pit' })]).map((l) => [l.name, l.spans.length])).toEqual([['Pit', 0], ['gate', 0]]);
  });
});

describe('ticks', () => {
  it('are_round_and_clear_of_the_end', () => expect(ticks(history([]), 15).map((t) => new Date(t.at_ms).toISOString().slice(11, 16))).toEqual(['13:15', '13:30', '13:45', '14:00']));
  it('there_are_none_without_an_axis', () => expect(ticks({ from: TO, to: FROM, zones: [] }, 15)).toEqual([]));
});

describe('stageBar', () => {
  it('adds_up_and_leaves_the_rest_of_the_time_empty', () => {
    const bar = stageBar([{ stage: 'seen', ms: 100 }, { stage: 'siren', ms: 300 }]);
    expect(bar.total_ms).toBe(400);
    expect(bar.parts.map((p) => [p.left, p.width])).toEqual([[0, 5], [5, 15]]);
  });
  it('never_runs_over_the_bar', () => expect(stageBar([{ stage: 'seen', ms: 1_900 }, { stage: 'siren', ms: 900 }]).parts[1]?.width).toBeCloseTo(5));
});
