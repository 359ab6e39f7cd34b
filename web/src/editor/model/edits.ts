// Everything that changes a document: each takes one and gives the next, or says why not. Shapes are judged here, so
// that no document in the editor's history has an outline that crosses itself.

import type { Point } from '../../lib/api';
import { type BoxNorm, type Document, type Floor, type Kind, type Mark, type Part, type Ring, type Shape, type Zone, tidy, zoneOf } from './document';
import { contains, distance, edges, equal, nearestOn, place } from './geometry';
import { CORNERS_MIN, LINE_POINTS_MIN, refusalOf, type Refusal } from './validity';

/** A corner of a zone; of a line, part and ring are 0 and the corner is a point. */
export interface Corner { readonly zone: string; readonly part: number; readonly ring: number; readonly index: number }
export type Edit = { readonly ok: true; readonly document: Document } | { readonly ok: false; readonly refusal: Refusal };

/** How far a copy lies from its original. */
const COPY_OFFSET: Point = [0.03, 0.03];
const NAME_CHARS_MAX = 80;

export const done = (document: Document): Edit => ({ ok: true, document });
const refused = (words: string, at?: Point): Edit => ({ ok: false, refusal: { words, at } });

/** The outlines of a shape by part and ring. */
export function rings(shape: Shape): readonly Part[] {
  return shape.is === 'line' ? [[shape.points]] : shape.parts;
}

export function ringOf(document: Document, { zone, part, ring }: Corner): Ring | undefined {
  const shape = zoneOf(document, zone)?.shape;
  return shape && rings(shape)[part]?.[ring];
}

export function cornerAt(document: Document, corner: Corner): Point | undefined {
  return ringOf(document, corner)?.[corner.index];
}

/** All corners of a zone, in the order the keyboard steps through them. */
export function cornersOf(zone: Zone): Corner[] {
  return rings(zone.shape).flatMap((part, p) => part.flatMap((ring, r) => ring.map((_point, index) => ({ zone: zone.id, part: p, ring: r, index }))));
}

function withZone(document: Document, id: string, next: (zone: Zone) => Zone): Document {
  return { ...document, zones: document.zones.map((zone) => (zone.id === id ? next(zone) : zone)) };
}

/** Puts a shape in the place of a zone's, if it can be one. */
export function reshape(document: Document, id: string, shape: Shape): Edit {
  const refusal = refusalOf(shape);
  return refusal ? { ok: false, refusal } : done(withZone(document, id, (zone) => ({ ...zone, shape })));
}

function withRing(shape: Shape, at: Pick<Corner, 'part' | 'ring'>, next: (ring: Ring) => Ring): Shape {
  if (shape.is === 'line') return { is: 'line', points: next(shape.points) };
  return { is: 'area', parts: shape.parts.map((part, p) => (p === at.part ? part.map((ring, r) => (r === at.ring ? next(ring) : ring)) : part)) };
}

/** The shape a zone would have with a corner elsewhere, judged or not: a drag shows it before it is made. */
export function shapeWithCorner(shape: Shape, corner: Corner, to: Point): Shape {
  return withRing(shape, corner, (ring) => ring.map((point, i) => (i === corner.index ? tidy(to) : point)));
}

export function moveCorner(document: Document, corner: Corner, to: Point): Edit {
  const zone = zoneOf(document, corner.zone);
  const from = cornerAt(document, corner);
  if (!zone || !from) return done(document);
  return equal(from, tidy(to)) ? done(document) : reshape(document, zone.id, shapeWithCorner(zone.shape, corner, to));
}

export function shapeWithNewCorner(shape: Shape, edge: Corner, at: Point): Shape {
  return withRing(shape, edge, (ring) => [...ring.slice(0, edge.index + 1), tidy(at), ...ring.slice(edge.index + 1)]);
}

/** A new corner on the edge that begins at `edge`. */
export function insertCorner(document: Document, edge: Corner, at: Point): Edit {
  const zone = zoneOf(document, edge.zone);
  return zone ? reshape(document, zone.id, shapeWithNewCorner(zone.shape, edge, at)) : done(document);
}

