// The contract of the box (docs/reference/api.md): its types, and what its messages and answers mean.
// Asks for nothing itself.
// What a message may lack is typed as lacking, so that a box that is only starting cannot break the page.

export type CameraState = 'watched' | 'unknown';
export type ZoneState = 'clear' | 'occupied' | 'unknown';
/** A kind this page does not know is treated as restricted. */
export type ZoneKind = 'restricted' | 'warning' | 'occupancy' | 'tripwire' | 'ignore' | 'privacy_mask';
export type Direction = 'left_to_right' | 'right_to_left' | 'both';
/** `untested`: the walk test of a zone is overdue. */
export type AlarmKind = 'intrusion' | 'warning' | 'blind' | 'fault' | 'untested';
/**
 * As ISA-18.2 shows it. `latched_…`: the cause is gone, the alarm stays until it is acknowledged and reset. The last
 * two are shown and never heard, whatever the cause does; an alarm that is suppressed by design is not raised at all.
 */
export type AlarmState =
  | 'unacknowledged' | 'acknowledged' | 'returned_unacknowledged' | 'latched_unacknowledged' | 'latched_acknowledged'
  | 'shelved' | 'out_of_service';
export type Priority = 'emergency' | 'high' | 'low' | 'fault';
export type SirenState = 'silent' | 'intrusion' | 'warning' | 'fault' | 'broken';
export type InputState = 'on' | 'off' | 'unknown';
export type VisionState = 'starting' | 'watching' | 'restarting';
/** x, y as fractions of the frame. */
export type Point = readonly [number, number];
export type Polygon = readonly (readonly Point[])[];

