// Answers of a person that the box has not confirmed yet: kept over a reload, sent again until the box says what came of
// them, with how long they lay here. Pure: presses, outcomes and times in, the next queue out.
// The same press has the same uuid for ever, so that an answer sent twice is one answer.

import { elapsed, type Moment } from '../lib/stream';
import { causeKey } from './alarms';
import type { Acknowledged, Alarm, DeviceMessage } from './protocol';

/** More than a person can have pressed in the minutes that count; the oldest go. */
export const ANSWERS_MAX = 50;
/** An answer the box has not confirmed is sent again after this. */
export const AGAIN_MS = 2_000;
/** The box's limit: an older answer was given to another state of the site. */
export const TOO_OLD_MS = 120_000;

export interface Answer {
  id: string;
  alarm: number; version: number; renewed: number;
  title: string;
  pressed: Moment;
  /** The page that was pressed: its monotonic clock means nothing to the next one. */
  page: string;
  sent: Moment | null;
}

export interface NewAnswer { id: string; alarm: Alarm; at: Moment; page: string }

/** Adds an answer; a second press on the same cause is the same answer. */
export function press(answers: readonly Answer[], { id, alarm, at, page }: NewAnswer): readonly Answer[] {
  if (answers.some((a) => a.alarm === alarm.id && a.renewed === alarm.renewed)) return answers;
  const answer: Answer = { id, alarm: alarm.id, version: alarm.version, renewed: alarm.renewed, title: alarm.title, pressed: at, page, sent: null };
  return [...answers, answer].slice(-ANSWERS_MAX);
}

/** How long an answer has lain here. After a reload only the wall clock is left; one that ran backwards makes it too old. */
export function age(answer: Answer, page: string, now: Moment): number {
  if (answer.page === page) return elapsed(answer.pressed, now);
  const by_wall_ms = now.wall_ms - answer.pressed.wall_ms;
  return by_wall_ms < 0 ? TOO_OLD_MS + 1 : by_wall_ms;
}

/** What to send now: never sent on this connection, or not confirmed in time. */
export function due(answers: readonly Answer[], now: Moment): readonly Answer[] {
  return answers.filter((a) => a.sent === null || elapsed(a.sent, now) > AGAIN_MS);
}

export function sent(answers: readonly Answer[], ids: ReadonlySet<string>, at: Moment): readonly Answer[] {
  return answers.map((a) => (ids.has(a.id) ? { ...a, sent: at } : a));
}

/** The connection is another one: nothing counts as sent. */
export function unsent(answers: readonly Answer[]): readonly Answer[] {
  return answers.map((a) => ({ ...a, sent: null }));
}

export function message(answer: Answer, page: string, now: Moment): DeviceMessage {
  return {
    type: 'acknowledge', alarm: answer.alarm, version: answer.version, id: answer.id,
    pressed_at: new Date(answer.pressed.wall_ms).toISOString(), age_ms: Math.round(age(answer, page, now)),
  };
}

/** Takes the confirmed answer out. `busy` means: not yet, it stays and is sent again. */
export function confirm(answers: readonly Answer[], { id, outcome }: Acknowledged): readonly Answer[] {
  return outcome === 'busy' ? answers : answers.filter((a) => a.id !== id);
}

/** An answer to this cause of the alarm waits here. */
export function waiting(answers: readonly Answer[], alarm: Alarm): Answer | null {
  return answers.find((a) => `${a.alarm}:${a.renewed}` === causeKey(alarm)) ?? null;
}

/** By cause: when the box said that an answer of this phone counts. */
export type Counted = Readonly<Record<string, string>>;

/** Keeps that an answer counts, so that an alarm which is over by it does not look like one nobody had to answer. */
export function count(counted: Counted, answer: Answer | undefined, { outcome }: Acknowledged, at_ms: number): Counted {
  if (answer === undefined || outcome !== 'acknowledged') return counted;
  const entries = [...Object.entries(counted), [`${answer.alarm}:${answer.renewed}`, new Date(at_ms).toISOString()] as const];
  return Object.fromEntries(entries.slice(-ANSWERS_MAX));
}

/** When this phone's answer to this cause counted; null where it did not, or somebody else's did. */
export function countedAt(counted: Counted, alarm: Alarm): string | null {
  return counted[causeKey(alarm)] ?? null;
}

/** What a person is told when the box did not simply take an answer; null where the list says it better. */
export function outcomeWords({ outcome, message: why }: Acknowledged, title: string, first: 'you' | 'other'): string | null {
  switch (outcome) {
    case 'acknowledged':
      return null;
    case 'already_acknowledged':
      return first === 'you' ? null : `${title}: somebody else was first. ${why}`.trim();
    case 'unknown_alarm':
      return `${title}: the box does not have this alarm any more.`;
    case 'newer_cause':
      return `${title}: somebody else came in since you pressed. Look again and press again.`;
    case 'too_old':
      return `${title}: your answer reached the box too late to count. Look how it is now and press again.`;
    case 'busy':
      return null;
  }
}

/** Answers that were kept, as they come back from the device's storage; what cannot be read is left out. */
export function restore(stored: unknown): readonly Answer[] {
  if (!Array.isArray(stored)) return [];
  return stored.filter(isAnswer).map((a) => ({ ...a, sent: null })).slice(-ANSWERS_MAX);
}

function isAnswer(value: unknown): value is Answer {
  if (typeof value !== 'object' || value === null) return false;
  const a = value as Partial<Answer>;
  return typeof a.id === 'string' && typeof a.alarm === 'number' && typeof a.version === 'number' && typeof a.renewed === 'number'
    && typeof a.title === 'string' && typeof a.page === 'string' && typeof a.pressed?.wall_ms === 'number' && typeof a.pressed.mono_ms === 'number';
}

/** Whether a cause is answered here, confirmed or not: the tone stops at the press. */
export function answeredHere(answers: readonly Answer[]): (alarm: Alarm) => boolean {
  return (alarm) => waiting(answers, alarm) !== null;
}
