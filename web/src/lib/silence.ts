// What people must know of the siren: silenced, for how long still, and that nothing is answered by it; what it sounds
// on; its last test. Pure.

import type { Alarm, BoxState, Siren } from './api';
import { count, formatAgo, type SiteClock } from './format';

/** What one press gives; the box decides, and any new cause sounds at once. */
export const SILENCE_MS = 120_000;
export const SILENCE_WORDS = '2 min';

/** How long the siren stays silent, as a clock counts down: `1:43`; null while it is not silenced. */
export function silenceLeft(silenced_until: string | null, now_ms: number): string | null {
  if (silenced_until === null) return null;
  const seconds = Math.ceil((Date.parse(silenced_until) - now_ms) / 1_000);
  return seconds > 0 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}` : null;
}

/** What stays to be answered while the siren is silent. */
export function stillWaiting(open: number): string {
  return open === 0 ? 'Nothing waits for an answer.' : `${count(open, 'alarm still waits', 'alarms still wait')} for an answer.`;
}

/** How long it is silenced still; null also while it sounds for what came after the silence. */
export function silenced({ state, silenced_until }: Pick<Siren, 'state' | 'silenced_until'>, now_ms: number): string | null {
  return state === 'silent' ? silenceLeft(silenced_until, now_ms) : null;
}

/** What a person has seen who sees these alarms: nobody silences a person that is not among them. */
export function seenOf(alarms: readonly Pick<Alarm, 'version'>[]): number {
  return Math.max(0, ...alarms.map((a) => a.version));
}

/** Whether there is a sound to be silenced now. */
export function canSilence({ siren }: Pick<BoxState, 'siren'>): boolean {
  return siren.state !== 'silent' && siren.state !== 'broken';
}

export interface SirenFact {
  name: string; words: string;
  /** It may not be heard when it must be. */
  doubt: boolean;
  /** The doubt in as few words as the header has room for. */
  short: string;
}

/** What is known of the siren besides what it does now. */
export function sirenFacts({ device, fault, attention, silenced_until, silenced_by, last_test }: Siren, clock: SiteClock, now_ms: number): SirenFact[] {
  const fact = (name: string, words: string, short = ''): SirenFact => ({ name, words, doubt: short !== '', short });
  const facts = [fact('Sounds on', fault !== null ? fault : device || 'not known', fault !== null ? fault : '')];
  if (attention !== null) facts.push(fact('Sounds, but', attention, attention));
  const left = silenceLeft(silenced_until, now_ms);
  if (left !== null && silenced_until !== null) facts.push(fact('Silenced', `until ${clock.time(silenced_until)}, ${left} left${silenced_by ? `, by ${silenced_by}` : ''}; nothing is acknowledged by that`));
  facts.push(testFact(last_test, clock, now_ms));
  return facts;
}

function testFact(test: Siren['last_test'], clock: SiteClock, now_ms: number): SirenFact {
  if (test === null) return { name: 'Last test', words: 'none yet', doubt: false, short: '' };
  const when = `${clock.moment(test.at, now_ms)}, ${formatAgo(now_ms - Date.parse(test.at))}`;
  const how = test.audible ? 'heard by everybody' : 'inaudible';
  if (test.passed) return { name: 'Last test', words: `passed ${when}, ${how}`, doubt: false, short: '' };
  return { name: 'Last test', words: `failed ${when}${test.detail ? `: ${test.detail}` : ''}`, doubt: true, short: 'test failed' };
}
