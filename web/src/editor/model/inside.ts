// Who would be inside the draft now: the box's question, asked here of zones that are not in force yet.
// Not here: time. Whether somebody was seen often enough to alarm is the engine's to say.

import type { Point } from '../../lib/api';
import type { Person } from '../../lib/live';
import { isWatched, type Document, type Part, type Zone } from './document';
import { clipped, contains, edges, meeting, ringShare, type BoxSides, type Segment } from './geometry';

/** What the box says of a person beside the contract of today's pages; older boxes say nothing. */
export type SeenPerson = Person & { readonly verdict?: string | undefined };
export interface Placed { readonly person: SeenPerson; readonly zones: readonly Zone[]; readonly ignoredBy: Zone | null }

/** Each person with the zones of the draft they would be in. */
export function placed(document: Document, people: readonly SeenPerson[]): Placed[] {
  return people.map((person) => {
    const ignoredBy = document.zones.find((zone) => zone.kind === 'ignore' && isInside(zone, person)) ?? null;
    const counts = ignoredBy === null && counted(person);
    return { person, ignoredBy, zones: counts ? document.zones.filter((zone) => watches(zone) && isInside(zone, person)) : [] };
  });
}

/** A thing that is no person by the box's own judgement is not one here either; one it ignores today may count in the draft. */
function counted({ verdict }: SeenPerson): boolean {
  return verdict !== 'too_small' && verdict !== 'marked';
}

function watches(zone: Zone): boolean {
  return isWatched(zone) && zone.kind !== 'tripwire';
}

export function isInside(zone: Zone, { box, foot }: Pick<SeenPerson, 'box' | 'foot'>): boolean {
  if (zone.shape.is !== 'area') return false;
  const { parts } = zone.shape;
  const criterion = zone.criterion ?? 'foot';
  if (criterion === 'foot') return contains(parts, foot);
  const sides: BoxSides = { left: box[0], top: box[1], right: box[0] + box[2], bottom: box[1] + box[3] };
  if (criterion === 'any') return touches(parts, sides);
  return boxShare(parts, sides) >= criterion.overlap;
}

/** The share of a box's area that lies in an area. */
export function boxShare(parts: readonly Part[], sides: BoxSides): number {
  const whole = (sides.right - sides.left) * (sides.bottom - sides.top);
  if (whole <= 0) return 0;
  const shared = parts.reduce((sum, [outer, ...holes]) => {
    const covered = outer ? ringShare(clipped(outer, sides)) : 0;
    return sum + covered - holes.reduce((cut, hole) => cut + ringShare(clipped(hole, sides)), 0);
  }, 0);
  return Math.max(0, Math.min(1, shared / whole));
}

function touches(parts: readonly Part[], { left, top, right, bottom }: BoxSides): boolean {
  const corners: Point[] = [[left, top], [right, top], [right, bottom], [left, bottom]];
  if (corners.some((corner) => contains(parts, corner))) return true;
  const sides = edges(corners, 'closed');
  const meets = (edge: Segment) => sides.some((side) => meeting(edge, side) !== null);
  const lies = ([x, y]: Point) => left <= x && x <= right && top <= y && y <= bottom;
  return parts.flat().some((ring) => ring.some(lies) || edges(ring, 'closed').some(meets));
}

export type Tone = 'emergency' | 'warning' | 'none';

/** Which zones would alarm with these people in them: an occupancy zone only where its count is not kept. */
export function alarming(document: Document, people: readonly Placed[]): ReadonlyMap<string, Tone> {
  return new Map(document.zones.map((zone) => [zone.id, toneOf(zone, people.filter(({ zones }) => zones.includes(zone)).length)]));
}

function toneOf(zone: Zone, inside: number): Tone {
  switch (zone.kind) {
    case 'restricted': return inside > 0 ? 'emergency' : 'none';
    case 'warning': return inside > 0 ? 'warning' : 'none';
    case 'occupancy': return keepsCount(zone, inside) ? 'none' : 'emergency';
    case 'tripwire':
    case 'ignore':
    case 'privacy_mask': return 'none';
  }
}

function keepsCount({ count }: Zone, inside: number): boolean {
  if (!count) return true;
  if ('at_most' in count) return inside <= count.at_most;
  return inside >= count.at_least || (inside === 0 && count.empty === 'allowed');
}
