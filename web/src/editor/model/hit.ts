// What lies under a pointer. A finger gets a larger reach than a mouse; the nearest wins, corners before the
// handles in the middle of edges.

import type { Point } from '../../lib/api';
import type { Zone } from './document';
import { rings, type Corner } from './edits';
import { distance, edges, middle } from './geometry';
import { toScreen, type Placement } from './view';

export const REACH_PX = { mouse: 10, pen: 14, touch: 22 } as const;
export type PointerKind = keyof typeof REACH_PX;
/** An edge shorter than this on the screen has no handle: it would lie under those of its corners. */
export const HANDLE_EDGE_PX_MIN = 36;

export type Handle = { readonly is: 'corner' | 'middle'; readonly corner: Corner; readonly point: Point };

export function pointerKind(word: string): PointerKind {
  return word === 'touch' || word === 'pen' ? word : 'mouse';
}

/** The handles of a zone; a `middle` one carries the corner its edge begins at. */
export function handlesOf(zone: Zone, at: Placement): Handle[] {
  return rings(zone.shape).flatMap((part, p) => part.flatMap((ring, r) => {
    const corners = ring.map((point, index): Handle => ({ is: 'corner', corner: { zone: zone.id, part: p, ring: r, index }, point }));
    const middles = edges(ring, zone.shape.is === 'line' ? 'open' : 'closed').flatMap((edge, index): Handle[] => {
      if (distance(toScreen(edge[0], at), toScreen(edge[1], at)) < HANDLE_EDGE_PX_MIN) return [];
      return [{ is: 'middle', corner: { zone: zone.id, part: p, ring: r, index }, point: middle(edge) }];
    });
    return [...corners, ...middles];
  }));
}

export function handleAt(zone: Zone, pointer_px: Point, at: Placement, pointer: PointerKind): Handle | null {
  const near = handlesOf(zone, at)
    .map((handle) => ({ handle, px: distance(toScreen(handle.point, at), pointer_px) }))
    .filter(({ px }) => px <= REACH_PX[pointer])
    // A corner wins over the middle of its edge unless the middle is clearly meant.
    .sort((a, b) => rank(a) - rank(b));
  return near[0]?.handle ?? null;
}

function rank({ handle, px }: { handle: Handle; px: number }): number {
  return handle.is === 'corner' ? px : px + REACH_PX.mouse;
}

/** The nearest of some points under a pointer, by index. */
export function pointAt(points: readonly Point[], pointer_px: Point, at: Placement, pointer: PointerKind): number | null {
  const near = points
    .map((point, index) => ({ index, px: distance(toScreen(point, at), pointer_px) }))
    .filter(({ px }) => px <= REACH_PX[pointer])
    .sort((a, b) => a.px - b.px);
  return near[0]?.index ?? null;
}
