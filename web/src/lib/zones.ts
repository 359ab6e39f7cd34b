// Zones as documents: versions of a camera's zones as the box gives them, and what of them can be drawn.
// Reads documents; changes none (that is the editor's).

import { isObject, type Direction, type Point, type Polygon, type ZoneKind } from './api';

export type VersionState = 'proposed' | 'in_force' | 'replaced' | 'withdrawn' | 'refused';
export type VersionSource = 'file' | 'page' | 'rollback';
export interface Version {
  number: number; digest: string; state: VersionState; by: string; at: string; reason: string;
  approved_by: string | null; approved_at: string | null; applied_at: string | null; source: VersionSource;
  /** Whoever saved its draft: none of them approves it. */
  drawn_by?: readonly string[];
  /** Who refused or withdrew it, and why. */
  closed_by?: string | null; closed_at?: string | null; closed_reason?: string | null;
}
export interface VersionWithDocument extends Version { document: unknown }
export interface DraftSummary { by: string; at: string; base: number; problems: readonly unknown[]; differences: readonly string[] }
export interface CameraZones {
  camera: string;
  in_force: VersionWithDocument | null;
  draft: DraftSummary | null;
  proposed: VersionWithDocument | null;
  frame: { width_px: number; height_px: number } | null;
  /** Whether a change needs a second person. */
  approval: 'second_person' | 'self';
}

/** A zone as far as it can be drawn. */
export interface Shape {
  id: string; name: string; kind: ZoneKind; polygons: readonly Polygon[]; line: readonly Point[] | null; direction: Direction | null;
}

const KINDS: readonly string[] = ['restricted', 'warning', 'occupancy', 'tripwire', 'ignore'] satisfies ZoneKind[];

export const KIND_NAME: Record<ZoneKind, string> = {
  restricted: 'Restricted', warning: 'Warning', occupancy: 'Occupancy', tripwire: 'Tripwire', ignore: 'Ignored', privacy_mask: 'Privacy mask',
};

/** What of a zone document can be drawn; whatever is not understood is left out rather than drawn wrong. */
export function shapesOf(document: unknown): Shape[] {
  const features = isObject(document) ? document['features'] : null;
  return Array.isArray(features) ? features.flatMap(shapeOf) : [];
}

function shapeOf(feature: unknown): Shape[] {
  if (!isObject(feature) || !isObject(feature['properties']) || !isObject(feature['geometry'])) return [];
  const { id, name, kind, direction } = feature['properties'] as Record<string, unknown>;
  const drawn = geometryOf(feature['geometry']);
  if (typeof id !== 'string' || drawn === null) return [];
  return [{
    id,
    name: typeof name === 'string' ? name : id,
    kind: typeof kind === 'string' && KINDS.includes(kind) ? (kind as ZoneKind) : 'restricted',
    direction: direction === 'left_to_right' || direction === 'right_to_left' || direction === 'both' ? direction : null,
    ...drawn,
  }];
}

function geometryOf(geometry: Record<string, unknown>): Pick<Shape, 'polygons' | 'line'> | null {
  const at = geometry['coordinates'];
  if (!Array.isArray(at)) return null;
  switch (geometry['type']) {
    case 'Polygon':
      return { polygons: [at as unknown as Polygon], line: null };
    case 'MultiPolygon':
      return { polygons: at as unknown as Polygon[], line: null };
    case 'LineString':
      return { polygons: [], line: at as unknown as Point[] };
    default:
      return null;
  }
}

/** Marks what differs between two versions: same id, other outline, kind or direction. */
export function changedShapes(old: readonly Shape[], next: readonly Shape[]): Set<string> {
  const before = new Map(old.map((shape) => [shape.id, JSON.stringify([shape.polygons, shape.line, shape.kind, shape.direction])]));
  const after = new Map(next.map((shape) => [shape.id, JSON.stringify([shape.polygons, shape.line, shape.kind, shape.direction])]));
  return new Set([...before.keys(), ...after.keys()].filter((id) => before.get(id) !== after.get(id)));
}

export const VERSION_WORD: Record<VersionState, { shape: string; word: string }> = {
  in_force: { shape: '●', word: 'In force' },
  proposed: { shape: '△', word: 'Waits for approval' },
  replaced: { shape: '', word: 'Replaced' },
  withdrawn: { shape: '', word: 'Withdrawn' },
  refused: { shape: '', word: 'Refused' },
};

export const SOURCE_WORD: Record<VersionSource, string> = { file: 'from the file', page: 'drawn here', rollback: 'gone back to' };

/** Who may approve: somebody who neither proposed it nor drew at it, unless the site allows one person alone. */
export function mayApprove(version: Pick<Version, 'state' | 'by' | 'drawn_by'>, me: string | null, approval: CameraZones['approval']): 'yes' | 'own' | 'no' {
  if (version.state !== 'proposed') return 'no';
  return approval === 'self' || !isOwn(version, me) ? 'yes' : 'own';
}

function isOwn({ by, drawn_by = [] }: Pick<Version, 'by' | 'drawn_by'>, me: string | null): boolean {
  return me !== null && [by, ...drawn_by].some((name) => samePerson(name, me));
}

/** As the box compares people: `eva` and `Eva` are one. */
function samePerson(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}

/** Why not, to whoever may not. */
export function ownWords({ by }: Pick<Version, 'by'>, me: string | null): string {
  return me !== null && samePerson(by, me) ? 'You proposed it' : 'You drew at it';
}

/** Two versions to look at first: what waits for approval against what is in force, else in force against the one before. */
export function firstComparison(versions: readonly Version[]): { from: number; to: number } | null {
  const newest = [...versions].sort((a, b) => b.number - a.number);
  const in_force = newest.find((v) => v.state === 'in_force');
  const proposed = newest.find((v) => v.state === 'proposed');
  if (in_force && proposed) return { from: in_force.number, to: proposed.number };
  const before = in_force && newest.find((v) => v.state === 'replaced' && v.number < in_force.number);
  return in_force && before ? { from: before.number, to: in_force.number } : null;
}

export interface Change { readonly text: string; readonly loss: boolean }

/** A guard that goes, or an area that is no longer looked at; as the box words its differences. */
const LOSS = /: (?:(?:restricted|warning|occupancy) zone|tripwire) removed$|: new ignored area\b|: kind .*→ (?:ignored area|privacy mask)$|: privacy mask removed$|: kind privacy mask → /;

/** Sentences with what is lost first: whoever puts zones in force must not find it at the end of the list. */
export function consequencesFirst(sentences: readonly string[]): Change[] {
  const changes = sentences.map((text) => ({ text, loss: LOSS.test(text) }));
  return [...changes.filter(({ loss }) => loss), ...changes.filter(({ loss }) => !loss)];
}

/** What the box finds doubtful in a document: what keeps it from force, its warnings, set-backs that are too short. */
export function doubtsOf(findings: unknown): string[] {
  if (!isObject(findings)) return [];
  const list = (key: string) => (Array.isArray(findings[key]) ? findings[key].filter(isObject) : []);
  const said = [...list('problems'), ...list('warnings')].map(({ message }) => String(message ?? ''));
  const tight = list('setback').filter(({ tight }) => tight === true).map(({ zone, required_m, actual_m }) => {
    const metres = (m: unknown) => (typeof m === 'number' ? `${m.toFixed(2)} m` : 'not measurable');
    return `Set-back of ${String(zone)}: wanted ${metres(required_m)}, it is ${metres(actual_m)}.`;
  });
  return [...said, ...tight].filter((text) => text !== '');
}
