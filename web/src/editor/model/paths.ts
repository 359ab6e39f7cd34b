// What is drawn of shapes: paths, arrows and places for names, all in screen pixels.

import type { Point } from '../../lib/api';
import type { Size } from '../../lib/overlay';
import type { Direction, Shape } from './document';
import { edges, middle } from './geometry';
import { toScreen, type Placement } from './view';

const ARROW_PX = 26;
const LABEL_HEIGHT_PX = 24;
const LABEL_GAP_PX = 4;
/** On the wide side: names only have to keep clear of each other and of the edges. */
const LETTER_PX = 8.6;
const LABEL_PADDING_PX = 20;

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export function ringPath(ring: readonly Point[], at: Placement, closed: 'closed' | 'open' = 'closed'): string {
  if (ring.length === 0) return '';
  const points = ring.map((point) => toScreen(point, at)).map(([x, y]) => `${round(x)} ${round(y)}`);
  return `M${points.join('L')}${closed === 'closed' ? 'Z' : ''}`;
}

/** Drawn with the even-odd rule: holes stay open. */
export function shapePath(shape: Shape, at: Placement): string {
  return shape.is === 'line' ? ringPath(shape.points, at, 'open') : shape.parts.flatMap((part) => part.map((ring) => ringPath(ring, at))).join('');
}

/** Arrows across the middle of a line's longest stretch, the way people are not to go. */
export function arrowPaths(points: readonly Point[], direction: Direction, at: Placement): string[] {
  const stretches = edges(points.map((point) => toScreen(point, at)), 'open');
  const length = ([a, b]: readonly [Point, Point]) => Math.hypot(b[0] - a[0], b[1] - a[1]);
  const longest = [...stretches].sort((a, b) => length(b) - length(a))[0];
  if (!longest || length(longest) === 0) return [];
  const [a, b] = longest;
  // With y down, the right of a walker along (dx, dy) is (-dy, dx).
  const right: Point = [-(b[1] - a[1]) / length(longest), (b[0] - a[0]) / length(longest)];
  const from = middle(longest);
  const one = (sign: 1 | -1) => arrowPath(from, [right[0] * sign, right[1] * sign]);
  switch (direction) {
    case 'left_to_right': return [one(1)];
    case 'right_to_left': return [one(-1)];
    case 'both': return [one(1), one(-1)];
  }
}

function arrowPath([x, y]: Point, [dx, dy]: Point): string {
  const tip: Point = [x + dx * ARROW_PX, y + dy * ARROW_PX];
  const wing = (side: 1 | -1): Point => [tip[0] - dx * 10 - dy * 7 * side, tip[1] - dy * 10 + dx * 7 * side];
  const at = ([px, py]: Point) => `${round(px)} ${round(py)}`;
  return `M${at([x, y])}L${at(tip)}M${at(wing(1))}L${at(tip)}L${at(wing(-1))}`;
}

export interface Label<T> { readonly of: T; readonly text: string; readonly left: number; readonly top: number; readonly width: number }

/** A place for each name above its shape, on the stage and none over another. */
export function placeNames<T>(shapes: readonly { of: T; shape: Shape; text: string }[], at: Placement, stage: Size): Label<T>[] {
  const placed: Label<T>[] = [];
  for (const { of, shape, text } of shapes) {
    const points = (shape.is === 'line' ? shape.points : shape.parts.flat(2)).map((point) => toScreen(point, at));
    if (points.length === 0) continue;
    const [left, top] = [Math.min(...points.map((p) => p[0])), Math.min(...points.map((p) => p[1]))];
    const [right, bottom] = [Math.max(...points.map((p) => p[0])), Math.max(...points.map((p) => p[1]))];
    if (right < 0 || bottom < 0 || left > stage.width || top > stage.height) continue;
    const width = Math.min(Math.round(text.length * LETTER_PX + LABEL_PADDING_PX), stage.width - 2 * LABEL_GAP_PX);
    const x = Math.max(LABEL_GAP_PX, Math.min(stage.width - width - LABEL_GAP_PX, left));
    const wanted = Math.max(LABEL_GAP_PX, Math.min(stage.height - LABEL_HEIGHT_PX - LABEL_GAP_PX, top - LABEL_HEIGHT_PX - LABEL_GAP_PX));
    placed.push({ of, text, left: x, width, top: freeTop(wanted, x, width, placed, stage.height) });
  }
  return placed;
}

function freeTop(wanted: number, left: number, width: number, placed: readonly Label<unknown>[], height: number): number {
  const step = LABEL_HEIGHT_PX + 2;
  const free = (top: number) => placed.every((l) => Math.abs(l.top - top) >= step || l.left + l.width < left || left + width < l.left);
  for (let top = wanted; top + step <= height; top += step) if (free(top)) return top;
  return wanted;
}
