import { describe, expect, it } from 'vitest';
import { SILENCE_MS_MAX } from '../lib/stream';
import { heardOf, isCutOff, NOTHING_HEARD, OFF, OPENING_MS_MAX, REFUSED_RETRY_MS, RETRY_FIRST_MS, RETRY_MAX_MS, reach, STATE_MS_MAX, step, type Connection, type Event } from './connection';
import { alarm, at, sent, state, WELCOME } from './testing';
import { patternOf } from './tone';

/** Feeds events at their moments and gives every effect. */
function run(from: Connection, events: readonly (readonly [number, Event])[]) {
  let now = from;
  const effects: string[] = [];
  for (const [ms, event] of events) {
    const { next, effects: done } = step(now, event, at(ms));
    now = next;
    effects.push(...done.map((e) => e.do));
  }
  return { now, effects };
}
const message = (m: Event & { kind: 'message' }) => m;
const challenge = message({ kind: 'message', message: { type: 'challenge', nonce: 'n' } });
const welcome = message({ kind: 'message', message: WELCOME });
const live = run(OFF, [[0, { kind: 'start' }], [10, { kind: 'opened' }], [20, challenge], [30, welcome]]);

describe('connection', () => {
  it('greets_proves_and_is_live', () => {
    expect(live.effects).toEqual(['open', 'hello', 'prove']);
    expect(live.now).toEqual({ kind: 'live', heard: at(30) });
  });
  it('a_break_is_tried_again_in_a_fraction_of_a_second', () => {
    const { now, effects } = run(live.now, [[1_000, { kind: 'closed' }], [1_000 + RETRY_FIRST_MS, { kind: 'tick' }]]);
    expect(effects).toEqual(['open']);
    expect(now.kind).toBe('opening');
  });
  it('a_box_that_stays_away_is_never_waited_for_longer_than_two_seconds', () => {
    let now: Connection = live.now;
    const waits: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      now = step(now, { kind: 'closed' }, at(0)).next;
      if (now.kind === 'waiting') waits.push(now.for_ms);
      now = step(now, { kind: 'online' }, at(0)).next;
    }
    expect(waits.slice(0, 5)).toEqual([150, 300, 600, 1_200, RETRY_MAX_MS]);
    expect(Math.max(...waits)).toBe(RETRY_MAX_MS);
  });
  it('after_a_welcome_the_waiting_begins_small_again', () => {
    const { now } = run(OFF, [[0, { kind: 'start' }], [0, { kind: 'closed' }], [0, { kind: 'online' }], [0, { kind: 'closed' }], [0, { kind: 'online' }], [0, { kind: 'opened' }], [0, challenge], [0, welcome], [9, { kind: 'closed' }]]);
    expect(now).toMatchObject({ kind: 'waiting', for_ms: RETRY_FIRST_MS });
  });
  it('a_line_that_hangs_is_given_up_after_the_silence_the_page_allows', () => {
    const quiet = 30 + SILENCE_MS_MAX;
    expect(run(live.now, [[quiet, { kind: 'tick' }]]).effects).toEqual([]);
    expect(run(live.now, [[quiet + 1, { kind: 'tick' }]])).toMatchObject({ effects: ['close'], now: { kind: 'waiting' } });
  });
  it('a_ping_is_answered_and_counts_as_heard', () => {
    const { now, effects } = run(live.now, [[2_000, { kind: 'message', message: { type: 'ping', n: 5 } }], [2_000 + SILENCE_MS_MAX, { kind: 'tick' }]]);
    expect(effects).toEqual(['pong']);
    expect(now.kind).toBe('live');
  });
  it('a_door_that_neither_opens_nor_closes_is_given_up', () => {
    const opening = run(OFF, [[0, { kind: 'start' }]]).now;
    expect(run(opening, [[OPENING_MS_MAX + 1, { kind: 'tick' }]])).toMatchObject({ effects: ['close'], now: { kind: 'waiting' } });
    const greeting = run(OFF, [[0, { kind: 'start' }], [10, { kind: 'opened' }]]).now;
    expect(run(greeting, [[10 + OPENING_MS_MAX + 1, { kind: 'tick' }]]).now.kind).toBe('waiting');
  });
  it('a_network_that_comes_back_is_tried_at_once', () => {
    const waiting = run(live.now, [[0, { kind: 'closed' }]]).now;
    expect(run(waiting, [[1, { kind: 'online' }]]).effects).toEqual(['open']);
  });
  it('a_welcome_without_a_proof_is_not_believed', () => {
    const { now } = run(OFF, [[0, { kind: 'start' }], [10, { kind: 'opened' }], [20, welcome]]);
    expect(now.kind).toBe('greeting');
  });
  it('a_revoked_device_does_not_ask_again', () => {
    const { now, effects } = run(live.now, [[40, { kind: 'message', message: { type: 'refused', code: 'revoked', message: 'lost' } }], [9e6, { kind: 'tick' }], [9e6, { kind: 'online' }], [9e6, { kind: 'closed' }]]);
    expect(effects).toEqual(['close']);
    expect(now).toMatchObject({ kind: 'refused', code: 'revoked' });
  });
  it('a_refusal_that_may_pass_is_tried_again', () => {
    const refused = message({ kind: 'message', message: { type: 'refused', code: 'too_many', message: '' } });
    expect(run(live.now, [[40, refused], [41 + REFUSED_RETRY_MS, { kind: 'tick' }]]).effects).toEqual(['close', 'open']);
  });
  it('what_a_given_up_socket_still_says_changes_nothing', () => {
    const waiting = run(live.now, [[40, { kind: 'closed' }]]).now;
    expect(run(waiting, [[50, { kind: 'message', message: state([]) }], [51, welcome]]).now).toEqual(waiting);
  });
  it('off_duty_closes_and_stays_closed', () => {
    const { now, effects } = run(live.now, [[40, { kind: 'stop' }], [50, { kind: 'closed' }], [9e6, { kind: 'tick' }], [9e6, { kind: 'online' }]]);
    expect(effects).toEqual(['close']);
    expect(now).toEqual(OFF);
  });
});

