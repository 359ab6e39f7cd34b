// The box's time on a device whose own clock may be wrong by any amount. Pure.
// A message is late by what the way took, so of several readings the one that puts the box's clock furthest ahead is the best.

import type { Moment } from '../lib/stream';

/** Readings kept; at one every two seconds they cover half a minute. */
const READINGS_MAX = 16;
/** The device's wall clock was set when it and the monotonic one disagree by more than this since a reading. */
const SET_MS = 500;

interface Reading { ahead_ms: number; at: Moment }
export type Readings = readonly Reading[];

/** Takes the box's time as a message that came in at `at` says it. */
export function read(readings: Readings, box_now: string, at: Moment): Readings {
  const box_ms = Date.parse(box_now);
  if (Number.isNaN(box_ms)) return readings;
  const last = readings.at(-1);
  const kept = last && wasSet(last.at, at) ? [] : readings;
  return [...kept, { ahead_ms: box_ms - at.wall_ms, at }].slice(-READINGS_MAX);
}

/** A device that slept has both: the wall clock ran on and the other stood. It reads anew, too. */
function wasSet(before: Moment, now: Moment): boolean {
  return Math.abs(now.wall_ms - before.wall_ms - (now.mono_ms - before.mono_ms)) > SET_MS;
}

/** How far the box's clock is ahead of this device's; null before the first message. */
export function aheadMs(readings: Readings): number | null {
  return readings.length === 0 ? null : Math.max(...readings.map((r) => r.ahead_ms));
}

/** The box's clock as the service worker needs it, which hears no socket: how far it is ahead, and when that was read. */
export interface KeptClock { ahead_ms: number; read_wall_ms: number }
/** Kept anew when it moved by this, or is so old. */
const KEEP_STEP_MS = 1_000;
const KEEP_EVERY_MS = 300_000;

/** What to keep now; null where what is kept says the same. */
export function toKeep(kept: KeptClock | null, readings: Readings, now: Moment): KeptClock | null {
  const ahead_ms = aheadMs(readings);
  if (ahead_ms === null) return null;
  const isSame = kept !== null && Math.abs(kept.ahead_ms - ahead_ms) < KEEP_STEP_MS && Math.abs(now.wall_ms - kept.read_wall_ms) < KEEP_EVERY_MS;
  return isSame ? null : { ahead_ms, read_wall_ms: now.wall_ms };
}

/** The box's time now; the device's own where the box was never heard. */
export function boxTime(readings: Readings, now: Moment): number {
  return now.wall_ms + (aheadMs(readings) ?? 0);
}
