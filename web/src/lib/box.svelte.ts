// What the page knows, as reactive values: the last state, how fresh it is, what was pressed.

import type { Alarm, BoxState } from './api';
import { acknowledge, resetAlarm, silenceSiren, type AckResult } from './asks';
import { siteClock } from './format';
import { withUnheard } from './inhibited';
import { wordsOf } from './request';
import { seenOf } from './silence';
import { alarmKey, announcement, firstToAnswer, newlyRaised, toAnswer, toReset } from './status';
import { boxNow, elapsed, linkState, moment, openStream, type Moment } from './stream';

const TICK_MS = 200;
/** A press sooner than this after an alarm took the first place was meant for the one before. */
const READ_MS_MIN = 600;
/** Long enough to be read twice. */
const NOTICE_MS = 10_000;

/** The stream shows an answer within one of its seconds; past that the button comes back. */
const STILL_OPEN_MS = 1_500;

export type Press = { kind: 'sending' } | { kind: 'sent' } | { kind: 'failed'; message: string };
export interface Enlarged { incident: number; caption: string }

export class Box {
  state = $state.raw<BoxState | null>(null);
  now = $state.raw<Moment>(moment());
  heard = $state.raw<Moment | null>(null);
  /** What a screen reader is to say at once. */
  spoken = $state('');
  /** The camera a person picked; null follows the most urgent. */
  picked = $state<string | null>(null);
  /** What came of a press, by `alarmKey`, until the stream shows it. */
  presses = $state<Record<string, Press>>({});
  /** Alarms whose answer did not count because a further person had come. */
  lookAgain = $state<Record<number, true>>({});
  /** What came of the press that silences the siren. */
  silencing = $state<Press | null>(null);
  notice = $state('');
  enlarged = $state<Enlarged | null>(null);

  readonly #started = moment();
  readonly link = $derived(linkState(this.#started, this.heard, this.now));
  readonly lost = $derived(this.link === 'lost');
  /** The site's time; it stands still when nothing is heard, like everything else here. */
  readonly now_ms = $derived(this.state && this.heard ? boxNow(this.state, this.heard, this.lost ? this.heard : this.now) : Date.now());
  readonly silent_ms = $derived(elapsed(this.heard ?? this.#started, this.now));
  readonly clock = $derived(siteClock(this.state?.site.time_zone ?? 'UTC'));

  /** The alarm that one key answers, and since when it is that one. */
  #first: { alarm: number | null; key: string; since: Moment; again: boolean } = { alarm: null, key: '', since: moment(), again: false };
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;

  /** Listens until the returned function is called. */
  open(): () => void {
    const close = openStream((state) => this.#hear(state));
    const tick = setInterval(() => (this.now = moment()), TICK_MS);
    return () => {
      close();
      clearInterval(tick);
      clearTimeout(this.#noticeTimer);
    };
  }

  #hear(state: BoxState): void {
    const before = this.state?.alarms ?? [];
    const raised = newlyRaised(before, state.alarms);
    // A test that is overdue is read in its time; nobody is to be interrupted by it.
    const urgent = raised.filter((a) => a.kind !== 'untested');
    if (urgent.length > 0) this.spoken = announcement(urgent);
    // A person who looked elsewhere must not miss a new intruder: the picture goes back to what is most urgent.
    if (raised.some((a) => a.kind === 'intrusion' && a.camera !== this.picked)) this.picked = null;
    this.#forgetAnswered(state.alarms);
    this.#noteFirst(state.alarms);
    this.heard = moment();
    this.now = this.heard;
    this.state = withUnheard(state, state.unheard);
  }

  #noteFirst(alarms: readonly Alarm[]): void {
    const first = firstToAnswer(alarms);
    const key = first ? alarmKey(first) : '';
    // The same alarm under another key: a further person has come.
    if (key !== this.#first.key) this.#first = { alarm: first?.id ?? null, key, since: moment(), again: first !== null && first.id === this.#first.alarm };
  }

  /** A press is done when the stream says so; a later alarm of the same number, or a further person, starts anew. */
  #forgetAnswered(alarms: readonly Alarm[]): void {
    const open = new Set(alarms.filter((a) => toAnswer(a) || toReset(a)).map(alarmKey));
    for (const key of Object.keys(this.presses)) {
      if (!open.has(key)) delete this.presses[key];
    }
    const unanswered = new Set(alarms.filter(toAnswer).map((a) => a.id));
    for (const id of Object.keys(this.lookAgain).map(Number)) {
      if (!unanswered.has(id)) delete this.lookAgain[id];
    }
  }

  /** The second press of a double one must not answer the next alarm, which nobody has read yet. */
  #unread(alarm: Alarm): boolean {
    return alarmKey(alarm) === this.#first.key && elapsed(this.#first.since, moment()) < READ_MS_MIN;
  }

  /** Acknowledges what is shown in the name of whoever is signed in. */
  async acknowledge(alarm: Alarm): Promise<void> {
    if (this.#unread(alarm)) {
      if (this.#first.again) this.lookAgain[alarm.id] = true;
      return;
    }
    await this.#press(alarm, () => acknowledge(alarm));
  }

  /** Resets what was acknowledged and stays. */
  async reset(alarm: Alarm): Promise<void> {
    await this.#press(alarm, () => resetAlarm(alarm.id));
  }

  async #press(alarm: Alarm, ask: () => Promise<AckResult>): Promise<void> {
    const key = alarmKey(alarm);
    const pending = this.presses[key];
    if (pending && pending.kind !== 'failed') return;
    this.presses[key] = { kind: 'sending' };
    const result = await ask();
    if (result.kind === 'already') this.#tell(`${alarm.title}: ${result.message}`);
    if (result.kind === 'newer') this.lookAgain[alarm.id] = true;
    else if (result.kind === 'done') delete this.lookAgain[alarm.id];
    // The stream may have been faster than the answer; then there is nothing left to say.
    if (result.kind === 'newer' || !this.state?.alarms.some((a) => alarmKey(a) === key)) {
      delete this.presses[key];
      return;
    }
    this.presses[key] = result.kind === 'failed' ? result : { kind: 'sent' };
    setTimeout(() => this.#offerAgain(key), STILL_OPEN_MS);
  }

  /** Still open after an answer: a new person came in between. The stream may never have shown the answered state. */
  #offerAgain(key: string): void {
    if (this.presses[key]?.kind === 'sent') delete this.presses[key];
  }

  /** Silences the siren for a while; what it sounds for stays unanswered. */
  async silence(): Promise<void> {
    if (this.silencing?.kind === 'sending') return;
    this.silencing = { kind: 'sending' };
    const fault = await silenceSiren(seenOf(this.state?.alarms ?? [])).then(() => null, wordsOf);
    this.silencing = fault === null ? { kind: 'sent' } : { kind: 'failed', message: fault };
    if (fault === null) setTimeout(() => (this.silencing = null), STILL_OPEN_MS);
  }

  #tell(text: string): void {
    this.notice = text;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => (this.notice = ''), NOTICE_MS);
  }
}
