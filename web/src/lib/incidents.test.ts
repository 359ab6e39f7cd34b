import { expect, test } from 'vitest';
import type { Incident } from './api';
import { byDay, countWords, EVERYTHING, isWanted, joined, kindsOf, PAGE_SIZE, parsePage, step, zonesIn } from './incidents';
import { boxState, zone } from './testing';

const incident = (id: number, rest: Partial<Incident> = {}): Incident => ({
  id, zone: 'gate', zone_name: 'Gate road', camera: 'yard', started_at: `2026-05-0${1 + (id % 3)}T12:00:00Z`, ended_at: null,
  entries: 1, score: 0.7, model_digest: '', zone_revision: '', snapshot: true, siren_after_ms: 190, clips: [], pinned: false, acknowledged_by: null, ...rest,
});
const judged = (of: number, verdict: string) => ({ incident: of, verdict, by: 'Eva', at: '2026-05-04T12:00:00Z', note: '' });
const page = parsePage({
  incidents: [incident(4), incident(3, { zone: 'pit', zone_name: 'Pit', camera: 'east' }), incident(1)],
  verdicts: [judged(4, 'true'), judged(3, 'false'), judged(1, 'perhaps')],
});
const kinds = kindsOf(boxState({ zones: [zone('gate'), zone('pit', { kind: 'warning' })] }));
const found = (wanted: Partial<typeof EVERYTHING>) => page.incidents.filter((i) => isWanted(i, page, kinds, { ...EVERYTHING, ...wanted })).map(({ id }) => id);

test('each filter keeps what it names, and they hold together', () => {
  expect(found({})).toEqual([4, 3, 1]);
  expect(found({ zone: 'pit' })).toEqual([3]);
  expect(found({ camera: 'yard' })).toEqual([4, 1]);
  expect(found({ kind: 'warning' })).toEqual([3]);
  expect(found({ verdict: 'true' })).toEqual([4]);
  expect(found({ verdict: 'none' })).toEqual([1]);
  expect(found({ zone: 'gate', verdict: 'false' })).toEqual([]);
});

test('a verdict this page does not know is none', () => {
  expect(page.verdicts.has(1)).toBe(false);
  expect(countWords(page.incidents, page)).toBe('3 incidents: 1 true, 1 false, 1 not judged');
});

test('older pages follow, nothing twice, and the last one says that it is', () => {
  const full = parsePage({ incidents: Array.from({ length: PAGE_SIZE }, (_, n) => incident(1000 - n)) });
  expect(full.next).toBe(1000 - PAGE_SIZE + 1);
  const both = joined(full, parsePage({ incidents: [incident(full.next ?? 0), incident(5)], verdicts: [judged(5, 'test')] }));
  expect(both.incidents).toHaveLength(PAGE_SIZE + 1);
  expect(both.next).toBeNull();
  expect(both.verdicts.get(5)?.verdict).toBe('test');
});

test('the keyboard goes from one to the next and stops at the ends', () => {
  expect(step(page.incidents, null, 1)).toBe(4);
  expect(step(page.incidents, 4, 1)).toBe(3);
  expect(step(page.incidents, 1, 1)).toBe(1);
  expect(step(page.incidents, 4, -1)).toBe(4);
  expect(step([], 4, 1)).toBeNull();
});

test('zones that are gone can be looked for still', () => {
  expect(zonesIn(page, boxState({ zones: [zone('dock', { name: 'Dock' })] })).map(({ name }) => name)).toEqual(['Dock', 'Gate road', 'Pit']);
});

test('days keep the order of the incidents', () => {
  const days = byDay([incident(5), incident(2), incident(1)], (at) => at.slice(0, 10));
  expect(days.map(({ day, incidents }) => [day, incidents.length])).toEqual([['2026-05-03', 2], ['2026-05-02', 1]]);
});

test('half an answer is none', () => {
  expect(() => parsePage({ verdicts: [] })).toThrow('incidents');
});
