// The past on the Incidents page: what is looked for, what the box found, and what people judged it to be.

import { ContractError, isListOfObjects, isObject, type BoxState, type Incident, type Sight, type ZoneKind } from './api';
import { request } from './request';

export type Verdict = 'true' | 'false' | 'test';
export interface Judged { incident: number; verdict: Verdict; by: string; at: string; note: string }
/** `all`: how many the box keeps, whatever is looked for; null of a box that does not say. */
export interface Page { incidents: readonly Incident[]; verdicts: ReadonlyMap<number, Judged>; next: number | null; all: number | null }

/** A screen and a half of them: more come when the list is scrolled. */
export const PAGE_SIZE = 50;

export const VERDICT_WORD: Record<Verdict, string> = { true: 'True', false: 'False', test: 'Test' };
export const VERDICT_MEANS: Record<Verdict, string> = {
  true: 'Somebody was there who must not be.',
  false: 'Nobody was there, or somebody who may be.',
  test: 'Somebody tested.',
};
export const VERDICT_KEY: Record<Verdict, string> = { true: 'T', false: 'F', test: 'X' };
export const VERDICTS: readonly Verdict[] = ['true', 'false', 'test'];
const WORDS: readonly string[] = VERDICTS;

/** Kinds of zones that have incidents. */
export const KINDS = ['restricted', 'warning', 'occupancy', 'tripwire'] as const satisfies readonly ZoneKind[];

/** What is looked for; an empty word is everything, `none` an incident nobody has judged. `from` and `to` are days at the site, both included. */
export interface Wanted { zone: string; camera: string; kind: ZoneKind | ''; verdict: Verdict | 'none' | ''; from: string; to: string; pinned: '1' | '' }
export const EVERYTHING: Wanted = { zone: '', camera: '', kind: '', verdict: '', from: '', to: '', pinned: '' };

export function isFiltered(wanted: Wanted): boolean {
  return Object.values(wanted).some((word) => word !== '');
}

/** What an address is about: a filter, and the incident to show. Words this page does not know are left out. */
export function addressed(hash: string): { wanted: Wanted; incident: number | null } {
  const given = new URLSearchParams(/\?(.*)$/.exec(hash)?.[1] ?? '');
  const one = <T extends string>(name: string, known: readonly T[]): T | '' => known.find((word) => word === given.get(name)) ?? '';
  const day = (name: string) => (isDay(given.get(name)) ? (given.get(name) ?? '') : '');
  const incident = Number(given.get('incident'));
  return {
    wanted: {
      zone: given.get('zone') ?? '', camera: given.get('camera') ?? '', kind: one('kind', KINDS), verdict: one('verdict', [...VERDICTS, 'none'] as const),
      from: day('from'), to: day('to'), pinned: one('pinned', ['1'] as const),
    },
    incident: Number.isSafeInteger(incident) && incident > 0 ? incident : null,
  };
}

/** The address of that, to be sent to somebody. */
export function addressOf(wanted: Wanted, incident: number | null): string {
  const words = new URLSearchParams(Object.entries(wanted).filter(([, word]) => word !== ''));
  if (incident !== null) words.set('incident', String(incident));
  const query = words.toString();
  return query === '' ? '#/incidents' : `#/incidents?${query}`;
}

function isDay(text: string | null): boolean {
  return text !== null && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));
}

const DAY_MS = 86_400_000;

/** When a day begins where the site is. */
export function dayStart(day: string, timeZone: string): string {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // Twice: the first guess may lie beyond a change of the clocks.
  const guess = midnight - offsetAt(midnight, timeZone);
  return new Date(midnight - offsetAt(guess, timeZone)).toISOString();
}

/** How far the site's clocks are ahead of UTC then. */
function offsetAt(at_ms: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
  const part = new Map(format.formatToParts(at_ms).map(({ type, value }) => [type, Number(value)]));
  const of = (type: Intl.DateTimeFormatPartTypes) => part.get(type) ?? 0;
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second')) - at_ms;
}

