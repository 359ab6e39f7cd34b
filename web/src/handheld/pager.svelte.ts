// What this handheld knows and does, as reactive values. Joins the pure parts (connection, alarms, answers, receipts,
// clock) to the socket, the sound and the storage. The views read it and press its buttons.

import { siteClock } from '../lib/format';
import { seenOf } from '../lib/silence';
import { elapsed, moment, type Moment } from '../lib/stream';
import { NOTHING_KNOWN, causeKey, inOrder, moreUrgent, pressing, silenceHere, takeAlarm, takeState, toAnswer, toneOf, type Known } from './alarms';
import * as answers from './answers';
import type { Answer } from './answers';
import { boxTime, read, toKeep, type KeptClock, type Readings } from './clock';
import { heardOf, isCutOff, NOTHING_HEARD, OFF, reach, step, type Connection, type Event, type Heard } from './connection';
import { goneAs } from './held';
import { prove, stored, unpair, type Identity } from './identity';
import { AlarmNotices, notificationState } from './notices';
import type { Acknowledged, Alarm, AlarmMessage, BoxState, Presence, PushKeys, ServerMessage, Welcome } from './protocol';
import { OnePlace, type Place } from './place';
import { note, received, shown, toShow, wasShown, type Drawn } from './receipts';
import { defaults, restoreSettings, type Settings } from './settings';
import { Socket } from './socket';
import { Sound, type SoundState } from './sound';
import { forget, keep, load } from './storage';
import { patternOf } from './tone';
import { viewOf, type Aside, type Keyring } from './view';
import { StayAwake } from './wake.svelte';

const TICK_MS = 100;
/** Long enough to be read twice. */
const NOTICE_MS = 10_000;
/** A press sooner than this after the screen changed was meant for what was there before. */
const READ_MS_MIN = 500;

export class Pager {
  now = $state.raw<Moment>(moment());
  keyring = $state<Keyring>('loading');
  identity = $state.raw<Identity | null>(null);
  welcome = $state.raw<Welcome | null>(null);
  box = $state.raw<BoxState | null>(null);
  known = $state.raw<Known>(NOTHING_KNOWN);
  answers = $state.raw<readonly Answer[]>([]);
  counted = $state.raw<answers.Counted>({});
  settings = $state.raw<Settings>(defaults());
  sound = $state<SoundState>('blocked');
  notifications = $state<Presence['notifications']>(notificationState());
  visible = $state(!document.hidden);
  aside = $state<Aside>('none');
  /** The alarm the person looks at; kept as it was last, when the box does not list it any more. */
  followed = $state.raw<Alarm | null>(null);
  /** The tone of the lost connection was silenced; a new break is heard again. */
  lostSilenced = $state(false);
  notice = $state('');
  spoken = $state('');

  place = $state<Place>('here');
  #connection = $state.raw<Connection>(OFF);
  #heard = $state.raw<Heard>(NOTHING_HEARD);
  #started = $state.raw<Moment>(moment());
  #readings = $state.raw<Readings>([]);
  #keptClock: KeptClock | null = null;
  readonly awake = new StayAwake();
  readonly player: Sound;
  readonly #socket: Socket;
  readonly #notices = new AlarmNotices();
  readonly #place = new OnePlace((place) => this.#placed(place));
  readonly #page = crypto.randomUUID?.() ?? String(performance.timeOrigin);
  readonly #drawn = new Map<number, Drawn>();
  #told: ReadonlySet<string> = new Set();
  #followedSince = moment();
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;
  #presence = '';

