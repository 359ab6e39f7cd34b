// What a push message (docs/reference/messages.md, “By Web Push”) says to a person. Pure; read by the service worker alone.
// A push can be late by any amount: an old one says so and does not ring.

/** The box gives a push service no more than this to deliver in; the phone may take longer to fetch it. */
const NEWS_MS = 120_000;

export interface Pushed { title: string; body: string; tag: string; alarm: number | null; ring: 'loud' | 'quiet' }

/** Of what cannot be read something is shown all the same: the browser takes the permission away from a silent push. */
export function pushed(text: string, now_ms: number): Pushed {
  const message = record(text);
  const alarm = typeof message['alarm'] === 'number' ? message['alarm'] : null;
  const title = words(message['title']) ?? 'Alarm';
  const said = words(message['text']) ?? 'Open Standclear to see what it is.';
  if (message['test'] === true) return { title: `○ ${title}`, body: said, tag: 'test', alarm, ring: 'quiet' };
  const age_ms = now_ms - Date.parse(words(message['at']) ?? '');
  const old = age_ms > NEWS_MS;
  const shape = old ? '●' : message['priority'] === 'fault' ? '◆' : '▲';
  return {
    title: `${shape} ${title}`,
    body: `${old ? `${Math.round(age_ms / 60_000)} min old: ` : ''}${said} (Also by push, over the internet.)`,
    tag: alarm === null ? 'standclear' : `alarm-${alarm}`, alarm, ring: old ? 'quiet' : 'loud',
  };
}

function record(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function words(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
