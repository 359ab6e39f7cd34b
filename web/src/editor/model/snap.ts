// Pulling a point to what it is nearly on: corners of other zones first, then the edges of the frame.

import type { Point } from '../../lib/api';
import type { Document } from './document';
import { cornersOf, cornerAt, type Corner } from './edits';
import { distance } from './geometry';
import { toScreen, type Placement } from './view';

export const SNAP_PX = 8;

export interface Snapped { readonly point: Point; readonly to: 'corner' | 'edge' | null }

/** `free` while Alt is held. `own` is the corner being moved, which cannot pull itself. */
export function snapped(point: Point, targets: readonly Point[], at: Placement, pull: 'pull' | 'free'): Snapped {
  const clamped: Point = [Math.max(0, Math.min(1, point[0])), Math.max(0, Math.min(1, point[1]))];
  if (pull === 'free') return { point: clamped, to: null };
  const here = toScreen(point, at);
  const nearest = targets
    .map((target) => ({ target, px: distance(toScreen(target, at), here) }))
    .filter(({ px }) => px <= SNAP_PX)
    .sort((a, b) => a.px - b.px)[0];
  if (nearest) return { point: nearest.target, to: 'corner' };
  const x = toEdge(point[0], SNAP_PX / at.width);
  const y = toEdge(point[1], SNAP_PX / at.height);
  const moved = x !== point[0] || y !== point[1];
  return { point: [x, y], to: moved ? 'edge' : null };
}

function toEdge(value: number, reach: number): number {
  if (value <= reach) return 0;
  return value >= 1 - reach ? 1 : value;
}

/** The corners a point may be pulled to: those of all zones but the one it belongs to. */
export function snapTargets(document: Document, own: string | null): Point[] {
  const point = (corner: Corner) => cornerAt(document, corner);
  return document.zones.filter((zone) => zone.id !== own).flatMap((zone) => cornersOf(zone).flatMap((corner) => { const at = point(corner); return at ? [at] : []; }));
}
