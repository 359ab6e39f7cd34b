// Geometry of what is drawn over a picture. Everything is in CSS pixels of the tile: lines and labels keep
// their weight whatever the size of the picture.

import type { Point, Polygon, Zone } from './api';

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

interface Bounds { left: number; top: number; bottom: number }

function bounds(polygons: readonly Polygon[], size: Size): Bounds {
  const points = polygons.flatMap((polygon) => polygon[0] ?? []);
  const xs = points.map(([x]) => x * size.width);
  const ys = points.map(([, y]) => y * size.height);
  return { left: Math.min(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

/** Rough, and on the wide side: labels only have to keep clear of each other and of the edges. */
export function labelWidth(text: string): number {
  return Math.round(text.length * 7.4 + 20);
}

/**
 * A place for each zone's label: above the outline for a quiet one, below for one that is not, because heads
 * reach above a zone; inside the picture; none over another.
 */
export function placeLabels(zones: readonly Zone[], text: (zone: Zone) => string, size: Size): Label[] {
  const placed: Label[] = [];
  for (const zone of zones) {
    const words = text(zone);
    const width = Math.min(labelWidth(words), size.width - 2 * LABEL_GAP);
    const box = bounds(zone.polygons, size);
    if (!Number.isFinite(box.left)) continue;
    const above = box.top - LABEL_HEIGHT - LABEL_GAP;
    const below = box.bottom + LABEL_GAP;
    const top_max = size.height - CAPTION_HEIGHT - LABEL_HEIGHT;
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
