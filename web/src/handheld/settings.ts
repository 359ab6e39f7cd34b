// What a person sets on this device. Pure.

import { isObject } from '../lib/api';

export interface Settings {
  /** `off`: the person is off duty, and the box knows it from the socket that is gone. */
  listening: 'on' | 'off';
  awake: 'on' | 'off';
  /** 0 to 1, of what the device's own volume lets through. */
  volume: number;
}

/** A tone nobody hears is worse than a loud one. */
export const VOLUME_MIN = 0.2;

export function defaults(): Settings {
  return { listening: 'on', awake: 'on', volume: 1 };
}

/** As kept on the device; what cannot be read is as it was delivered. */
export function restoreSettings(kept: unknown): Settings {
  const base = defaults();
  if (!isObject(kept)) return base;
  const { listening, awake, volume } = kept;
  return {
    listening: listening === 'off' ? 'off' : 'on',
    awake: awake === 'off' ? 'off' : 'on',
    volume: typeof volume === 'number' && Number.isFinite(volume) ? Math.min(1, Math.max(VOLUME_MIN, volume)) : base.volume,
  };
}
