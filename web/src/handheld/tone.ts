// What this handheld sounds like and how it shakes. Pure: which notes when; sound.ts plays them.
//
// Unlike the siren on purpose (700/1200 Hz alternating, 440 Hz beeps, a soft chime): whoever hears it must know that it is
// the thing in their pocket. Between 800 and 3000 Hz, where a phone's small loudspeaker is loud and ears are sharp.

import type { Tone } from './alarms';

/** `lost`: this handheld has no connection. `test`: somebody tries the sound. */
export type Pattern = Tone | 'lost' | 'test';

/** A note, gliding from one frequency to the other. */
export interface Note { at_ms: number; for_ms: number; from_hz: number; to_hz: number; share: number }
/** A loop of notes; `again_ms` after its beginning it begins again. */
export interface Loop { notes: readonly Note[]; again_ms: number }

function notes(...parts: readonly (readonly [at_ms: number, for_ms: number, from_hz: number, to_hz: number, share: number])[]): readonly Note[] {
  return parts.map(([at_ms, for_ms, from_hz, to_hz, share]) => ({ at_ms, for_ms, from_hz, to_hz, share }));
}

export const LOOPS: Record<Pattern, Loop> = {
  // Four rising chirps and a breath: fast, and nothing else on a site rises like that.
  emergency: { notes: notes([0, 110, 1_700, 2_900, 1], [140, 110, 1_700, 2_900, 1], [280, 110, 1_700, 2_900, 1], [420, 110, 1_700, 2_900, 1]), again_ms: 800 },
  // Two equal notes, slowly.
  warning: { notes: notes([0, 180, 1_400, 1_400, 0.8], [260, 180, 1_400, 1_400, 0.8]), again_ms: 1_800 },
  // Down and back up.
  fault: { notes: notes([0, 220, 1_250, 900, 0.8], [260, 220, 900, 1_250, 0.8]), again_ms: 2_500 },
  // Three steps down, as a thing that goes away.
  lost: { notes: notes([0, 160, 1_600, 1_600, 0.8], [200, 160, 1_200, 1_200, 0.8], [400, 260, 850, 850, 0.8]), again_ms: 3_000 },
  test: { notes: notes([0, 110, 1_700, 2_900, 1], [140, 110, 1_700, 2_900, 1]), again_ms: 0 },
};

/** Shake and pause by turns, in ms, as `navigator.vibrate` takes them; begun again with the loop of `VIBRATION_AGAIN_MS`. */
export const VIBRATIONS: Record<Pattern, readonly number[]> = {
  emergency: [400, 100, 400, 100, 400, 100, 400],
  warning: [250, 150, 250],
  fault: [600],
  lost: [150, 100, 150, 100, 600],
  test: [300, 100, 300],
};
export const VIBRATION_AGAIN_MS = 2_500;

/** What sounds: an alarm before the connection, since the alarm is why one listens. */
export function patternOf(alarm: Tone | null, lost: 'lost' | 'connected' | 'silenced'): Pattern | null {
  return alarm ?? (lost === 'lost' ? 'lost' : null);
}
