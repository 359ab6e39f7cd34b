// Why an outline cannot be a zone, in words for the person drawing it and with the place to look at. The box judges
// again, and its word counts; here it is said at once, while the pointer is still on the corner.

import type { Point } from '../../lib/api';
import type { Part, Ring, Shape } from './document';
import { cuts, distance, edges, equal, intersection, middle, onSegment, place, ringShare, selfCrossing, type Segment } from './geometry';

/** Why a change was not made. `at` and `edges` are what to look at on the picture. */
export interface Refusal { readonly words: string; readonly at?: Point | undefined; readonly edges?: readonly Segment[] | undefined }

/** The box's own limits (src/engine/geometry.rs). */
export const AREA_SHARE_MIN = 0.000_15;
export const CORNERS_MAX = 512;
export const PARTS_MAX = 64;
export const HOLES_MAX = 32;
export const LINE_POINTS_MAX = 64;
export const CORNERS_MIN = 3;
export const LINE_POINTS_MIN = 2;
/** A line shorter than this share of the frame is a slip of the hand. */
const LINE_LENGTH_MIN = 0.01;

export function refusalOf(shape: Shape): Refusal | null {
  return shape.is === 'line' ? lineRefusal(shape.points) : partsRefusal(shape.parts);
}

function lineRefusal(points: readonly Point[]): Refusal | null {
  if (points.length < LINE_POINTS_MIN) return { words: 'A line needs at least 2 points.' };
  if (points.length > LINE_POINTS_MAX) return { words: `A line has at most ${LINE_POINTS_MAX} points.` };
  const length = edges(points, 'open').reduce((sum, [a, b]) => sum + Math.hypot(b[0] - a[0], b[1] - a[1]), 0);
  if (length < LINE_LENGTH_MIN) return { words: 'The line is too short to be crossed. Draw it longer.', at: points[0] };
  return crossingRefusal(points, 'open');
}

function partsRefusal(parts: readonly Part[]): Refusal | null {
  if (parts.length > PARTS_MAX) return { words: `A zone has at most ${PARTS_MAX} parts.` };
  for (const part of parts) {
    for (const ring of part) {
      const refusal = ringRefusal(ring);
      if (refusal) return refusal;
    }
    const refusal = holesRefusal(part);
    if (refusal) return refusal;
  }
  return overlapRefusal(parts);
}

export function ringRefusal(ring: Ring): Refusal | null {
  if (ring.length < CORNERS_MIN) return { words: `An outline needs at least ${CORNERS_MIN} corners; this one has ${ring.length}.` };
  if (ring.length > CORNERS_MAX) return { words: `An outline has at most ${CORNERS_MAX} corners.` };
  const crossing = crossingRefusal(ring, 'closed');
  if (crossing) return crossing;
  if (ringShare(ring) < AREA_SHARE_MIN) return { words: 'This outline is too small to stand in. Draw it larger.', at: ring[0] };
  return null;
}

/** The words of an outline that crosses itself. */
export function crossingRefusal(points: readonly Point[], closed: 'closed' | 'open'): Refusal | null {
  const crossing = selfCrossing(points, closed);
  if (!crossing) return null;
  const [first, second] = crossing.numbers;
  return { words: `Edge ${first} and edge ${second} would cross, at the ✕. Inside and outside would not be clear.`, at: crossing.at, edges: crossing.edges };
}

function holesRefusal([outer, ...holes]: Part): Refusal | null {
  if (!outer) return { words: 'The zone has no outline.' };
  if (holes.length > HOLES_MAX) return { words: `A part of a zone has at most ${HOLES_MAX} holes.` };
  for (const hole of holes) {
    const crossed = firstCut(hole, outer);
    if (crossed) return { words: 'The hole crosses the outline of its zone, at the ✕. A hole lies inside.', ...crossed };
    const outside = piece(hole, outer, 'outside') ?? (piece(hole, outer, 'inside') ? null : hole[0]);
    if (outside) return { words: 'The hole lies outside its zone. Draw it inside.', at: outside };
  }
  return pairRefusal(holes, 'Two holes overlap, at the ✕. Draw them apart, or as one.');
}

function overlapRefusal(parts: readonly Part[]): Refusal | null {
  return pairRefusal(parts.flatMap(([outer]) => (outer ? [outer] : [])), 'Two parts of the zone overlap, at the ✕. Draw them apart, or as one.');
}

function pairRefusal(rings: readonly Ring[], words: string): Refusal | null {
  for (const [i, a] of rings.entries()) {
    for (const b of rings.slice(i + 1)) {
      const crossed = firstCut(a, b);
      if (crossed) return { words, ...crossed };
      const covered = piece(a, b, 'inside') ?? piece(b, a, 'inside') ?? (piece(a, b, 'outside') ? null : a[0]);
      if (covered) return { words, at: covered };
    }
  }
  return null;
}

/**
 * The middle of a piece of `ring` that lies inside or outside `other`, of two rings whose edges do not cut. Edges are
 * taken apart where corners of the other lie on them, so that each piece is inside, outside or along it as a whole.
 */
function piece(ring: Ring, other: Ring, wanted: 'inside' | 'outside'): Point | null {
  const sides = edges(other, 'closed');
  for (const [a, b] of edges(ring, 'closed')) {
    const stops = [a, ...other.filter((corner) => onSegment(corner, [a, b])).sort((p, q) => distance(a, p) - distance(a, q)), b];
    for (const [from, to] of edges(stops, 'open')) {
      const along = equal(from, to) || sides.some((side) => onSegment(from, side) && onSegment(to, side));
      const at = middle([from, to]);
      if (!along && place(at, other) === wanted) return at;
    }
  }
  return null;
}

function firstCut(a: Ring, b: Ring): { at: Point; edges: readonly Segment[] } | null {
  for (const p of edges(a, 'closed')) {
    for (const q of edges(b, 'closed')) {
      if (cuts(p, q)) return { at: intersection(p, q), edges: [p, q] };
    }
  }
  return null;
}
