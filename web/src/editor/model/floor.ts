// What the engineer says about the floor: points whose place in metres is known, and people whose height is. The box
// fits the ground from it; here it is only collected.

import type { Point } from '../../lib/api';
import { tidy, type Floor, type FloorPerson, type FloorPoint } from './document';
import { distance } from './geometry';

export const POINTS_MIN = 4;
export const POINTS_MAX = 64;
export const PERSON_HEIGHT_M = 1.75;
const ORIGIN: Point = [0, 0];

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

/** What is measured with a tape between the first four points: around them, then across. */
export const TAPES = [[0, 1], [1, 2], [2, 3], [3, 0], [0, 2]] as const;
/** A tape that is this much too short for its triangle is a slip of reading, not of typing. */
const TAPE_SLACK_M = 0.005;

/** The distances of `TAPES`, from where the points are said to be. */
export function tapesOf(points: readonly FloorPoint[]): number[] | null {
  if (points.length < POINTS_MIN) return null;
  return TAPES.map(([a, b]) => distance(points[a]?.ground_m ?? ORIGIN, points[b]?.ground_m ?? ORIGIN));
}

/** Whether the points stand as tapes put them: the first at the origin, the second straight along x. */
export function fromTapes(points: readonly FloorPoint[]): boolean {
  const [a, b, c] = points.map((point) => point.ground_m);
  return a !== undefined && b !== undefined && c !== undefined && distance(a, ORIGIN) === 0 && b[0] > 0 && b[1] === 0 && c[1] > 0;
}

/** The first four points where five tapes say they are; the words say which tapes do not meet. */
export function asMeasured(floor: Floor, tapes_m: readonly number[]): Floor | string {
  const [ab, bc, cd, da, ac] = tapes_m;
  if (ab === undefined || bc === undefined || cd === undefined || da === undefined || ac === undefined) return 'Five distances are needed.';
  const c = apex(ab, ac, bc);
  if (!c) return triangleWords(ab, bc, ac, 'Point 1 to 2, 2 to 3 and 1 to 3');
  // Point 4 lies on the other side of the line across, as seen from point 2.
  const d = apex(ac, da, cd);
  if (!d) return triangleWords(cd, da, ac, 'Point 3 to 4, 4 to 1 and 1 to 3');
  const along: Point = [c[0] / ac, c[1] / ac];
  const fourth: Point = [along[0] * d[0] - along[1] * d[1], along[1] * d[0] + along[0] * d[1]];
  const corners: Point[] = [ORIGIN, [ab, 0], c, fourth];
  return { ...floor, points: floor.points.map((point, i) => (corners[i] ? { ...point, ground_m: toMillimetre(corners[i]) } : point)) };
}

/** The third corner of a triangle on the line from the origin along x, `base` long; null where the sides do not meet. */
function apex(base: number, from_origin: number, from_end: number): Point | null {
  const x = (base * base + from_origin * from_origin - from_end * from_end) / (2 * base);
  const rest = from_origin * from_origin - x * x;
  if (rest < -TAPE_SLACK_M * from_origin) return null;
  const y = Math.sqrt(Math.max(0, rest));
  return y > TAPE_SLACK_M ? [x, y] : null;
}

function triangleWords(a: number, b: number, c: number, which: string): string {
  const longest = Math.max(a, b, c);
  return `${which} do not make a triangle: ${longest} m is not shorter than ${(a + b + c - longest).toFixed(2)} m, the other two together. Measure again.`;
}

function toMillimetre([x, y]: Point): Point {
  return [Math.round(x * 1e3) / 1e3, Math.round(y * 1e3) / 1e3];
}

/** What the engineer has to do next, in words. */
export function nextStep(floor: Floor): string {
  const missing = POINTS_MIN - floor.points.length;
  if (missing > 0) return floor.points.length === 0 ? 'Click four points on the floor whose distances you know, for example the corners of a painted bay, in order around it.' : `Click ${missing} more ${missing === 1 ? 'point' : 'points'}.`;
  if (unmeasured(floor)) return 'Say how far apart they are: as a rectangle, or with five distances.';
  return '';
}

/** Nobody has said where the points are: two at the same place measure nothing. */
export function unmeasured({ points }: Floor): boolean {
  return new Set(points.map(({ ground_m }) => ground_m.join())).size < POINTS_MIN;
}
