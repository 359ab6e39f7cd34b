// The heat map: seconds with feet in a cell to few steps of one colour, and what a step means. Pure.

import type { Point } from './api';

/** `feet`: seconds in which feet of people were in a cell. */
export interface Heat {
  columns: number; rows: number; feet: readonly number[];
  incidents: readonly (readonly [number, number, string, string])[];
  from: string; to: string;
}
export interface Cell { column: number; row: number; feet: number; step: number }
export interface Mark { at: Point; when: string; zone: string }

/** More steps than this cannot be told apart over a picture. */
export const STEPS = 5;

/**
 * The lower ends of the steps, rising. Each step holds about ten times what the one before does or less: people
 * stand in few places and cross many, and a straight scale would show only where they stand.
 */
export function stepStarts(feet: readonly number[]): number[] {
  const most = Math.max(0, ...feet);
  if (most === 0) return [];
  const factor = Math.max(2, most ** (1 / STEPS));
  const starts: number[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    const start = Math.ceil(factor ** step);
    if (start <= most && start !== starts.at(-1)) starts.push(start);
  }
  return starts;
}

/** The cells that have any, each with its step from 1. */
export function cells(heat: Heat): Cell[] {
  const starts = stepStarts(heat.feet);
  return heat.feet.flatMap((feet, i) => {
    if (!(feet > 0)) return [];
    const step = starts.filter((start) => feet >= start).length;
    return [{ column: i % heat.columns, row: Math.floor(i / heat.columns), feet, step }];
  });
}

/** What each step means: `1 to 3 s`, `4 to 12 s`, `13 s or more`. */
export function legend(starts: readonly number[]): { step: number; words: string }[] {
  return starts.map((start, i) => {
    const next = starts[i + 1];
    const words = next === undefined ? `${start} s or more` : next - 1 === start ? `${start} s` : `${start} to ${next - 1} s`;
    return { step: i + 1, words };
  });
}

/** From faint to nearly full; the faintest is still seen over a picture. */
export function opacity(step: number): number {
  return 0.28 + (0.62 * (step - 1)) / (STEPS - 1);
}

export function marks(heat: Heat): Mark[] {
  return heat.incidents.map(([x, y, when, zone]) => ({ at: [x, y], when, zone }));
}

export function isEmpty(heat: Heat): boolean {
  return heat.feet.every((n) => n === 0) && heat.incidents.length === 0;
}