export interface Site { name: string; time_zone: string; version: string }
export interface Vision { state: VisionState; detail: string; restarts: number }
export interface Model { name: string; version: string; digest: string; provider: string; runtime: string }
export interface SirenTest { at: string; passed: boolean; audible: boolean; detail: string | null }
export interface Siren {
  state: SirenState; zone: string | null; device: string; fault: string | null;
  /** It sounds, but somebody has to look after it: why. */
  attention: string | null;
  /** Somebody has silenced it until then; nothing is acknowledged by that. */
  silenced_until: string | null; silenced_by: string | null;
  last_test: SirenTest | null;
}
export interface Latency {
  capture_to_siren_p99_ms: number | null;
  capture_to_siren_max_ms: number | null;
  alarms: number;
}
export interface Camera {
  id: string; name: string; state: CameraState; reason: string | null; since: string;
  width_px: number | null; height_px: number | null; fps: number;
  frame_age_ms: number | null; detail_cut: string | null; people: number;
  /** Number of the zones in force. */
  zones_version: number | null;
  /** Why other zones guard than were meant to: a changed file that cannot be used. */
  zones_fault?: string | null;
  source?: CameraSource;
  /** Why its view cannot be trusted, by the box's word for it (`moved`); null or absent: nothing is wrong with it. */
  view_trouble?: string | null;
  /** What of its picture is black for everybody. */
  privacy_masks?: readonly Mask[];
}
/** How a camera's pictures come; all but the address is null before the first one. */
export interface CameraSource {
  address: string;
  decoder: string | null;
  transport: 'tcp' | 'udp' | null;
  clock: 'sender_report' | 'arrival' | 'pipeline' | null;
  /** Why the camera's own clock is not believed. */
  clock_refused: string | null; decoder_failed: string | null;
}
/** Nobody sees what is behind it; people are looked for there all the same. */
export interface Mask { id: string; name: string; polygons: readonly Polygon[] }
/** Whether a zone alarms now; `until` is null where nobody knows (an interlock). */
export interface Arming { armed: boolean; by: 'schedule' | 'interlock' | null; reason: string; until: string | null }
export interface WalkTestSummary {
  state: 'valid' | 'overdue'; due_at: string | null;
  last: { id: number; at: string; result: string } | null;
}
export interface Zone {
  id: string; name: string; camera: string; kind: ZoneKind; state: ZoneState; reason: string | null;
  since: string; people: number; incident: number | null; polygons: readonly Polygon[];
  arming: Arming; line: readonly Point[] | null; direction: Direction | null; walk_test: WalkTestSummary | null;
  /** Shelved or out of service: somebody inside is seen, and nobody is alarmed. */
  unheard: Unheard['state'] | null;
}
/** What somebody has taken from hearing: an alarm on the shelf, or all alarms of a zone out of service. */
export interface Unheard {
  state: 'shelved' | 'out_of_service';
  /** The alarm that was shelved, by whose number it ends, and when it ends by itself; null out of service. */
  alarm: number | null; until: string | null;
  kind: AlarmKind; zone: string | null; camera: string | null; part: string | null; title: string;
  by: string; reason: string; since: string;
  /** The alarm that is open there now: its cause is there. */
  open_alarm: number | null;
}
/** What a machine says of itself. */
export interface Input { name: string; state: InputState; reason: string | null; since: string | null; age_ms: number | null }
/** Whether an alarm would reach anybody's handheld; a box without handhelds says nothing. */
export interface Listening { listening: 'somebody' | 'nobody' | 'not_expected'; connected: readonly { person: string; device: string }[]; paired: number }
/** What became of an alarm on one handheld, in ms after the camera's picture. */
export interface Delivery { person: string; device: string; sent_ms: number | null; received_ms: number | null; shown_ms: number | null }
/** `person`: on whose handheld. */
export interface LadderStep { step: string; after_ms: number; person?: string }
export interface StageTime { stage: string; ms: number }
export interface Alarm {
  id: number; kind: AlarmKind; priority: Priority; state: AlarmState;
  /** Rises with every change; what a person saw when they answer. */
  version: number;
  /** The version at which it last wanted an answer: it began, or a further person came. */
  renewed: number;
  /** Its sound alone pauses until then. */
  silenced_until: string | null;
  zone: string | null; camera: string | null; part: string | null; title: string; text: string;
  raised_at: string; changed_at: string;
  acknowledged_by: string | null; acknowledged_at: string | null;
  incident: number | null; snapshot: boolean;
  ladder: readonly LadderStep[]; stages: readonly StageTime[];
  delivery?: readonly Delivery[];
}
export interface BoxState {
  site: Site; now: string; uptime_ms: number; vision: Vision; model: Model | null; siren: Siren;
  store: { fault: string | null }; latency: Latency;
  cameras: readonly Camera[]; zones: readonly Zone[]; alarms: readonly Alarm[];
  inputs: readonly Input[];
  unheard: readonly Unheard[];
  handhelds?: Listening | null;
}
export interface Incident {
  id: number; zone: string; zone_name: string; camera: string; started_at: string; ended_at: string | null;
  entries: number; score: number; model_digest: string; zone_revision: string; snapshot: boolean;
  /** Parts of its video that are there, the first first. */
  clips: readonly number[]; pinned: boolean;
  /** Why there is no video and none will come; null where there is some, or it is still to come. */
  no_video?: string | null;
  siren_after_ms: number | null; acknowledged_by: string | null;
  /** Kind of its zone; absent where the box does not say. */
  kind?: ZoneKind | null;
}
/** `no_record`: before the zone, or the box, was there at all. */
export type SpanState = 'occupied' | 'unknown' | 'no_record';
export interface Span { state: SpanState; from: string; to: string | null }
export interface History { from: string; to: string; zones: readonly { id: string; spans: readonly Span[] }[] }

/** What a message does not say of a zone's arming means armed. */
function armingOf(given: unknown): Arming {
  if (!isObject(given)) return { armed: true, by: null, reason: '', until: null };
  const { by, reason, until } = given;
  return {
    armed: given['armed'] !== false,
    by: by === 'schedule' || by === 'interlock' ? by : null,
    reason: typeof reason === 'string' ? reason : '',
    until: typeof until === 'string' ? until : null,
  };
}

/** A message that does not keep to the contract. */
export class ContractError extends Error {}

