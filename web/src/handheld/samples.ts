// Notes to samples. Pure. A loop is one buffer that the sound card repeats by itself: a page in the background gets no
// timers worth the name, and the tone must not hang on them.

import type { Loop } from './tone';

/** Rise and fall of a note, so that it does not click. */
const EDGE_S = 0.004;
/** How far a sine is driven towards a square: louder at the same peak, which a small loudspeaker needs. */
const DRIVE = 2.5;
/** Head room for converters that overshoot between samples. */
const PEAK = 0.9;

export function samplesOf(loop: Loop, rate_hz: number): Float32Array<ArrayBuffer> {
  const end_ms = Math.max(loop.again_ms, ...loop.notes.map((n) => n.at_ms + n.for_ms));
  const samples = new Float32Array(Math.round((end_ms / 1_000) * rate_hz));
  for (const note of loop.notes) {
    const first = Math.round((note.at_ms / 1_000) * rate_hz);
    const length = Math.round((note.for_ms / 1_000) * rate_hz);
    const edge = EDGE_S * rate_hz;
    let phase = 0;
    for (let i = 0; i < length && first + i < samples.length; i += 1) {
      const share = i / length;
      phase += (2 * Math.PI * (note.from_hz + (note.to_hz - note.from_hz) * share)) / rate_hz;
      const rise = Math.min(1, i / edge, (length - i) / edge);
      samples[first + i] = (PEAK * note.share * rise * Math.tanh(DRIVE * Math.sin(phase))) / Math.tanh(DRIVE);
    }
  }
  return samples;
}
