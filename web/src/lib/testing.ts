// Values of the contract for tests.

import type { Alarm, BoxState, Camera, Siren, Unheard, Zone } from './api';

export const SINCE = '2026-03-01T14:07:26.000Z';

export function camera(id: string, rest: Partial<Camera> = {}): Camera {
  return { id, name: id, state: 'watched', reason: null, since: SINCE, width_px: 768, height_px: 576, fps: 10, frame_age_ms: 48, detail_cut: null, people: 0, zones_version: 12, ...rest };
}

export function zone(id: string, rest: Partial<Zone> = {}): Zone {
  return {
    id, name: id, camera: 'yard', kind: 'restricted', state: 'clear', reason: null, since: SINCE, people: 0, incident: null, polygons: [],
    arming: { armed: true, by: null, reason: '', until: null }, line: null, direction: null, walk_test: null, unheard: null, ...rest,
  };
}

export function unheard(alarm: number, rest: Partial<Unheard> = {}): Unheard {
  return { alarm, state: 'shelved', kind: 'intrusion', zone: 'gate', camera: 'yard', part: null, title: 'gate', by: 'Eva', reason: 'fence works', since: SINCE, until: '2026-03-01T15:07:26.000Z', open_alarm: null, ...rest };
}

export function alarm(id: number, rest: Partial<Alarm> = {}): Alarm {
  return {
    id, kind: 'intrusion', priority: 'emergency', state: 'unacknowledged', zone: 'gate', camera: 'yard', part: null, title: 'gate', text: '2 people inside',
    raised_at: SINCE, changed_at: SINCE, acknowledged_by: null, acknowledged_at: null, incident: 17, snapshot: false, ladder: [], stages: [],
    version: 1, renewed: 1, silenced_until: null, ...rest,
  };
}

export function siren(rest: Partial<Siren> = {}): Siren {
  return { state: 'silent', zone: null, device: 'default', fault: null, attention: null, silenced_until: null, silenced_by: null, last_test: null, ...rest };
}

export function boxState(rest: Partial<BoxState> = {}): BoxState {
  return {
    site: { name: 'North yard', time_zone: 'Europe/Prague', version: '0.1.0' }, now: '2026-03-01T14:07:33.120Z', uptime_ms: 1,
    vision: { state: 'watching', detail: '', restarts: 0 }, model: null, siren: siren(),
    store: { fault: null }, latency: { capture_to_siren_p99_ms: null, capture_to_siren_max_ms: null, alarms: 0 },
    cameras: [camera('yard')], zones: [zone('gate'), zone('pit')], alarms: [], inputs: [], unheard: [], ...rest,
  };
}
