// The requests of the operator page: what it asks for, and what came of an answer to an alarm.

import { ContractError, isListOfObjects, type Alarm, type History, type Incident, type Unheard } from './api';
import { request, RequestError, wordsOf } from './request';

export const INCIDENTS_SHOWN = 20;
export const HISTORY_MINUTES = 60;

export async function fetchIncidents(): Promise<readonly Incident[]> {
  const body = await request<{ incidents: readonly Incident[] } | null>('GET', `/api/incidents?limit=${INCIDENTS_SHOWN}`);
  if (!isListOfObjects(body?.incidents)) throw new ContractError('incidents is not a list');
  return body?.incidents ?? [];
}

export async function fetchHistory(): Promise<History> {
  const body = await request<History | null>('GET', `/api/history?minutes=${HISTORY_MINUTES}`);
  if (body === null || !isListOfObjects(body.zones)) throw new ContractError('zones is not a list');
  return body;
}

export type AckResult =
  | { kind: 'done' }
  | { kind: 'already'; message: string }
  /** A further person came after what was seen: it must be looked at again. */
  | { kind: 'newer' }
  | { kind: 'failed'; message: string };

/**
 * Acknowledges what was seen in the name of whoever is signed in; never throws, because every outcome is a sentence
 * for the person who pressed.
 */
export async function acknowledge({ id, version }: Pick<Alarm, 'id' | 'version'>): Promise<AckResult> {
  try {
    await request('POST', `/api/alarms/${id}/acknowledge`, { seen: version });
    return { kind: 'done' };
  } catch (error) {
    return refusedAck(error);
  }
}

/** What a refused acknowledgement means. */
export function refusedAck(error: unknown): AckResult {
  if (error instanceof RequestError && error.code === 'newer_cause') return { kind: 'newer' };
  const already = error instanceof RequestError && error.code === 'already_acknowledged';
  return { kind: already ? 'already' : 'failed', message: wordsOf(error) };
}

/** Ends an alarm that stays until somebody has looked. */
export async function resetAlarm(alarm: number): Promise<AckResult> {
  try {
    await request('POST', `/api/alarms/${alarm}/reset`, {});
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', message: wordsOf(error) };
  }
}

/** The siren is silent for a while; every alarm stays as unanswered as it was. What sounds for more than `seen` goes on. */
export async function silenceSiren(seen: number): Promise<void> {
  await request('POST', '/api/siren/silence', { seen });
}

/** Whether people are to hear a test of the siren. */
export type TestSound = 'audible' | 'inaudible';

/** Tests the siren in the name of whoever is signed in; the state shows what came of it. */
export async function testSiren(sound: TestSound): Promise<void> {
  await request('POST', '/api/siren/test', { sound });
}

export async function shelve(alarm: number, minutes: number, reason: string): Promise<void> {
  await request('POST', `/api/alarms/${alarm}/shelve`, { minutes, reason });
}

/** Brings back what was shelved, or what was out of service. */
export async function endUnheard({ state, alarm, camera, zone }: Pick<Unheard, 'state' | 'alarm' | 'camera' | 'zone'>): Promise<void> {
  if (state === 'out_of_service' && camera !== null && zone !== null) return inService(camera, zone);
  await request('POST', `/api/shelved/${alarm}/end`, {});
}

export async function outOfService(camera: string, zone: string, reason: string): Promise<void> {
  await request('POST', `${zonePath(camera, zone)}/out-of-service`, { reason });
}

export async function inService(camera: string, zone: string): Promise<void> {
  await request('POST', `${zonePath(camera, zone)}/in-service`, {});
}

function zonePath(camera: string, zone: string): string {
  return `/api/zones/${encodeURIComponent(camera)}/${encodeURIComponent(zone)}`;
}
