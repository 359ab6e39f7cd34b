// A schedule as a week of half hours, and in words. The grid is what people paint; the spans are what the box reads.
//
// A half hour that a schedule arms only in part is shown as `partly`; once the grid is painted it is armed whole:
// in doubt a zone is armed longer, never shorter.

import { DAYS, type ArmedSpan, type Day, type Exception, type Hours, type Schedule } from './document';

export const CELLS_A_DAY = 48;
const CELL_MIN = 30;
const DAY_MIN = 24 * 60;
const DAY_MS = 86_400_000;
export type Cell = 'on' | 'partly' | 'off';
/** By day, Monday first, then by half hour. */
export type Week = readonly (readonly Cell[])[];

export const DAY_NAMES: Record<Day, string> = { mon: 'Mon', tue: 'Tue', wed: 'Wed', thu: 'Thu', fri: 'Fri', sat: 'Sat', sun: 'Sun' };
export const DAY_WORDS: Record<Day, string> = { mon: 'Monday', tue: 'Tuesday', wed: 'Wednesday', thu: 'Thursday', fri: 'Friday', sat: 'Saturday', sun: 'Sunday' };
const WORK_DAYS: readonly Day[] = ['mon', 'tue', 'wed', 'thu', 'fri'];

export const ALWAYS: Schedule = { armed: [{ days: DAYS, from: '00:00', to: '24:00' }] };
export const WORK_HOURS: Schedule = { armed: [{ days: WORK_DAYS, from: '06:00', to: '22:00' }] };
export const NEVER: Schedule = { armed: [] };

export function minuteOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

