// The video of an incident: which of it is there and may be seen, and where people and zones are at a moment of it.
// Everything about places is in fractions of the picture, everything about time in ms from the first picture of a part.

import { ContractError, isListOfObjects, isObject, sentence, type Incident, type Point, type Sight } from './api';
import { request } from './request';

export interface Pin { by: string; at: string; reason: string }
/** One part of the video. `hidden`: the version in which people are pixelated; `clear`: whether the one as it was is there. */
export interface Clip {
  part: number; state: 'kept' | 'lost' | 'removed'; reason: string | null; removed_at: string | null;
  from: string | null; to: string | null; longest_gap_ms: number | null;
  hidden: boolean; being_made: boolean; hidden_lost: string | null; clear: boolean; track: boolean;
}
export interface Evidence { clips: readonly Clip[]; pin: Pin | null }

/** What the box says of a version that is on its way, where it else says why there is none. */
const BEING_MADE = 'it is being made';

/** An answer of the box. What it does not say of a version is not there; a box that knows only one keeps it clear. */
export function parseEvidence(value: unknown): Evidence {
  if (!isObject(value) || !isListOfObjects(value['clips'])) throw new ContractError('clips is not a list');
  const clips = (value['clips'] as Record<string, unknown>[]).map((clip): Clip => {
    const text = (name: string) => (typeof clip[name] === 'string' ? clip[name] : null);
    const state = clip['state'] === 'kept' || clip['state'] === 'removed' ? clip['state'] : 'lost';
    const knows = 'hidden' in clip || 'clear' in clip;
    return {
      part: Number(clip['part']), state, reason: text('reason'), removed_at: text('removed_at'), from: text('from'), to: text('to'),
      longest_gap_ms: typeof clip['longest_gap_ms'] === 'number' ? clip['longest_gap_ms'] : null,
      hidden: isObject(clip['hidden']), being_made: text('hidden_lost') === BEING_MADE, hidden_lost: text('hidden_lost') === BEING_MADE ? null : text('hidden_lost'), clear: knows ? clip['clear'] === true : state === 'kept', track: clip['track'] === true,
    };
  });
  const pin = isObject(value['pin']) ? (value['pin'] as unknown as Pin) : null;
  return { clips: clips.filter(({ part }) => Number.isInteger(part)).sort((a, b) => a.part - b.part), pin };
}

/** Who looks: `off` where the configuration hides nobody. */
export type Looker = Sight | 'off';
/** What a looker gets of a part, or why nothing. */
export type Source = { kind: 'hidden' | 'clear'; url: string } | { kind: 'waiting' | 'none'; why: string };

export function sourceOf(incident: number, clip: Clip, looker: Looker, when: (at: string) => string): Source {
  const url = `/api/incidents/${incident}/clips/${clip.part}`;
  if (clip.state === 'lost') return { kind: 'none', why: clip.reason === null ? 'It was lost.' : `It was lost. ${sentence(clip.reason)}` };
  if (clip.state === 'removed') return { kind: 'none', why: `It made room for newer video${clip.removed_at === null ? '' : `, ${when(clip.removed_at)}`}.` };
  if (looker === 'off' && (clip.clear || clip.hidden)) return { kind: clip.clear ? 'clear' : 'hidden', url };
  if (looker === 'clear' && clip.clear) return { kind: 'clear', url: `${url}?clear=1` };
  if (clip.hidden) return { kind: 'hidden', url };
  if (clip.hidden_lost !== null) return { kind: 'none', why: `There is none in which people are hidden. ${sentence(clip.hidden_lost)}${clip.clear ? ' Engineers who asked for clear pictures see it as it was.' : ''}` };
  if (!clip.being_made) return { kind: 'none', why: `It was kept while nobody was hidden, and shows people as they are.${clip.clear ? ' Engineers who asked for clear pictures see it.' : ''}` };
  return { kind: 'waiting', why: `People are still being hidden in it.${clip.clear ? ' Engineers who asked for clear pictures see it now.' : ''}` };
}

/** Whether somebody can play this. */
export function plays(source: Source): source is Source & { kind: 'hidden' | 'clear' } {
  return source.kind === 'hidden' || source.kind === 'clear';
}

/** Longer than this after an incident nothing more is written of it. */
const WRITTEN_WITHIN_MS = 3 * 60_000;
/** Longer than this after a part people are not hidden in it any more: a busy box has had its quiet hour. */
const HIDDEN_WITHIN_MS = 60 * 60_000;

/** Whether more may come of its video: it goes on, has just ended, or people are still being hidden in it. */
export function isBeingWritten(incident: Incident, evidence: Evidence | null, looker: Looker, now_ms: number): boolean {
  if (incident.ended_at === null || now_ms - Date.parse(incident.ended_at) < WRITTEN_WITHIN_MS) return true;
  if (looker === 'off') return false;
  return evidence?.clips.some((clip) => clip.state === 'kept' && clip.being_made && clip.to !== null && now_ms - Date.parse(clip.to) < HIDDEN_WITHIN_MS) ?? false;
}

/** The part in which an incident began; else the first that plays, else the first. */
export function firstPart(clips: readonly Clip[], playable: ReadonlySet<number>, started_at: string): number | null {
  const at = Date.parse(started_at);
  const has = ({ from, to }: Clip) => from !== null && to !== null && Date.parse(from) <= at && at <= Date.parse(to);
  const playing = clips.filter(({ part }) => playable.has(part));
  return (playing.find(has) ?? playing[0] ?? clips[0])?.part ?? null;
}

