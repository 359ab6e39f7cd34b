import { describe, expect, it } from 'vitest';
import { count, formatAfter, formatAge, formatAgo, formatDuration, formatMs, formatSpan, shortDigest, siteClock } from './format';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('spans', () => {
  it.each([[-5, '00:00'], [7_999, '00:07'], [760_000, '12:40'], [3_723_000, '1:02:03'], [90_000_000, '1 d 01 h']])('formatSpan(%i) is %s', (ms, text) => expect(formatSpan(ms)).toBe(text));
  it.each([[-1, 'just now'], [4_000, 'just now'], [40_000, '40 s ago'], [430_000, '7 min ago'], [7_300_000, '2 h ago'], [200_000_000, '2 d ago']])('formatAgo(%i) is %s', (ms, text) => expect(formatAgo(ms)).toBe(text));
  it.each([[7_200, '7 s'], [125_000, '2 min 05 s'], [3_720_000, '1 h 02 min'], [59_600, '59 s'], [60_000, '1 min 00 s']])('formatDuration(%i) is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
  it('a_ladder_step_reads_after_the_frame', () => expect(plain(formatAfter(190))).toBe('+0.19 s'));
  it('the_age_of_a_picture_changes_unit_at_a_second', () => {
    expect([formatAge(48.4), formatAge(999), formatAge(2_440)]).toEqual(['48 ms old', '999 ms old', '2.4 s old']);
  });
  it('milliseconds_are_whole', () => expect(plain(formatMs(26.4))).toBe('26 ms'));
});

describe('words', () => {
  it('one_is_singular', () => expect([count(1, 'entry', 'entries'), count(0, 'entry', 'entries')]).toEqual(['1 entry', '0 entries']));
  it('a_digest_keeps_both_ends', () => expect(shortDigest('sha256:3f9a12c4be7788aa90c1')).toBe('3f9a…90c1'));
  it('a_short_digest_stays_whole', () => expect(shortDigest('3f9a')).toBe('3f9a'));
});

describe('siteClock', () => {
  const now = Date.parse('2026-03-01T23:30:00Z');
  it('shows_the_time_of_the_site_not_of_the_browser', () => expect(siteClock('Europe/Prague').time('2026-03-01T14:07:33.120Z')).toBe('15:07:33'));
  it('knows_daylight_saving', () => expect(siteClock('Europe/Prague').minute('2026-07-01T14:07:33Z')).toBe('16:07'));
  it('names_the_day_when_it_is_another_one_on_site', () => {
    expect(siteClock('Europe/Prague').moment('2026-03-01T22:00:00Z', now)).toBe('1 Mar 23:00:00');
    expect(siteClock('UTC').moment('2026-03-01T22:00:00Z', now)).toBe('22:00:00');
  });
  it('an_end_names_no_more_than_it_needs', () => {
    const { until } = siteClock('Europe/Prague');
    const noon = Date.parse('2026-02-27T11:00:00Z');
    expect(['2026-02-27T17:00:00Z', '2026-03-02T05:00:00Z', '2026-03-09T05:00:00Z', '2026-02-26T05:00:00Z'].map((at) => until(at, noon))).toEqual(['18:00', 'Mon 06:00', '9 Mar 06:00', '26 Feb 06:00']);
  });
  it('midnight_is_zero', () => expect(siteClock('UTC').time('2026-03-01T00:00:00Z')).toBe('00:00:00'));
  it('an_unknown_zone_is_utc_and_says_so', () => expect(siteClock('Mars/Base').zone).toBe('UTC'));
  it('an_unreadable_time_is_a_dash', () => expect(siteClock('UTC').time('soon')).toBe('–'));
});
