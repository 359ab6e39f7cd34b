// What people keep quiet, as the phone tells it of the alarm somebody looks at: who, until when and why. Pure.

import type { SiteClock } from '../lib/format';
import { inhibited, toAnswer } from './alarms';
import type { Alarm, Held } from './protocol';

/** What keeps an alarm quiet, also one that is over: its cause may be there again, and nobody would be told. */
export function heldOf(alarm: Pick<Alarm, 'id' | 'zone'>, held: readonly Held[]): Held | null {
  const own = (h: Held) => h.alarm === alarm.id || h.open_alarm === alarm.id || (h.state === 'out_of_service' && h.zone !== null && h.zone === alarm.zone);
  return held.find(own) ?? null;
}

/** An alarm the box does not list any more, while somebody looks at it: the one that is open in its place, else quiet or over. */
export function goneAs(alarm: Alarm, held: readonly Held[], listed: readonly Alarm[]): Alarm {
  const hold = heldOf(alarm, held);
  if (hold) return listed.find((a) => a.id === hold.open_alarm) ?? { ...alarm, state: hold.state, people: 0, text: 'nobody is alarmed there' };
  // Over, or heard again: nobody has to answer it any more.
  return toAnswer(alarm) || inhibited(alarm) ? { ...alarm, state: 'normal' } : alarm;
}

/** `Shelved by Ada until 15:40: fence works`. */
export function heldWords({ state, by, until, reason }: Held, clock: SiteClock, now_ms: number): string {
  const end = until === null ? ', until an engineer ends it' : ` until ${clock.until(until, now_ms)}`;
  return `${state === 'shelved' ? 'Shelved' : 'Out of service'} by ${by}${end}: ${reason}`;
}
