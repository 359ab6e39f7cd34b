import { expect, test } from 'vitest';
import type { Incident } from './api';
import { addressed, addressOf, byDay, countWords, dayStart, emptyWords, EVERYTHING, isFiltered, joined, kindOf, laterOf, PAGE_SIZE, parsePage, questionOf, refreshed, step, stillOpen, withIncident, videoWords, withVerdict, zonesIn, type Judged } from './incidents';
import { boxState, zone } from './testing';

const incident = (id: number, rest: Partial<Incident> = {}): Incident => ({
  id, zone: 'gate', zone_name: 'Gate road', camera: 'yard', started_at: `2026-05-0${1 + (id % 3)}T12:00:00Z`, ended_at: '2026-05-09T12:00:00Z',
  entries: 1, score: 0.7, model_digest: '', zone_revision: '', snapshot: true, siren_after_ms: 190, clips: [], no_video: null, pinned: false, acknowledged_by: null, ...rest,
});
const judged = (of: number, verdict: string, at = '2026-05-04T12:00:00Z') => ({ incident: of, verdict, by: 'Eva', at, note: '' }) as Judged;
const page = parsePage({
  incidents: [incident(4), incident(3, { zone: 'pit', zone_name: 'Pit', camera: 'east' }), incident(1)],
  verdicts: [judged(4, 'true'), judged(3, 'false'), judged(1, 'perhaps')], more: false, all: 340,
});
const ZONE = 'Europe/Prague';

test('an address says what is looked for and comes back as the same', () => {
  const wanted = { ...EVERYTHING, zone: 'gate & co', kind: 'warning', verdict: 'none', from: '2026-05-01', to: '2026-05-02', pinned: '1' } as const;
  const address = addressOf(wanted, 17);
  expect(addressed(address)).toEqual({ wanted, incident: 17 });
  expect(addressOf(EVERYTHING, null)).toBe('#/incidents');
  expect(addressed('#/incidents')).toEqual({ wanted: EVERYTHING, incident: null });
});

test('words of an address that nobody knows look for everything, not for nothing', () => {
  expect(addressed('#/incidents?kind=secret&verdict=perhaps&from=yesterday&to=2026-13-45&incident=-3&pinned=2')).toEqual({ wanted: EVERYTHING, incident: null });
  expect(isFiltered(EVERYTHING)).toBe(false);
  expect(isFiltered({ ...EVERYTHING, to: '2026-05-02' })).toBe(true);
});

test('the box is asked for days as they are where the site is, the last one whole', () => {
  const question = new URLSearchParams(questionOf({ ...EVERYTHING, zone: 'gate', from: '2026-03-28', to: '2026-03-29' }, 90, ZONE).split('?')[1]);
  expect(Object.fromEntries(question)).toEqual({ limit: String(PAGE_SIZE), before: '90', zone: 'gate', from: '2026-03-27T23:00:00.000Z', to: '2026-03-29T22:00:00.000Z' });
  expect(dayStart('2026-10-26', ZONE)).toBe('2026-10-25T23:00:00.000Z');
  expect(dayStart('2026-05-04', 'America/New_York')).toBe('2026-05-04T04:00:00.000Z');
  expect(dayStart('2026-05-04', 'UTC')).toBe('2026-05-04T00:00:00.000Z');
});

test('a verdict this page does not know is none', () => {
  expect(page.verdicts.has(1)).toBe(false);
  expect(countWords(page, false)).toBe('3 incidents: 1 true, 1 false, 1 not judged');
});

test('the count says what it is of', () => {
  const more = parsePage({ incidents: [incident(4)], more: true, all: 340 });
  expect(countWords(more, false)).toBe('The newest 1 of 340 incidents: 1 not judged');
  expect(countWords(more, true)).toBe('The newest 1 that match, of 340 in all: 1 not judged');
  expect(countWords(page, true)).toBe('3 incidents match, of 340 in all: 1 true, 1 false, 1 not judged');
  expect(countWords(parsePage({ incidents: [incident(4)] }), true)).toBe('1 incident matches: 1 not judged');
});

test('an empty list says whether nothing happened or nothing matches', () => {
  const none = parsePage({ incidents: [], more: false, all: 340 });
  expect(emptyWords(none, true)).toBe('No incident matches, of 340 in all.');
  expect(emptyWords(parsePage({ incidents: [] }), true)).toBe('No incident matches.');
  expect(emptyWords(parsePage({ incidents: [], all: 0 }), false)).toMatch(/nothing has happened/i);
});