/** The question to the box. */
export function questionOf(wanted: Wanted, before: number | null, timeZone: string): string {
  const { from, to, ...words } = wanted;
  const question = new URLSearchParams({ limit: String(PAGE_SIZE) });
  if (before !== null) question.set('before', String(before));
  for (const [name, word] of Object.entries(words)) if (word !== '') question.set(name, word);
  if (from !== '') question.set('from', dayStart(from, timeZone));
  if (to !== '') question.set('to', dayStart(new Date(Date.parse(to) + DAY_MS).toISOString().slice(0, 10), timeZone));
  return `/api/incidents?${question.toString()}`;
}

export function parsePage(value: unknown): Page {
  if (!isObject(value) || !isListOfObjects(value['incidents'])) throw new ContractError('incidents is not a list');
  const incidents = value['incidents'] as Incident[];
  const judged = isListOfObjects(value['verdicts']) ? (value['verdicts'] as Judged[]) : [];
  const known = judged.filter(({ verdict }) => WORDS.includes(verdict));
  const last = incidents[incidents.length - 1];
  const more = typeof value['more'] === 'boolean' ? value['more'] : incidents.length >= PAGE_SIZE;
  return {
    incidents,
    verdicts: new Map(known.map((one) => [one.incident, one])),
    next: more && last !== undefined ? last.id : null,
    all: typeof value['all'] === 'number' ? value['all'] : null,
  };
}

/** What was known with a newer first page: what is newer comes first, and a later answer counts. */
export function refreshed(known: Page | null, newest: Page): Page {
  const first = known?.incidents[0];
  // So much has happened that some between the two was never seen: better less than with a hole.
  const torn = first !== undefined && newest.next !== null && newest.next > first.id;
  return known === null || torn ? newest : { ...joined(newest, known), next: known.next, all: newest.all };
}

/** Two pages as one, the second further back. */
export function joined(newer: Page, older: Page): Page {
  const known = new Set(newer.incidents.map(({ id }) => id));
  return {
    incidents: [...newer.incidents, ...older.incidents.filter(({ id }) => !known.has(id))],
    verdicts: new Map([...older.verdicts, ...newer.verdicts]),
    next: older.next,
    all: newer.all,
  };
}

/** The kind of an incident's zone; null of a zone that nobody knows any more. */
export function kindOf(incident: Incident, state: BoxState): ZoneKind | null {
  return incident.kind ?? state.zones.find(({ id }) => id === incident.zone)?.kind ?? null;
}

/** Zones that can be looked for, by name: those of the box, those of incidents that were seen, and the one that is looked for. */
export function zonesIn(incidents: readonly Incident[], state: BoxState, wanted: string): readonly { id: string; name: string }[] {
  const names = new Map(wanted === '' ? [] : [[wanted, wanted]]);
  for (const { zone, zone_name } of incidents) names.set(zone, zone_name);
  for (const { id, name } of state.zones) names.set(id, name);
  return [...names].map(([id, name]) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name));
}

/** Incidents by the day they began, newest first. */
export function byDay(incidents: readonly Incident[], day: (at: string) => string): { day: string; incidents: readonly Incident[] }[] {
  const days: { day: string; incidents: Incident[] }[] = [];
  for (const incident of incidents) {
    const of = day(incident.started_at);
    const last = days[days.length - 1];
    if (last?.day === of) last.incidents.push(incident);
    else days.push({ day: of, incidents: [incident] });
  }
  return days;
}

/** `27 incidents: 3 true, 20 false, 4 not judged`; `The newest 50 of 340 incidents …` where there are more, `2 incidents match, of 340 in all …` with a filter. */
export function countWords(page: Page, filtered: boolean): string {
  const of = (word: Verdict | 'none') => page.incidents.filter(({ id }) => (page.verdicts.get(id)?.verdict ?? 'none') === word).length;
  const parts = ([['true', 'true'], ['false', 'false'], ['test', 'test'], ['none', 'not judged']] as const)
    .map(([word, words]) => [of(word), words] as const)
    .filter(([n]) => n > 0)
    .map(([n, words]) => `${n} ${words}`);
  const judged = parts.length === 0 ? '' : `: ${parts.join(', ')}`;
  return `${amount(page, filtered)}${judged}`;
}

