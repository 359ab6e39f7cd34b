// Receipts: `received` at once and for every attempt, `shown` once for each version, and only when its picture was really
// painted on a screen somebody can see. Pure.

import type { AlarmMessage, DeviceMessage } from './protocol';

/** Versions whose showing the box was told; bounded, the oldest go. */
const SHOWN_MAX = 200;

export function received({ alarm, attempt }: AlarmMessage, after_ms: number): DeviceMessage {
  return { type: 'received', alarm: alarm.id, version: alarm.version, attempt, after_ms: Math.max(0, Math.round(after_ms)) };
}

export interface Drawn { alarm: number; version: number }

/** What has to be told of what is on the screen now. Nothing while nobody can see it. */
export function toShow(drawn: readonly Drawn[], told: ReadonlySet<string>, visible: 'visible' | 'hidden'): readonly Drawn[] {
  return visible === 'hidden' ? [] : drawn.filter((d) => !told.has(key(d)));
}

export function note(told: ReadonlySet<string>, drawn: Drawn): ReadonlySet<string> {
  return new Set([...told, key(drawn)].slice(-SHOWN_MAX));
}

/** Whether any version of an alarm was on a screen somebody could see. */
export function wasShown(told: ReadonlySet<string>, alarm: number): 'shown' | 'unseen' {
  return [...told].some((one) => one.startsWith(`${alarm}:`)) ? 'shown' : 'unseen';
}

export function shown({ alarm, version }: Drawn): DeviceMessage {
  return { type: 'shown', alarm, version };
}

function key({ alarm, version }: Drawn): string {
  return `${alarm}:${version}`;
}
