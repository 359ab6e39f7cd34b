// How well the alarms do their work: figures against the targets of IEC 62682, and where they fall in time.

import { ContractError, isListOfObjects, isObject, type AlarmKind } from './api';
import { request } from './request';
import { count } from './format';
import { list } from './status';

/** A figure, what it should be, and whether it is. */
export interface Measure {
  name: string;
  /** With its unit. */
  value: string;
  target: string;
  /** Null where there is too little to judge by. */
  met: boolean | null;
  /** Why it is not judged; null where it is. */
  unjudged: 'too_few_sources' | 'too_short' | null;
  /** What it means, and what to do where it is not met. */
  means: string;
}
/** Alarms that were raised in a window of ten minutes. */
export interface TenMinutes { from_ms: number; alarms: number }
export interface Flood { from_ms: number; to_ms: number; alarms: number }
export interface Share { name: string; alarms: number; percent: number }
export interface Performance {
  from_ms: number; to_ms: number; alarms: number;
  measures: readonly Measure[]; windows: readonly TenMinutes[]; floods: readonly Flood[];
  top: readonly Share[]; /** Names of what chatters and of what is stale. */
  chattering: readonly string[]; stale: readonly string[];
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
export function metWords({ met, unjudged }: Pick<Measure, 'met' | 'unjudged'>): string {
  if (met === null) return unjudged === 'too_short' ? '– too short to judge' : '– too few to judge';
  return met ? '✓ met' : '△ not met';
}

/** The sentence over the figures. */
export function verdict({ alarms, measures }: Pick<Performance, 'alarms' | 'measures'>): string {
  if (alarms === 0) return 'No alarm in this time: nothing to judge.';
  const judged = measures.filter((m) => m.met !== null);
  if (judged.length === 0) return 'Too short a time to judge by.';
  const missed = judged.filter((m) => m.met === false);
  if (missed.length === 0) return `All ${judged.length} targets are met.`;
  return `${missed.length} of ${judged.length} targets ${missed.length === 1 ? 'is' : 'are'} not met: ${list(missed.map((m) => m.name.toLowerCase()))}.`;
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

export async function fetchPerformance(days: number, nameOf: NameOf): Promise<Performance> {
  return performanceOf(await request('GET', `/api/alarms/kpi?days=${days}`), nameOf);
}

/** A number and the most it should be; `met` is null where there is too little to judge by. */
interface WireMeasure { value: number; target: number; met: boolean | null; unjudged: Measure['unjudged'] }
interface WireSource { kind: AlarmKind; subject: string }
interface Wire extends Record<(typeof FIGURES)[number]['key'], WireMeasure> {
  from: string; to: string; alarms: number;
  chatterers: readonly WireSource[]; stale_sources: readonly WireSource[];
  top_ten: readonly (WireSource & { alarms: number; share: number })[];
  /** Ten minutes each, `after_ms` after `from`; what is not in it was quiet. */
  periods: readonly { after_ms: number; alarms: number }[];
}
/** What people call a zone, a camera or a part. */
export type NameOf = (kind: AlarmKind, subject: string) => string;

const FIGURES = [
  { key: 'mean_per_10_min', name: 'Alarms in 10 min on average', words: figure, means: 'What one person can answer without haste.' },
  { key: 'worst_in_10_min', name: 'Alarms in the worst 10 min', words: figure, means: 'More are a flood: nobody looks at each of them.' },
  { key: 'flood_share', name: 'Time in flood', words: percent, means: 'Of all time, with more than 10 alarms in 10 min.' },
  { key: 'chattering', name: 'Chattering', words: figure, means: 'Zones or parts that alarmed 3 times within 60 s.' },
  { key: 'stale', name: 'Stale', words: figure, means: 'Alarms whose cause has been there for more than 24 h: they tell nobody anything any more.' },
  { key: 'top_ten_share', name: 'Share of the ten most frequent', words: percent, means: 'Where a few make most of the work: draw them anew, or mend what happens there.' },
] as const;

/** The box's figures as this page shows them. */
export function performanceOf(value: unknown, nameOf: NameOf): Performance {
  if (!isObject(value) || !isListOfObjects(value['periods']) || !FIGURES.every(({ key }) => isObject(value[key]))) throw new ContractError('figures that are not all there');
  const wire = value as unknown as Wire;
  const from_ms = Date.parse(wire.from);
  const windows = wire.periods.map(({ after_ms, alarms }) => ({ from_ms: from_ms + after_ms, alarms }));
  const name = ({ kind, subject }: WireSource) => nameOf(kind, subject);
  return {
    from_ms, to_ms: Date.parse(wire.to), alarms: wire.alarms,
    measures: FIGURES.map(({ key, name: title, words, means }) => {
      const { value: is, target, met, unjudged } = wire[key];
      return { name: title, value: words(is), target: target === 0 ? 'none' : `at most ${words(target)}`, met, unjudged: unjudged ?? null, means };
    }),
    windows, floods: floodsOf(windows),
    top: wire.top_ten.map((source) => ({ name: name(source), alarms: source.alarms, percent: source.share * 100 })),
    chattering: wire.chatterers.map(name), stale: wire.stale_sources.map(name),
  };
}

/** Windows in flood, those that follow each other as one. */
function floodsOf(windows: readonly TenMinutes[]): Flood[] {
  const floods: Flood[] = [];
  for (const { from_ms, alarms } of windows.filter((w) => w.alarms > FLOOD_ABOVE)) {
    const last = floods.at(-1);
    if (last?.to_ms === from_ms) Object.assign(last, { to_ms: from_ms + WINDOW_MS, alarms: last.alarms + alarms });
    else floods.push({ from_ms, to_ms: from_ms + WINDOW_MS, alarms });
  }
  return floods;
}