export function deleteCorner(document: Document, corner: Corner): Edit {
  const zone = zoneOf(document, corner.zone);
  const ring = ringOf(document, corner);
  if (!zone || !ring) return done(document);
  const least = zone.shape.is === 'line' ? LINE_POINTS_MIN : CORNERS_MIN;
  if (ring.length <= least) {
    const what = zone.shape.is === 'line' ? 'A line' : corner.ring > 0 ? 'A hole' : 'An outline';
    return refused(`${what} keeps at least ${least} corners. Delete the ${corner.ring > 0 ? 'hole' : 'zone'} instead.`, ring[corner.index]);
  }
  return reshape(document, zone.id, withRing(zone.shape, corner, (points) => points.filter((_p, i) => i !== corner.index)));
}

function mapShape(shape: Shape, next: (point: Point) => Point): Shape {
  if (shape.is === 'line') return { is: 'line', points: shape.points.map(next) };
  return { is: 'area', parts: shape.parts.map((part) => part.map((ring) => ring.map(next))) };
}

/** Moves a whole zone; it stops at the frame's edge and keeps its form. */
export function moveZone(document: Document, id: string, by: Point): Edit {
  const zone = zoneOf(document, id);
  if (!zone) return done(document);
  const [dx, dy] = withinFrame(zone.shape, by);
  return dx === 0 && dy === 0 ? done(document) : reshape(document, id, mapShape(zone.shape, ([x, y]) => tidy([x + dx, y + dy])));
}

function withinFrame(shape: Shape, [dx, dy]: Point): Point {
  const points = rings(shape).flat(2);
  const free = (by: number, values: number[]) => Math.max(-Math.min(...values), Math.min(1 - Math.max(...values), by));
  return [free(dx, points.map((p) => p[0])), free(dy, points.map((p) => p[1]))];
}

/** A number no other zone of the site has. */
function freshId(taken: ReadonlySet<string>, camera: string): string {
  for (let n = 1; ; n += 1) {
    const id = `${camera}-${n}`;
    if (!taken.has(id)) return id;
  }
}

export interface Naming { readonly camera: string; readonly taken: ReadonlySet<string> }

export function addZone(document: Document, kind: Kind, shape: Shape, naming: Naming): { edit: Edit; id: string } {
  const taken = new Set([...naming.taken, ...document.zones.map((zone) => zone.id)]);
  const id = freshId(taken, naming.camera);
  const refusal = refusalOf(shape);
  const zone: Zone = { ...required(kind), id, name: freeName(document, nameFor(kind)), kind, shape };
  return { id, edit: refusal ? { ok: false, refusal } : done({ ...document, zones: [...document.zones, zone] }) };
}

function nameFor(kind: Kind): string {
  switch (kind) {
    case 'restricted': return 'New zone';
    case 'warning': return 'New warning zone';
    case 'occupancy': return 'New occupancy zone';
    case 'tripwire': return 'New tripwire';
    case 'ignore': return 'New ignored area';
    case 'privacy_mask': return 'New privacy mask';
  }
}

function freeName(document: Document, wanted: string): string {
  const names = new Set(document.zones.map((zone) => zone.name));
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? wanted : `${wanted} ${n}`.slice(0, NAME_CHARS_MAX);
    if (!names.has(name)) return name;
  }
}

/** What a zone of a kind must say. */
function required(kind: Kind): Partial<Zone> {
  switch (kind) {
    case 'restricted':
    case 'warning': return {};
    case 'occupancy': return { count: { at_most: 1 } };
    case 'tripwire': return { direction: 'both' };
    case 'ignore':
    case 'privacy_mask': return { reason: '' };
  }
}

/** A zone as another kind: what that kind does not know is dropped, what it must say is given. */
export function changeKind(document: Document, id: string, kind: Kind): Document {
  return withZone(document, id, (zone) => {
    const { name, shape, reason, count, direction, criterion, approach_ms, hazard, enter_window_ms, clear_after_ms, latch, dwell_ms, schedule, interlock } = zone;
    const base = { ...required(kind), id, name, kind, shape };
    const watch = { enter_window_ms, clear_after_ms, latch, schedule, interlock };
    switch (kind) {
      case 'restricted': return { ...base, ...watch, dwell_ms, criterion, approach_ms, hazard };
      case 'warning': return { ...base, ...watch, dwell_ms, criterion, hazard };
      case 'occupancy': return { ...base, ...watch, dwell_ms, criterion, count: count ?? { at_most: 1 } };
      case 'tripwire': return { ...base, ...watch, direction: direction ?? 'both' };
      case 'ignore':
      case 'privacy_mask': return { ...base, reason: reason ?? '' };
    }
  });
}

export function changeZone(document: Document, id: string, changes: Partial<Omit<Zone, 'id' | 'kind' | 'shape'>>): Document {
  return withZone(document, id, (zone) => ({ ...zone, ...changes }));
}

