import { describe, expect, it, vi } from 'vitest';
import { ContractError } from '../lib/api';
import { aheadMs, boxTime, read, toKeep } from './clock';
import * as worker from './kept-clock';
import * as page from './storage';
import { base64url, challengeText, codeOf, plainCode } from './identity';
import { deviceOf, platformWords, whatWorks } from './platform';
import { parseMessage, type BoxState, type Unguarded } from './protocol';
import { pushed } from './push';
import { note, received, toShow, wasShown } from './receipts';
import { samplesOf } from './samples';
import { restoreSettings, VOLUME_MIN } from './settings';
import { assetsOf } from './shell';
import { alarm, at, RAISED, sent, state, WELCOME } from './testing';
import { LOOPS, patternOf, VIBRATIONS, type Pattern } from './tone';
import { viewOf, type Situation } from './view';
import { calmWords, deliveryLines, dutyWords, faceOf, unguardedWords } from './words';
import { NOTHING_KNOWN } from './alarms';

describe('parseMessage', () => {
  it('reads_a_state_as_the_contract_words_it', () => {
    const told = parseMessage(JSON.stringify(state([alarm(1)])));
    expect(told).toEqual(state([alarm(1)]));
  });
  it('a_priority_it_does_not_know_is_the_loudest', () => {
    const told = parseMessage(JSON.stringify({ ...sent(alarm(1)), alarm: { ...alarm(1), priority: 'critical' } }));
    expect(told).toMatchObject({ alarm: { priority: 'emergency' } });
  });
  it('a_type_it_does_not_know_is_no_fault', () => expect(parseMessage('{"type":"news"}')).toEqual({ type: 'unknown' }));
  it.each([
    ['text', 'hello'], ['an_alarm_without_a_version', JSON.stringify({ ...sent(alarm(1)), alarm: { ...alarm(1), version: null } })],
    ['a_state_without_alarms', JSON.stringify({ ...state([]), alarms: null })], ['a_time_that_is_none', JSON.stringify({ ...state([]), now: 'noon' })],
    ['a_welcome_without_a_box', JSON.stringify({ ...WELCOME, box: 7 })],
  ])('refuses_%s', (_name, text) => expect(() => parseMessage(text)).toThrow(ContractError));
});

describe('receipts', () => {
  it('each_attempt_is_receipted_as_itself', () => {
    expect(received(sent(alarm(1), 2), 3.4)).toEqual({ type: 'received', alarm: 1, version: alarm(1).version, attempt: 2, after_ms: 3 });
  });
  it('nothing_is_shown_while_nobody_can_see_it', () => {
    const drawn = [{ alarm: 1, version: 7 }];
    expect(toShow(drawn, new Set(), 'hidden')).toEqual([]);
    expect(toShow(drawn, new Set(), 'visible')).toEqual(drawn);
  });
  it('an_alarm_was_shown_when_any_version_of_it_was', () => {
    const told = note(new Set(), { alarm: 12, version: 7 });
    expect(wasShown(told, 12)).toBe('shown');
    expect(wasShown(told, 1)).toBe('unseen');
  });
  it('each_version_is_told_once', () => {
    const told = note(new Set(), { alarm: 1, version: 7 });
    expect(toShow([{ alarm: 1, version: 7 }, { alarm: 1, version: 8 }], told, 'visible')).toEqual([{ alarm: 1, version: 8 }]);
  });
});

