// What the editor says: of zones and corners to those who do not see the picture, of kinds, and of numbers.

import type { Point } from '../../lib/api';
import { count as counted } from '../../lib/format';
import type { Size } from '../../lib/overlay';
import type { Criterion, Direction, Document, Kind, Zone } from './document';
import { cornerAt, rings, type Corner } from './edits';

export const KIND_WORDS: Record<Kind, string> = {
  restricted: 'Restricted', warning: 'Warning', occupancy: 'Occupancy', tripwire: 'Tripwire', ignore: 'Ignored', privacy_mask: 'Privacy mask',
};
export const KIND_MEANS: Record<Kind, string> = {
  restricted: 'Nobody may be here. Somebody inside is an emergency.',
  warning: 'Somebody here is warned, softly.',
  occupancy: 'So many people may be here, or must be.',
  tripwire: 'Nobody may cross this line.',
  ignore: 'Nothing here is looked at: a blind spot chosen on purpose.',
  privacy_mask: 'Black for everybody, on every page and in everything that is kept. People are looked for behind it all the same.',
};

export const LATCH_MEANS = 'After they have left, the siren goes on until somebody acknowledges, and the zone stays in alarm until somebody resets it. For places where somebody must look before work goes on.';

/** A point in the camera's own pixels. */
export function pixel(point: Point, frame: Size): { x: number; y: number } {
  return { x: Math.round(point[0] * frame.width), y: Math.round(point[1] * frame.height) };
}

/** `Gate road, corner 3 of 5, x 590, y 205`. */
export function cornerWords(document: Document, corner: Corner, frame: Size): string {
  const zone = document.zones.find((z) => z.id === corner.zone);
  const ring = zone && rings(zone.shape)[corner.part]?.[corner.ring];
  const point = cornerAt(document, corner);
  if (!zone || !ring || !point) return '';
  const { x, y } = pixel(point, frame);
  const what = zone.shape.is === 'line' ? 'point' : 'corner';
  return `${zone.name}, ${placeWords(zone, corner)}${what} ${corner.index + 1} of ${ring.length}, x ${x}, y ${y}`;
}

function placeWords(zone: Zone, { part, ring }: Corner): string {
  const parts = rings(zone.shape).length;
  return `${parts > 1 ? `part ${part + 1}, ` : ''}${ring > 0 ? `hole ${ring}, ` : ''}`;
}

/** `Gate road, restricted, 5 corners, 2 people inside`. */
export function zoneWords(zone: Zone, inside: number): string {
  const people = inside > 0 ? `, ${counted(inside, 'person', 'people')} inside now` : '';
  return `${zone.name}, ${KIND_WORDS[zone.kind].toLowerCase()}, ${shapeWords(zone)}${people}`;
}

export function shapeWords({ shape }: Zone): string {
  if (shape.is === 'line') return counted(shape.points.length, 'point', 'points');
  const corners = shape.parts.reduce((sum, [outer]) => sum + (outer?.length ?? 0), 0);
  const holes = shape.parts.reduce((sum, part) => sum + part.length - 1, 0);
  const parts = shape.parts.length > 1 ? `${shape.parts.length} parts, ` : '';
  return `${parts}${counted(corners, 'corner', 'corners')}${holes > 0 ? `, ${counted(holes, 'hole', 'holes')}` : ''}`;
}

export function criterionWords(criterion: Criterion | undefined): string {
  if (criterion === undefined || criterion === 'foot') return 'the foot point is inside';
  if (criterion === 'any') return 'any part of the box touches';
  return `${Math.round(criterion.overlap * 100)} % of the box is inside`;
}

/** Seen along the line from its first point to its last. */
export function directionWords(direction: Direction): string {
  switch (direction) {
    case 'left_to_right': return 'from its left to its right';
    case 'right_to_left': return 'from its right to its left';
    case 'both': return 'either way';
  }
}

export function otherDirection(direction: Direction): Direction {
  switch (direction) {
    case 'left_to_right': return 'right_to_left';
    case 'right_to_left': return 'left_to_right';
    case 'both': return 'left_to_right';
  }
}

/** What the box says of a field; of an empty one it quotes nothing. */
export function problemWords(message: string): string {
  return message.replace(/^"": /, '');
}

/** A number and its unit stay on one line. */
const NBSP = '\u00a0';

/** `± 4 cm`, `± 1.20 m`. */
export function errorWords(metres: number): string {
  return `±${NBSP}${lengthWords(metres)}`;
}

export function metresWords(metres: number): string {
  return `${metres.toFixed(2)}${NBSP}m`;
}

/** `4 cm`, `1.20 m`. */
export function lengthWords(metres: number): string {
  return metres < 1 ? `${Math.max(1, Math.round(metres * 100))}${NBSP}cm` : metresWords(metres);
}
