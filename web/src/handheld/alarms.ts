// The alarms this handheld knows, and which of them it cries for. Pure: messages in, the next list out.
//
// An alarm that was *sent* to this handheld is heard here; the others are only listed, so that any handheld can show
// and acknowledge anything. Orders by version: what is older than what is known changes nothing.

import type { Alarm, AlarmMessage, BoxState, Priority } from './protocol';

export interface Known {
  alarms: readonly Alarm[];
  /** By alarm: the `renewed` it was sent here with. */
  mine: Readonly<Record<number, number>>;
  /** By alarm: the `renewed` whose tone somebody silenced on this handheld. */
  silenced: Readonly<Record<number, number>>;
  /** By alarm: when the box sent it, so that an older state does not take it away again. */
  sent_at: Readonly<Record<number, string>>;
}

export const NOTHING_KNOWN: Known = { alarms: [], mine: {}, silenced: {}, sent_at: {} };

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

/** An alarm that the box sent to this very handheld. */
export function takeAlarm(known: Known, { alarm, sent_at }: AlarmMessage): Known {
  const alarms = known.alarms.some((a) => a.id === alarm.id) ? known.alarms.map((a) => (a.id === alarm.id ? newer(a, alarm) : a)) : [...known.alarms, alarm];
  const renewed = Math.max(alarm.renewed, known.mine[alarm.id] ?? 0);
  return { ...known, alarms, mine: { ...known.mine, [alarm.id]: renewed }, sent_at: { ...known.sent_at, [alarm.id]: sent_at } };
}

/** The whole list. `you` is this handheld: what the box says it delivered here is this handheld's after a reload too. */
export function takeState(known: Known, state: BoxState, you: { person: string; device: string } | null): Known {
  const before = new Map(known.alarms.map((a) => [a.id, a]));
  const alarms = state.alarms.map((a) => newer(before.get(a.id) ?? a, a));
  const listed = new Set(alarms.map((a) => a.id));
  // Sent after this state was made: it is not in it, and it is not over.
  const sentSince = known.alarms.filter((a) => !listed.has(a.id) && Date.parse(known.sent_at[a.id] ?? '') > Date.parse(state.now));
  const all = [...alarms, ...sentSince];
  const ids = new Set(all.map((a) => a.id));
  const mine: Record<number, number> = keep(known.mine, ids);
  for (const alarm of alarms) {
    if (you && mine[alarm.id] === undefined && alarm.delivery.some((d) => d.person === you.person && d.device === you.device)) mine[alarm.id] = alarm.renewed;
  }
  return { alarms: all, mine, silenced: keep(known.silenced, ids), sent_at: keep(known.sent_at, ids) };
}

function newer(known: Alarm, told: Alarm): Alarm {
  if (told.version < known.version) return known;
  // An outline does not change while an alarm lasts; a message may leave it out.
  return told.outline === null && known.outline !== null ? { ...told, outline: known.outline } : told;
}

function keep<T>(record: Readonly<Record<number, T>>, ids: ReadonlySet<number>): Record<number, T> {
  return Object.fromEntries(Object.entries(record).filter(([id]) => ids.has(Number(id)))) as Record<number, T>;
}

/** Silences what sounds here now. A further person, or another alarm, is heard again. */
export function silenceHere(known: Known): Known {
  const silenced = { ...known.silenced };
  for (const alarm of known.alarms) silenced[alarm.id] = alarm.renewed;
  return { ...known, silenced };
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
export function toneOf(known: Known, answered: (alarm: Alarm) => boolean): Tone | null {
  const heard = pressing(known).filter((a) => isMine(known, a) && known.silenced[a.id] !== a.renewed && !answered(a));
  const [first] = heard.sort((a, b) => URGENCY[a.priority] - URGENCY[b.priority]);
  if (!first) return null;
  return first.priority === 'emergency' ? 'emergency' : first.priority === 'fault' ? 'fault' : 'warning';
}

/** What a person presses once for one cause: it changes when there is something new to answer. */
export function causeKey(alarm: Alarm): string {
  return `${alarm.id}:${alarm.renewed}`;
}
