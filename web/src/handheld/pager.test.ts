import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SILENCE_MS_MAX } from '../lib/stream';
import { Pager } from './pager.svelte';
import type { RefusalCode, ServerMessage } from './protocol';
import { alarm, sent, state, WELCOME } from './testing';

const { store } = vi.hoisted(() => ({ store: new Map<string, unknown>() }));
// There is no IndexedDB outside a browser.
vi.mock('./storage', () => ({
  load: (place: string) => Promise.resolve(store.get(place)),
  keep: (place: string, value: unknown) => Promise.resolve(void store.set(place, value)),
  forget: (place: string) => Promise.resolve(void store.delete(place)),
}));

/** The box's end of the socket. */
class Line {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static last: Line;
  readyState = 1;
  said: { type: string }[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  constructor() {
    Line.last = this;
  }
  send(text: string): void {
    this.said.push(JSON.parse(text) as { type: string });
  }
  close(): void {
    this.readyState = 3;
  }
  tell(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

describe('the pager', () => {
  let pager: Pager;
  let close: () => void;

  beforeEach(async () => {
    vi.useFakeTimers();
    const page = { addEventListener: () => undefined, removeEventListener: () => undefined };
    vi.stubGlobal('document', { ...page, hidden: false });
    vi.stubGlobal('window', { ...page, isSecureContext: true, location: { protocol: 'https:', host: 'box' } });
    vi.stubGlobal('navigator', {});
    vi.stubGlobal('WebSocket', Line);
    store.clear();
    const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    store.set('identity', { device: 'd', box: WELCOME.box, person: WELCOME.person, key: privateKey });
    store.set('answers', []);
    pager = new Pager();
    close = pager.open();
    await vi.waitFor(() => expect(pager.reach).toBe('connecting'));
    Line.last.onopen?.();
    Line.last.tell({ type: 'challenge', nonce: 'n' });
    await vi.waitFor(() => expect(Line.last.said.map((m) => m.type)).toContain('proof'));
  });
  afterEach(() => {
    close();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  function answerAnAlarm(): void {
    Line.last.tell(WELCOME);
    Line.last.tell(sent(alarm(1)));
    Line.last.tell(state([alarm(1)]));
    vi.advanceTimersByTime(600);
    pager.acknowledge(alarm(1));
    expect(pager.answers).toHaveLength(1);
    expect(store.get('answers')).toHaveLength(1);
  }

  it('a_box_that_pings_and_tells_nothing_sounds_lost', () => {
    Line.last.tell(WELCOME);
    Line.last.tell(state([]));
    expect(pager.view).not.toBe('lost');
    for (let second = 0; second < 5; second += 1) {
      vi.advanceTimersByTime(1_000);
      Line.last.tell({ type: 'ping', n: second });
    }
    expect(pager.view).toBe('lost');
    expect(pager.tone).toBe('lost');
    Line.last.tell(state([]));
    expect(pager.tone).toBeNull();
  });
  it('a_box_that_welcomes_again_and_again_sounds_lost', () => {
    Line.last.tell(WELCOME);
    Line.last.tell(state([]));
    for (let ms = 0; ms <= SILENCE_MS_MAX; ms += 100) {
      vi.advanceTimersByTime(100);
      Line.last.tell(WELCOME);
    }
    expect(pager.tone).toBe('lost');
  });
  it.each<RefusalCode>(['revoked', 'unknown_device', 'bad_proof', 'too_many', 'other'])('a_phone_refused_as_%s_sounds_until_it_is_silenced', (code) => {
    Line.last.tell({ type: 'refused', code, message: '' });
    expect(pager.tone).toBe('lost');
    pager.silence();
    vi.advanceTimersByTime(1_000);
    expect(pager.tone).toBeNull();
  });
  it('the_siren_is_silenced_for_no_more_than_the_phone_shows', () => {
    Line.last.tell(WELCOME);
    Line.last.tell(state([alarm(1, { version: 9 }), alarm(2, { version: 7 })]));
    expect(pager.silenceSiren()).toBe(true);
    expect(Line.last.said.at(-1)).toEqual({ type: 'silence', seen: 9 });
  });
  it('who_goes_off_duty_hears_nothing_of_a_refusal', () => {
    Line.last.tell({ type: 'refused', code: 'other', message: '' });
    pager.stopListening();
    expect(pager.tone).toBeNull();
  });
  it('an_answer_waits_for_the_box_it_was_given_to', () => {
    answerAnAlarm();
    Line.last.tell(WELCOME);
    expect(pager.answers).toHaveLength(1);
  });
  it('another_box_gets_no_answer_of_the_last_one', () => {
    answerAnAlarm();
    const said = Line.last.said.length;
    Line.last.tell({ ...WELCOME, box: 'box-2' });
    expect(pager.answers).toEqual([]);
    expect(store.has('answers')).toBe(false);
    expect(Line.last.said.slice(said).map((m) => m.type)).not.toContain('acknowledge');
  });
  it('a_phone_that_is_unpaired_keeps_no_answer', async () => {
    answerAnAlarm();
    await pager.unpair();
    expect(pager.answers).toEqual([]);
    expect([...store.keys()]).toEqual(['settings'].filter((place) => store.has(place)));
  });
  it('a_phone_that_is_paired_anew_keeps_no_answer', () => {
    answerAnAlarm();
    pager.paired(pager.identity!);
    expect(pager.answers).toEqual([]);
    expect(store.has('answers')).toBe(false);
  });
  it('an_alarm_that_is_shelved_while_somebody_looks_at_it_does_not_turn_into_over', () => {
    Line.last.tell(WELCOME);
    const left = alarm(1, { state: 'returned_unacknowledged' });
    Line.last.tell(sent(left));
    Line.last.tell(state([left]));
    const held = [{ state: 'shelved' as const, alarm: 1, open_alarm: null, zone: 'zone-1', title: 'zone 1', by: 'Ada', reason: 'works', until: '2026-03-01T15:00:00Z' }];
    Line.last.tell(state([], { held }));
    expect(pager.followed).toMatchObject({ id: 1, state: 'shelved' });
    Line.last.tell(state([]));
    expect(pager.followed?.state).toBe('normal');
  });
  it('an_answer_to_what_is_over_says_that_it_counted', () => {
    answerAnAlarm();
    const [answer] = pager.answers;
    Line.last.tell({ type: 'acknowledged', id: answer!.id, alarm: 1, outcome: 'acknowledged', message: '' });
    Line.last.tell(state([]));
    expect(pager.followed).toMatchObject({ id: 1, state: 'normal' });
    expect(Object.keys(pager.counted)).toEqual([`1:${answer!.renewed}`]);
  });
  it('the_clock_of_the_box_is_kept_for_the_worker', () => {
    vi.setSystemTime(Date.parse(WELCOME.server_now) + 600_000);
    Line.last.tell(WELCOME);
    expect(store.get('clock')).toMatchObject({ ahead_ms: -600_000 });
  });
});
