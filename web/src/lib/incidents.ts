// The past on the Incidents page: what was, what people judged it to be, and which of it is looked for.

import { ContractError, isListOfObjects, isObject, type BoxState, type Incident, type Sight, type ZoneKind } from './api';
import { request } from './request';

export type Verdict = 'true' | 'false' | 'test';
export interface Judged { incident: number; verdict: Verdict; by: string; at: string; note: string }
export interface Page { incidents: readonly Incident[]; verdicts: ReadonlyMap<number, Judged>; next: number | null }

/** As many as the box gives at once; looked through here, so that a filter costs no question. */
export const PAGE_SIZE = 200;

export const VERDICT_WORD: Record<Verdict, string> = { true: 'True', false: 'False', test: 'Test' };
export const VERDICT_MEANS: Record<Verdict, string> = {
  true: 'Somebody was there who must not be.',
  false: 'Nobody was there, or somebody who may be.',
  test: 'Somebody tested.',
};
export const VERDICTS: readonly Verdict[] = ['true', 'false', 'test'];
const WORDS: readonly string[] = VERDICTS;

/** What is looked for; an empty word is everything, `none` an incident nobody has judged. */
export interface Wanted { zone: string; camera: string; kind: ZoneKind | ''; verdict: Verdict | 'none' | '' }
export const EVERYTHING: Wanted = { zone: '', camera: '', kind: '', verdict: '' };

export function parsePage(value: unknown): Page {
  if (!isObject(value) || !isListOfObjects(value['incidents'])) throw new ContractError('incidents is not a list');
  const incidents = value['incidents'] as Incident[];
  const judged = isListOfObjects(value['verdicts']) ? (value['verdicts'] as Judged[]) : [];
  const known = judged.filter(({ verdict }) => WORDS.includes(verdict));
  const last = incidents[incidents.length - 1];
  return {
    incidents,
    verdicts: new Map(known.map((one) => [one.incident, one])),
    next: incidents.length < PAGE_SIZE || last === undefined ? null : last.id,
  };
}

/** Two pages as one; what is newer comes first, and a later answer counts. */
export function joined(newer: Page, older: Page): Page {
  const known = new Set(newer.incidents.map(({ id }) => id));
  return {
    incidents: [...newer.incidents, ...older.incidents.filter(({ id }) => !known.has(id))],
    verdicts: new Map([...older.verdicts, ...newer.verdicts]),
    next: older.next,
  };
}

/** Kind of each zone the box knows; those taken away in an earlier life have none. */
export function kindsOf(state: BoxState): ReadonlyMap<string, ZoneKind> {
  return new Map(state.zones.map(({ id, kind }) => [id, kind]));
}

export function isWanted(incident: Incident, page: Page, kinds: ReadonlyMap<string, ZoneKind>, wanted: Wanted): boolean {
  const verdict = page.verdicts.get(incident.id)?.verdict ?? 'none';
  return (wanted.zone === '' || incident.zone === wanted.zone)
    && (wanted.camera === '' || incident.camera === wanted.camera)
    && (wanted.kind === '' || kinds.get(incident.zone) === wanted.kind)
    && (wanted.verdict === '' || verdict === wanted.verdict);
}

/** Zones of the incidents and of the box, by name. */
export function zonesIn(page: Page, state: BoxState): readonly { id: string; name: string }[] {
  const names = new Map(page.incidents.map(({ zone, zone_name }) => [zone, zone_name]));
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

/** `27 incidents: 3 true, 20 false, 4 not judged`. */
export function countWords(incidents: readonly Incident[], page: Page): string {
  const of = (word: Verdict | 'none') => incidents.filter(({ id }) => (page.verdicts.get(id)?.verdict ?? 'none') === word).length;
  const parts = ([['true', 'true'], ['false', 'false'], ['test', 'test'], ['none', 'not judged']] as const)
    .map(([word, words]) => [of(word), words] as const)
    .filter(([n]) => n > 0)
    .map(([n, words]) => `${n} ${words}`);
  const all = incidents.length === 1 ? '1 incident' : `${incidents.length} incidents`;
  return parts.length === 0 ? all : `${all}: ${parts.join(', ')}`;
}

/** The next incident to look at, one step newer or older. */
export function step(incidents: readonly Incident[], chosen: number | null, by: 1 | -1): number | null {
  if (incidents.length === 0) return null;
  const at = incidents.findIndex(({ id }) => id === chosen);
  const next = at < 0 ? 0 : Math.max(0, Math.min(incidents.length - 1, at + by));
  return incidents[next]?.id ?? null;
}

/** A page with a verdict that was just given. */
export function withVerdict(page: Page, judged: Judged): Page {
  return { ...page, verdicts: new Map([...page.verdicts, [judged.incident, judged]]) };
}

export async function fetchPage(before: number | null): Promise<Page> {
  const older = before === null ? '' : `&before=${before}`;
  return parsePage(await request('GET', `/api/incidents?limit=${PAGE_SIZE}${older}`));
}

/** Gives a verdict, in the name of whoever is signed in. */
export async function judge(incident: number, verdict: Verdict, note: string): Promise<Judged> {
  return request<Judged>('POST', `/api/incidents/${incident}/verdict`, { verdict, note });
}

/** The file with everything about an incident. */
export function exportUrl(incident: number, sight: Sight): string {
  return `/api/incidents/${incident}/export.zip${sight === 'clear' ? '?picture=clear' : ''}`;
}
