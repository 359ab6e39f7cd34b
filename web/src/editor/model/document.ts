// The zone document of a camera as the editor holds it: plain values, never changed in place.
//
// Terms: a *ring* is a closed outline without its first point repeated; a *part* is an outer ring and its holes;
// a *shape* is the parts of an area or the points of a line. Everything is in fractions of the frame, y down.
// What a document may say is docs/reference/zone-file.md; here it is only read and written, not judged.

import { ContractError, isObject, type Point } from '../../lib/api';

export type Ring = readonly Point[];
export type Part = readonly Ring[];
export type Shape = { readonly is: 'area'; readonly parts: readonly Part[] } | { readonly is: 'line'; readonly points: readonly Point[] };

export const KINDS = ['restricted', 'warning', 'occupancy', 'tripwire', 'ignore', 'privacy_mask'] as const;
export type Kind = (typeof KINDS)[number];
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

export type Criterion = 'foot' | 'any' | { readonly overlap: number };
export type Count = { readonly at_most: number } | { readonly at_least: number; readonly empty: 'allowed' | 'alarms' };
export type Direction = 'left_to_right' | 'right_to_left' | 'both';
export interface Hours { readonly from: string; readonly to: string }
export interface ArmedSpan extends Hours { readonly days: readonly Day[] }
export interface Exception { readonly date: string; readonly armed: 'all_day' | 'never' | readonly Hours[]; readonly reason?: string | undefined }
export interface Schedule { readonly armed: readonly ArmedSpan[]; readonly exceptions?: readonly Exception[] | undefined }
export interface Interlock { readonly armed_while: { readonly input: string; readonly is: 'on' | 'off' } }
export interface Hazard { readonly outline: Ring; readonly stop_time_ms: number; readonly height_m: number }

export interface Properties {
  readonly id: string;
  readonly name: string;
  readonly kind: Kind;
  readonly criterion?: Criterion | undefined;
  readonly enter_window_ms?: number | undefined;
  readonly clear_after_ms?: number | undefined;
  /** Whether it stays in alarm after everybody has left, until somebody resets it. */
  readonly latch?: boolean | undefined;
  readonly dwell_ms?: number | undefined;
  readonly count?: Count | undefined;
  readonly direction?: Direction | undefined;
  readonly approach_ms?: number | undefined;
  readonly schedule?: Schedule | undefined;
  readonly interlock?: Interlock | undefined;
  readonly hazard?: Hazard | undefined;
  readonly reason?: string | undefined;
}
export interface Zone extends Properties { readonly shape: Shape }

export interface FloorPoint { readonly image: Point; readonly ground_m: Point }
export interface FloorPerson { readonly foot: Point; readonly head: Point; readonly height_m: number }
export interface Floor { readonly points: readonly FloorPoint[]; readonly people: readonly FloorPerson[] }
export type BoxNorm = readonly [number, number, number, number];
export interface Mark { readonly box: BoxNorm; readonly reason: string; readonly until: string }

export interface Document {
  readonly name?: string | undefined;
  readonly floor: Floor;
  readonly marks: readonly Mark[];
  readonly zones: readonly Zone[];
}

/** What a zone says that says nothing about it; the box uses the same. */
export const ENTER_WINDOW_MS = 300;
export const CLEAR_AFTER_MS = 1_000;
export const NO_FLOOR: Floor = { points: [], people: [] };
export const EMPTY: Document = { floor: NO_FLOOR, marks: [], zones: [] };

/** A coordinate is kept to a millionth of the frame: far below a pixel, and short enough to be read. */
const COORDINATE_DIGITS = 1e6;

/** A point as it is kept: rounded, and inside the frame. */
export function tidy([x, y]: Point): Point {
  return [coordinate(x), coordinate(y)];
}

function coordinate(value: number): number {
  return Math.round(Math.max(0, Math.min(1, value)) * COORDINATE_DIGITS) / COORDINATE_DIGITS;
}

/** The document from the box's JSON; throws `ContractError` where it is none. */
export function fromWire(value: unknown): Document {
  if (!isObject(value) || !Array.isArray(value['features'])) throw new ContractError('a zone document without features');
  const ground = isObject(value['ground']) ? value['ground'] : {};
  return {
    ...(typeof value['name'] === 'string' ? { name: value['name'] } : {}),
    floor: { points: listOf<FloorPoint>(ground['points']), people: listOf<FloorPerson>(ground['people']) },
    marks: listOf<Mark>(value['marks']),
    zones: value['features'].map(zoneFromWire),
  };
}

function listOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? (value as T[]) : [];
}

function zoneFromWire(feature: unknown): Zone {
  if (!isObject(feature) || !isObject(feature['properties']) || !isObject(feature['geometry'])) throw new ContractError('a zone without properties or geometry');
  const properties = feature['properties'] as unknown as Properties;
  const hazard = properties.hazard;
  return {
    ...properties,
    ...(hazard ? { hazard: { ...hazard, outline: opened(hazard.outline) } } : {}),
    shape: shapeFromWire(feature['geometry']),
  };
}

function shapeFromWire(geometry: Record<string, unknown>): Shape {
  const coordinates = geometry['coordinates'];
  if (!Array.isArray(coordinates)) throw new ContractError('a geometry without coordinates');
  switch (geometry['type']) {
    case 'LineString':
      return { is: 'line', points: coordinates as Point[] };
    case 'Polygon':
      return { is: 'area', parts: [(coordinates as Ring[]).map(opened)] };
    case 'MultiPolygon':
      return { is: 'area', parts: (coordinates as Part[]).map((part) => part.map(opened)) };
    default:
      throw new ContractError(`a geometry of type ${String(geometry['type'])}`);
  }
}

/** A ring of a file repeats its first point at its end; ours do not. */
function opened(ring: Ring): Ring {
  const [first, last] = [ring[0], ring[ring.length - 1]];
  return ring.length > 1 && first && last && first[0] === last[0] && first[1] === last[1] ? ring.slice(0, -1) : ring;
}

function closed(ring: Ring): Ring {
  return ring[0] ? [...ring, ring[0]] : ring;
}

/** The JSON the box reads. */
export function toWire(document: Document): Record<string, unknown> {
  const { points, people } = document.floor;
  return {
    type: 'FeatureCollection',
    ...(document.name === undefined ? {} : { name: document.name }),
    ...(points.length === 0 && people.length === 0 ? {} : { ground: { points, ...(people.length === 0 ? {} : { people }) } }),
    ...(document.marks.length === 0 ? {} : { marks: document.marks }),
    features: document.zones.map(zoneToWire),
  };
}

function zoneToWire({ shape, ...properties }: Zone): Record<string, unknown> {
  const { hazard } = properties;
  // The hazard's outline is a plain list of points: it is closed by its nature.
  return { type: 'Feature', properties: hazard ? { ...properties, hazard } : properties, geometry: geometryOf(shape) };
}

function geometryOf(shape: Shape): Record<string, unknown> {
  if (shape.is === 'line') return { type: 'LineString', coordinates: shape.points };
  const parts = shape.parts.map((part) => part.map(closed));
  return parts.length === 1 ? { type: 'Polygon', coordinates: parts[0] } : { type: 'MultiPolygon', coordinates: parts };
}

export function zoneOf(document: Document, id: string | null): Zone | undefined {
  return document.zones.find((zone) => zone.id === id);
}

/** Whether a zone is one that people are looked for in; what is ignored or hidden says only why. */
export function isWatched(zone: Pick<Zone, 'kind'>): boolean {
  return zone.kind !== 'ignore' && zone.kind !== 'privacy_mask';
}

/** Whether two documents say the same: what is left out counts as what the box puts there. */
export function sameDocument(a: Document, b: Document): boolean {
  return a === b || canonical(spelledOut(a)) === canonical(spelledOut(b));
}

export function sameZone(a: Zone, b: Zone): boolean {
  return a === b || canonical(spelledOutZone(a)) === canonical(spelledOutZone(b));
}

function spelledOut(document: Document): Document {
  return { ...document, name: document.name === '' ? undefined : document.name, zones: document.zones.map(spelledOutZone) };
}

function spelledOutZone(zone: Zone): Zone {
  if (!isWatched(zone)) return zone;
  const { schedule } = zone;
  const exceptions = schedule?.exceptions?.map((e) => ({ ...e, reason: e.reason === '' ? undefined : e.reason }));
  return {
    ...zone,
    ...(zone.kind === 'tripwire' ? {} : { criterion: zone.criterion ?? 'foot', dwell_ms: zone.dwell_ms ?? 0 }),
    enter_window_ms: zone.enter_window_ms ?? ENTER_WINDOW_MS,
    clear_after_ms: zone.clear_after_ms ?? CLEAR_AFTER_MS,
    latch: zone.latch ?? false,
    schedule: schedule && { armed: schedule.armed, exceptions: exceptions?.length ? exceptions : undefined },
  };
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner);
}
