// The socket's messages (docs/reference/handhelds.md): their types, and what a text from the box is.
// Sends nothing itself. What a message may lack is typed as lacking; what cannot be read throws.

import { ContractError, isListOfObjects, isObject, parseObject, type Direction, type Point, type Polygon } from '../lib/api';

export const PROTOCOL = 1;

export type Priority = 'emergency' | 'high' | 'low' | 'fault';
export const PRIORITIES: readonly Priority[] = ['emergency', 'high', 'fault', 'low'];

/** Who was sent an alarm and what came back, in ms after the camera's picture. */
export interface Delivery { person: string; device: string; sent_ms: number | null; received_ms: number | null; shown_ms: number | null }

export interface Alarm {
  id: number;
  /** Grows with every change of the alarm, over restarts too. */
  version: number;
  /** The version at which it last wanted an answer: anew, or because a further person came. */
  renewed: number;
  priority: Priority;
  /** The box's word for the condition; only `toAnswer` and `inhibited` of alarms.ts read it. */
  state: string;
  title: string; text: string;
  zone: string | null; camera: string | null;
  raised_at: string; captured_at: string | null; changed_at: string;
  acknowledged_by: string | null; acknowledged_at: string | null;
  incident: number | null; has_snapshot: boolean; people: number;
  delivery: readonly Delivery[];
  next: { person: string; in_s: number } | null;
  /** The zone's outline in the picture, of a box that tells it. */
  outline: { polygons: readonly Polygon[]; line: readonly Point[] | null; direction: Direction | null } | null;
}

export interface Camera { id: string; name: string }
export interface OnDuty { person: string; place: number; listening: boolean; you: boolean }
export interface Duty { shift: string | null; people: readonly OnDuty[] }

export interface Welcome {
  type: 'welcome'; box: string; site: string; time_zone: string; person: string; device: string; server_now: string;
  push_key: string | null; cameras: readonly Camera[]; ticket: string | null;
}
/** Why a zone that is watched alarms nobody. A word this page does not know is no reason to leave the zone out. */
export type UnguardedWhy = 'shelved' | 'out_of_service' | 'disarmed' | 'other';
export interface Unguarded { zone: string; name: string; why: UnguardedWhy }
/** What people keep quiet: shelved under an alarm's number until a time, or a zone out of service until an engineer ends it. */
export interface Held {
  state: 'shelved' | 'out_of_service';
  alarm: number | null; open_alarm: number | null; zone: string | null; title: string; by: string; reason: string; until: string | null;
}
export interface BoxState {
  type: 'state'; now: string; watched: { zones: number; unknown: number; unguarded: readonly Unguarded[] }; held: readonly Held[];
  siren: { sound: string; fault: string | null }; alarms: readonly Alarm[]; duty: Duty;
}
export interface AlarmMessage { type: 'alarm'; alarm: Alarm; attempt: number; sent_at: string }
export type Outcome = 'acknowledged' | 'already_acknowledged' | 'unknown_alarm' | 'newer_cause' | 'too_old' | 'busy';
export interface Acknowledged { type: 'acknowledged'; id: string; alarm: number; outcome: Outcome; message: string }
export type RefusalCode = 'revoked' | 'unknown_device' | 'bad_proof' | 'too_many' | 'other';
export interface Refused { type: 'refused'; code: RefusalCode; message: string }
export type ServerMessage =
  | { type: 'challenge'; nonce: string } | Welcome | Refused | BoxState | AlarmMessage | Acknowledged | { type: 'ping'; n: number }
  | { type: 'unknown' };

export interface Presence { visible: boolean; sound: 'ready' | 'blocked'; notifications: 'granted' | 'denied' | 'default' | 'unsupported' }
export interface PushKeys { endpoint: string; keys: { p256dh: string; auth: string } }
export type DeviceMessage =
  | { type: 'hello'; device: string; protocol: number }
  | { type: 'proof'; signature: string }
  | { type: 'received'; alarm: number; version: number; attempt: number; after_ms: number }
  | { type: 'shown'; alarm: number; version: number }
  | { type: 'acknowledge'; alarm: number; version: number; id: string; pressed_at: string; age_ms: number }
  | { type: 'silence'; seen: number }
  | { type: 'call_next'; alarm: number }
  | { type: 'pong'; n: number }
  | { type: 'subscribe_push'; subscription: PushKeys }
  | ({ type: 'awake' } & Presence);

/** What a text from the box says; throws `ContractError`. A type that this page does not know yet is no fault. */
export function parseMessage(text: string): ServerMessage {
  const value = parseObject(text);
  switch (value['type']) {
    case 'challenge':
      return { type: 'challenge', nonce: words(value, 'nonce') };
    case 'welcome':
      return welcome(value);
    case 'refused':
      return { type: 'refused', code: refusalCode(value['code']), message: String(value['message'] ?? '') };
    case 'state':
      return boxState(value);
    case 'alarm':
      return { type: 'alarm', alarm: alarm(value['alarm']), attempt: number(value, 'attempt'), sent_at: time(value, 'sent_at') };
    case 'acknowledged':
      return { type: 'acknowledged', id: words(value, 'id'), alarm: number(value, 'alarm'), outcome: outcome(value['outcome']), message: String(value['message'] ?? '') };
    case 'ping':
      return { type: 'ping', n: number(value, 'n') };
    default:
      return { type: 'unknown' };
  }
}

