// What somebody has taken from hearing: shelved for a time or out of service. Words, order, and what may be chosen.
// Pure. What is off by design (a schedule, an interlock) is no person's doing and stands with the zones.

import type { BoxState, Unheard, Zone } from './api';
import { formatDuration, type SiteClock } from './format';
import type { Role } from './session.svelte';
import { list } from './status';

const HOUR_MIN = 60;
/** What may be chosen: at most 8 h, one shift; the box refuses more. */
export const SHELVE_MINUTES: readonly number[] = [10, 30, HOUR_MIN, 2 * HOUR_MIN, 4 * HOUR_MIN, 8 * HOUR_MIN];
export const REASON_CHARS_MAX = 500;

/** `10 min`, `2 h`. */
export function minutesWords(minutes: number): string {
  return minutes < HOUR_MIN ? `${minutes} min` : `${minutes / HOUR_MIN} h`;
}

export const UNHEARD_WORD: Record<Unheard['state'], string> = { shelved: 'Shelved', out_of_service: 'Out of service' };

/** Who may take something from hearing in this way, and bring it back. */
export const UNHEARD_ROLE: Record<Unheard['state'], Role> = { shelved: 'supervisor', out_of_service: 'engineer' };

/** Its cause is there now: it would alarm. */
export function isActive({ open_alarm }: Pick<Unheard, 'open_alarm'>): boolean {
  return open_alarm !== null;
}

/** When it ends: `until 15:40, 38 min left`, or that only a person ends it. */
export function untilWords({ until }: Pick<Unheard, 'until'>, clock: SiteClock, now_ms: number): string {
  if (until === null) return 'until an engineer ends it';
  const left_ms = Date.parse(until) - now_ms;
  return left_ms > 0 ? `until ${clock.until(until, now_ms)}, ${leftWords(left_ms)} left` : 'ends now';
}

/** Whole minutes, rounded up: what is left is never less than what is said. */
function leftWords(left_ms: number): string {
  const minutes = Math.ceil(left_ms / 60_000);
  return minutes < HOUR_MIN ? `${minutes} min` : formatDuration(minutes * 60_000);
}

/** How much of its time is over, in percent; null where it has none. */
export function shareOver({ since, until }: Pick<Unheard, 'since' | 'until'>, now_ms: number): number | null {
  if (until === null) return null;
  const [from, to] = [Date.parse(since), Date.parse(until)];
  return to > from ? Math.min(100, Math.max(0, ((now_ms - from) / (to - from)) * 100)) : null;
}

/** What has its cause now first, then what nothing but a person ends, then by when it ends. */
export function inOrderOfEnd(unheard: readonly Unheard[]): Unheard[] {
  const end = ({ until }: Unheard) => (until === null ? -Infinity : Date.parse(until));
  return [...unheard].sort((a, b) => Number(isActive(b)) - Number(isActive(a)) || Math.sign(end(a) - end(b) || 0));
}

/** How many are not heard, and of which sort, on every page: each thing that people keep quiet once, a zone out of service as one. Null while all are heard. */
export function unheardAnswer(unheard: readonly Pick<Unheard, 'state'>[]): { word: string; why: string } | null {
  if (unheard.length === 0) return null;
  const n = (state: Unheard['state']) => unheard.filter((u) => u.state === state).length;
  const parts = [n('shelved') > 0 ? `${n('shelved')} shelved` : '', n('out_of_service') > 0 ? `${n('out_of_service')} out of service` : ''];
  return { word: String(unheard.length), why: parts.filter(Boolean).join(', ') };
}

/** The sentence for where one line must do: which, and that nobody is alarmed. */
export function unheardSentence(unheard: readonly Unheard[]): string {
  return `${list(unheard.map((u) => u.title))} ${unheard.length === 1 ? 'is' : 'are'} not heard`;
}

/** What keeps a zone's own alarm from being heard; a walk test or a camera put aside does not. */
export function unheardOf(zone: Pick<Zone, 'id'>, state: Pick<BoxState, 'unheard'>): Unheard | null {
  const own = state.unheard.filter((u) => u.zone === zone.id && u.kind !== 'untested');
  return own.find((u) => u.state === 'out_of_service') ?? own[0] ?? null;
}

/** The state with what is not heard, marked at the zones it is about. */
export function withUnheard(state: BoxState, unheard: readonly Unheard[]): BoxState {
  const marked = { ...state, unheard: inOrderOfEnd(unheard) };
  return { ...marked, zones: state.zones.map((zone) => ({ ...zone, unheard: unheardOf(zone, marked)?.state ?? null })) };
}

/** What a shelf of so many minutes means, before anybody chooses it. */
export function shelveWords(minutes: number, clock: SiteClock, now_ms: number): string {
  return `Until ${clock.until(now_ms + minutes * 60_000, now_ms)}, for ${minutesWords(minutes)}, it is shown, never heard and sent to nobody. Then it is heard again by itself.`;
}
