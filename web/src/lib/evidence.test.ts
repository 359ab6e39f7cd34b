import { expect, test } from 'vitest';
import type { Incident } from './api';
import { firstPart, frameAt, frameStep, insideSpans, isBeingWritten, momentWords, nextPart, parseEvidence, parseTrack, plays, SAME_MOMENT_MS, sourceOf, startIn, stepTo, type Clip } from './evidence';

const FROM = '2026-05-04T12:00:00.000Z';
const TO = '2026-05-04T12:00:40.000Z';
const clip = (part: number, rest: Partial<Clip> = {}): Clip => ({
  part, state: 'kept', reason: null, removed_at: null, from: FROM, to: TO, longest_gap_ms: 120, hidden: true, being_made: false, hidden_lost: null, clear: true, track: true, ...rest,
});
const whyOf = (given: Clip, looker: 'shown' | 'clear' | 'off' = 'shown') => {
  const source = sourceOf(17, given, looker, () => '3 May');
  return plays(source) ? source.url : `${source.kind}: ${source.why}`;
};

test('everybody gets the video in which people are hidden, and whoever was granted it the clear one', () => {
  expect(whyOf(clip(1))).toBe('/api/incidents/17/clips/1');
  expect(sourceOf(17, clip(1), 'shown', String).kind).toBe('hidden');
  expect(whyOf(clip(1), 'clear')).toBe('/api/incidents/17/clips/1?clear=1');
  expect(whyOf(clip(1, { clear: false }), 'clear')).toBe('/api/incidents/17/clips/1');
  expect(whyOf(clip(1, { hidden: false }), 'off')).toBe('/api/incidents/17/clips/1');
});

test('where there is nothing to play it says why, and nobody is shown clear instead', () => {
  expect(whyOf(clip(1, { hidden: false, hidden_lost: 'the encoder failed' }))).toMatch(/^none: .*hidden.*The encoder failed\. Engineers/);
  expect(whyOf(clip(1, { hidden: false, hidden_lost: 'the encoder failed', clear: false }), 'clear')).toMatch(/^none: (?!.*Engineers)/);
  expect(whyOf(clip(1, { hidden: false, being_made: true }))).toMatch(/^waiting: People are still being hidden/);
  expect(whyOf(clip(1, { hidden: false }))).toMatch(/^none: It was kept while nobody was hidden/);
  expect(whyOf(clip(1, { state: 'lost', reason: 'the disk was full' }), 'clear')).toBe('none: It was lost. The disk was full.');
  expect(whyOf(clip(1, { state: 'removed', removed_at: TO }))).toBe('none: It made room for newer video, 3 May.');
});

test('a box that knows one version keeps it clear', () => {
  const { clips } = parseEvidence({ clips: [{ part: 2, state: 'lost', reason: 'x' }, { part: 1, state: 'kept', from: FROM, to: TO }], pin: null });
  expect(clips.map(({ part, hidden, clear }) => [part, hidden, clear])).toEqual([[1, false, true], [2, false, false]]);
  expect(parseEvidence({ clips: [{ part: 1, state: 'kept', hidden: { bytes: 1 }, clear: false, track: true }] }).clips[0]).toMatchObject({ hidden: true, clear: false, track: true });
  // On its way is not lost: the page waits for it.
  expect(parseEvidence({ clips: [{ part: 1, state: 'kept', hidden: null, hidden_lost: 'it is being made', clear: true }] }).clips[0]).toMatchObject({ hidden: false, being_made: true, hidden_lost: null });
  expect(() => parseEvidence({})).toThrow('clips');
});

test('it starts in the part in which the incident began, and goes on with the next that plays', () => {
  const clips = [clip(1, { from: '2026-05-04T11:59:00.000Z', to: FROM }), clip(2), clip(3, { state: 'lost' }), clip(4)];
  const playing = new Set([1, 2, 4]);
  expect(firstPart(clips, playing, '2026-05-04T12:00:10.000Z')).toBe(2);
  expect(firstPart(clips, playing, '2026-05-05T12:00:10.000Z')).toBe(1);
  expect(firstPart(clips, new Set(), '2026-05-04T12:00:10.000Z')).toBe(1);
  expect(firstPart([], playing, FROM)).toBeNull();
  expect(nextPart(clips, playing, 2)).toBe(4);
  expect(nextPart(clips, playing, 4)).toBeNull();
  expect(startIn(clip(1), '2026-05-04T12:00:10.500Z')).toBe(10.5);
  expect(startIn(clip(1), '2026-05-04T11:59:59.000Z')).toBeNull();
});

