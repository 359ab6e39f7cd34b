// Handhelds and the duty list as the operator page shows and edits them. Pure: what the box says in, words and drafts out.

import { isListOfObjects, isObject } from './api';
import { formatAgo } from './format';
import type { FieldProblem } from './request';
import { tag, type Tag } from './status';

export interface Handheld {
  id: string; person: string; name: string; platform: string; paired_at: string; last_seen_at: string | null; connected: boolean;
  /** What it says of itself, while it is connected. */
  presence: { visible: boolean | null; sound: string | null; notifications: string | null } | null;
  revoked: { by: string | null; at: string | null; reason: string | null } | null;
}
/** `enabled`: the box has an address for handhelds at all. */
export interface Handhelds { enabled: boolean; url: string | null; handhelds: readonly Handheld[] }
export interface Pairing { code: string; url: string; qr_svg: string; expires_at: string }

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];
export const DAY_NAME: Record<Day, string> = { mon: 'Mon', tue: 'Tue', wed: 'Wed', thu: 'Thu', fri: 'Fri', sat: 'Sat', sun: 'Sun' };

export interface Shift { name: string; days: readonly Day[]; from: string; to: string; people: readonly string[] }
export interface DutyList { shifts: readonly Shift[]; otherwise: readonly string[] }
export interface OnDuty { shift: string | null; people: readonly { person: string; listening: boolean }[] }
/** `digest` is null while nobody has written a list. */
export interface Duty { list: DutyList; digest: string | null; now: OnDuty; known: readonly string[] }

export const EMPTY_LIST: DutyList = { shifts: [], otherwise: [] };
export const SHIFT_NAME_CHARS_MAX = 80;

/** How a handheld stands: only one that is connected and can sound is one that is heard. */
export function handheldTag(one: Handheld): Tag {
  if (one.revoked) return tag('off', 'revoked');
  if (!one.connected) return tag('unknown', 'not connected');
  if (one.presence?.sound === 'blocked') return tag('untested', 'connected, silent');
  return { tone: 'clear', shape: '✓', word: 'listening' };
}

/** What else is known of it: `screen on, sound ready, notifications allowed`. */
export function handheldWords(one: Handheld, now_ms: number): string {
  if (!one.connected) return one.last_seen_at === null ? 'never connected' : `last seen ${formatAgo(now_ms - Date.parse(one.last_seen_at))}`;
  const { visible = null, sound = null, notifications = null } = one.presence ?? {};
  const parts = [
    visible === null ? '' : visible ? 'page in front' : 'page in the background',
    sound === 'blocked' ? 'sound blocked: somebody has to touch it once' : sound === 'ready' ? 'sound ready' : '',
    notifications === 'granted' ? 'notifications allowed' : '',
  ];
  return parts.filter((part) => part !== '').join(', ') || 'connected';
}

/** In use first, by person; revoked ones last. */
export function inOrderOfUse(list: readonly Handheld[]): Handheld[] {
  return [...list].sort((a, b) => Number(a.revoked !== null) - Number(b.revoked !== null) || a.person.localeCompare(b.person) || a.name.localeCompare(b.name));
}

/** The one that used a code: it was not there when the code was made. */
export function pairedWith(list: readonly Handheld[], before: ReadonlySet<string>): Handheld | null {
  return list.find((one) => one.revoked === null && !before.has(one.id)) ?? null;
}

/** Minutes and seconds a code is still good for; null when it is over. */
export function timeLeft(expires_at: string, now_ms: number): string | null {
  const left_s = Math.ceil((Date.parse(expires_at) - now_ms) / 1_000);
  return left_s <= 0 ? null : `${Math.floor(left_s / 60)}:${String(left_s % 60).padStart(2, '0')}`;
}

