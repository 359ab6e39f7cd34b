// What the views say: states to words and shapes, in the operator page's vocabulary. Pure.

import { capitalise, count } from '../lib/format';
import { unheardAnswer } from '../lib/inhibited';
import { SHAPE, type Tone as Look } from '../lib/status';
import { inhibited, isMine, isOver, isUnheard, toAnswer, type Known } from './alarms';
import type { Alarm, BoxState, Delivery, Duty, Priority, Unguarded, UnguardedWhy, Welcome } from './protocol';

const LOOK: Record<Priority, Look> = { emergency: 'emergency', high: 'warning', fault: 'unknown', low: 'untested' };
const PRIORITY_WORD: Record<Priority, string> = { emergency: 'Emergency', high: 'Warning', fault: 'Fault', low: 'To do' };

export interface Face { look: Look; shape: string; word: string }

/** Colour, shape and word of an alarm. */
export function faceOf(alarm: Alarm): Face {
  const look = LOOK[alarm.priority];
  if (inhibited(alarm)) {
    const aside = isUnheard(alarm) ? 'unheard' : 'off';
    return { look: aside, shape: SHAPE[aside], word: inhibitedWord(alarm.state) };
  }
  if (!toAnswer(alarm)) return alarm.state === 'normal' ? { look: 'clear', shape: SHAPE.clear, word: 'Over' } : { look: 'acked', shape: SHAPE.acked, word: 'Acknowledged' };
  if (isOver(alarm)) return { look, shape: SHAPE[look], word: look === 'emergency' || look === 'warning' ? 'Left, not acknowledged' : 'Over, not acknowledged' };
  return { look, shape: SHAPE[look], word: PRIORITY_WORD[alarm.priority] };
}

function inhibitedWord(state: string): string {
  if (state.startsWith('shelved')) return 'Shelved';
  return state.startsWith('suppressed') ? 'Off by rule' : 'Out of service';
}

export interface Line { who: string; words: string; kind: 'you' | 'other' | 'next' }

/** Who got it, newest stage first in words, and who is next. */
export function deliveryLines(alarm: Alarm, you: Welcome | null): readonly Line[] {
  const lines = alarm.delivery.map((d): Line => {
    const own = you !== null && d.person === you.person && d.device === you.device;
    return { who: own ? 'You' : d.person === d.device ? d.person : `${d.person}, ${d.device}`, words: stageWords(d, alarm), kind: own ? 'you' : 'other' };
  });
  lines.sort((a, b) => (a.kind === 'you' ? 0 : 1) - (b.kind === 'you' ? 0 : 1));
  const { next } = alarm;
  if (next && toAnswer(alarm)) lines.push({ who: `Next: ${next.person}`, words: next.in_s > 0 ? `in ${next.in_s} s if nobody answers` : 'being called now', kind: 'next' });
  return lines;
}

function stageWords(d: Delivery, alarm: Alarm): string {
  // Whoever has answered it there has seen it there.
  if (alarm.acknowledged_by === `${d.person} (${d.device})`) return 'answered';
  const after = alarm.captured_at === null ? 'after it was raised' : 'after the camera';
  if (d.shown_ms !== null && d.shown_ms !== undefined) return `shown ${(d.shown_ms / 1_000).toFixed(2)} s ${after}`;
  if (d.received_ms !== null && d.received_ms !== undefined) return 'received, not looked at';
  return 'sent, no answer yet';
}

const UNGUARDED_WORD: Record<UnguardedWhy, string> = { out_of_service: 'out of service', shelved: 'shelved', disarmed: 'disarmed', other: 'not guarded' };

/** Which zones alarm nobody, all of them by name: `2 zones not guarded`, `Gate road (shelved), Press (disarmed)`. Null while all do. */
export function unguardedWords(unguarded: readonly Unguarded[]): { title: string; zones: string } | null {
  if (unguarded.length === 0) return null;
  return { title: `${count(unguarded.length, 'zone', 'zones')} not guarded`, zones: unguarded.map((z) => `${z.name} (${UNGUARDED_WORD[z.why]})`).join(', ') };
}

/** How it stands where nobody has to answer anything. */
export interface Calm { look: Look; title: string; detail: string }

export function calmWords(box: BoxState, known: Known): Calm {
  const { zones, unknown, unguarded } = box.watched;
  const open = known.alarms.filter((a) => toAnswer(a) && !inhibited(a));
  const still = known.alarms.filter((a) => a.priority !== 'low' && !toAnswer(a) && a.state !== 'normal' && !inhibited(a));
  const unheard = unheardAnswer(box.held);
  if (zones === 0) return { look: 'unknown', title: 'Nothing is watched', detail: 'No zone is in force on the box.' };
  if (unknown > 0) return { look: 'unknown', title: `${unknown} of ${zones} zones not watched`, detail: 'Nobody would be seen there. The box has an alarm for it.' };
  if (box.siren.fault !== null) return { look: 'unknown', title: 'The siren is broken', detail: box.siren.fault };
  if (still.length > 0) return { look: 'acked', title: still.length === 1 ? `${still[0]?.title} still in alarm` : `${still.length} still in alarm`, detail: 'Acknowledged, and not over yet.' };
  const notGuarded = unguardedWords(unguarded);
  if (notGuarded) return { look: unguarded.every((z) => z.why === 'disarmed') ? 'off' : 'unheard', title: notGuarded.title, detail: `Nobody is alarmed there: ${notGuarded.zones}.` };
  if (unheard) return { look: 'unheard', title: box.held.length === 1 ? `${box.held[0]?.title} is not heard` : `${unheard.word} are not heard`, detail: `${capitalise(unheard.why)}: nobody is alarmed there.` };
  const watched = zones === 1 ? 'The zone is watched' : `All ${zones} zones watched`;
  if (open.length > 0) return { look: 'untested', title: watched, detail: `${count(open.length, 'thing', 'things')} to do, below.` };
  return { look: 'clear', title: watched, detail: 'Nobody where nobody may be.' };
}

/** Your place in the duty list in force. */
export function dutyWords(duty: Duty): string {
  if (duty.people.length === 0) return 'Nobody is on duty now: every handheld that listens is called at once.';
  const you = duty.people.find((p) => p.you);
  const shift = duty.shift === null ? '' : `, shift ${duty.shift}`;
  if (!you) return `You are not on duty now${shift}. You are called when nobody else answers.`;
  return you.place === 1 ? `You are on duty now and called first${shift}.` : `You are on duty now, number ${you.place} in line${shift}.`;
}

/** Nobody at all would hear it. */
export function nobodyListens(duty: Duty): boolean {
  return duty.people.length > 0 && duty.people.every((p) => !p.listening);
}

/** What an alarm at the top of another one is called: `2 more alarms`. */
export function othersWords(known: Known, shown: Alarm, pressing: readonly Alarm[]): string {
  const others = pressing.filter((a) => a.id !== shown.id);
  if (others.length === 0) return '';
  const [first] = others;
  const loud = others.some((a) => isMine(known, a)) ? '' : ', sent to others';
  return others.length === 1 ? `Also: ${first?.title}${loud}` : `${others.length} more alarms${loud}`;
}
