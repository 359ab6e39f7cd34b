// The last hour as lanes: spans to places on a time axis.

import type { History, Span, SpanState, Zone } from './api';

export interface LaneSpan { state: SpanState; from_ms: number; to_ms: number; open: boolean; left: number; width: number }
export interface Lane { id: string; name: string; spans: LaneSpan[] }
export interface Tick { at_ms: number; left: number }

/** A lane a zone, in the box's order, also for a zone whose history is empty. `left` and `width` in percent. */
export function lanes(history: History, zones: readonly Zone[]): Lane[] {
  const names = new Map(zones.map((z) => [z.id, z.name]));
  const ids = [...zones.map((z) => z.id), ...history.zones.map((z) => z.id).filter((id) => !names.has(id))];
  return ids.map((id) => ({
    id,
    name: names.get(id) ?? id,
    spans: (history.zones.find((z) => z.id === id)?.spans ?? []).flatMap((span) => place(span, history)),
  }));
}

function place(span: Span, history: History): LaneSpan[] {
  const [start, end] = [Date.parse(history.from), Date.parse(history.to)];
  const from_ms = Date.parse(span.from);
  const to_ms = span.to === null ? end : Date.parse(span.to);
  const [from, to] = [Math.max(from_ms, start), Math.min(to_ms, end)];
  // A span of no length at the edge is still an event; one outside or unreadable is not on this axis.
  if (!(to >= from && end > start)) return [];
  const percent = (ms: number) => (ms / (end - start)) * 100;
  return [{ state: span.state, from_ms, to_ms, open: span.to === null, left: percent(from - start), width: percent(to - from) }];
}

const MINUTE_MS = 60_000;

/** Round minutes on the axis, none past `left_max` percent of it, where it would run into "now". */
export function ticks(history: History, step_minutes: number, left_max = 92): Tick[] {
  const [start, end] = [Date.parse(history.from), Date.parse(history.to)];
  const step = step_minutes * MINUTE_MS;
  const marks: Tick[] = [];
  if (!(end > start)) return marks;
  for (let at = Math.ceil(start / step) * step; at < end; at += step) {
    const left = ((at - start) / (end - start)) * 100;
    if (left >= 2 && left <= left_max) marks.push({ at_ms: at, left });
  }
  return marks;
}

export const SPAN_WORD: Record<SpanState, string> = { occupied: '▲ occupied', unknown: '◆ not watched', no_record: 'no record: not set up yet' };

/** Stages of an alarm as shares of the time that is allowed; the rest of the bar stays empty. */
export const ALLOWED_MS = 2_000;
export const STAGE_WORD: Record<string, string> = { seen: 'Seen', inferred: 'Inferred', confirmed: 'Confirmed', siren: 'Siren' };

export function stageBar(stages: readonly { stage: string; ms: number }[]): { total_ms: number; parts: { stage: string; ms: number; left: number; width: number }[] } {
  let sum = 0;
  const parts = stages.map(({ stage, ms }) => {
    const left = Math.min(100, (sum / ALLOWED_MS) * 100);
    sum += ms;
    return { stage, ms, left, width: Math.min(100 - left, (ms / ALLOWED_MS) * 100) };
  });
  return { total_ms: sum, parts };
}