test('video that is still to come is told from video that never will, with the reason', () => {
  expect(videoWords(incident(1, { clips: [1] })).word).toBe('▶ video');
  expect(videoWords(incident(1)).word).toBe('video to come');
  expect(videoWords(incident(1, { no_video: 'the disk was full' }))).toEqual({ word: 'no video', why: 'the disk was full' });
});

test('older pages follow, nothing twice, and the last one says that it is', () => {
  const full = parsePage({ incidents: Array.from({ length: PAGE_SIZE }, (_, n) => incident(1000 - n)), more: true });
  expect(full.next).toBe(1000 - PAGE_SIZE + 1);
  const both = joined(full, parsePage({ incidents: [incident(full.next ?? 0), incident(5)], verdicts: [judged(5, 'test')], more: false }));
  expect(both.incidents).toHaveLength(PAGE_SIZE + 1);
  expect(both.next).toBeNull();
  expect(both.verdicts.get(5)?.verdict).toBe('test');
});

test('a box that does not say whether there is more has more behind a full page', () => {
  expect(parsePage({ incidents: Array.from({ length: PAGE_SIZE }, (_, n) => incident(1000 - n)) }).next).not.toBeNull();
  expect(parsePage({ incidents: [incident(7)] }).next).toBeNull();
});

test('what is asked for again keeps what was loaded further back, and never leaves a hole', () => {
  const back = joined(parsePage({ incidents: [incident(9), incident(8)], more: true }), parsePage({ incidents: [incident(7)], more: false }));
  const again = refreshed(back, parsePage({ incidents: [incident(10), incident(9, { zone_name: 'New' })], more: true }));
  expect(again.incidents.map(({ id }) => id)).toEqual([10, 9, 8, 7]);
  expect(again.incidents[1]?.zone_name).toBe('New');
  expect(again.next).toBeNull();
  const slept = refreshed(back, parsePage({ incidents: [incident(90), incident(89)], more: true }));
  expect(slept.incidents.map(({ id }) => id)).toEqual([90, 89]);
  expect(slept.next).toBe(89);
});

test('an incident further back that went on is looked at again', () => {
  const known = parsePage({ incidents: [incident(9), incident(3, { ended_at: null })] });
  const newest = parsePage({ incidents: [incident(10), incident(9)], more: true });
  expect(stillOpen(known, newest)).toEqual([3]);
  expect(withIncident(known, incident(3)).incidents[1]?.ended_at).not.toBeNull();
});

test('of two verdicts the later one counts, whoever gave it', () => {
  const [mine, theirs] = [judged(4, 'false', '2026-05-04T12:00:00Z'), judged(4, 'test', '2026-05-04T12:05:00Z')];
  expect(laterOf(mine, theirs)).toBe(theirs);
  expect(laterOf(theirs, mine)).toBe(theirs);
  expect(laterOf(null, mine)).toBe(mine);
  const loaded = parsePage({ incidents: [incident(4)], verdicts: [theirs] });
  expect(withVerdict(loaded, mine).verdicts.get(4)?.verdict).toBe('test');
  expect(withVerdict(parsePage({ incidents: [incident(4)] }), mine).verdicts.get(4)?.verdict).toBe('false');
});

test('the keyboard goes from one to the next and stops at the ends', () => {
  expect(step(page.incidents, null, 1)).toBe(4);
  expect(step(page.incidents, 4, 1)).toBe(3);
  expect(step(page.incidents, 1, 1)).toBe(1);
  expect(step(page.incidents, 4, -1)).toBe(4);
  expect(step([], 4, 1)).toBeNull();
});

test('zones that are gone can be looked for still', () => {
  const state = boxState({ zones: [zone('dock', { name: 'Dock' })] });
  expect(zonesIn(page.incidents, state, '').map(({ name }) => name)).toEqual(['Dock', 'Gate road', 'Pit']);
  expect(zonesIn([], state, 'old').map(({ id }) => id)).toEqual(['dock', 'old']);
});

test('the kind is what the box says of the incident, else what the zone is now', () => {
  const state = boxState({ zones: [zone('gate', { kind: 'warning' })] });
  expect(kindOf(incident(1), state)).toBe('warning');
  expect(kindOf(incident(1, { kind: 'tripwire' }), state)).toBe('tripwire');
  expect(kindOf(incident(1, { zone: 'gone' }), state)).toBeNull();
});

test('days keep the order of the incidents', () => {
  const days = byDay([incident(5), incident(2), incident(1)], (at) => at.slice(0, 10));
  expect(days.map(({ day, incidents }) => [day, incidents.length])).toEqual([['2026-05-03', 2], ['2026-05-02', 1]]);
});

test('half an answer is none', () => {
  expect(() => parsePage({ verdicts: [] })).toThrow('incidents');
});