export function timeOf(minute: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** How many minutes of each half hour are armed. */
function armedMinutes(armed: readonly ArmedSpan[]): number[][] {
  const minutes = DAYS.map(() => new Array<boolean>(DAY_MIN).fill(false));
  const mark = (day: number, from: number, to: number) => minutes[day % 7]?.fill(true, from, to);
  for (const span of armed) {
    const [from, to] = [minuteOf(span.from), minuteOf(span.to)];
    for (const day of span.days.map((d) => DAYS.indexOf(d))) {
      if (from < to) mark(day, from, to);
      else {
        mark(day, from, DAY_MIN);
        mark(day + 1, 0, to);
      }
    }
  }
  return minutes.map((day) => Array.from({ length: CELLS_A_DAY }, (_, cell) => day.slice(cell * CELL_MIN, (cell + 1) * CELL_MIN).filter(Boolean).length));
}

export function weekOf(schedule: Pick<Schedule, 'armed'>): Week {
  return armedMinutes(schedule.armed).map((day) => day.map((minutes): Cell => (minutes === 0 ? 'off' : minutes === CELL_MIN ? 'on' : 'partly')));
}

/** A week with some half hours painted. */
export function painted(week: Week, cells: ReadonlySet<string>, as: 'on' | 'off'): Week {
  return week.map((day, d) => day.map((cell, c) => (cells.has(`${d}:${c}`) ? as : cell)));
}

/** All half hours of the rectangle between two of them. */
export function block(a: { day: number; cell: number }, b: { day: number; cell: number }): Set<string> {
  const range = (p: number, q: number) => Array.from({ length: Math.abs(q - p) + 1 }, (_, i) => Math.min(p, q) + i);
  return new Set(range(a.day, b.day).flatMap((day) => range(a.cell, b.cell).map((cell) => `${day}:${cell}`)));
}

interface Run { from: number; to: number }

function runs(day: readonly Cell[]): Run[] {
  const found: Run[] = [];
  day.forEach((cell, i) => {
    if (cell === 'off') return;
    const last = found[found.length - 1];
    if (last && last.to === i) last.to = i + 1;
    else found.push({ from: i, to: i + 1 });
  });
  return found;
}

/** The fewest spans that say the week: days with the same hours together, nights as one span past midnight. */
export function spansOf(week: Week): ArmedSpan[] {
  const byDay = DAYS.map((_, d) => runs(week[d] ?? []));
  const spans = new Map<string, { hours: Hours; days: Day[] }>();
  const add = (day: number, from: number, to: number) => {
    const hours = { from: timeOf(from * CELL_MIN), to: timeOf(to * CELL_MIN) };
    const key = `${hours.from}-${hours.to}`;
    const entry = spans.get(key) ?? { hours, days: [] };
    entry.days.push(DAYS[day] as Day);
    spans.set(key, entry);
  };
  const overnight = DAYS.map((_, d) => nightOf(byDay[d] ?? [], byDay[(d + 1) % 7] ?? []));
  byDay.forEach((day, d) => {
    const joined = overnight[(d + 6) % 7];
    for (const run of day) {
      if (joined && run.from === 0) continue;
      const night = overnight[d];
      if (night && run.to === CELLS_A_DAY) add(d, run.from, night.to);
      else add(d, run.from, run.to);
    }
  });
  return [...spans.values()].map(({ hours, days }) => ({ days, ...hours }));
}

/** The morning run that an evening run goes on into, where one span past midnight can say both. */
function nightOf(evening: readonly Run[], morning: readonly Run[]): Run | null {
  const last = evening.find((run) => run.to === CELLS_A_DAY);
  const first = morning.find((run) => run.from === 0);
  return last && first && last.from > 0 && first.to <= last.from && first.to < CELLS_A_DAY ? first : null;
}

/** `Mon–Fri 06:00–22:00, Sat 07:00–15:00`. */
export function scheduleWords(schedule: Schedule | undefined): string {
  if (!schedule) return 'Always armed.';
  const spans = spansOf(weekOf(schedule));
  const days = spans.length === 0 ? 'Never armed by the week' : isAlways(schedule) ? 'Armed all week' : `Armed ${spans.map((s) => `${daysWords(s.days)} ${hoursWords(s)}`).join(', ')}`;
  const exceptions = schedule.exceptions ?? [];
  return exceptions.length === 0 ? `${days}.` : `${days}; ${exceptions.length === 1 ? 'one day' : `${exceptions.length} days`} otherwise.`;
}

export function isAlways(schedule: Pick<Schedule, 'armed'>): boolean {
  return weekOf(schedule).every((day) => day.every((cell) => cell === 'on'));
}

export function hoursWords({ from, to }: Hours): string {
  if (from === '00:00' && to === '24:00') return 'all day';
  return minuteOf(to) <= minuteOf(from) ? `${from}–${to} of the next day` : `${from}–${to}`;
}

/** `Mon–Fri`, `Mon, Wed`, `every day`. */
export function daysWords(days: readonly Day[]): string {
  const numbers = days.map((day) => DAYS.indexOf(day)).sort((a, b) => a - b);
  if (numbers.length === 7) return 'every day';
  const groups: number[][] = [];
  for (const n of numbers) {
    const last = groups[groups.length - 1];
    if (last && last[last.length - 1] === n - 1) last.push(n);
    else groups.push([n]);
  }
  const name = (n: number | undefined) => DAY_NAMES[DAYS[n ?? 0] as Day];
  return groups.map((g) => (g.length < 3 ? g.map(name).join(', ') : `${name(g[0])}–${name(g[g.length - 1])}`)).join(', ');
}

export function exceptionWords({ armed }: Exception): string {
  if (armed === 'all_day') return 'armed all day';
  if (armed === 'never') return 'not armed';
  return armed.length === 0 ? 'not armed' : `armed ${armed.map(hoursWords).join(', ')}`;
}

/** A moment as the site's calendar and clock have it. */
export interface SiteMoment { readonly date: string; readonly minute: number }

/** Null where the browser does not know the zone: then nothing is said of the moment. */
export function siteMoment(at_ms: number, timeZone: string): SiteMoment | null {
  try {
    const format = new Intl.DateTimeFormat('en-GB', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    const parts = new Map(format.formatToParts(at_ms).map(({ type, value }) => [type, value]));
    return { date: `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`, minute: minuteOf(`${parts.get('hour')}:${parts.get('minute')}`) };
  } catch {
    return null;
  }
}

/** Whether a schedule has a zone armed at a moment; without a schedule always. What began yesterday counts until its end. */
export function armedBySchedule(schedule: Schedule | undefined, { date, minute }: SiteMoment): boolean {
  if (!schedule) return true;
  const runsOn = (hours: Hours) => minuteOf(hours.from) <= minute && (pastMidnight(hours) || minute < minuteOf(hours.to));
  const runsOver = (hours: Hours) => pastMidnight(hours) && minute < minuteOf(hours.to);
  return hoursOf(schedule, date).some(runsOn) || hoursOf(schedule, dayBefore(date)).some(runsOver);
}

function pastMidnight({ from, to }: Hours): boolean {
  return minuteOf(to) <= minuteOf(from);
}

/** The hours that begin on a date. */
function hoursOf({ armed, exceptions }: Schedule, date: string): readonly Hours[] {
  const plan = exceptions?.find((exception) => exception.date === date)?.armed;
  if (plan === 'all_day') return [{ from: '00:00', to: '24:00' }];
  if (plan === 'never') return [];
  // Monday first, as the days are listed; a date alone is read as UTC, and so is its weekday.
  const day = DAYS[(new Date(date).getUTCDay() + 6) % 7];
  return plan ?? armed.filter(({ days }) => days.some((d) => d === day));
}

function dayBefore(date: string): string {
  return new Date(Date.parse(date) - DAY_MS).toISOString().slice(0, 10);
}