describe('reach', () => {
  const waiting = run(live.now, [[1_000, { kind: 'closed' }]]).now;
  const told = (ms: number) => heardOf(NOTHING_HEARD, state([]), at(ms));
  it('a_blink_of_the_radio_is_not_a_lost_box', () => expect(reach(waiting, told(1_000), at(0), at(1_900))).toBe('blink'));
  it('is_lost_after_the_silence_the_page_allows_whatever_it_tries', () => {
    for (const now of [waiting, run(waiting, [[3_600, { kind: 'online' }]]).now]) expect(reach(now, told(1_000), at(0), at(1_001 + SILENCE_MS_MAX))).toBe('lost');
  });
  it('a_box_never_heard_is_lost_after_the_same_time', () => expect(reach(waiting, NOTHING_HEARD, at(0), at(SILENCE_MS_MAX + 1))).toBe('lost'));
  it('a_live_socket_that_is_silent_is_not_called_live', () => expect(reach(live.now, told(30), at(0), at(31 + SILENCE_MS_MAX))).toBe('lost'));
  it('a_phone_that_slept_is_lost_though_its_monotonic_clock_stood_still', () => expect(reach(live.now, told(30), at(0), at(40, 3_600_000))).toBe('lost'));
  it('a_box_that_greets_and_tells_nothing_is_lost_however_often_it_greets', () => {
    let heard = told(0);
    for (let ms = 200; ms <= SILENCE_MS_MAX; ms += 200) {
      heard = heardOf(heard, WELCOME, at(ms));
      expect(reach({ kind: 'live', heard: at(ms) }, heard, at(0), at(ms))).toBe('live');
    }
    const after = SILENCE_MS_MAX + 1;
    for (const now of [{ kind: 'live', heard: at(after) } as const, waiting]) expect(reach(now, heardOf(heard, WELCOME, at(after)), at(0), at(after))).toBe('lost');
  });
  it('a_box_that_only_pings_is_lost_and_back_with_its_next_state', () => {
    const after = at(STATE_MS_MAX + 1);
    const pinged = heardOf(told(0), { type: 'ping', n: 9 }, after);
    expect(reach({ kind: 'live', heard: after }, pinged, at(0), after)).toBe('lost');
    expect(reach({ kind: 'live', heard: after }, heardOf(pinged, state([]), after), at(0), after)).toBe('live');
    expect(reach({ kind: 'live', heard: after }, heardOf(pinged, sent(alarm(1)), after), at(0), after)).toBe('live');
  });
  it('a_state_that_a_radio_holds_up_while_pings_come_is_no_lost_box', () => {
    const late = at(SILENCE_MS_MAX + 500);
    expect(reach({ kind: 'live', heard: late }, heardOf(told(0), { type: 'ping', n: 3 }, late), at(0), late)).toBe('live');
  });
  it.each(['revoked', 'unknown_device', 'bad_proof', 'too_many', 'other'] as const)('a_phone_refused_as_%s_sounds_like_a_lost_one', (code) => {
    const { now } = run(live.now, [[40, { kind: 'message', message: { type: 'refused', code, message: '' } }]]);
    const stands = reach(now, told(30), at(0), at(41));
    expect(patternOf(null, isCutOff(stands) ? 'lost' : 'connected')).toBe('lost');
  });
  it('who_is_off_duty_or_connected_hears_nothing_of_it', () => {
    for (const stands of ['off', 'live', 'blink', 'connecting'] as const) expect(isCutOff(stands)).toBe(false);
  });
  it('a_welcome_alone_is_not_called_live', () => expect(reach(live.now, heardOf(NOTHING_HEARD, WELCOME, at(30)), at(0), at(40))).toBe('connecting'));
});