/** What to do on the phone, by its system: what an iPhone pairs in Safari is not known to the page on its home screen. */
export function pairingSteps(url: string): readonly string[] {
  const { origin, protocol } = new URL(url);
  const page = url.replace(/#.*$/, '');
  // Unencrypted is only this machine: there is no certificate, and no Wi-Fi to join.
  if (protocol === 'http:') return [`On this machine open ${page}: no other reaches this address.`, 'Type the code there and press “Pair”.'];
  return [
    'On the phone, join the site’s Wi-Fi.',
    `The first time, the browser warns of the box’s certificate: ${origin}/handheld/trust explains the one step.`,
    'Android: scan the code with the phone’s camera, open the page and touch “Pair”.',
    `iPhone, iPad: do not scan. In Safari open ${page}, choose Share, Add to Home Screen, open it from there, type the code and touch “Pair”.`,
    `Without a camera: open ${page} and type the code.`,
  ];
}

/** People on a duty list who carry no phone: they are named, and nobody can call them. */
export function withoutPhone(list: DutyList, carriers: readonly string[]): readonly string[] {
  const named = [...list.shifts.flatMap((shift) => shift.people), ...list.otherwise];
  return [...new Set(named)].filter((person) => !carriers.includes(person));
}

/** Eight characters are read aloud in two breaths. */
export function codeWords(code: string): string {
  return code.length === 8 ? `${code.slice(0, 4)}-${code.slice(4)}` : code;
}

// --- the duty list ---------------------------------------------------------------------------

/** Another order: the entry at `from` stands at `to`, the others move up. */
export function moved<T>(list: readonly T[], from: number, to: number): readonly T[] {
  const target = Math.max(0, Math.min(list.length - 1, to));
  const entry = list[from];
  if (entry === undefined || from === target) return list;
  const rest = list.filter((_, i) => i !== from);
  return [...rest.slice(0, target), entry, ...rest.slice(target)];
}

export function newShift(list: DutyList): DutyList {
  const days: readonly Day[] = ['mon', 'tue', 'wed', 'thu', 'fri'];
  return { ...list, shifts: [...list.shifts, { name: '', days, from: '06:00', to: '14:00', people: [] }] };
}

export function changeShift(list: DutyList, index: number, change: Partial<Shift>): DutyList {
  return { ...list, shifts: list.shifts.map((shift, i) => (i === index ? { ...shift, ...change } : shift)) };
}

export function toggleDay(shift: Shift, day: Day): readonly Day[] {
  return DAYS.filter((one) => (one === day ? !shift.days.includes(one) : shift.days.includes(one)));
}

/** What is wrong with a list, at the field where it is; told before the box has to refuse. The box decides. */
export function problems(list: DutyList): FieldProblem[] {
  const found: FieldProblem[] = [];
  list.shifts.forEach((shift, i) => {
    const at = `shifts[${i}]`;
    if (shift.name.trim() === '') found.push({ field: `${at}.name`, message: 'a shift needs a name' });
    if (shift.days.length === 0) found.push({ field: `${at}.days`, message: 'choose at least one day' });
    if (shift.from === '' || shift.to === '') found.push({ field: `${at}.from`, message: 'from and to are needed' });
    else if (shift.from === shift.to) found.push({ field: `${at}.to`, message: 'must not end when it begins' });
    if (shift.people.length === 0) found.push({ field: `${at}.people`, message: 'somebody must be in it' });
  });
  if (list.otherwise.length === 0) found.push({ field: 'otherwise', message: 'somebody must be called while no shift is' });
  return found;
}

export function problemAt(all: readonly FieldProblem[], field: string): string {
  return all.find((one) => one.field === field || one.field.startsWith(`${field}.`) || one.field.startsWith(`${field}[`))?.message ?? '';
}

/** A shift that ends on the next day says so. */
export function endsNextDay({ from, to }: Shift): boolean {
  return from !== '' && to !== '' && to <= from;
}

export function sameList(a: DutyList, b: DutyList): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The answer of `GET /api/duty`; nobody may be shown as on duty by a message that cannot be read. */
export function dutyOf(answer: unknown): Duty {
  const value = isObject(answer) ? answer : {};
  const list = isObject(value['list']) ? value['list'] : value;
  const now = isObject(value['now']) ? value['now'] : {};
  return {
    list: {
      shifts: isListOfObjects(list['shifts']) ? (list['shifts'] as Shift[]) : [],
      otherwise: Array.isArray(list['otherwise']) ? list['otherwise'].map(String) : [],
    },
    digest: typeof value['digest'] === 'string' ? value['digest'] : null,
    now: {
      shift: typeof now['shift'] === 'string' ? now['shift'] : null,
      people: isListOfObjects(now['people']) ? (now['people'] as OnDuty['people']) : [],
    },
    known: Array.isArray(value['known']) ? value['known'].map(String) : [],
  };
}
