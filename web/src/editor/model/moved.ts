// A zone document moved with the camera's view: turned about the frame's centre and shifted, kept inside the frame.
// What could not be moved as it is, is said; nothing is dropped.

import type { Point } from '../../lib/api';
import type { Size } from '../../lib/overlay';
import { shifted, type Shift } from '../../lib/shift';
import { tidy, type BoxNorm, type Document, type Floor, type Mark, type Ring, type Shape, type Zone } from './document';
import { rings } from './edits';
import { equal } from './geometry';
import { refusalOf } from './validity';

/** `notes`: sentences about what does not lie as it did, for whoever is to look at it. */
export interface Moved { readonly document: Document; readonly notes: readonly string[] }

export function movedWithView(document: Document, shift: Shift, frame: Size): Moved {
  const to = (point: Point) => shifted(point, shift, frame);
  const zones = document.zones.map((zone) => movedZone(zone, to));
  const floor = movedFloor(document.floor, to);
  return {
    document: { ...document, floor: floor.floor, marks: document.marks.map((mark) => movedMark(mark, to)), zones: zones.map(({ zone }) => zone) },
    notes: [...zones.flatMap(({ notes }) => notes), ...floor.notes],
  };
}

type To = (point: Point) => Point;

function movedZone(zone: Zone, to: To): { zone: Zone; notes: string[] } {
  const shape = mapped(zone.shape, landing(zone, to));
  if (refusalOf(shape)) return { zone, notes: [`${zone.name} would not fit into the picture and lies where it did: draw it anew, or delete it.`] };
  const points = rings(zone.shape).flat(2);
  const left = points.filter((point) => leaves(point, to(point))).length;
  const kept = points.filter((point) => isOnEdge(point) && !leaves(point, to(point)) && !equal(tidy(to(point)), landing(zone, to)(point))).length;
  const notes = [
    left === 0 ? '' : `${zone.name}: ${left === 1 ? 'a corner has' : `${left} corners have`} left the picture and ${left === 1 ? 'lies' : 'lie'} at its edge.`,
    kept === 0 ? '' : `${zone.name}: was drawn to the edge of the picture and still reaches it.`,
  ].filter((note) => note !== '');
  const { hazard } = zone;
  // The machine stands where it stood: its outline moves with the picture too.
  const moved = hazard ? { ...zone, shape, hazard: { ...hazard, outline: hazard.outline.map((point) => tidy(to(point))) } } : { ...zone, shape };
  return { zone: moved, notes };
}

/**
 * Where a corner is put. One on the frame's edge stays there, whichever way the picture went: a zone that was drawn as
 * far as there is picture must not leave a strip unguarded. An ignored area must not grow, so its corners just move.
 */
function landing(zone: Pick<Zone, 'kind'>, to: To): To {
  if (zone.kind === 'ignore') return (point) => tidy(to(point));
  return (point) => {
    const [x, y] = to(point);
    return tidy([isEnd(point[0]) ? point[0] : x, isEnd(point[1]) ? point[1] : y]);
  };
}

function isEnd(value: number): boolean {
  return value === 0 || value === 1;
}

function isOnEdge([x, y]: Point): boolean {
  return isEnd(x) || isEnd(y);
}

/** Whether a corner that lay inside has left; one on the edge was never seen beyond it. */
function leaves(from: Point, [x, y]: Point): boolean {
  const out = (value: number, before: number) => !isEnd(before) && (value < 0 || value > 1);
  return out(x, from[0]) || out(y, from[1]);
}

function mapped(shape: Shape, to: To): Shape {
  const ring = (points: Ring) => points.map(to);
  return shape.is === 'line' ? { is: 'line', points: ring(shape.points) } : { is: 'area', parts: shape.parts.map((part) => part.map(ring)) };
}

/** A point that is known in metres and has left the picture is no longer known: clamped, it would bend the floor. */
function movedFloor(floor: Floor, to: To): { floor: Floor; notes: string[] } {
  const seen = (point: Point) => { const [x, y] = to(point); return x >= 0 && x <= 1 && y >= 0 && y <= 1; };
  const points = floor.points.filter(({ image }) => seen(image)).map((point) => ({ ...point, image: tidy(to(point.image)) }));
  const people = floor.people.filter(({ foot, head }) => seen(foot) && seen(head)).map((one) => ({ ...one, foot: tidy(to(one.foot)), head: tidy(to(one.head)) }));
  const lost = floor.points.length - points.length + floor.people.length - people.length;
  return { floor: { points, people }, notes: lost === 0 ? [] : [`${lost === 1 ? 'A mark of the floor has' : `${lost} marks of the floor have`} left the picture and ${lost === 1 ? 'is' : 'are'} gone: look at the metre grid.`] };
}

/** The box of a thing keeps its size; its middle moves. */
function movedMark(mark: Mark, to: To): Mark {
  const [x, y, w, h] = mark.box;
  const [cx, cy] = to([x + w / 2, y + h / 2]);
  const [left, top] = tidy([Math.min(cx - w / 2, 1 - w), Math.min(cy - h / 2, 1 - h)]);
  const box: BoxNorm = [left, top, w, h];
  return { ...mark, box };
}