/** The part that is played on with. */
export function nextPart(clips: readonly Clip[], playable: ReadonlySet<number>, part: number): number | null {
  return clips.find((clip) => clip.part > part && playable.has(clip.part))?.part ?? null;
}

/** Where in a part the incident began, in seconds; null when that is not in it. */
export function startIn(clip: Clip, started_at: string): number | null {
  if (clip.from === null || clip.to === null) return null;
  const at = Date.parse(started_at) - Date.parse(clip.from);
  return at >= 0 && at <= Date.parse(clip.to) - Date.parse(clip.from) ? at / 1_000 : null;
}

export interface TrackBox { x: number; y: number; w: number; h: number; score: number; inside: boolean }
export interface TrackFrame { t_ms: number; boxes: readonly TrackBox[] }
export interface TrackZone { id: string; name: string; polygon: readonly Point[] }
/** Where people were in every picture that was looked at; `zone` is the one the incident is about. */
export interface Track { zone: string; zones: readonly TrackZone[]; frames: readonly TrackFrame[] }

export function parseTrack(value: unknown): Track {
  if (!isObject(value) || !isListOfObjects(value['frames']) || !isListOfObjects(value['zones'])) throw new ContractError('the track is not readable');
  const frames = (value['frames'] as Record<string, unknown>[])
    .filter((frame) => Number.isFinite(frame['t_ms']) && isListOfObjects(frame['boxes'])) as unknown as TrackFrame[];
  const zones = (value['zones'] as unknown as TrackZone[]).filter(({ polygon }) => Array.isArray(polygon));
  return { zone: String(value['zone'] ?? ''), zones, frames: [...frames].sort((a, b) => a.t_ms - b.t_ms) };
}

/** Boxes of a picture further away than this say nothing of the moment. */
export const SAME_MOMENT_MS = 300;

/** The picture that was looked at nearest to a moment; null when none was near. */
export function frameAt(track: Track, t_ms: number): TrackFrame | null {
  let [low, high] = [0, track.frames.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((track.frames[middle]?.t_ms ?? Infinity) < t_ms) low = middle + 1;
    else high = middle;
  }
  const near = [track.frames[low - 1], track.frames[low]].filter((frame) => frame !== undefined);
  const best = near.sort((a, b) => Math.abs(a.t_ms - t_ms) - Math.abs(b.t_ms - t_ms))[0];
  return best !== undefined && Math.abs(best.t_ms - t_ms) <= SAME_MOMENT_MS ? best : null;
}

/** Pauses shorter than this are the detector's, not a person's. */
const SPAN_GAP_MS = 1_000;

/** When somebody was inside, as spans. */
export function insideSpans(track: Track): readonly { from_ms: number; to_ms: number }[] {
  const spans: { from_ms: number; to_ms: number }[] = [];
  for (const { t_ms } of track.frames.filter(({ boxes }) => boxes.some(({ inside }) => inside))) {
    const last = spans[spans.length - 1];
    if (last && t_ms - last.to_ms <= SPAN_GAP_MS) last.to_ms = t_ms;
    else spans.push({ from_ms: t_ms, to_ms: t_ms });
  }
  return spans;
}

/** `2 people inside, 1 beside`; what is known of a moment. */
export function momentWords(frame: TrackFrame | null): string {
  if (frame === null) return 'no picture was looked at here';
  const inside = frame.boxes.filter((box) => box.inside).length;
  const beside = frame.boxes.length - inside;
  const words = inside === 0 ? 'nobody inside' : inside === 1 ? '1 person inside' : `${inside} people inside`;
  return beside === 0 ? words : `${words}, ${beside} beside`;
}

/** Pictures of a video whose rate is not known yet are this far apart. */
const FRAME_S = 0.1;
/** Finer than any camera's pictures. */
const FRAME_S_MIN = 1 / 120;

/** How far apart pictures are: the smallest step that was seen between two shown after each other. */
export function frameStep(known_s: number | null, before_s: number, after_s: number): number | null {
  const step_s = after_s - before_s;
  if (step_s < FRAME_S_MIN || step_s > 1) return known_s;
  return known_s === null ? step_s : Math.min(known_s, step_s);
}

/** What is known of the place of a picture: its own time, or only the moment that was asked for, somewhere in it. */
export interface Shown { at_s: number; told: 'own_time' | 'asked' }

/** Where to go for the next picture, or the one before. */
export function stepTo({ at_s, told }: Shown, step_s: number | null, by: 1 | -1, duration_s: number): number {
  const step = step_s ?? FRAME_S;
  // Into the middle of it: at its edge a player may show the one before.
  const middle_s = told === 'own_time' ? at_s + step / 2 : at_s;
  return Math.max(0, Math.min(duration_s, middle_s + by * step));
}

export async function fetchEvidence(incident: number): Promise<Evidence> {
  return parseEvidence(await request('GET', `/api/incidents/${incident}/evidence`));
}

export async function fetchTrack(incident: number, part: number): Promise<Track> {
  return parseTrack(await request('GET', `/api/incidents/${incident}/clips/${part}/track`));
}

/** Keeps all evidence of an incident until somebody takes the pin off. */
export async function pin(incident: number, reason: string): Promise<void> {
  await request('PUT', `/api/incidents/${incident}/pin`, { reason });
}

export async function unpin(incident: number): Promise<void> {
  await request('DELETE', `/api/incidents/${incident}/pin`);
}
