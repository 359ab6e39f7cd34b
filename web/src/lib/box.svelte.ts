// What the page knows, as reactive values: the last state, how fresh it is, what was pressed.

import type { Alarm, BoxState } from './api';
import { acknowledge } from './asks';
import { siteClock } from './format';
import { alarmKey, announcement, firstToAnswer, newlyRaised, toAnswer } from './status';
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
  /** What came of a press, by alarm, until the stream shows it. */
  presses = $state<Record<number, Press>>({});
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
  #first: { key: string; since: Moment } = { key: '', since: moment() };
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
    this.state = state;
  }

  #noteFirst(alarms: readonly Alarm[]): void {
    const first = firstToAnswer(alarms);
    const key = first ? alarmKey(first) : '';
    if (key !== this.#first.key) this.#first = { key, since: moment() };
  }

  /** A press is done when the stream says so; a later alarm of the same number starts anew. */
  #forgetAnswered(alarms: readonly Alarm[]): void {
    const open = new Set(alarms.filter(toAnswer).map((a) => a.id));
    for (const id of Object.keys(this.presses).map(Number)) {
      if (!open.has(id)) delete this.presses[id];
    }
  }

  /** The second press of a double one must not answer the next alarm, which nobody has read yet. */
  #unread(alarm: Alarm): boolean {
    return alarmKey(alarm) === this.#first.key && elapsed(this.#first.since, moment()) < READ_MS_MIN;
  }

  /** Acknowledges in the name of whoever is signed in. */
  async acknowledge(alarm: Alarm): Promise<void> {
    if (this.#unread(alarm)) return;
    const pending = this.presses[alarm.id];
    if (pending && pending.kind !== 'failed') return;
    this.presses[alarm.id] = { kind: 'sending' };
    const result = await acknowledge(alarm.id);
    if (result.kind === 'already') this.#tell(`${alarm.title}: ${result.message}`);
    // The stream may have been faster than the answer; then there is nothing left to say.
    if (!this.state?.alarms.some((a) => a.id === alarm.id && toAnswer(a))) {
      delete this.presses[alarm.id];
      return;
    }
    this.presses[alarm.id] = result.kind === 'failed' ? result : { kind: 'sent' };
    setTimeout(() => this.#offerAgain(alarm.id), STILL_OPEN_MS);
  }

  /** Still open after an answer: a new person came in between. The stream may never have shown the answered state. */
  #offerAgain(alarm: number): void {
    if (this.presses[alarm]?.kind === 'sent') delete this.presses[alarm];
  }

  #tell(text: string): void {
    this.notice = text;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => (this.notice = ''), NOTICE_MS);
  }
}
