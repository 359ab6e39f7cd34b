// The state of the box as a stream (`GET /api/stream`), and how old what we know is.
//
//   connecting ──message──> fresh ──2.5 s of silence──> lost ──message──> fresh
//       └──────────2.5 s of silence──────────────────────^
//
// The browser's own retry is not used: it waits seconds, and it does not notice a line that hangs.

import { parseState, type BoxState } from './api';

/** The contract: a page that hears nothing for this long must say that it shows nothing current. */
export const SILENCE_MS_MAX = 2_500;
/** Fast, because every second here is a second without a view of the site. */
export const RETRY_MS = 700;
/** A connection that opens but says nothing is given up after this. */
export const HUNG_MS = 4_000;

export type Link = 'connecting' | 'fresh' | 'lost';

/** Both clocks at one moment. The monotonic one stands still while a laptop sleeps; the wall clock may be set. */
export interface Moment { mono_ms: number; wall_ms: number }

export function moment(): Moment {
  return { mono_ms: performance.now(), wall_ms: Date.now() };
}

/** The time between two moments: the longer of the two readings, so that an error makes things look older. */
export function elapsed(from: Moment, to: Moment): number {
  return Math.max(to.mono_ms - from.mono_ms, to.wall_ms - from.wall_ms, 0);
}

export function linkState(started: Moment, heard: Moment | null, now: Moment): Link {
  if (elapsed(heard ?? started, now) > SILENCE_MS_MAX) return 'lost';
  return heard ? 'fresh' : 'connecting';
}

/** The box's time now, from its time in the last message. */
export function boxNow(state: BoxState, heard: Moment, now: Moment): number {
  return Date.parse(state.now) + elapsed(heard, now);
}

/** Keeps the stream open until the returned function is called. */
export function openStream(onState: (state: BoxState) => void): () => void {
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let hung: ReturnType<typeof setTimeout> | undefined;

  function connect(): void {
    source = new EventSource('/api/stream');
    source.addEventListener('state', hear);
    source.addEventListener('error', again);
    watch();
  }
  function hear(event: MessageEvent<string>): void {
    try {
      onState(parseState(event.data));
      watch();
    } catch (error) {
      // Not counted as heard: what cannot be read is as good as silence, and silence is shown.
      console.error('state message refused', error);
    }
  }
  function watch(): void {
    clearTimeout(hung);
    hung = setTimeout(again, HUNG_MS);
  }
  function again(): void {
    close();
    retry = setTimeout(connect, RETRY_MS);
  }
  function close(): void {
    clearTimeout(retry);
    clearTimeout(hung);
    source?.close();
    source = null;
  }
  connect();
  return close;
}
