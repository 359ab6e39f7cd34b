// Values of the socket's messages for tests.

import type { Alarm, AlarmMessage, BoxState, Welcome } from './protocol';

export const RAISED = '2026-03-01T14:07:26.000Z';
export const LIFE = 1 << 20;

export function alarm(id: number, rest: Partial<Alarm> = {}): Alarm {
  return {
    id, version: LIFE + 1, renewed: LIFE + 1, priority: 'emergency', state: 'unacknowledged', title: `zone ${id}`, text: '2 people inside', zone: `zone-${id}`,
    camera: 'yard', raised_at: RAISED, captured_at: RAISED, changed_at: RAISED, acknowledged_by: null, acknowledged_at: null, incident: 3, has_snapshot: true,
    people: 2, delivery: [], next: null, outline: null, ...rest,
  };
}

export function sent(of: Alarm, attempt = 1, sent_at = '2026-03-01T14:07:26.500Z'): AlarmMessage {
  return { type: 'alarm', alarm: of, attempt, sent_at };
}

export function state(alarms: readonly Alarm[], rest: Partial<BoxState> = {}): BoxState {
  return { type: 'state', now: '2026-03-01T14:07:27.000Z', watched: { zones: 12, unknown: 0, unguarded: [] }, held: [], siren: { sound: 'silent', fault: null }, alarms, duty: { shift: null, people: [] }, ...rest };
}

export const WELCOME: Welcome = {
  type: 'welcome', box: 'box-1', site: 'North yard', time_zone: 'Europe/Prague', person: 'Eva', device: 'Eva’s phone', server_now: RAISED, push_key: null, cameras: [], ticket: 't',
};

export const at = (ms: number, wall_ms = ms) => ({ mono_ms: ms, wall_ms });
