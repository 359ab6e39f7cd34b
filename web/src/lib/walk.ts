// Walk tests: what a running one asks for next, and what a past one says. Pure.

import type { Point, Zone } from './api';

/** What is promised from the moment somebody is inside to the siren. */
export const TIME_TO_ALARM_MS_MAX = 2_000;

export type EdgeState = 'waiting' | 'pass' | 'fail' | 'skipped';
export interface WalkEdge {
  edge: number; label: string; from: Point; to: Point; state: EdgeState; time_ms: number | null; reason?: string | null;
  /** Where the time went, of a box that says so. */
  stages?: readonly { stage: string; ms: number }[];
  /** The whole of an edge that bends; `from` and `to` are its ends. */
  points?: readonly Point[];
  /** How often it was walked in at; the newest counts. */
  attempts?: number;
}
/** `incomplete`: nothing failed, and not every edge was walked in at. */
export type WalkState = 'running' | 'passed' | 'failed' | 'incomplete' | 'abandoned';
export interface WalkTest {
  id: number; zone: string; edges: readonly WalkEdge[]; state: WalkState; siren: 'sounds' | 'muted';
  camera?: string; zone_name?: string; limit_ms?: number;
  tester?: string | null; by?: string; at?: string | null; finished_at?: string | null; reason?: string | null;
  /** What the tester should know now. */
  hint?: string | null;
}

export function limitOf(test: WalkTest): number {
  return test.limit_ms ?? TIME_TO_ALARM_MS_MAX;
}

/** The edge to walk in at now: the first nobody has walked in at, then the first that failed and may be tried again. */
export function currentEdge(test: WalkTest): WalkEdge | null {
  if (test.state !== 'running') return null;
  return test.edges.find((e) => e.state === 'waiting') ?? test.edges.find((e) => e.state === 'fail') ?? null;
}

/** What the result would be if it were finished now, where that is not a pass. */
export function shortOf(test: WalkTest): string {
  if (test.edges.some((e) => e.state === 'fail')) return 'It fails: somebody walked in and was not alarmed in time.';
  const missing = test.edges.filter((e) => e.state === 'waiting').length;
  if (missing > 0) return `It stays incomplete, and the zone due: ${missing} ${missing === 1 ? 'edge was' : 'edges were'} not walked in at.`;
  return '';
}

/** The line of an edge. */
export function pointsOf(edge: WalkEdge): readonly Point[] {
  return edge.points && edge.points.length >= 2 ? edge.points : [edge.from, edge.to];
}

/** Where an edge's number stands: the middle of its line. */
export function middleOf(edge: WalkEdge): Point {
  const points = pointsOf(edge);
  const middle = points[Math.floor(points.length / 2)] ?? edge.from;
  if (points.length % 2 === 1) return middle;
  const before = points[points.length / 2 - 1] ?? edge.from;
  return [(before[0] + middle[0]) / 2, (before[1] + middle[1]) / 2];
}

/** `3 of 4 edges, 1 skipped`. */
export function progressWords(test: WalkTest): string {
  const n = (state: EdgeState) => test.edges.filter((e) => e.state === state).length;
  const parts = [`${n('pass')} of ${test.edges.length} edges pass`];
  if (n('fail') > 0) parts.push(`${n('fail')} failed`);
  if (n('skipped') > 0) parts.push(`${n('skipped')} skipped`);
  return parts.join(', ');
}

export const EDGE_WORD: Record<EdgeState, string> = { waiting: 'waiting', pass: '✓ pass', fail: '◆ fail', skipped: '– skipped' };

const WALK_WORD: Record<WalkState, string> = { running: 'Running', passed: '✓ Passed', failed: '◆ Failed', incomplete: '– Incomplete', abandoned: '– Abandoned' };

/** The result of a test. One whose siren nobody could hear proves the time and not the siren: it must not read as a plain pass. */
export function resultWords(test: Pick<WalkTest, 'state' | 'siren'>): string {
  return test.state === 'passed' && test.siren === 'muted' ? '△ Passed — siren not proved' : WALK_WORD[test.state];
}

/** A time to the alarm as a share of what is allowed, in percent; the bar never runs over. */
export function share(time_ms: number, limit_ms = TIME_TO_ALARM_MS_MAX): number {
  return Math.min(100, (time_ms / limit_ms) * 100);
}

/** The slowest edge of a test; null while none has a time. */
export function slowest(test: WalkTest): WalkEdge | null {
  const timed = test.edges.filter((e) => e.time_ms !== null);
  return timed.reduce<WalkEdge | null>((worst, e) => (worst === null || (e.time_ms ?? 0) > (worst.time_ms ?? 0) ? e : worst), null);
}

/** The zones to test, overdue ones first, then by when they are due; a zone never tested is due at once. */
export function inOrderOfDue(zones: readonly Zone[]): Zone[] {
  const due = (zone: Zone): number => {
    if (zone.walk_test === null || zone.walk_test.state === 'overdue') return -Infinity;
    return zone.walk_test.due_at === null ? Infinity : Date.parse(zone.walk_test.due_at);
  };
  return zones.filter((z) => z.kind !== 'ignore' && z.kind !== 'privacy_mask').sort((a, b) => Math.sign(due(a) - due(b) || 0));
}