/** The state of the box from a message's text; throws `ContractError` rather than showing half a state. */
export function parseState(text: string): BoxState {
  const value = parseObject(text);
  for (const key of ['site', 'vision', 'siren', 'store', 'latency']) {
    if (!isObject(value[key])) throw new ContractError(`${key} is missing`);
  }
  for (const key of ['cameras', 'zones', 'alarms']) {
    if (!isListOfObjects(value[key])) throw new ContractError(`${key} is not a list`);
  }
  if (Number.isNaN(Date.parse(String(value['now'])))) throw new ContractError('now is not a time');
  const state = value as unknown as BoxState;
  return {
    ...state,
    inputs: isListOfObjects(value['inputs']) ? state.inputs : [],
    zones: state.zones.map(whole),
    alarms: state.alarms.map(wholeAlarm),
    siren: wholeSiren(state.siren),
    unheard: isListOfObjects(value['holds']) ? (value['holds'] as Unheard[]) : [],
  };
}

const ALARM_STATES: readonly string[] = [
  'unacknowledged', 'acknowledged', 'returned_unacknowledged', 'latched_unacknowledged', 'latched_acknowledged', 'shelved', 'out_of_service',
] satisfies AlarmState[];
const PRIORITIES: readonly string[] = ['emergency', 'high', 'low', 'fault'] satisfies Priority[];
const PRIORITY_OF: Record<AlarmKind, Priority> = { intrusion: 'emergency', warning: 'high', untested: 'low', blind: 'fault', fault: 'fault' };

/** An alarm with everything the page asks of one. A state this page does not know wants an answer. */
function wholeAlarm(alarm: Alarm): Alarm {
  return {
    ...alarm,
    state: ALARM_STATES.includes(alarm.state) ? alarm.state : 'unacknowledged',
    silenced_until: alarm.silenced_until ?? null,
    priority: PRIORITIES.includes(alarm.priority) ? alarm.priority : PRIORITY_OF[alarm.kind],
  };
}

function wholeSiren(siren: Siren): Siren {
  return { ...siren, attention: siren.attention ?? null, silenced_until: siren.silenced_until ?? null, silenced_by: siren.silenced_by ?? null, last_test: siren.last_test ?? null };
}

/** A zone with everything the page asks of one. Only a plain `armed: false` is believed to mean disarmed. */
function whole(zone: Zone): Zone {
  return { ...zone, line: zone.line ?? null, direction: zone.direction ?? null, walk_test: zone.walk_test ?? null, arming: armingOf(zone.arming), unheard: null };
}

export function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ContractError('not JSON');
  }
  if (!isObject(value)) throw new ContractError('not an object');
  return value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every(isObject);
}

/** `clear`: in which everybody can be recognised; takes a grant. */
export type Sight = 'shown' | 'clear';
const ASKED: Record<Sight, string> = { shown: '', clear: '?picture=clear' };

/** Of a list: sharp on screens with two pixels for each of CSS, and some 15 kB. */
const THUMBNAIL_PX = 320;

export function snapshotUrl(incident: number, sight: Sight = 'shown'): string {
  return `/api/incidents/${incident}/snapshot.jpg${ASKED[sight]}`;
}

/** The same for a list: small, and with people hidden whoever looks. */
export function thumbnailUrl(incident: number): string {
  return `${snapshotUrl(incident)}?width=${THUMBNAIL_PX}`;
}

export function liveUrl(camera: string, location: { protocol: string; host: string }, sight: Sight = 'shown'): string {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${scheme}//${location.host}/api/cameras/${encodeURIComponent(camera)}/live${ASKED[sight]}`;
}

export function errorOf(body: string): { code: string; message: string } {
  try {
    const error = parseObject(body)['error'];
    if (isObject(error)) return { code: String(error['code'] ?? ''), message: sentence(String(error['message'] ?? '')) };
  } catch {
    // A proxy or a torn answer: there is no sentence to show.
  }
  return { code: '', message: '' };
}

/** A text of the box, which words them for logs too, as a sentence. A first word that is a name (`nanodet-g-416`, `model.onnx`) stays as it is written. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const begun = /^[a-z]+(?=[\s,:;'’]|$)/.test(trimmed) ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1) : trimmed;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
