// Numbers and times as words: numbers with their units, times in the site's zone.

const SECOND_MS = 1_000;
/** A number and its unit stay on one line. */
const NBSP = '\u00a0';

/** A span as a clock reads it: `00:07`, `12:40`, `1:02:03`, `3 d 04 h`. */
export function formatSpan(span_ms: number): string {
  const seconds = Math.max(0, Math.floor(span_ms / SECOND_MS));
  const [d, h, m, s] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  if (d > 0) return `${d} d ${two(h)} h`;
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}

/** How long ago, coarse, for lists: `just now`, `40 s ago`, `7 min ago`, `3 h ago`, `2 d ago`. */
export function formatAgo(span_ms: number): string {
  const seconds = Math.max(0, Math.floor(span_ms / SECOND_MS));
  if (seconds < 5) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** A span as words for people: `7 s`, `2 min 05 s`, `1 h 02 min`, `3 d 04 h`. */
export function formatDuration(span_ms: number): string {
  const seconds = Math.max(0, Math.floor(span_ms / SECOND_MS));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${two(Math.floor(seconds / 60) % 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${two(Math.floor(seconds / 3_600) % 24)} h`;
}

/** A step of the delivery ladder, after the camera's frame: `+0.19 s`. */
export function formatAfter(after_ms: number): string {
  return `+${(after_ms / SECOND_MS).toFixed(2)}${NBSP}s`;
}

/** The age of a picture: `48 ms old`, `2.4 s old`. */
export function formatAge(age_ms: number): string {
  const age = Math.max(0, age_ms);
  return age < SECOND_MS ? `${Math.round(age)} ms old` : `${(age / SECOND_MS).toFixed(1)} s old`;
}

export function formatMs(ms: number): string {
  return `${Math.round(ms)}${NBSP}ms`;
}

export function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}

export function people(n: number): string {
  return count(n, 'person', 'people');
}

/** Enough of a digest to tell two apart by eye. */
export function shortDigest(digest: string): string {
  const hex = digest.replace(/^sha256:/, '');
  return hex.length <= 10 ? hex : `${hex.slice(0, 4)}…${hex.slice(-4)}`;
}

export function capitalise(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

/** Six days ahead a weekday still names one day only. */
const WEEKDAY_IS_CLEAR_MS = 6 * 86_400_000;

/** Times in the site's zone. */
export interface SiteClock {
  /** The zone in force; `UTC` where the browser does not know the site's. */
  zone: string;
  /** `14:07:33` */
  time(at: number | string): string;
  /** `14:07` */
  minute(at: number | string): string;
  /** `14:07:33` on the day of `now`, else `28 Feb 14:07:33`. */
  moment(at: number | string, now: number): string;
  /** As people say when something ends: `18:00` on the day of `now`, `Mon 06:00` within a week, else `24 Dec 06:00`. */
  until(at: number | string, now: number): string;
  /** `Mon 14 Nov`, under an axis of days. */
  day(at: number | string): string;
  /** `14 Nov 2026`, for what is due on a day. */
  date(at: number | string): string;
}

export function siteClock(timeZone: string): SiteClock {
  const zone = knownZone(timeZone);
  const time = formatter(zone, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const minute = formatter(zone, { hour: '2-digit', minute: '2-digit' });
  const day = formatter(zone, { day: 'numeric', month: 'short' });
  const weekday = formatter(zone, { weekday: 'short' });
  const date = formatter(zone, { day: 'numeric', month: 'short', year: 'numeric' });
  return {
    zone,
    time,
    minute,
    date,
    day: (at) => `${weekday(at)} ${day(at)}`,
    moment: (at, now) => (date(at) === date(now) ? time(at) : `${day(at)} ${time(at)}`),
    until: (at, now) => {
      const ahead_ms = (typeof at === 'number' ? at : Date.parse(at)) - now;
      if (date(at) === date(now)) return minute(at);
      return `${ahead_ms > 0 && ahead_ms < WEEKDAY_IS_CLEAR_MS ? weekday(at) : day(at)} ${minute(at)}`;
    },
  };
}

function knownZone(timeZone: string): string {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone }).resolvedOptions().timeZone && timeZone;
  } catch {
    return 'UTC';
  }
}

function formatter(timeZone: string, options: Intl.DateTimeFormatOptions): (at: number | string) => string {
  const format = new Intl.DateTimeFormat('en-GB', { ...options, hourCycle: 'h23', timeZone });
  return (at) => {
    const ms = typeof at === 'number' ? at : Date.parse(at);
    return Number.isNaN(ms) ? '–' : format.format(ms);
  };
}
