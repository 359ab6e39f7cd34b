// The requests of the operator page: what it asks for, and what came of an answer to an alarm.

import { ContractError, isListOfObjects, type History, type Incident } from './api';
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
  | { kind: 'failed'; message: string };

/** Acknowledges in the name of whoever is signed in; never throws, because every outcome is a sentence for the person who pressed. */
export async function acknowledge(alarm: number): Promise<AckResult> {
  try {
    await request('POST', `/api/alarms/${alarm}/acknowledge`, {});
    return { kind: 'done' };
  } catch (error) {
    return refusedAck(error);
  }
}

/** What a refused acknowledgement means. */
export function refusedAck(error: unknown): AckResult {
  const already = error instanceof RequestError && error.code === 'already_acknowledged';
  return { kind: already ? 'already' : 'failed', message: wordsOf(error) };
}
