// Walk tests: what a running one asks for next, and what a past one says. Pure.

import type { Point, Zone } from './api';

/** What is promised from the moment somebody is inside to the siren. */
export const TIME_TO_ALARM_MS_MAX = 2_000;

export type EdgeState = 'waiting' | 'pass' | 'fail' | 'skipped';
export interface WalkEdge {
  edge: number; label: string; from: Point; to: Point; state: EdgeState; time_ms: number | null; reason?: string | null;
  /** Where the time went, of a box that says so. */
  stages?: readonly { stage: string; ms: number }[];
}
export type WalkState = 'running' | 'passed' | 'failed' | 'abandoned';
export interface WalkTest {
  id: number; zone: string; edges: readonly WalkEdge[]; state: WalkState; siren: 'sounds' | 'muted';
  tester?: string | null; at?: string | null; finished_at?: string | null;
}

/** The edge to walk in at now: the first nobody has walked in at. */
export function currentEdge(test: WalkTest): WalkEdge | null {
  return test.state === 'running' ? (test.edges.find((e) => e.state === 'waiting') ?? null) : null;
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

export const WALK_WORD: Record<WalkState, string> = { running: 'Running', passed: '✓ Passed', failed: '◆ Failed', abandoned: '– Abandoned' };

/** A time to the alarm as a share of what is allowed, in percent; the bar never runs over. */
export function share(time_ms: number): number {
  return Math.min(100, (time_ms / TIME_TO_ALARM_MS_MAX) * 100);
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
  return zones.filter((z) => z.kind !== 'ignore').sort((a, b) => Math.sign(due(a) - due(b) || 0));
}
