// How well the alarms do their work: figures against the targets of IEC 62682, and where they fall in time.

import { ContractError, isListOfObjects, isObject } from './api';
import { request } from './request';
import { count } from './format';
import { list } from './status';

/** A figure, what it should be, and whether it is. */
export interface Measure {
  name: string;
  /** With its unit. */
  value: string;
  target: string;
  met: boolean;
  /** What it means, and what to do where it is not met. */
  means: string;
}
/** Alarms that were raised in a window of ten minutes. */
export interface TenMinutes { from_ms: number; alarms: number }
export interface Flood { from_ms: number; to_ms: number; alarms: number }
export interface Share { name: string; alarms: number; percent: number }
export interface Chatter { name: string; times: number; worst_in_minute: number }
export interface Stale { name: string; since_ms: number; for_ms: number }
export interface Performance {
  from_ms: number; to_ms: number; alarms: number;
  measures: readonly Measure[]; windows: readonly TenMinutes[]; floods: readonly Flood[];
  top: readonly Share[]; chattering: readonly Chatter[]; stale: readonly Stale[];
}

export const WINDOW_MS = 600_000;
/** More in one window, and nobody can answer each (IEC 62682). */
export const FLOOD_ABOVE = 10;

/** `0.4`, `12`. */
export function figure(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1).replace(/\.?0+$/, '');
}

/** A share as percent: `0.3 %`. */
export function percent(value: number): string {
  return `${figure(Math.round(value * 1_000) / 10)}\u00a0%`;
}

/** Met or not, in a word and a shape. */
export function metWords(measure: Pick<Measure, 'met'>): string {
  return measure.met ? '✓ met' : '△ not met';
}

/** The sentence over the figures. */
export function verdict({ alarms, measures }: Pick<Performance, 'alarms' | 'measures'>): string {
  if (alarms === 0) return 'No alarm in this time: nothing to judge.';
  const missed = measures.filter((m) => !m.met);
  if (missed.length === 0) return `All ${measures.length} targets are met.`;
  return `${missed.length} of ${measures.length} targets ${missed.length === 1 ? 'is' : 'are'} not met: ${list(missed.map((m) => m.name.toLowerCase()))}.`;
}

/** The height of the plot: room above the limit also while every window is below it. */
export function scaleOf(windows: readonly TenMinutes[]): number {
  return Math.max(FLOOD_ABOVE + 2, ...windows.map((w) => w.alarms));
}

/** The windows as bars, in a box of 1000 by 100; those in flood apart. */
export function bars({ from_ms, to_ms, windows }: Pick<Performance, 'from_ms' | 'to_ms' | 'windows'>): { calm: string; flood: string } {
  const scale = scaleOf(windows);
  const x = (at_ms: number) => ((at_ms - from_ms) / (to_ms - from_ms)) * 1_000;
  const width = Math.max(1, x(from_ms + WINDOW_MS));
  const path = (of: readonly TenMinutes[]) => of
    .map(({ from_ms: at, alarms }) => `M${round(x(at))} 100v${round((-100 * alarms) / scale)}h${round(width)}V100z`)
    .join('');
  const some = windows.filter((w) => w.alarms > 0);
  return { calm: path(some.filter((w) => w.alarms <= FLOOD_ABOVE)), flood: path(some.filter((w) => w.alarms > FLOOD_ABOVE)) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Where midnights fall on the axis, in percent; `dayOf` names the day of a moment in the site's zone. */
export function days({ from_ms, to_ms }: Pick<Performance, 'from_ms' | 'to_ms'>, dayOf: (at_ms: number) => string): { left: number; name: string }[] {
  const HOUR_MS = 3_600_000;
  const marks: { left: number; name: string }[] = [];
  let last = dayOf(from_ms);
  for (let at = Math.ceil(from_ms / HOUR_MS) * HOUR_MS; at < to_ms; at += HOUR_MS) {
    const name = dayOf(at);
    if (name !== last) marks.push({ left: ((at - from_ms) / (to_ms - from_ms)) * 100, name });
    last = name;
  }
  return marks;
}

/** What the plot shows, to those who do not see it. */
export function plotWords({ alarms, windows, floods }: Pick<Performance, 'alarms' | 'windows' | 'floods'>): string {
  const worst = Math.max(0, ...windows.map((w) => w.alarms));
  const flood = floods.length === 0 ? 'never in flood' : `${count(floods.length, 'flood', 'floods')} of more than ${FLOOD_ABOVE}`;
  return `Alarms in every 10 minutes: ${alarms} in all, at most ${worst} in 10 minutes, ${flood}.`;
}

export async function fetchPerformance(days: number): Promise<Performance> {
  return performanceOf(await request('GET', `/api/alarms/kpi?days=${days}`));
}

/** The box's figures as this page shows them. */
export function performanceOf(value: unknown): Performance {
  if (!isObject(value) || !isListOfObjects(value['windows'])) throw new ContractError('figures without windows');
  return value as unknown as Performance;
}