describe('the clock of the box', () => {
  const box = (ms: number) => new Date(1_000_000 + ms).toISOString();
  it('a_phone_an_hour_off_counts_the_same_seconds', () => {
    const readings = read([], box(0), at(0, 4_600_000));
    expect(boxTime(readings, at(7_000, 4_607_000))).toBe(1_007_000);
  });
  it('a_message_that_took_long_does_not_pull_the_clock_back', () => {
    const readings = read(read([], box(0), at(10)), box(100), at(900));
    expect(aheadMs(readings)).toBe(1_000_000 - 10);
  });
  it('a_wall_clock_that_was_set_is_read_anew', () => {
    const readings = read(read([], box(0), at(0, 0)), box(1_000), at(1_000, -3_600_000));
    expect(boxTime(readings, at(1_000, -3_600_000))).toBe(1_001_000);
  });
  it('is_kept_for_the_worker_when_it_moved_or_is_old_and_not_at_every_message', () => {
    const readings = read([], box(0), at(0));
    const kept = toKeep(null, readings, at(0));
    expect(kept).toEqual({ ahead_ms: 1_000_000, read_wall_ms: 0 });
    expect(toKeep(kept, read(readings, box(2_000), at(2_000)), at(2_000))).toBeNull();
    expect(toKeep(kept, readings, at(400_000))).toEqual({ ahead_ms: 1_000_000, read_wall_ms: 400_000 });
    expect(toKeep(kept, read([], box(60_000), at(2_000)), at(2_000))?.ahead_ms).toBe(1_058_000);
  });
  it('is_kept_where_the_worker_reads_it', () => expect([worker.NAME, worker.STORE, worker.PLACE]).toEqual([page.NAME, page.STORE, 'clock' satisfies Parameters<typeof page.keep>[0]]));
});

describe('the code and the proof', () => {
  it.each([['#pair=K7M29QXD', 'K7M29QXD'], ['#pair=k7m2-9qxd', 'K7M29QXD'], ['#trust', null], ['', null]])('an_address_%s_has_its_code', (hash, code) => expect(codeOf(hash)).toBe(code));
  it('a_code_is_the_same_however_it_is_typed', () => expect(plainCode(' k7m2 9qxd')).toBe('K7M29QXD'));
  it('what_is_signed_is_bound_to_box_and_device', () => expect(challengeText('b', 'd', 'n')).toBe('standclear-handheld-1|b|d|n'));
  it('is_written_without_padding_and_safely_for_addresses', () => expect(base64url(new Uint8Array([251, 255, 254, 1]))).toBe('-__-AQ'));
});

describe('tones', () => {
  const patterns = Object.keys(LOOPS) as Pattern[];
  it.each(patterns)('%s_stays_within_the_samples_and_ends_in_silence', (pattern) => {
    const samples = samplesOf(LOOPS[pattern], 8_000);
    expect(samples.length).toBeGreaterThan(1_000);
    expect(Math.max(...samples.map(Math.abs))).toBeLessThanOrEqual(0.9);
    expect(Math.max(...samples.map(Math.abs))).toBeGreaterThan(0.5);
    expect(Math.abs(samples.at(-1) ?? 1)).toBeLessThan(0.1);
  });
  it('no_two_patterns_are_alike', () => {
    const texts = patterns.map((p) => JSON.stringify(LOOPS[p]));
    expect(new Set(texts).size).toBe(patterns.length);
    expect(new Set(patterns.map((p) => JSON.stringify(VIBRATIONS[p]))).size).toBe(patterns.length);
  });
  it('an_alarm_is_heard_before_the_lost_connection', () => {
    expect(patternOf('warning', 'lost')).toBe('warning');
    expect(patternOf(null, 'lost')).toBe('lost');
    expect(patternOf(null, 'silenced')).toBeNull();
    expect(patternOf(null, 'connected')).toBeNull();
  });
});