const incident = (ended_at: string | null) => ({ ended_at }) as Incident;
test('more video may come while it goes on, just after, and while people are being hidden', () => {
  const now = Date.parse('2026-05-04T12:30:00Z');
  const hiding = { clips: [clip(1, { hidden: false, being_made: true })], pin: null };
  expect(isBeingWritten(incident(null), null, 'shown', now)).toBe(true);
  expect(isBeingWritten(incident('2026-05-04T12:29:00Z'), null, 'shown', now)).toBe(true);
  expect(isBeingWritten(incident(TO), { clips: [], pin: null }, 'shown', now)).toBe(false);
  expect(isBeingWritten(incident(TO), hiding, 'shown', now)).toBe(true);
  expect(isBeingWritten(incident(TO), hiding, 'off', now)).toBe(false);
  expect(isBeingWritten(incident(TO), hiding, 'shown', now + 3_600_000)).toBe(false);
  expect(isBeingWritten(incident(TO), { clips: [clip(1, { hidden: false, hidden_lost: 'x' })], pin: null }, 'shown', now)).toBe(false);
});

const box = (inside: boolean) => ({ x: 0.4, y: 0.2, w: 0.1, h: 0.3, score: 0.7, inside });
const track = parseTrack({
  from: FROM, zone: 'gate', zones: [{ id: 'gate', name: 'Gate', polygon: [[0, 0], [1, 0], [1, 1]] }],
  frames: [{ t_ms: 2_000, boxes: [box(true), box(false)] }, { t_ms: 0, boxes: [] }, { t_ms: 100, boxes: [box(true)] }, { t_ms: 600, boxes: [box(true)] }, { boxes: [] }],
});

test('boxes are those of the nearest picture, and of none that is not near', () => {
  expect(frameAt(track, 40)?.t_ms).toBe(0);
  expect(frameAt(track, 60)?.t_ms).toBe(100);
  expect(frameAt(track, 600)?.t_ms).toBe(600);
  expect(frameAt(track, 600 + SAME_MOMENT_MS + 1)).toBeNull();
  expect(frameAt(track, 9_000)).toBeNull();
  expect(frameAt({ ...track, frames: [] }, 0)).toBeNull();
});

test('when somebody was inside is told in spans', () => {
  expect(insideSpans(track)).toEqual([{ from_ms: 100, to_ms: 600 }, { from_ms: 2_000, to_ms: 2_000 }]);
});

test('a moment is told in words, and one nobody looked at is not an empty one', () => {
  expect(momentWords(frameAt(track, 2_000))).toBe('1 person inside, 1 beside');
  expect(momentWords(frameAt(track, 0))).toBe('nobody inside');
  expect(momentWords(null)).toMatch(/no picture was looked at/);
});

test('a step goes to the next picture and the one before, however fast the camera is', () => {
  expect(frameStep(null, 1, 1.04)).toBeCloseTo(0.04);
  expect(frameStep(0.04, 1, 1.08)).toBe(0.04);
  expect(frameStep(0.04, 5, 1)).toBe(0.04);
  // Between the edges of the picture meant, so that rounding shows no other.
  expect(stepTo({ at_s: 2, told: 'own_time' }, 0.1, 1, 40)).toBeCloseTo(2.15);
  expect(stepTo({ at_s: 2, told: 'own_time' }, 0.1, -1, 40)).toBeCloseTo(1.95);
  // A browser that does not say which picture it shows goes a whole one all the same.
  expect(stepTo({ at_s: 2.15, told: 'asked' }, 0.1, -1, 40)).toBeCloseTo(2.05);
  expect(stepTo({ at_s: 0, told: 'own_time' }, null, -1, 40)).toBe(0);
  expect(stepTo({ at_s: 40, told: 'asked' }, 0.1, 1, 40)).toBe(40);
});

test('a track that is torn is refused', () => {
  expect(() => parseTrack({ frames: [] })).toThrow('track');
});
