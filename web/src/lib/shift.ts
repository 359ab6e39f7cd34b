// How far a camera's view lies from its reference, and where things of the reference lie now. Pure.

import type { Point, Polygon } from './api';
import type { Size } from './overlay';

/** In fractions of the frame, to the right and down; `turn_deg` clockwise as seen, `zoom` 1 where nothing grew. */
export interface Shift { readonly x_norm: number; readonly y_norm: number; readonly turn_deg: number; readonly zoom: number }

/** R15: 10 pixels of 1920 is a view that has moved; the box tells it from seven. */
const MOVED_SHARE = 7 / 1920;
/** Of what is said: half a pixel is not to be seen. */
const SAID_PX_MIN = 0.5;
const SAID_DEG_MIN = 0.05;
const SAID_ZOOM_MIN = 0.005;
/** So far a corner moves visibly between two pictures beside each other; less takes one over the other. */
const PLAIN_SHARE = 0.02;

/**
 * Where a thing at `point` of the reference lies now: turned and zoomed about the frame's centre, then shifted. `frame` in
 * pixels, because a turn keeps distances in the picture and not in fractions of its sides. May lie outside the frame.
 */
export function shifted([x, y]: Point, { x_norm, y_norm, turn_deg, zoom }: Shift, frame: Size): Point {
  const angle = (turn_deg * Math.PI) / 180;
  const [dx, dy] = [(x - 0.5) * frame.width * zoom, (y - 0.5) * frame.height * zoom];
  // With y down a positive angle turns clockwise.
  const turned_x = dx * Math.cos(angle) - dy * Math.sin(angle);
  const turned_y = dx * Math.sin(angle) + dy * Math.cos(angle);
  return [0.5 + turned_x / frame.width + x_norm, 0.5 + turned_y / frame.height + y_norm];
}

/** An outline, as it would lie if it moved with the view. */
export function shiftedShape<S extends { polygons: readonly Polygon[]; line: readonly Point[] | null }>(shape: S, shift: Shift, frame: Size): S {
  const at = (point: Point) => shifted(point, shift, frame);
  return { ...shape, polygons: shape.polygons.map((polygon) => polygon.map((ring) => ring.map(at))), line: shape.line?.map(at) ?? null };
}

/** `18 px to the right, 5 px up, turned by 1.0° clockwise`, in pixels of the camera's picture. */
export function shiftWords({ x_norm, y_norm, turn_deg, zoom }: Shift, frame: Size): string {
  const [x_px, y_px] = [x_norm * frame.width, y_norm * frame.height];
  const said = [
    Math.abs(x_px) < SAID_PX_MIN ? '' : `${Math.round(Math.abs(x_px))} px to the ${x_px > 0 ? 'right' : 'left'}`,
    Math.abs(y_px) < SAID_PX_MIN ? '' : `${Math.round(Math.abs(y_px))} px ${y_px > 0 ? 'down' : 'up'}`,
    Math.abs(turn_deg) < SAID_DEG_MIN ? '' : `turned by ${Math.abs(turn_deg).toFixed(1)}° ${turn_deg > 0 ? 'clockwise' : 'anticlockwise'}`,
    Math.abs(zoom - 1) < SAID_ZOOM_MIN ? '' : `${Math.round(Math.abs(zoom - 1) * 100)} % ${zoom > 1 ? 'larger' : 'smaller'}`,
  ].filter((part) => part !== '');
  return said.length === 0 ? 'by less than a pixel' : said.join(', ');
}

/** How far the corner that moved most lies from where it was, as a share of the frame's width. */
function furthest(shift: Shift, frame: Size): number {
  const corners: Point[] = [[0, 0], [1, 0], [0, 1], [1, 1]];
  return Math.max(...corners.map((corner) => {
    const [x, y] = shifted(corner, shift, frame);
    return Math.hypot((x - corner[0]) * frame.width, (y - corner[1]) * frame.height) / frame.width;
  }));
}

/** Whether the camera stands where it did: nothing would be gained by moving zones. */
export function isBack(shift: Shift, frame: Size): boolean {
  return furthest(shift, frame) < MOVED_SHARE;
}

/** Whether two pictures beside each other show it; a smaller one is seen with one over the other. */
export function isPlain(shift: Shift, frame: Size): boolean {
  return furthest(shift, frame) >= PLAIN_SHARE;
}
