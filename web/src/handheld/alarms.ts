// The alarms this handheld knows, and which of them it cries for. Pure: messages in, the next list out.
//
// An alarm that was *sent* to this handheld is heard here; the others are only listed, so that any handheld can show
// and acknowledge anything. Orders by version: what is older than what is known changes nothing.

import { elapsed, type Moment } from '../lib/stream';
import type { Alarm, AlarmMessage, BoxState, Priority } from './protocol';

export interface Known {
  alarms: readonly Alarm[];
  /** By alarm: the `renewed` it was sent here with. */
  mine: Readonly<Record<number, number>>;
  /** By alarm: the `renewed` whose tone somebody silenced on this handheld, and when. */
  silenced: Readonly<Record<number, Silenced>>;
  /** By alarm that no state has listed yet: when it came in, so that a state of before does not take it away again. */
  unlisted: Readonly<Record<number, Moment>>;
}

interface Silenced { renewed: number; at: Moment }

/** Silence ends by itself, as that of the siren does: a phone put back into a pocket must not stay quiet. */
export const SILENCED_MS_MAX = 120_000;
/** The box tells no state older than 2.5 s: one that comes in later than this after an alarm was made after it. */
export const UNLISTED_MS_MAX = 3_000;

export const NOTHING_KNOWN: Known = { alarms: [], mine: {}, silenced: {}, unlisted: {} };

/** Whether somebody has to answer it. */
export function toAnswer(alarm: Alarm): boolean {
  return alarm.state.endsWith('unacknowledged');
}

/** Over without an answer: the person has left, the part works again. */
export function isOver(alarm: Alarm): boolean {
  return alarm.state === 'returned_unacknowledged' || alarm.state === 'latched_unacknowledged';
}

/** Shown, never heard: somebody put it aside, by rule or by hand. */
export function inhibited(alarm: Alarm): boolean {
  return alarm.state.startsWith('shelved') || alarm.state.startsWith('suppressed') || alarm.state.startsWith('out_of_service');
}

/** Put aside by hand, not by rule: somebody has to think of it. */
export function isUnheard(alarm: Alarm): boolean {
  return inhibited(alarm) && !alarm.state.startsWith('suppressed');
}

/** An alarm that the box sent to this very handheld at `at`. `before`: whether somebody could see it here already. */
export function takeAlarm(known: Known, { alarm, attempt }: AlarmMessage, at: Moment, before: 'shown' | 'unseen'): Known {
  const alarms = known.alarms.some((a) => a.id === alarm.id) ? known.alarms.map((a) => (a.id === alarm.id ? newer(a, alarm) : a)) : [...known.alarms, alarm];
  const renewed = Math.max(alarm.renewed, known.mine[alarm.id] ?? 0);
  const isListed = known.alarms.some((a) => a.id === alarm.id) && known.unlisted[alarm.id] === undefined;
  const unlisted = isListed ? known.unlisted : { ...known.unlisted, [alarm.id]: at };
  // What was shown is sent again only to remind; what was not shown, because the receipt was lost.
  const isReminder = attempt > 1 && before === 'shown';
  const silenced = known.mine[alarm.id] === undefined || isReminder ? without(known.silenced, alarm.id) : known.silenced;
  return { alarms, mine: { ...known.mine, [alarm.id]: renewed }, silenced, unlisted };
}

/** The whole list, come in at `at`. `you` is this handheld: what the box says it delivered here is this handheld's after a reload too. */
export function takeState(known: Known, state: BoxState, you: { person: string; device: string } | null, at: Moment): Known {
  const before = new Map(known.alarms.map((a) => [a.id, a]));
  const alarms = state.alarms.map((a) => newer(before.get(a.id) ?? a, a));
  const listed = new Set(alarms.map((a) => a.id));
  // Perhaps sent after this state was made: it is not in it, and it is not over. By arrival: the box's clock may be set at any time.
  const isRecent = (a: Alarm) => {
    const came = known.unlisted[a.id];
    return came !== undefined && elapsed(came, at) <= UNLISTED_MS_MAX;
  };
  const unlisted = known.alarms.filter((a) => !listed.has(a.id) && isRecent(a));
  const all = [...alarms, ...unlisted];
  const ids = new Set(all.map((a) => a.id));
  const mine: Record<number, number> = keep(known.mine, ids);
  for (const alarm of alarms) {
    if (you && mine[alarm.id] === undefined && alarm.delivery.some((d) => d.person === you.person && d.device === you.device)) mine[alarm.id] = alarm.renewed;
  }
  return { alarms: all, mine, silenced: keep(known.silenced, ids), unlisted: keep(known.unlisted, new Set(unlisted.map((a) => a.id))) };
}

