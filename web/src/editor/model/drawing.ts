// An outline or a line while it is being drawn, point by point.
//
//   nothing ──click──> points ──click on the first, Enter, double click──> closed
//      ^──Esc, or Backspace on the only point──┘
//
// A point that would make it cross itself is refused and not placed.

import type { Point } from '../../lib/api';
import { tidy } from './document';
import { equal } from './geometry';
import { crossingRefusal, ringRefusal, type Refusal } from './validity';

export type Drawn = 'ring' | 'line';
export interface Drawing { readonly of: Drawn; readonly points: readonly Point[] }
export type Step =
  | { readonly is: 'drawing'; readonly drawing: Drawing }
  | { readonly is: 'closed'; readonly points: readonly Point[] }
  | { readonly is: 'refused'; readonly drawing: Drawing; readonly refusal: Refusal };

export function start(of: Drawn): Drawing {
  return { of, points: [] };
}

const POINTS_MIN = { ring: 3, line: 2 } as const;

/** Whether a click on the first point would close the outline. */
export function closable({ of, points }: Drawing): boolean {
  return of === 'ring' && points.length >= POINTS_MIN.ring;
}

/** Why a point cannot be the next one, or null. */
export function refusalOfNext({ points }: Drawing, next: Point): Refusal | null {
  return crossingRefusal([...points, tidy(next)], 'open');
}

export function add(drawing: Drawing, at: Point): Step {
  const next = tidy(at);
  const last = drawing.points[drawing.points.length - 1];
  // The second press of a double click lies on the first.
  if (last && equal(last, next)) return { is: 'drawing', drawing };
  const refusal = refusalOfNext(drawing, next);
  if (refusal) return { is: 'refused', drawing, refusal };
  return { is: 'drawing', drawing: { ...drawing, points: [...drawing.points, next] } };
}

export function close(drawing: Drawing): Step {
  const { of, points } = drawing;
  if (points.length < POINTS_MIN[of]) {
    const words = of === 'ring' ? `An outline needs at least 3 corners; ${points.length} so far.` : `A line needs at least 2 points; ${points.length} so far.`;
    return { is: 'refused', drawing, refusal: { words } };
  }
  const refusal = of === 'ring' ? ringRefusal(points) : crossingRefusal(points, 'open');
  return refusal ? { is: 'refused', drawing, refusal } : { is: 'closed', points };
}

export function back(drawing: Drawing): Drawing | null {
  return drawing.points.length <= 1 ? null : { ...drawing, points: drawing.points.slice(0, -1) };
}

/** The rectangle between two corners; null while it has no area. */
export function rectangle(a: Point, b: Point): readonly Point[] | null {
  const [[x0, y0], [x1, y1]] = [tidy(a), tidy(b)];
  return x0 === x1 || y0 === y1 ? null : [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}