function welcome(value: Record<string, unknown>): Welcome {
  const cameras = isListOfObjects(value['cameras']) ? (value['cameras'] as Camera[]) : [];
  return {
    type: 'welcome', box: words(value, 'box'), site: String(value['site'] ?? ''), time_zone: String(value['time_zone'] ?? 'UTC'),
    person: words(value, 'person'), device: words(value, 'device'), server_now: time(value, 'server_now'),
    push_key: text(value['push_key']), ticket: text(value['ticket']), cameras,
  };
}

function boxState(value: Record<string, unknown>): BoxState {
  const { watched, siren, duty, alarms } = value;
  if (!isObject(watched) || !isObject(siren) || !isObject(duty)) throw new ContractError('watched, siren or duty is missing');
  if (!Array.isArray(alarms)) throw new ContractError('alarms is not a list');
  return {
    type: 'state', now: time(value, 'now'),
    watched: { zones: number(watched, 'zones'), unknown: number(watched, 'unknown'), unguarded: isListOfObjects(watched['unguarded']) ? (watched['unguarded'] as object[]).map(unguarded) : [] },
    held: isListOfObjects(value['held']) ? (value['held'] as object[]).map(held) : [],
    siren: { sound: String(siren['sound'] ?? ''), fault: text(siren['fault']) },
    alarms: alarms.map(alarm),
    duty: { shift: text(duty['shift']), people: isListOfObjects(duty['people']) ? (duty['people'] as OnDuty[]) : [] },
  };
}

function unguarded(value: object): Unguarded {
  const { zone, name, why } = value as Record<string, unknown>;
  return { zone: String(zone ?? ''), name: String(name ?? zone ?? ''), why: why === 'shelved' || why === 'out_of_service' || why === 'disarmed' ? why : 'other' };
}

function held(value: object): Held {
  const { state, alarm: of, open_alarm: open, zone, title, by, reason, until } = value as Record<string, unknown>;
  const id = (it: unknown) => (typeof it === 'number' ? it : null);
  return {
    state: state === 'shelved' ? 'shelved' : 'out_of_service', alarm: id(of), open_alarm: id(open), zone: text(zone),
    title: String(title ?? zone ?? ''), by: String(by ?? ''), reason: String(reason ?? ''), until: text(until),
  };
}

/** An alarm that lacks what answering it needs is refused whole: half an alarm must not look like one. */
function alarm(value: unknown): Alarm {
  if (!isObject(value)) throw new ContractError('an alarm is not an object');
  const { priority, outline, next } = value;
  const id = number(value, 'id');
  return {
    id, version: number(value, 'version'), renewed: number(value, 'renewed'),
    // A priority this page does not know yet is taken for the loudest.
    priority: PRIORITIES.find((known) => known === priority) ?? 'emergency',
    state: words(value, 'state'), title: String(value['title'] ?? `Alarm ${id}`), text: String(value['text'] ?? ''),
    zone: text(value['zone']), camera: text(value['camera']),
    raised_at: time(value, 'raised_at'), captured_at: text(value['captured_at']), changed_at: text(value['changed_at']) ?? time(value, 'raised_at'),
    acknowledged_by: text(value['acknowledged_by']), acknowledged_at: text(value['acknowledged_at']),
    incident: typeof value['incident'] === 'number' ? value['incident'] : null,
    has_snapshot: value['has_snapshot'] === true, people: typeof value['people'] === 'number' ? value['people'] : 0,
    delivery: isListOfObjects(value['delivery']) ? (value['delivery'] as Delivery[]) : [],
    next: isObject(next) ? { person: String(next['person'] ?? ''), in_s: Number(next['in_s'] ?? 0) } : null,
    outline: isObject(outline) ? outlineOf(outline) : null,
  };
}

function outlineOf(value: Record<string, unknown>): Alarm['outline'] {
  const { polygons, line, direction } = value;
  return {
    polygons: Array.isArray(polygons) ? (polygons as Polygon[]) : [],
    line: Array.isArray(line) ? (line as Point[]) : null,
    direction: direction === 'left_to_right' || direction === 'right_to_left' || direction === 'both' ? direction : null,
  };
}

function refusalCode(code: unknown): RefusalCode {
  return code === 'revoked' || code === 'unknown_device' || code === 'bad_proof' || code === 'too_many' ? code : 'other';
}

/** An outcome this page does not know is no answer: the person presses again. */
function outcome(word: unknown): Outcome {
  const known: readonly Outcome[] = ['acknowledged', 'already_acknowledged', 'unknown_alarm', 'newer_cause', 'too_old', 'busy'];
  return known.find((one) => one === word) ?? 'busy';
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function words(value: Record<string, unknown>, key: string): string {
  const found = value[key];
  if (typeof found !== 'string') throw new ContractError(`${key} is not a text`);
  return found;
}

function number(value: Record<string, unknown>, key: string): number {
  const found = value[key];
  if (typeof found !== 'number' || !Number.isFinite(found)) throw new ContractError(`${key} is not a number`);
  return found;
}

function time(value: Record<string, unknown>, key: string): string {
  const found = words(value, key);
  if (Number.isNaN(Date.parse(found))) throw new ContractError(`${key} is not a time`);
  return found;
}
