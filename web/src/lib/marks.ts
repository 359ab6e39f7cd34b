// Which of the boxes in a kept picture are drawn how. A model is asked for every box down to a score of 0.1, which is dozens in a
// real picture: most of them guesses, and their words would hide the person whom somebody is asked about. Pure.

import type { Zone } from './api';
import type { CaseBox } from './comparison';

/** A part of the picture, in fractions of it. */
export interface Part { left: number; top: number; right: number; bottom: number }
export interface Drawn { box: CaseBox; weight: 'sure' | 'weak'; marked: boolean }

/** Below it a box opens no track, unless the site says otherwise. */
export const WEAK_BELOW = 0.3;
/** So near to the zone is near. */
const NEAR = 0.04;
/** Of each model so many words go into a picture, and into a small one. */
const MARKS_MAX = 6;
const MARKS_MAX_SMALL = 2;
const SMALL_PX = 420;
/** Of a box lies in another of the same model where both mean one person. */
const SAME_PERSON = 0.4;

/** Where a zone lies, and a little around it. */
export function around(zone: Pick<Zone, 'polygons' | 'line'> | null): Part | null {
  const points = zone === null ? [] : [...zone.polygons.flat(2), ...(zone.line ?? [])];
  if (points.length === 0) return null;
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { left: Math.min(...xs) - NEAR, top: Math.min(...ys) - NEAR, right: Math.max(...xs) + NEAR, bottom: Math.max(...ys) + NEAR };
}

/** Who stands at the zone has their letter and score first, then who is surest; what is weak and elsewhere has none. */
export function drawn(boxes: readonly CaseBox[], near: Part | null, width_px: number): Drawn[] {
  const surety = (box: CaseBox) => box.score ?? 1;
  const isNear = (box: CaseBox) => near !== null && box.left < near.right && box.left + box.width > near.left && standsAt(box) > near.top && standsAt(box) < near.bottom;
  const rank = (box: CaseBox) => surety(box) + (isNear(box) ? 1 : 0);
  const worth = boxes.filter((box) => surety(box) >= WEAK_BELOW || isNear(box)).sort((a, b) => rank(b) - rank(a));
  const marked = new Set<CaseBox>();
  for (const box of worth) {
    if (marked.size === (width_px < SMALL_PX ? MARKS_MAX_SMALL : MARKS_MAX)) break;
    // A second guess at the same person would hide the score of the first.
    if (![...marked].some((one) => covered(box, one) > SAME_PERSON)) marked.add(box);
  }
  return boxes.map((box) => ({ box, weight: surety(box) >= WEAK_BELOW ? 'sure' : 'weak', marked: marked.has(box) }));
}

/** How much of a box lies in another. */
function covered(box: CaseBox, by: CaseBox): number {
  const across = Math.min(box.left + box.width, by.left + by.width) - Math.max(box.left, by.left);
  const down = Math.min(box.top + box.height, by.top + by.height) - Math.max(box.top, by.top);
  return across <= 0 || down <= 0 ? 0 : (across * down) / (box.width * box.height);
}

/** Zones look at feet. */
function standsAt({ top, height }: CaseBox): number {
  return top + height;
}

const SAID_MAX = 3;

/** The boxes for who cannot see them: the surest, and how many more. */
export function boxWords(boxes: readonly (CaseBox & { by?: string })[]): string {
  const said = [...boxes].sort((a, b) => (b.score ?? 1) - (a.score ?? 1)).slice(0, SAID_MAX);
  const words = said.map((box) => (box.by === 'person' ? 'a box that a person drew' : box.score === null ? 'a box' : `a box of ${box.score.toFixed(2)}`));
  return `${words.join(', ')}${boxes.length > SAID_MAX ? ` and ${boxes.length - SAID_MAX} more` : ''}`;
}