function amount({ incidents, next, all }: Page, filtered: boolean): string {
  const n = incidents.length;
  const plain = (of: number) => (of === 1 ? '1 incident' : `${of} incidents`);
  if (filtered) {
    const found = next !== null ? `The newest ${n} that match` : n === 1 ? '1 incident matches' : `${n} incidents match`;
    return `${found}${all === null ? '' : `, of ${all} in all`}`;
  }
  if (next === null) return plain(n);
  return all === null ? `The newest ${plain(n)}` : `The newest ${n} of ${plain(all)}`;
}

/** What a list says of an incident's video. */
export function videoWords({ clips, no_video }: Incident): { word: string; why: string } {
  if (clips.length > 0) return { word: '▶ video', why: '' };
  if ((no_video ?? null) === null) return { word: 'video to come', why: 'It is being written, or the incident still goes on.' };
  return { word: 'no video', why: no_video ?? '' };
}

/** What stands where no incident does. */
export function emptyWords(page: Page, filtered: boolean): string {
  if (!filtered) return 'Nothing has happened yet: the box keeps no incident.';
  return page.all === null ? 'No incident matches.' : `No incident matches, of ${page.all} in all.`;
}

/** The next incident to look at, one step newer or older. */
export function step(incidents: readonly Incident[], chosen: number | null, by: 1 | -1): number | null {
  if (incidents.length === 0) return null;
  const at = incidents.findIndex(({ id }) => id === chosen);
  const next = at < 0 ? 0 : Math.max(0, Math.min(incidents.length - 1, at + by));
  return incidents[next]?.id ?? null;
}

/** The verdict that counts of two: the later one, whoever gave it. */
export function laterOf(one: Judged | null, other: Judged | null): Judged | null {
  if (one === null || other === null) return one ?? other;
  return Date.parse(other.at) > Date.parse(one.at) ? other : one;
}

/** A page with a verdict that was just given; somebody may have given another since. */
export function withVerdict(page: Page, judged: Judged): Page {
  const counts = laterOf(judged, page.verdicts.get(judged.incident) ?? null) ?? judged;
  return { ...page, verdicts: new Map([...page.verdicts, [judged.incident, counts]]) };
}

/** Incidents that went on when they were loaded and that the newest page does not have: they may be over by now. */
export function stillOpen(known: Page, newest: Page): readonly number[] {
  const fresh = new Set(newest.incidents.map(({ id }) => id));
  return known.incidents.filter(({ id, ended_at }) => ended_at === null && !fresh.has(id)).map(({ id }) => id);
}

/** A page with one of its incidents as it is now. */
export function withIncident(page: Page, now: Incident): Page {
  return { ...page, incidents: page.incidents.map((one) => (one.id === now.id ? now : one)) };
}

export async function fetchPage(wanted: Wanted, before: number | null, timeZone: string): Promise<Page> {
  return parsePage(await request('GET', questionOf(wanted, before, timeZone)));
}

/** One incident by its number, with its verdict; null when there is none of that number. */
export async function fetchOne(id: number): Promise<{ incident: Incident; judged: Judged | null } | null> {
  const page = parsePage(await request('GET', `/api/incidents?limit=1&before=${id + 1}`));
  const incident = page.incidents.find((one) => one.id === id);
  return incident === undefined ? null : { incident, judged: page.verdicts.get(id) ?? null };
}

/** Gives a verdict, in the name of whoever is signed in. */
export async function judge(incident: number, verdict: Verdict, note: string): Promise<Judged> {
  return request<Judged>('POST', `/api/incidents/${incident}/verdict`, { verdict, note });
}

/** The file with everything about an incident. */
export function exportUrl(incident: number, sight: Sight): string {
  return `/api/incidents/${incident}/export.zip${sight === 'clear' ? '?picture=clear' : ''}`;
}
