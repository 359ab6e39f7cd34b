// The contract of the box (docs/reference/api.md): its types, and the requests this page makes.
// What a message may lack is typed as lacking, so that a box that is only starting cannot break the page.

export type CameraState = 'watched' | 'unknown';
export type ZoneState = 'clear' | 'occupied' | 'unknown';
export type AlarmKind = 'intrusion' | 'blind' | 'fault';
export type AlarmState = 'unacknowledged' | 'acknowledged' | 'returned_unacknowledged';
export type SirenState = 'silent' | 'intrusion' | 'fault' | 'broken';
export type VisionState = 'starting' | 'watching' | 'restarting';
/** x, y as fractions of the frame. */
export type Point = readonly [number, number];
export type Polygon = readonly (readonly Point[])[];

export interface Site { name: string; time_zone: string; version: string }
export interface Vision { state: VisionState; detail: string; restarts: number }
export interface Model { name: string; version: string; digest: string; provider: string; runtime: string }
export interface Siren { state: SirenState; zone: string | null; device: string; fault: string | null }
export interface Latency {
  capture_to_siren_p99_ms: number | null;
  capture_to_siren_max_ms: number | null;
  alarms: number;
}
export interface Camera {
  id: string; name: string; state: CameraState; reason: string | null; since: string;
  width_px: number | null; height_px: number | null; fps: number;
  frame_age_ms: number | null; people: number;
}
export interface Zone {
  id: string; name: string; camera: string; kind: string; state: ZoneState; reason: string | null;
  since: string; people: number; incident: number | null; polygons: readonly Polygon[];
}
export interface LadderStep { step: string; after_ms: number }
export interface StageTime { stage: string; ms: number }
export interface Alarm {
  id: number; kind: AlarmKind; priority: 'emergency' | 'fault'; state: AlarmState;
  zone: string | null; camera: string | null; part: string | null; title: string; text: string;
  raised_at: string; changed_at: string;
  acknowledged_by: string | null; acknowledged_at: string | null;
  incident: number | null; snapshot: boolean;
  ladder: readonly LadderStep[]; stages: readonly StageTime[];
}
export interface BoxState {
  site: Site; now: string; uptime_ms: number; vision: Vision; model: Model | null; siren: Siren;
  store: { fault: string | null }; latency: Latency;
  cameras: readonly Camera[]; zones: readonly Zone[]; alarms: readonly Alarm[];
}
export interface Incident {
  id: number; zone: string; zone_name: string; camera: string; started_at: string; ended_at: string | null;
  entries: number; score: number; model_digest: string; zone_revision: string; snapshot: boolean;
  siren_after_ms: number | null; acknowledged_by: string | null;
}
export type SpanState = 'occupied' | 'unknown';
export interface Span { state: SpanState; from: string; to: string | null }
export interface History { from: string; to: string; zones: readonly { id: string; spans: readonly Span[] }[] }

export const INCIDENTS_SHOWN = 20;
export const HISTORY_MINUTES = 60;
/** A person waits for this answer with a finger still on the button. */
const ANSWER_MS_MAX = 5_000;
/** The contract's limit for a name. */
export const NAME_LENGTH_MAX = 80;

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
  return value as unknown as BoxState;
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOfObjects(value: unknown): boolean {
  return Array.isArray(value) && value.every(isObject);
}

export function snapshotUrl(incident: number): string {
  return `/api/incidents/${incident}/snapshot.jpg`;
}

export function liveUrl(camera: string, location: { protocol: string; host: string }): string {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${scheme}//${location.host}/api/cameras/${encodeURIComponent(camera)}/live`;
}

export async function fetchIncidents(): Promise<readonly Incident[]> {
  const body = await getJson(`/api/incidents?limit=${INCIDENTS_SHOWN}`);
  if (!isListOfObjects(body['incidents'])) throw new ContractError('incidents is not a list');
  return body['incidents'] as Incident[];
}

export async function fetchHistory(): Promise<History> {
  const body = await getJson(`/api/history?minutes=${HISTORY_MINUTES}`);
  if (!isListOfObjects(body['zones'])) throw new ContractError('zones is not a list');
  return body as unknown as History;
}

export type AckResult =
  | { kind: 'done' }
  | { kind: 'already'; message: string }
  | { kind: 'failed'; message: string };

/** Acknowledges; never throws, because every outcome is a sentence for the person who pressed. */
export async function acknowledge(alarm: number, by: string): Promise<AckResult> {
  let response: Response;
  try {
    response = await fetch(`/api/alarms/${alarm}/acknowledge`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ by }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
  } catch {
    return { kind: 'failed', message: 'The box did not answer. Press again.' };
  }
  return ackResult(response.status, await response.text().catch(() => ''));
}

/** What an answer to an acknowledgement means. */
export function ackResult(status: number, body: string): AckResult {
  if (status >= 200 && status < 300) return { kind: 'done' };
  const error = errorOf(body);
  if (status === 409 && error.code === 'already_acknowledged') {
    return { kind: 'already', message: error.message || 'Somebody has acknowledged this already.' };
  }
  return { kind: 'failed', message: error.message || `The box refused (${status}). Press again.` };
}

function errorOf(body: string): { code: string; message: string } {
  try {
    const error = parseObject(body)['error'];
    if (isObject(error)) return { code: String(error['code'] ?? ''), message: sentence(String(error['message'] ?? '')) };
  } catch {
    // A proxy or a torn answer: there is no sentence to show.
  }
  return { code: '', message: '' };
}

/** The box words its errors for logs too, in lower case; here they stand alone. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

async function getJson(url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX), cache: 'no-store' });
  const text = await response.text();
  if (!response.ok) throw new Error(errorOf(text).message || `The box answered ${response.status}.`);
  return parseObject(text);
}
