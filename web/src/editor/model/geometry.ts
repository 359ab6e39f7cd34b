// Predicates on points of the frame. Which side of a line a point lies on is answered exactly: by floating point
// where its error bound allows, by whole numbers otherwise. Crossings, insides and simplicity follow from it.

import type { Point } from '../../lib/api';
import type { Part, Ring } from './document';

export type Segment = readonly [Point, Point];
export interface Crossing { readonly at: Point; readonly edges: readonly [Segment, Segment]; readonly numbers: readonly [number, number] }

/** Rounding of one operation, and the error of the determinant below in units of its terms (Shewchuk 1997, ccwerrboundA). */
const EPSILON = 2 ** -53;
const ORIENTATION_ERROR = (3 + 16 * EPSILON) * EPSILON;
/** A double between 2^-900 and 1 times this is a whole number, and still a double. */
const WHOLE = 2 ** 960;

/** 1 where a, b, c turn clockwise as seen (y down), -1 the other way, 0 on one line. */
export function orientation(a: Point, b: Point, c: Point): -1 | 0 | 1 {
  const left = (a[0] - c[0]) * (b[1] - c[1]);
  const right = (a[1] - c[1]) * (b[0] - c[0]);
  const det = left - right;
  if (Math.abs(det) > ORIENTATION_ERROR * (Math.abs(left) + Math.abs(right))) return det > 0 ? 1 : -1;
  return exactOrientation(a, b, c);
}

function exactOrientation(a: Point, b: Point, c: Point): -1 | 0 | 1 {
  const whole = (value: number) => BigInt(Math.trunc(value * WHOLE));
  const [ax, ay, bx, by, cx, cy] = [whole(a[0]), whole(a[1]), whole(b[0]), whole(b[1]), whole(c[0]), whole(c[1])];
  const det = (ax - cx) * (by - cy) - (ay - cy) * (bx - cx);
  return det > 0n ? 1 : det < 0n ? -1 : 0;
}

export function equal(a: Point, b: Point): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

function within(value: number, p: number, q: number): boolean {
  return Math.min(p, q) <= value && value <= Math.max(p, q);
}

/** Whether a point lies on a segment, its ends included. */
export function onSegment(point: Point, [a, b]: Segment): boolean {
  return orientation(a, b, point) === 0 && within(point[0], a[0], b[0]) && within(point[1], a[1], b[1]);
}

/** Where two segments meet, touching included; of an overlap one of its ends. Null where they do not. */
export function meeting(p: Segment, q: Segment): Point | null {
  const [a, b] = p;
  const [c, d] = q;
  const [abc, abd, cda, cdb] = [orientation(a, b, c), orientation(a, b, d), orientation(c, d, a), orientation(c, d, b)];
  if (abc * abd < 0 && cda * cdb < 0) return intersection(p, q);
  if (onSegment(c, p)) return c;
  if (onSegment(d, p)) return d;
  if (onSegment(a, q)) return a;
  return onSegment(b, q) ? b : null;
}

/** Whether two segments cut through each other, ends not counting. */
export function cuts([a, b]: Segment, [c, d]: Segment): boolean {
  return orientation(a, b, c) * orientation(a, b, d) < 0 && orientation(c, d, a) * orientation(c, d, b) < 0;
}

/** Where two segments that cut each other do so. */
export function intersection([a, b]: Segment, [c, d]: Segment): Point {
  const [rx, ry, sx, sy] = [b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]];
  const t = ((c[0] - a[0]) * sy - (c[1] - a[1]) * sx) / (rx * sy - ry * sx);
  return [a[0] + t * rx, a[1] + t * ry];
}

/** The edges of an outline; of a closed one the last leads back to the first point. */
export function edges(points: readonly Point[], closed: 'closed' | 'open'): Segment[] {
  const ends = closed === 'closed' && points.length > 2 ? [...points, points[0] as Point] : points;
  return ends.slice(1).map((end, i) => [ends[i] as Point, end] as const);
}

