// What the engineer says about the floor: points whose place in metres is known, and people whose height is. The box
// fits the ground from it; here it is only collected.

import type { Point } from '../../lib/api';
import { tidy, type Floor, type FloorPerson, type FloorPoint } from './document';

export const POINTS_MIN = 4;
export const POINTS_MAX = 64;
export const PERSON_HEIGHT_M = 1.75;

/** A new point lies at the origin until somebody measures it. */
export function addPoint(floor: Floor, image: Point): Floor {
  return { ...floor, points: [...floor.points, { image: tidy(image), ground_m: [0, 0] }] };
}

export function movePoint(floor: Floor, index: number, image: Point): Floor {
  return { ...floor, points: changed(floor.points, index, { image: tidy(image) }) };
}

export function measure(floor: Floor, index: number, ground_m: Point): Floor {
  return { ...floor, points: changed(floor.points, index, { ground_m }) };
}

export function deletePoint(floor: Floor, index: number): Floor {
  return { ...floor, points: floor.points.filter((_p, i) => i !== index) };
}

export function addPerson(floor: Floor, foot: Point, head: Point): Floor {
  return { ...floor, people: [...floor.people, { foot: tidy(foot), head: tidy(head), height_m: PERSON_HEIGHT_M }] };
}

export function changePerson(floor: Floor, index: number, changes: Partial<FloorPerson>): Floor {
  return { ...floor, people: changed(floor.people, index, changes) };
}

export function deletePerson(floor: Floor, index: number): Floor {
  return { ...floor, people: floor.people.filter((_p, i) => i !== index) };
}

function changed<T>(list: readonly T[], index: number, changes: Partial<T>): T[] {
  return list.map((item, i) => (i === index ? { ...item, ...changes } : item));
}

/** The first four points as the corners of a rectangle, in the order they were clicked: 1 to 2 is its width. */
export function asRectangle(floor: Floor, width_m: number, length_m: number): Floor {
  const corners: Point[] = [[0, 0], [width_m, 0], [width_m, length_m], [0, length_m]];
  return { ...floor, points: floor.points.map((point, i) => (corners[i] ? { ...point, ground_m: corners[i] } : point)) };
}

/** The width and length of the first four points where they are such a rectangle, else null. */
export function rectangleOf(points: readonly FloorPoint[]): { width_m: number; length_m: number } | null {
  const [a, b, c, d] = points.map((point) => point.ground_m);
  if (!a || !b || !c || !d) return null;
  const [width_m, length_m] = [b[0], d[1]];
  const fits = a[0] === 0 && a[1] === 0 && b[1] === 0 && d[0] === 0 && c[0] === width_m && c[1] === length_m;
  return fits && width_m > 0 && length_m > 0 ? { width_m, length_m } : null;
}

/** What the engineer has to do next, in words. */
export function nextStep(floor: Floor): string {
  const missing = POINTS_MIN - floor.points.length;
  if (missing > 0) return floor.points.length === 0 ? 'Click four points on the floor whose distances you know, for example the corners of a painted bay, in order around it.' : `Click ${missing} more ${missing === 1 ? 'point' : 'points'}.`;
  if (unmeasured(floor)) return 'Say how far apart they are: as a rectangle, or each in metres.';
  return '';
}

/** Nobody has said where the points are: two at the same place measure nothing. */
export function unmeasured({ points }: Floor): boolean {
  return new Set(points.map(({ ground_m }) => ground_m.join())).size < POINTS_MIN;
}
