import { describe, expect, it } from 'vitest';
import { bars, days, figure, metWords, percent, performanceOf, plotWords, scaleOf, verdict, WINDOW_MS, type Measure } from './kpi';

const window = (i: number, alarms: number) => ({ from_ms: i * WINDOW_MS, alarms });
const measure = (name: string, met: boolean | null): Measure => ({ name, value: '1', target: '0', met, unjudged: met === null ? 'too_short' : null, means: '' });

describe('words', () => {
  it.each([[0, '0'], [0.4, '0.4'], [0.255, '0.26'], [12.34, '12.3'], [12, '12'], [2.999, '3']])('%d reads %s', (value, words) => expect(figure(value)).toBe(words));
  it('a_share_is_percent_with_its_unit_on_the_same_line', () => expect([percent(0.0034), percent(1)]).toEqual(['0.3\u00a0%', '100\u00a0%']));
  it('met_and_not_met_differ_in_shape_and_word', () => expect([metWords(measure('', true)), metWords(measure('', false)), metWords(measure('', null)), metWords({ met: null, unjudged: 'too_few_sources' })]).toEqual(['✓ met', '△ not met', '– too short to judge', '– too few to judge']));
  it('the_verdict_names_what_is_not_met', () => {
    expect(verdict({ alarms: 3, measures: [measure('Flood', true), measure('Stale alarms', true)] })).toBe('All 2 targets are met.');
    expect(verdict({ alarms: 3, measures: [measure('Flood', true), measure('Stale alarms', false)] })).toBe('1 of 2 targets is not met: stale alarms.');
    expect(verdict({ alarms: 19, measures: [measure('Mean', null)] })).toBe('Too short a time to judge by.');
    expect(verdict({ alarms: 0, measures: [measure('Flood', true)] })).toBe('No alarm in this time: nothing to judge.');
  });
});

describe('what the box says', () => {
  const good = { value: 0, target: 1, met: true };
  const wire = {
    from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z', alarms: 40,
    mean_per_10_min: { value: 0.277, target: 1, met: true }, worst_in_10_min: { value: 14, target: 10, met: false },
    flood_share: { value: 0.0138, target: 0.01, met: false }, chattering: { value: 0, target: 0, met: true },
    stale: { value: 1, target: 4, met: true }, top_ten_share: { value: 1, target: 0.05, met: null },
    chatterers: [], stale_sources: [{ kind: 'untested', subject: 'gate' }],
    top_ten: [{ kind: 'intrusion', subject: 'gate', alarms: 30, share: 0.75 }],
    periods: [{ after_ms: 0, alarms: 2 }, { after_ms: 600_000, alarms: 11 }, { after_ms: 1_200_000, alarms: 14 }, { after_ms: 6_000_000, alarms: 13 }],
  };
  const told = performanceOf(wire, (kind, subject) => `${subject}/${kind}`);
  it('stands_with_unit_and_target_and_whether_it_is_met', () => {
    expect(told.measures.map((m) => `${m.value}, ${m.target}: ${metWords(m)}`)).toEqual([
      '0.28, at most 1: ✓ met', '14, at most 10: △ not met', '1.4\u00a0%, at most 1\u00a0%: △ not met', '0, none: ✓ met', '1, at most 4: ✓ met', '100\u00a0%, at most 5\u00a0%: – too few to judge',
    ]);
    expect(verdict(told)).toMatch(/^2 of 5 targets are not met/);
  });
  it('names_sources_as_people_do', () => expect([told.top, told.stale]).toEqual([[{ name: 'gate/intrusion', alarms: 30, percent: 75 }], ['gate/untested']]));
  it('floods_that_follow_each_other_are_one', () => {
    const at = Date.parse(wire.from);
    expect(told.floods).toEqual([{ from_ms: at + 600_000, to_ms: at + 1_800_000, alarms: 25 }, { from_ms: at + 6_000_000, to_ms: at + 6_600_000, alarms: 13 }]);
  });
  it('that_lacks_a_figure_is_refused_rather_than_shown_in_part', () => {
    const { stale: _, ...rest } = wire;
    expect(() => performanceOf(rest, String)).toThrow(/not all there/);
    expect(() => performanceOf({ ...wire, stale: good, periods: null }, String)).toThrow();
  });
});

describe('the plot', () => {
  const performance = { from_ms: 0, to_ms: 10 * WINDOW_MS, alarms: 24, windows: [window(1, 3), window(2, 0), window(5, 20)], floods: [{ from_ms: 5 * WINDOW_MS, to_ms: 6 * WINDOW_MS, alarms: 20 }] };
  it('shows_the_limit_also_while_nothing_comes_near_it', () => expect([scaleOf([]), scaleOf(performance.windows)]).toEqual([12, 20]));
  it('draws_floods_apart_each_window_at_its_time_and_height', () => {
    expect(bars(performance)).toEqual({ calm: 'M100 100v-15h100V100z', flood: 'M500 100v-100h100V100z' });
  });
  it('names_days_where_they_begin', () => {
    const HOUR = 3_600_000;
    expect(days({ from_ms: 20 * HOUR, to_ms: 60 * HOUR }, (at) => `day ${Math.floor(at / (24 * HOUR))}`)).toEqual([{ left: 10, name: 'day 1' }, { left: 70, name: 'day 2' }]);
  });
  it('says_in_words_what_it_shows', () => {
    expect(plotWords(performance)).toBe('Alarms in every 10 minutes: 24 in all, at most 20 in 10 minutes, 1 flood of more than 10.');
    expect(plotWords({ alarms: 0, windows: [], floods: [] })).toMatch(/never in flood/);
  });
});
