import { expect, test } from 'vitest';
import { liveUrl, snapshotUrl } from './api';
import { endsIn, othersGrants, ownGrant, parsePrivacy } from './privacy';

const NOON = Date.parse('2026-05-04T12:00:00Z');
const grant = (by: string, own: boolean, until: string) => ({ by, own, until, reason: 'who opened the gate' });
const privacy = parsePrivacy({
  hidden: 'persons',
  grant_minutes: 15,
  clear: [grant('Eva', true, '2026-05-04T12:10:00Z'), grant('Karl', false, '2026-05-04T12:03:00Z')],
});

test('a grant counts until it ends, whatever the last answer said', () => {
  expect(ownGrant(privacy, NOON)?.by).toBe('Eva');
  expect(ownGrant(privacy, NOON + 10 * 60_000)).toBeNull();
  expect(othersGrants(privacy, NOON).map((g) => g.by)).toEqual(['Karl']);
  expect(othersGrants(privacy, NOON + 4 * 60_000)).toEqual([]);
  expect(ownGrant(null, NOON)).toBeNull();
});

test('the page asks again when the first grant ends', () => {
  expect(endsIn(privacy, NOON)).toBe(3 * 60_000);
  expect(endsIn(privacy, NOON + 60 * 60_000)).toBeNull();
});

test('a word this page does not know means that people are hidden, and half an answer is none', () => {
  expect(parsePrivacy({ hidden: 'outlines', clear: [] }).hidden).toBe('persons');
  expect(() => parsePrivacy({ hidden: 'off' })).toThrow('clear');
  expect(() => parsePrivacy(null)).toThrow('clear');
});

test('clear pictures are asked for by their own address, and never by the way', () => {
  const location = { protocol: 'https:', host: 'box:8443' };
  expect(liveUrl('yard', location)).toBe('wss://box:8443/api/cameras/yard/live');
  expect(liveUrl('yard', location, 'clear')).toBe('wss://box:8443/api/cameras/yard/live?picture=clear');
  expect(snapshotUrl(7)).toBe('/api/incidents/7/snapshot.jpg');
  expect(snapshotUrl(7, 'clear')).toBe('/api/incidents/7/snapshot.jpg?picture=clear');
});