describe('viewOf', () => {
  const calm: Situation = { keyring: 'paired', aside: 'none', reach: 'live', place: 'here', refused: null, pressing: 0, followed: 'none', sound: 'ready' };
  it.each<[string, Partial<Situation>, string]>([
    ['calm', {}, 'calm'], ['silent_phone', { sound: 'blocked' }, 'start'], ['one_alarm', { pressing: 1 }, 'alarm'], ['several', { pressing: 2 }, 'alarms'],
    ['one_of_several', { pressing: 2, followed: 'waits' }, 'alarm'], ['answered', { followed: 'answered' }, 'answered'],
    ['lost', { reach: 'lost' }, 'lost'], ['lost_while_in_settings', { reach: 'lost', aside: 'settings' }, 'lost'], ['alarm_while_lost', { reach: 'lost', pressing: 1 }, 'alarm'],
    ['alarm_while_in_settings', { aside: 'settings', pressing: 1 }, 'alarm'], ['blink', { reach: 'blink' }, 'calm'],
    ['revoked', { reach: 'refused', refused: 'revoked', pressing: 1 }, 'revoked'], ['refused', { reach: 'refused', refused: 'too_many' }, 'refused'],
    ['off_duty', { reach: 'off' }, 'off'], ['another_page_listens', { reach: 'off', place: 'elsewhere' }, 'elsewhere'], ['not_paired', { keyring: 'none' }, 'pairing'], ['trust', { keyring: 'none', aside: 'trust' }, 'trust'], ['insecure', { keyring: 'insecure' }, 'insecure'],
  ])('%s', (_name, change, view) => expect(viewOf({ ...calm, ...change })).toBe(view));
});

describe('words', () => {
  it('who_got_it_begins_with_you_and_ends_with_who_is_next', () => {
    const lines = deliveryLines(alarm(1, {
      delivery: [{ person: 'Ben', device: 'Tablet', sent_ms: 5_400, received_ms: 5_440, shown_ms: null }, { person: 'Eva', device: 'Eva’s phone', sent_ms: 420, received_ms: 455, shown_ms: 460 }],
      next: { person: 'Shift lead', in_s: 21 },
    }), WELCOME);
    expect(lines.map((l) => `${l.who}: ${l.words}`)).toEqual(['You: shown 0.46 s after the camera', 'Ben, Tablet: received, not looked at', 'Next: Shift lead: in 21 s if nobody answers']);
  });
  it('whoever_answered_it_there_is_not_said_to_have_never_looked', () => {
    const delivery = [{ person: 'Eva', device: 'Eva’s phone', sent_ms: 420, received_ms: 455, shown_ms: null }];
    expect(deliveryLines(alarm(1, { delivery, state: 'acknowledged', acknowledged_by: 'Eva (Eva’s phone)' }), WELCOME)).toMatchObject([{ who: 'You', words: 'answered' }]);
  });
  it('is_calm_only_if_every_zone_is_watched_the_siren_works_and_nothing_waits', () => {
    expect(calmWords(state([]), NOTHING_KNOWN).look).toBe('clear');
    expect(calmWords(state([], { watched: { zones: 12, unknown: 1, unguarded: [] } }), NOTHING_KNOWN).look).toBe('unknown');
    expect(calmWords(state([], { watched: { zones: 0, unknown: 0, unguarded: [] } }), NOTHING_KNOWN).look).toBe('unknown');
    expect(calmWords(state([], { siren: { sound: 'silent', fault: 'unplugged' } }), NOTHING_KNOWN).look).toBe('unknown');
    expect(calmWords(state([]), { ...NOTHING_KNOWN, alarms: [alarm(1, { state: 'acknowledged' })] }).look).toBe('acked');
  });
  it.each([
    ['a_fault_that_was_acknowledged_and_is_not_over', { priority: 'fault', state: 'acknowledged', title: 'Siren' }, 'acked', 'Siren still in alarm'],
    ['a_warning_that_was_acknowledged_and_is_not_over', { priority: 'high', state: 'acknowledged', title: 'Dock' }, 'acked', 'Dock still in alarm'],
  ] as const)('%s_is_not_calm', (_name, rest, look, title) => expect(calmWords(state([]), { ...NOTHING_KNOWN, alarms: [alarm(1, rest)] })).toMatchObject({ look, title }));
  it.each(['shelved', 'out_of_service'] as const)('what_is_%s_is_not_calm_and_counted_once_whatever_alarms_it_has', (how) => {
    const held = { state: how, alarm: 1, open_alarm: 1, zone: 'dock', title: 'Dock', by: 'Ada', reason: 'works', until: null };
    const alarms = [alarm(1, { state: how, zone: 'dock' }), alarm(2, { state: how, zone: 'dock', priority: 'low' })];
    expect(calmWords(state(alarms, { held: [held] }), { ...NOTHING_KNOWN, alarms })).toMatchObject({ look: 'unheard', title: 'Dock is not heard' });
    expect(calmWords(state([], { held: [held, { ...held, alarm: 3 }] }), NOTHING_KNOWN).title).toBe('2 are not heard');
  });
  it('zones_that_alarm_nobody_are_counted_and_named_and_nothing_is_called_watched', () => {
    const gate = { zone: 'gate', name: 'Gate road', why: 'out_of_service' } as const;
    const press = { zone: 'press', name: 'Press', why: 'disarmed' } as const;
    const calm = (unguarded: readonly Unguarded[]) => calmWords(state([], { watched: { zones: 12, unknown: 0, unguarded } }), NOTHING_KNOWN);
    expect(calm([gate, press])).toEqual({ look: 'unheard', title: '2 zones not guarded', detail: 'Nobody is alarmed there: Gate road (out of service), Press (disarmed).' });
    expect(calm([press])).toMatchObject({ look: 'off', title: '1 zone not guarded' });
    expect(calm([{ ...gate, why: 'shelved' }]).detail).toContain('Gate road (shelved)');
  });
  it('a_zone_that_alarms_nobody_is_named_whatever_the_reason_is_called', () => {
    const watched = { zones: 1, unknown: 0, unguarded: [{ zone: 'dock', why: 'closed_for_winter' }] };
    const told = parseMessage(JSON.stringify({ ...state([]), watched })) as BoxState;
    expect(unguardedWords(told.watched.unguarded)).toEqual({ title: '1 zone not guarded', zones: 'dock (not guarded)' });
  });
  it('off_by_rule_and_a_test_that_is_overdue_are_calm', () => {
    const alarms = [alarm(1, { state: 'suppressed' }), alarm(2, { priority: 'low', state: 'acknowledged' })];
    expect(calmWords(state([]), { ...NOTHING_KNOWN, alarms }).look).toBe('clear');
  });
  it('every_state_has_its_shape_and_word', () => {
    expect(faceOf(alarm(1))).toMatchObject({ shape: '▲', word: 'Emergency' });
    expect(faceOf(alarm(1, { priority: 'fault' }))).toMatchObject({ shape: '◆', word: 'Fault' });
    expect(faceOf(alarm(1, { state: 'acknowledged' }))).toMatchObject({ shape: '●', word: 'Acknowledged' });
    expect(faceOf(alarm(1, { state: 'returned_unacknowledged' })).word).toBe('Left, not acknowledged');
    expect(faceOf(alarm(1, { state: 'shelved' }))).toMatchObject({ shape: '⊝', word: 'Shelved' });
  });
  it('says_your_place_in_line', () => {
    const people = [{ person: 'Ben', place: 1, listening: false, you: false }, { person: 'Eva', place: 2, listening: true, you: true }];
    expect(dutyWords({ shift: 'Day', people })).toBe('You are on duty now, number 2 in line, shift Day.');
  });
});

