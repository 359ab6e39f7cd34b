import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Alarm } from './api';
import { Box } from './box.svelte';
import { alarmKey } from './status';
import { alarm, boxState, siren } from './testing';

/** Longer than a press must wait after an alarm has come. */
const READ_MS = 700;

let say: (alarms: readonly Alarm[], rest?: object) => void;
let asked: { path: string; body: unknown }[];
let answer: () => Response;
let close: () => void;
let box: Box;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-03-01T14:07:33Z') });
  asked = [];
  answer = () => Response.json({});
  class Stream {
    addEventListener(name: string, hear: (event: { data: string }) => void): void {
      if (name === 'state') say = (alarms, rest = {}) => hear({ data: JSON.stringify(boxState({ alarms, ...rest })) });
    }
    close(): void { /* nothing is open */ }
  }
  vi.stubGlobal('EventSource', Stream);
  vi.stubGlobal('fetch', (path: string, { body }: RequestInit) => {
    asked.push({ path, body: JSON.parse(String(body)) });
    return Promise.resolve(answer());
  });
  box = new Box();
  close = box.open();
});

afterEach(() => {
  close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const refused = (code: string) => () => Response.json({ error: { code, message: 'no' } }, { status: 409 });
const open = (rest: Partial<Alarm> = {}) => alarm(40, { version: 7, renewed: 7, ...rest });

describe('an answer', () => {
  it('says_what_was_seen', async () => {
    say([open()]);
    vi.advanceTimersByTime(READ_MS);
    await box.acknowledge(open());
    expect(asked).toEqual([{ path: '/api/alarms/40/acknowledge', body: { seen: 7 } }]);
  });
  it('to_an_alarm_nobody_can_have_read_yet_is_not_sent', async () => {
    say([open()]);
    await box.acknowledge(open());
    expect([asked, box.lookAgain]).toEqual([[], {}]);
  });
  it('in_the_moment_a_further_person_comes_is_not_sent_and_says_look_again', async () => {
    say([open()]);
    vi.advanceTimersByTime(READ_MS);
    say([open({ version: 8, renewed: 8 })]);
    await box.acknowledge(open({ version: 8, renewed: 8 }));
    expect([asked, box.lookAgain]).toEqual([[], { 40: true }]);
  });
  it('the_box_refuses_for_a_further_person_says_look_again_until_it_is_answered', async () => {
    say([open()]);
    vi.advanceTimersByTime(READ_MS);
    answer = refused('newer_cause');
    await box.acknowledge(open());
    expect([box.lookAgain, box.presses]).toEqual([{ 40: true }, {}]);
    say([open({ version: 8, renewed: 8 })]);
    expect(box.lookAgain).toEqual({ 40: true });
    say([open({ version: 9, renewed: 8, state: 'acknowledged' })]);
    expect(box.lookAgain).toEqual({});
  });
  it('pressed_twice_is_sent_once', async () => {
    say([open()]);
    vi.advanceTimersByTime(READ_MS);
    await Promise.all([box.acknowledge(open()), box.acknowledge(open())]);
    expect(asked).toHaveLength(1);
  });
  it('that_failed_says_why_and_may_be_given_again', async () => {
    say([open()]);
    vi.advanceTimersByTime(READ_MS);
    answer = refused('busy');
    await box.acknowledge(open());
    expect(box.presses[alarmKey(open())]).toEqual({ kind: 'failed', message: 'No.' });
    await box.acknowledge(open());
    expect(asked).toHaveLength(2);
  });
});

describe('a reset', () => {
  it('is_for_what_was_acknowledged_and_stays', async () => {
    const kept = open({ state: 'latched_acknowledged' });
    say([kept]);
    await box.reset(kept);
    expect(asked).toEqual([{ path: '/api/alarms/40/reset', body: {} }]);
    expect(box.presses[alarmKey(kept)]).toEqual({ kind: 'sent' });
    say([]);
    expect(box.presses).toEqual({});
  });
});

describe('silence', () => {
  it('asks_for_the_siren_and_answers_no_alarm', async () => {
    const [first, second] = [open({ version: 7 }), open({ id: 41, version: 9 })];
    say([second, first], { siren: siren({ state: 'intrusion' }) });
    await box.silence();
    // What came in after the highest version shown here goes on sounding.
    expect(asked).toEqual([{ path: '/api/siren/silence', body: { seen: 9 } }]);
    expect(box.presses).toEqual({});
  });
  it('that_was_refused_says_why', async () => {
    say([open()]);
    answer = refused('nothing_sounds');
    await box.silence();
    expect(box.silencing).toEqual({ kind: 'failed', message: 'No.' });
  });
});