  readonly reach = $derived(reach(this.#connection, this.#heard, this.#started, this.now));
  readonly refusal = $derived(this.#connection.kind === 'refused' ? this.#connection : null);
  readonly lost = $derived(this.reach === 'lost');
  readonly cutOff = $derived(isCutOff(this.reach));
  readonly silent_ms = $derived(elapsed(this.#heard.told ?? this.#started, this.now));
  /** Whether the box has said how things stand since this page was opened. */
  readonly everHeard = $derived(this.#heard.told !== null);
  readonly now_ms = $derived(boxTime(this.#readings, this.now));
  readonly clock = $derived(siteClock(this.welcome?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone));
  readonly ordered = $derived(inOrder(this.known));
  readonly pressing = $derived(pressing(this.known));
  readonly onScreen = $derived(this.followed ?? this.pressing[0] ?? null);
  readonly tone = $derived(patternOf(toneOf(this.known, answers.answeredHere(this.answers), this.now), !this.cutOff ? 'connected' : this.lostSilenced ? 'silenced' : 'lost'));
  readonly view = $derived(viewOf({
    keyring: this.keyring, aside: this.aside, reach: this.reach, place: this.place, refused: this.refusal?.code ?? null, pressing: this.pressing.length,
    followed: this.followed === null ? 'none' : toAnswer(this.followed) ? 'waits' : 'answered', sound: this.sound,
  }));

  constructor() {
    this.player = new Sound((state) => {
      this.sound = state;
      this.#tellPresence();
    });
    this.#socket = new Socket({
      opened: () => this.#step({ kind: 'opened' }),
      closed: () => this.#step({ kind: 'closed' }),
      heard: (message, at_ms) => this.#hear(message, at_ms),
    });
  }

  /** Listens until the returned function is called. */
  open(): () => void {
    void this.#recall();
    const tick = setInterval(() => this.#tick(), TICK_MS);
    const again = () => this.#step({ kind: 'online' });
    const seen = () => this.#seen();
    window.addEventListener('online', again);
    window.addEventListener('pageshow', again);
    document.addEventListener('visibilitychange', seen);
    return () => {
      clearInterval(tick);
      clearTimeout(this.#noticeTimer);
      window.removeEventListener('online', again);
      window.removeEventListener('pageshow', again);
      document.removeEventListener('visibilitychange', seen);
      this.#step({ kind: 'stop' });
      this.#place.leave();
      this.player.close();
    };
  }

  // --- what a person does -----------------------------------------------------------------

  /** From a touch: unlocks the sound, and listens where that was turned off. */
  async listen(): Promise<void> {
    if (this.settings.listening === 'off') this.change({ listening: 'on' });
    this.sound = await this.player.unlock();
    if (this.keyring === 'paired' && this.#connection.kind === 'off') this.#begin('steal');
    if (this.settings.awake === 'on') await this.awake.want('on');
    this.#tellPresence();
  }

  /** The person goes home: the box is told by the socket that ends. */
  stopListening(): void {
    this.change({ listening: 'off' });
    void this.awake.want('off');
    this.#step({ kind: 'stop' });
    this.#place.leave();
    this.#forgetBox();
  }

  /** A device that was paired just now begins anew. */
  paired(identity: Identity): void {
    this.#forgetAnswers();
    this.identity = identity;
    this.keyring = 'paired';
    this.#forgetBox();
    this.change({ listening: 'on' });
    this.#begin('steal');
  }

  async unpair(): Promise<void> {
    this.#step({ kind: 'stop' });
    this.#forgetBox();
    this.#forgetAnswers();
    this.welcome = null;
    await unpair();
    this.identity = null;
    this.keyring = 'none';
    this.aside = 'none';
  }

  tryAgain(): void {
    this.#step({ kind: 'start' });
    this.#step({ kind: 'online' });
  }

  follow(alarm: Alarm): void {
    this.followed = alarm;
    this.#followedSince = moment();
  }

  leave(): void {
    this.followed = null;
  }

  /** “I’m on it”: kept first, so that a reload or a dead radio loses no answer. */
  acknowledge(alarm: Alarm): void {
    if (elapsed(this.#followedSince, moment()) < READ_MS_MIN) return;
    const at = moment();
    this.follow(alarm);
    this.answers = answers.press(this.answers, { id: crypto.randomUUID(), alarm, at, page: this.#page });
    this.#keepAnswers();
    this.#sendAnswers();
    this.#play();
  }

  silence(): void {
    this.now = moment();
    this.known = silenceHere(this.known, answers.answeredHere(this.answers), this.now);
    if (this.cutOff) this.lostSilenced = true;
    this.#play();
  }

  /** The box's siren, from here. It sounds again by itself while an alarm is unanswered. */
  silenceSiren(): boolean {
    return this.#socket.send({ type: 'silence', seen: seenOf(this.known.alarms) });
  }

  /** Hands an alarm on to the next person now. */
  callNext(alarm: Alarm): boolean {
    return this.#socket.send({ type: 'call_next', alarm: alarm.id });
  }

  subscribe(subscription: PushKeys): boolean {
    return this.#socket.send({ type: 'subscribe_push', subscription });
  }

  change(settings: Partial<Settings>): void {
    this.settings = { ...this.settings, ...settings };
    this.player.volume = this.settings.volume;
    if (settings.awake) void this.awake.want(settings.awake);
    void keep('settings', $state.snapshot(this.settings)).catch(() => this.tell('This browser does not keep settings here.'));
  }

  tell(text: string): void {
    this.notice = text;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => (this.notice = ''), NOTICE_MS);
  }

  /** The notification permission may have changed. */
  noteNotifications(): void {
    this.notifications = notificationState();
    this.#tellPresence();
  }

  // --- what the views say of the screen ----------------------------------------------------

  /** An alarm was painted where somebody can see it. */
  painted(drawn: Drawn): void {
    this.#drawn.set(drawn.alarm, drawn);
    this.#tellShown();
  }

  unpainted(alarm: number): void {
    this.#drawn.delete(alarm);
  }

  /** The answer to this alarm that the box has not confirmed. */
  waiting(alarm: Alarm): Answer | null {
    return answers.waiting(this.answers, alarm);
  }

  age(answer: Answer): number {
    return answers.age(answer, this.#page, this.now);
  }

  // --- inside -------------------------------------------------------------------------------

  async #recall(): Promise<void> {
    if (!window.isSecureContext || typeof crypto.subtle === 'undefined') {
      this.keyring = 'insecure';
      return;
    }
    try {
      this.settings = restoreSettings(await load('settings'));
      this.player.volume = this.settings.volume;
      this.answers = answers.restore(await load('answers'));
      this.identity = await stored();
    } catch (error) {
      console.error('storage', error);
      this.keyring = 'broken';
      return;
    }
    this.keyring = this.identity ? 'paired' : 'none';
    if (this.identity && this.settings.listening === 'on') this.#begin('wait');
  }

  #begin(how: 'wait' | 'steal'): void {
    this.place = 'asking';
    this.#place.claim(how);
  }

  #placed(place: Place): void {
    this.place = place;
    if (place === 'here') this.#start();
    else {
      this.#step({ kind: 'stop' });
      this.#forgetBox();
    }
  }

  #start(): void {
    this.#started = moment();
    this.#step({ kind: 'start' });
  }

  #forgetBox(): void {
    this.known = NOTHING_KNOWN;
    this.box = null;
    this.#heard = NOTHING_HEARD;
    this.followed = null;
    this.#told = new Set();
    this.#play();
  }

  /** Answers to another box's alarms: the same numbers mean something else to the next one. */
  #forgetAnswers(): void {
    this.answers = [];
    this.counted = {};
    this.#keptClock = null;
    for (const place of ['answers', 'clock'] as const) void forget(place).catch((error: unknown) => console.error('not forgotten', place, error));
  }

  #tick(): void {
    this.now = moment();
    this.#step({ kind: 'tick' });
    if (!this.cutOff) this.lostSilenced = false;
    if (this.#connection.kind === 'live') this.#sendAnswers();
    this.#play();
  }

  #seen(): void {
    this.visible = !document.hidden;
    this.now = moment();
    this.#step({ kind: 'online' });
    this.#step({ kind: 'tick' });
    this.noteNotifications();
    this.#tellShown();
  }

  #step(event: Event): void {
    const at = moment();
    const { next, effects } = step(this.#connection, event, at);
    this.#connection = next;
    for (const effect of effects) {
      switch (effect.do) {
        case 'open':
          this.#socket.open();
          break;
        case 'close':
          this.#socket.close();
          break;
        case 'hello':
          if (this.identity) this.#socket.send({ type: 'hello', device: this.identity.device, protocol: 1 });
          break;
        case 'prove':
          void this.#prove(effect.nonce);
          break;
        case 'pong':
          this.#socket.send({ type: 'pong', n: effect.n });
          break;
      }
    }
  }

  async #prove(nonce: string): Promise<void> {
    if (!this.identity) return;
    this.#socket.send({ type: 'proof', signature: await prove(this.identity, nonce) });
  }

  #hear(message: ServerMessage, at_ms: number): void {
    // First of all: how soon an alarm is known to have arrived is what the box counts.
    if (message.type === 'alarm') this.#socket.send(received(message, performance.now() - at_ms));
    this.#step({ kind: 'message', message });
    if (message.type === 'refused') this.#play();
    if (this.#connection.kind !== 'live') return;
    this.now = moment();
    this.#heard = heardOf(this.#heard, message, this.now);
    switch (message.type) {
      case 'welcome':
        this.#welcomed(message);
        break;
      case 'state':
        this.#take(message);
        break;
      case 'alarm':
        this.#raise(message);
        break;
      case 'acknowledged':
        this.#confirm(message);
        break;
      case 'challenge':
      case 'refused':
      case 'ping':
      case 'unknown':
        break;
    }
  }

  #welcomed(message: Welcome): void {
    // Another store, other numbers: nothing of before means anything.
    const box = this.welcome?.box ?? this.identity?.box;
    if (box !== undefined && box !== message.box) {
      this.#forgetBox();
      this.#forgetAnswers();
      this.#started = this.now;
    }
    this.welcome = message;
    this.#readClock([], message.server_now);
    this.answers = answers.unsent(this.answers);
    this.#presence = '';
    this.#tellPresence();
    this.#sendAnswers();
    this.#tellShown();
  }

  #take(state: BoxState): void {
    this.#readClock(this.#readings, state.now);
    this.box = state;
    const before = this.pressing;
    this.known = takeState(this.known, state, this.welcome, this.now);
    this.#refollow(before);
    // Read out once; left there it would be read again as if it were so now.
    if (this.pressing.length === 0) this.spoken = '';
    this.#play();
    this.#notices.settle(this.pressing);
  }

  #raise(message: AlarmMessage): void {
    this.#readClock(this.#readings, message.sent_at);
    const before = this.pressing;
    this.known = takeAlarm(this.known, message, this.now, wasShown(this.#told, message.alarm.id));
    this.#refollow(before);
    this.spoken = `${message.alarm.title}. ${message.alarm.text}`;
    // An alarm ends whatever else was being looked at, but for an alarm.
    if (this.aside === 'settings') this.aside = 'none';
    this.#play();
    if (!this.visible) void this.#notices.show(message.alarm);
  }

  /** Kept too, for the worker: it tells by it how old a push is. Without it the worker takes no push for old. */
  #readClock(before: Readings, box_now: string): void {
    this.#readings = read(before, box_now, this.now);
    const clock = toKeep(this.#keptClock, this.#readings, this.now);
    if (clock === null) return;
    this.#keptClock = clock;
    void keep('clock', clock).catch((error: unknown) => console.info('clock not kept', error));
  }

  #refollow(before: readonly Alarm[]): void {
    const { followed } = this;
    const first = this.pressing[0];
    const causes = new Set(before.map(causeKey));
    const isNew = this.pressing.some((a) => !causes.has(causeKey(a)));
    // A press in this moment was meant for what was on the screen before.
    if (isNew) this.#followedSince = moment();
    if (followed === null || (isNew && !toAnswer(followed))) {
      // One alarm is looked at as soon as it is there; of several somebody chooses.
      if (first && this.pressing.length === 1) this.follow(first);
      else this.followed = null;
      return;
    }
    if (isNew && first && moreUrgent(first, followed)) {
      this.follow(first);
      return;
    }
    const now = this.known.alarms.find((a) => a.id === followed.id);
    if (now) {
      if (now.renewed !== followed.renewed) this.#followedSince = moment();
      this.followed = now;
    } else {
      this.followed = goneAs(followed, this.box?.held ?? [], this.known.alarms);
    }
  }

  #confirm(message: Acknowledged): void {
    const answer = this.answers.find((a) => a.id === message.id);
    this.answers = answers.confirm(this.answers, message);
    this.counted = answers.count(this.counted, answer, message, this.now_ms);
    this.#keepAnswers();
    const by = this.known.alarms.find((a) => a.id === message.alarm)?.acknowledged_by ?? '';
    const first = this.welcome && by.startsWith(this.welcome.person) ? 'you' : 'other';
    const words = answer ? answers.outcomeWords(message, answer.title, first) : null;
    if (words) this.tell(words);
    this.#play();
  }

  #sendAnswers(): void {
    if (this.#connection.kind !== 'live') return;
    const at = moment();
    const gone = answers.due(this.answers, at).filter((a) => this.#socket.send(answers.message(a, this.#page, at)));
    if (gone.length > 0) this.answers = answers.sent(this.answers, new Set(gone.map((a) => a.id)), at);
  }

  #keepAnswers(): void {
    void keep('answers', $state.snapshot(this.answers)).catch(() => this.tell('This browser keeps no answers over a reload.'));
  }

  #tellShown(): void {
    if (this.#connection.kind !== 'live') return;
    for (const drawn of toShow([...this.#drawn.values()], this.#told, document.hidden ? 'hidden' : 'visible')) {
      if (this.#socket.send(shown(drawn))) this.#told = note(this.#told, drawn);
    }
  }

  #tellPresence(): void {
    if (this.#connection.kind !== 'live') return;
    const presence: Presence = { visible: this.visible, sound: this.sound, notifications: this.notifications };
    const words = JSON.stringify(presence);
    if (words !== this.#presence && this.#socket.send({ type: 'awake', ...presence })) this.#presence = words;
  }

  #play(): void {
    this.player.play(this.tone);
  }
}