describe('the platform', () => {
  const ANDROID = 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36';
  const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1';
  it('is_named_for_the_list_of_handhelds', () => {
    expect(platformWords(deviceOf(ANDROID, 5, 'tab'))).toBe('Android, Chrome 140');
    expect(platformWords(deviceOf(IPHONE, 5, 'tab'))).toBe('iPhone or iPad, Safari 18');
  });
  it('an_ipad_that_says_it_is_a_mac_is_an_ipad', () => expect(deviceOf('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15', 5, 'tab').system).toBe('ios'));
  it('nowhere_is_a_locked_screen_without_internet_promised', () => {
    for (const agent of [ANDROID, IPHONE]) {
      for (const push of ['on', 'off'] as const) expect(whatWorks(deviceOf(agent, 5, 'installed'), push).find((w) => w.when === 'Screen locked, no internet')?.works).toBe('no');
    }
  });
});

describe('push', () => {
  const body = { title: 'Gate road', text: '2 people inside', zone: 'gate', camera: null, alarm: 12, version: 7, priority: 'emergency', at: RAISED };
  const now_ms = Date.parse(RAISED) + 3_000;
  const clock = (ahead_ms: number, age_ms = 60_000, at_ms = now_ms) => ({ ahead_ms, read_wall_ms: at_ms - age_ms });
  const exact = clock(0);
  it('says_what_it_is_and_that_it_came_by_push', () => {
    expect(pushed(JSON.stringify(body), now_ms, exact)).toEqual({ title: '▲ Gate road', body: '2 people inside (Also by push, over the internet.)', tag: 'alarm-12', alarm: 12, ring: 'loud' });
  });
  it('an_old_one_says_so_and_does_not_ring', () => {
    const told = pushed(JSON.stringify(body), now_ms + 600_000, clock(0, 900_000));
    expect(told.ring).toBe('quiet');
    expect(told.body).toMatch(/^10 min old: 2 people inside/);
  });
  it('one_of_a_box_whose_clock_is_ten_minutes_behind_rings_as_news', () => {
    expect(pushed(JSON.stringify(body), now_ms + 600_000, clock(-600_000))).toMatchObject({ title: '▲ Gate road', body: expect.stringMatching(/^2 people/) as string, ring: 'loud' });
  });
  it.each<[string, unknown]>([
    ['was_never_read', null], ['cannot_be_read', { ahead_ms: 'far' }], ['was_read_days_ago', clock(0, 3 * 86_400_000)], ['was_read_in_the_future', clock(0, -900_000)],
  ])('one_that_seems_old_rings_when_the_clock_of_the_box_%s', (_name, kept) => {
    const told = pushed(JSON.stringify(body), now_ms + 600_000, kept);
    expect(told).toMatchObject({ title: '▲ Gate road', ring: 'loud' });
    expect(told.body).toMatch(/^Perhaps 10 min old: /);
  });
  it('a_box_whose_clock_was_put_right_since_is_not_silenced_by_what_was_kept', () => {
    expect(pushed(JSON.stringify(body), now_ms, clock(600_000)).ring).toBe('loud');
  });
  it('a_fault_has_its_own_shape', () => expect(pushed(JSON.stringify({ ...body, priority: 'fault' }), now_ms, exact).title).toBe('◆ Gate road'));
  it('a_test_is_no_alarm', () => expect(pushed('{"title":"Standclear","text":"Test","test":true}', now_ms, exact)).toMatchObject({ title: '○ Standclear', tag: 'test', ring: 'quiet' }));
  it('what_cannot_be_read_still_says_that_there_is_something', () => expect(pushed('{', now_ms, exact)).toMatchObject({ title: '▲ Alarm', ring: 'loud' }));
});