/** Gives a zone that was never in force another id. */
export function changeId(document: Document, id: string, next: string): Document {
  return withZone(document, id, (zone) => ({ ...zone, id: next }));
}

export function deleteZone(document: Document, id: string): Document {
  return { ...document, zones: document.zones.filter((zone) => zone.id !== id) };
}

export function duplicateZone(document: Document, id: string, naming: Naming): { edit: Edit; id: string } {
  const zone = zoneOf(document, id);
  if (!zone) return { edit: done(document), id };
  const taken = new Set([...naming.taken, ...document.zones.map((other) => other.id)]);
  const fresh = freshId(taken, naming.camera);
  const copy: Zone = { ...zone, id: fresh, name: freeName(document, `${zone.name} copy`.slice(0, NAME_CHARS_MAX)) };
  const added = { ...document, zones: [...document.zones, copy] };
  const moved = moveZone(added, fresh, COPY_OFFSET);
  return { id: fresh, edit: moved };
}

/** A hole goes into the part it lies in; one that lies in none is judged against the first and refused. */
export function addHole(document: Document, id: string, ring: Ring): Edit {
  const shape = zoneOf(document, id)?.shape;
  if (shape?.is !== 'area') return refused('Only an area has holes. Select a zone first.');
  const index = Math.max(0, shape.parts.findIndex(([outer]) => outer && ring.every((point) => place(point, outer) !== 'outside')));
  return reshape(document, id, { is: 'area', parts: shape.parts.map((part, p) => (p === index ? [...part, ring.map(tidy)] : part)) });
}

export function addPart(document: Document, id: string, ring: Ring): Edit {
  const shape = zoneOf(document, id)?.shape;
  if (shape?.is !== 'area') return refused('Only an area has parts. Select a zone first.');
  return reshape(document, id, { is: 'area', parts: [...shape.parts, [ring.map(tidy)]] });
}

/** Takes a hole or a part away; the last part takes the zone with it. */
export function deleteRing(document: Document, { zone: id, part, ring }: Corner): Document {
  const shape = zoneOf(document, id)?.shape;
  if (shape?.is !== 'area' || (ring === 0 && shape.parts.length === 1)) return deleteZone(document, id);
  const parts = ring === 0 ? shape.parts.filter((_p, i) => i !== part) : shape.parts.map((p, i) => (i === part ? p.filter((_r, j) => j !== ring) : p));
  return withZone(document, id, (zone) => ({ ...zone, shape: { is: 'area', parts } }));
}

/** Turns a line around: the side people come from is read off its direction. */
export function flipLine(document: Document, id: string): Document {
  return withZone(document, id, (zone) => (zone.shape.is === 'line' ? { ...zone, shape: { is: 'line', points: [...zone.shape.points].reverse() } } : zone));
}

export function withFloor(document: Document, floor: Floor): Document {
  return { ...document, floor };
}

export function addMark(document: Document, mark: Mark): Document {
  const box = mark.box.map((value) => Math.round(value * 1e6) / 1e6) as unknown as BoxNorm;
  return { ...document, marks: [...document.marks, { ...mark, box }] };
}

export function changeMark(document: Document, index: number, changes: Partial<Mark>): Document {
  return { ...document, marks: document.marks.map((mark, i) => (i === index ? { ...mark, ...changes } : mark)) };
}

export function deleteMark(document: Document, index: number): Document {
  return { ...document, marks: document.marks.filter((_m, i) => i !== index) };
}

/** The zone at a point: the smallest of those that contain it, so that a small one on a large one can be reached. */
export function zoneAt(document: Document, point: Point, near_norm: number): Zone | undefined {
  const hits = document.zones.filter(({ shape }) => (shape.is === 'area' ? contains(shape.parts, point) : near(shape.points, point, near_norm)));
  return [...hits].sort((a, b) => extent(a.shape) - extent(b.shape))[0];
}

function near(points: readonly Point[], point: Point, near_norm: number): boolean {
  return edges(points, 'open').some((edge) => distance(nearestOn(edge, point), point) <= near_norm);
}

/** The size of a zone's bounding box; lines first, because they lie on top. */
function extent(shape: Shape): number {
  if (shape.is === 'line') return -1;
  const points = shape.parts.flat(2);
  const span = (values: number[]) => Math.max(...values) - Math.min(...values);
  return span(points.map((p) => p[0])) * span(points.map((p) => p[1]));
}