function newer(known: Alarm, told: Alarm): Alarm {
  if (told.version < known.version) return known;
  // An outline does not change while an alarm lasts; a message may leave it out.
  return told.outline === null && known.outline !== null ? { ...told, outline: known.outline } : told;
}

function keep<T>(record: Readonly<Record<number, T>>, ids: ReadonlySet<number>): Record<number, T> {
  return Object.fromEntries(Object.entries(record).filter(([id]) => ids.has(Number(id)))) as Record<number, T>;
}

function without<T>(record: Readonly<Record<number, T>>, id: number): Record<number, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => Number(key) !== id)) as Record<number, T>;
}

/** Silences what sounds here now, for a while. A further person, another alarm, or a reminder of the box is heard again. */
export function silenceHere(known: Known, answered: (alarm: Alarm) => boolean, now: Moment): Known {
  const silenced = { ...known.silenced };
  for (const alarm of sounding(known, answered, now)) silenced[alarm.id] = { renewed: alarm.renewed, at: now };
  return { ...known, silenced };
}

function isSilenced(known: Known, alarm: Alarm, now: Moment): boolean {
  const silenced = known.silenced[alarm.id];
  return silenced !== undefined && silenced.renewed === alarm.renewed && elapsed(silenced.at, now) <= SILENCED_MS_MAX;
}

/** What this handheld has to make itself heard for now. */
function sounding(known: Known, answered: (alarm: Alarm) => boolean, now: Moment): Alarm[] {
  return pressing(known).filter((a) => isMine(known, a) && !isSilenced(known, a, now) && !answered(a));
}

/** Sent here, unanswered, not put aside. */
export function isMine(known: Known, alarm: Alarm): boolean {
  return known.mine[alarm.id] !== undefined && toAnswer(alarm) && !inhibited(alarm);
}

const URGENCY: Record<Priority, number> = { emergency: 0, high: 1, fault: 2, low: 3 };

/** Most urgent first: what waits for an answer, what was sent here, then priority, then the longest waiting. */
export function inOrder(known: Known): Alarm[] {
  const rank = (a: Alarm) => (toAnswer(a) && !inhibited(a) ? 0 : 100) + (isOver(a) ? 10 : 0) + URGENCY[a.priority] * 2 + (isMine(known, a) ? 0 : 1);
  return [...known.alarms].sort((a, b) => rank(a) - rank(b) || Date.parse(a.raised_at) - Date.parse(b.raised_at) || a.id - b.id);
}

/** Whether somebody who looks at one has to look at the other first. */
export function moreUrgent(a: Alarm, than: Alarm): boolean {
  return URGENCY[a.priority] < URGENCY[than.priority];
}

/** What waits for an answer and takes the whole screen; an alarm of low priority is only listed. */
export function pressing(known: Known): Alarm[] {
  return inOrder(known).filter((a) => toAnswer(a) && !inhibited(a) && a.priority !== 'low');
}

export type Tone = 'emergency' | 'warning' | 'fault';

/** The tone this handheld has to make for its alarms, or none. */
export function toneOf(known: Known, answered: (alarm: Alarm) => boolean, now: Moment): Tone | null {
  const [first] = sounding(known, answered, now).sort((a, b) => URGENCY[a.priority] - URGENCY[b.priority]);
  if (!first) return null;
  return first.priority === 'emergency' ? 'emergency' : first.priority === 'fault' ? 'fault' : 'warning';
}

/** What a person presses once for one cause: it changes when there is something new to answer. */
export function causeKey(alarm: Alarm): string {
  return `${alarm.id}:${alarm.renewed}`;
}