describe('what is kept', () => {
  it('the_shell_is_the_page_and_every_file_it_names', () => {
    expect(assetsOf('<script src="/handheld/assets/a-1.js"></script><link href="/handheld/assets/b-2.css"><link href="/handheld/icon.svg"><script src="/handheld/assets/a-1.js">')).toEqual(['/handheld/assets/a-1.js', '/handheld/assets/b-2.css']);
  });
  it.each([[null], [{ volume: 'loud', awake: 1 }], [7]])('settings_that_cannot_be_read_listen_loudly', (kept) => expect(restoreSettings(kept)).toEqual({ listening: 'on', awake: 'on', volume: 1 }));
  it('a_tone_is_never_set_to_nothing', () => expect(restoreSettings({ volume: 0 }).volume).toBe(VOLUME_MIN));
});

describe('the worker’s storage', () => {
  it('one_that_hangs_holds_up_no_alarm', async () => {
    vi.useFakeTimers();
    try {
      const hanging: Partial<IDBOpenDBRequest> = {};
      vi.stubGlobal('indexedDB', { open: () => hanging });
      const read = worker.keptClock();
      vi.advanceTimersByTime(1_000);
      expect(await read).toBeNull();
    } finally {
      vi.unstubAllGlobals();
      vi.useRealTimers();
    }
  });
});
