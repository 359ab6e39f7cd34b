// Geometry of what is drawn over a picture. Everything is in CSS pixels of the tile: lines and labels keep
// their weight whatever the size of the picture.

import type { Direction, Point, Polygon, Zone } from './api';

export interface Size { width: number; height: number }
export interface Label { zone: Zone; text: string; left: number; top: number; width: number }

const LABEL_HEIGHT = 24;
const LABEL_GAP = 4;
/** The picture's caption lies here. */
const CAPTION_HEIGHT = 34;

/** An SVG path of a MultiPolygon; drawn with the even-odd rule, holes stay open. */
export function zonePath(polygons: readonly Polygon[], size: Size): string {
  return polygons.flatMap((polygon) => polygon.map((ring) => ringPath(ring, size))).join('');
}

function ringPath(ring: readonly Point[], size: Size): string {
  const points = ring.map(([x, y]) => `${round(x * size.width)} ${round(y * size.height)}`);
  return points.length === 0 ? '' : `M${points.join('L')}Z`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** An SVG path of an open line. */
export function linePath(line: readonly Point[], size: Size): string {
  const points = line.map(([x, y]) => `${round(x * size.width)} ${round(y * size.height)}`);
  return points.length < 2 ? '' : `M${points.join('L')}`;
}

const ARROW = 26;
const ARROW_HEAD = 8;

/**
 * An arrow across the middle of a line, to the side that alarms; one each way for both, none where the direction is
 * not known. Left and right are seen along the line from its first point to its last, as one sees it in the picture.
 */
export function arrowPath(line: readonly Point[], direction: Direction | null, size: Size): string {
  const middle = middleOf(line, size);
  if (direction === null || middle === null) return '';
  const { at: [x, y], right: [rx, ry] } = middle;
  const arrow = (side: 1 | -1): string => {
    const [dx, dy] = [rx * side, ry * side];
    const [tx, ty] = [x + dx * ARROW, y + dy * ARROW];
    // The two barbs: back from the tip, and half as far to either side.
    const barb = (turn: 1 | -1) => `${round(tx - dx * ARROW_HEAD - dy * turn * ARROW_HEAD * 0.7)} ${round(ty - dy * ARROW_HEAD + dx * turn * ARROW_HEAD * 0.7)}`;
    return `M${round(x)} ${round(y)}L${round(tx)} ${round(ty)}M${barb(1)}L${round(tx)} ${round(ty)}L${barb(-1)}`;
  };
  switch (direction) {
    case 'left_to_right':
      return arrow(1);
    case 'right_to_left':
      return arrow(-1);
    case 'both':
      return arrow(1) + arrow(-1);
  }
}

/** The middle of a line's longest part, in pixels, and the unit vector to its right there. */
function middleOf(line: readonly Point[], size: Size): { at: Point; right: Point } | null {
  let best: { at: Point; right: Point } | null = null;
  let longest = 0;
  for (const [i, [bx, by]] of line.entries()) {
    const before = line[i - 1];
    if (!before) continue;
    const [x1, y1, x2, y2] = [before[0] * size.width, before[1] * size.height, bx * size.width, by * size.height];
    const length = Math.hypot(x2 - x1, y2 - y1);
    if (length <= longest) continue;
    longest = length;
    // y points down: whoever walks to the east has the south at the right hand.
    best = { at: [(x1 + x2) / 2, (y1 + y2) / 2], right: [-(y2 - y1) / length, (x2 - x1) / length] };
  }
  return best;
}

interface Bounds { left: number; top: number; bottom: number }

function bounds(zone: Pick<Zone, 'polygons' | 'line'>, size: Size): Bounds {
  const points = [...zone.polygons.flatMap((polygon) => polygon[0] ?? []), ...(zone.line ?? [])];
  const xs = points.map(([x]) => x * size.width);
  const ys = points.map(([, y]) => y * size.height);
  return { left: Math.min(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

const NAME_ABOVE = 7;
const NAME_HEIGHT = 16;

/** Where a name is written, whole: above the outline, or just inside where the picture ends. */
export function nameAt(shape: Pick<Zone, 'name' | 'polygons' | 'line'>, size: Size): Point | null {
  const box = bounds(shape, size);
  if (!Number.isFinite(box.left)) return null;
  const above = box.top - NAME_ABOVE;
  return [round(clamp(box.left, LABEL_GAP, size.width - labelWidth(shape.name))), round(above >= NAME_HEIGHT ? above : Math.max(0, box.top) + NAME_HEIGHT)];
}

/** Rough, and on the wide side: labels only have to keep clear of each other and of the edges. */
export function labelWidth(text: string): number {
  return Math.round(text.length * 7.4 + 20);
}

/**
 * A place for each zone's label: above the outline for a quiet one, below for one that is not, because heads
 * reach above a zone; inside the picture; none over another. `reserved_px` is kept free above the caption.
 */
export function placeLabels(zones: readonly Zone[], text: (zone: Zone) => string, size: Size, reserved_px = 0): Label[] {
  const placed: Label[] = [];
  for (const zone of zones) {
    const words = text(zone);
    const width = Math.min(labelWidth(words), size.width - 2 * LABEL_GAP);
    const box = bounds(zone, size);
    if (!Number.isFinite(box.left)) continue;
    const above = box.top - LABEL_HEIGHT - LABEL_GAP;
    const below = box.bottom + LABEL_GAP;
    const top_max = size.height - CAPTION_HEIGHT - reserved_px - LABEL_HEIGHT;
    const fits = zone.state === 'clear' ? above >= LABEL_GAP : below > top_max;
    const left = clamp(box.left, LABEL_GAP, size.width - width - LABEL_GAP);
    const top = clamp(fits ? above : below, LABEL_GAP, top_max);
    placed.push({ zone, text: words, left, width, top: freeTop(top, left, width, placed, top_max) });
  }
  return placed;
}

function freeTop(wanted: number, left: number, width: number, placed: readonly Label[], top_max: number): number {
  const step = LABEL_HEIGHT + LABEL_GAP;
  const free = (top: number) =>
    placed.every((l) => Math.abs(l.top - top) >= step || l.left + l.width < left || left + width < l.left);
  for (let shift = 0; shift <= top_max; shift += step) {
    if (wanted + shift <= top_max && free(wanted + shift)) return wanted + shift;
    if (wanted - shift >= LABEL_GAP && free(wanted - shift)) return wanted - shift;
  }
  return wanted;
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}