/** The first two edges of an outline that meet where they must not: crossing, touching, or running back on themselves. */
export function selfCrossing(points: readonly Point[], closed: 'closed' | 'open'): Crossing | null {
  const all = edges(points, closed);
  for (let i = 0; i < all.length; i += 1) {
    for (let j = i + 1; j < all.length; j += 1) {
      const at = forbiddenMeeting(all, i, j, closed);
      if (at) return { at, edges: [all[i] as Segment, all[j] as Segment], numbers: [i + 1, j + 1] };
    }
  }
  return null;
}

function forbiddenMeeting(all: readonly Segment[], i: number, j: number, closed: 'closed' | 'open'): Point | null {
  const [p, q] = [all[i] as Segment, all[j] as Segment];
  const follows = j === i + 1;
  const wraps = closed === 'closed' && i === 0 && j === all.length - 1;
  if (follows && wraps) return null;
  if (!follows && !wraps) return meeting(p, q);
  // Neighbours share a corner; they may not share more.
  const [shared, before, after] = follows ? [p[1], p[0], q[1]] : [p[0], p[1], q[0]];
  if (equal(shared, before) || equal(shared, after)) return shared;
  return onSegment(before, [shared, after]) ? before : onSegment(after, [shared, before]) ? after : null;
}

/** Where a point lies; exact, the edge is neither inside nor outside. */
export function place(point: Point, ring: Ring): 'inside' | 'edge' | 'outside' {
  let inside = false;
  for (const [a, b] of edges(ring, 'closed')) {
    if (onSegment(point, [a, b])) return 'edge';
    // Half open in y, so that a corner counts once.
    if ((a[1] > point[1]) !== (b[1] > point[1])) {
      const side = orientation(a, b, point);
      if (b[1] > a[1] ? side > 0 : side < 0) inside = !inside;
    }
  }
  return inside ? 'inside' : 'outside';
}

/** Whether a point belongs to an area; its edges do, those of holes too. */
export function contains(parts: readonly Part[], point: Point): boolean {
  return parts.some(([outer, ...holes]) => outer !== undefined && place(point, outer) !== 'outside' && holes.every((hole) => place(point, hole) !== 'inside'));
}

/** The area of a ring as a share of the frame, positive. */
export function ringShare(ring: Ring): number {
  return Math.abs(edges(ring, 'closed').reduce((sum, [a, b]) => sum + a[0] * b[1] - b[0] * a[1], 0)) / 2;
}

export interface BoxSides { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number }

/** What of a ring lies inside a box (Sutherland and Hodgman); parts may be joined by lines without area. */
export function clipped(ring: Ring, { left, top, right, bottom }: BoxSides): Ring {
  const keep = (points: Ring, inside: (p: Point) => boolean, cut: (a: Point, b: Point) => Point): Ring =>
    points.flatMap((b, i) => {
      const a = points[(i + points.length - 1) % points.length] as Point;
      const crossing = inside(a) === inside(b) ? [] : [cut(a, b)];
      return inside(b) ? [...crossing, b] : crossing;
    });
  const atX = (x: number) => (a: Point, b: Point): Point => [x, a[1] + ((x - a[0]) / (b[0] - a[0])) * (b[1] - a[1])];
  const atY = (y: number) => (a: Point, b: Point): Point => [a[0] + ((y - a[1]) / (b[1] - a[1])) * (b[0] - a[0]), y];
  let kept = keep(ring, (p) => p[0] >= left, atX(left));
  kept = keep(kept, (p) => p[0] <= right, atX(right));
  kept = keep(kept, (p) => p[1] >= top, atY(top));
  return keep(kept, (p) => p[1] <= bottom, atY(bottom));
}

/** The point of a segment nearest to another point. */
export function nearestOn([a, b]: Segment, point: Point): Point {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / length));
  return [a[0] + t * dx, a[1] + t * dy];
}

export function middle([a, b]: Segment): Point {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}
