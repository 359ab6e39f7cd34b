// What a push message (docs/reference/messages.md, “By Web Push”) says to a person. Pure; read by the service worker alone.
// A push can be late by any amount: an old one says so, and does not ring when it is certain that it is old. The clocks of
// the box and of the phone may differ by any amount, so that is certain only by the box's clock as the page read it.

/** The box gives a push service no more than this to deliver in; the phone may take longer to fetch it. */
const NEWS_MS = 120_000;
/** Longer ago the box's clock was read too long ago to call an alarm old by it: a shift, and some. */
const CLOCK_MS_MAX = 12 * 3_600_000;

export interface Pushed { title: string; body: string; tag: string; alarm: number | null; ring: 'loud' | 'quiet' }

/**
 * Of what cannot be read something is shown all the same: the browser takes the permission away from a silent push.
 * `clock` is the box's clock as it was kept, and `now_ms` the phone's own.
 */
export function pushed(text: string, now_ms: number, clock: unknown): Pushed {
  const message = record(text);
  const alarm = typeof message['alarm'] === 'number' ? message['alarm'] : null;
  const title = words(message['title']) ?? 'Alarm';
  const said = words(message['text']) ?? 'Open Standclear to see what it is.';
  if (message['test'] === true) return { title: `○ ${title}`, body: said, tag: 'test', alarm, ring: 'quiet' };
  const age = ageOf(Date.parse(words(message['at']) ?? ''), now_ms, clock);
  const shape = age.kind === 'old' ? '●' : message['priority'] === 'fault' ? '◆' : '▲';
  return {
    title: `${shape} ${title}`,
    body: `${ageWords(age)}${said} (Also by push, over the internet.)`,
    tag: alarm === null ? 'standclear' : `alarm-${alarm}`, alarm, ring: age.kind === 'old' ? 'quiet' : 'loud',
  };
}

type Age = { kind: 'news' } | { kind: 'old'; age_ms: number } | { kind: 'perhaps_old'; age_ms: number };

/** Old only where both clocks say so and the box's was read lately: one that was set since must silence nothing. */
function ageOf(at_ms: number, now_ms: number, clock: unknown): Age {
  const by_phone_ms = now_ms - at_ms;
  const ahead_ms = aheadLately(clock, now_ms);
  const by_box_ms = ahead_ms === null ? null : by_phone_ms + ahead_ms;
  const age_ms = by_box_ms ?? by_phone_ms;
  if (!(age_ms > NEWS_MS)) return { kind: 'news' };
  return by_box_ms !== null && by_phone_ms > NEWS_MS ? { kind: 'old', age_ms } : { kind: 'perhaps_old', age_ms };
}

function aheadLately(clock: unknown, now_ms: number): number | null {
  if (typeof clock !== 'object' || clock === null) return null;
  const { ahead_ms, read_wall_ms } = clock as Record<string, unknown>;
  if (typeof ahead_ms !== 'number' || typeof read_wall_ms !== 'number') return null;
  const since_ms = now_ms - read_wall_ms;
  return since_ms >= 0 && since_ms <= CLOCK_MS_MAX ? ahead_ms : null;
}

function ageWords(age: Age): string {
  switch (age.kind) {
    case 'news':
      return '';
    case 'old':
      return `${Math.round(age.age_ms / 60_000)} min old: `;
    case 'perhaps_old':
      return `Perhaps ${Math.round(age.age_ms / 60_000)} min old: `;
  }
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
