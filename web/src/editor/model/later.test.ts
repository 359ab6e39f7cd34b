import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newest, Saver, type SaveState } from './later';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Answers when told to. */
function box() {
  const asked: { value: string; done: () => void; fail: (words: string) => void }[] = [];
  const put = (value: string) => new Promise<void>((resolve, reject) => asked.push({ value, done: resolve, fail: (words) => reject(new Error(words)) }));
  return { asked, put };
}
function saver(put: (value: string) => Promise<void>) {
  const states: SaveState[] = [];
  const it = new Saver<string>({ put, onState: (s) => states.push(s), delay_ms: 1_500, retry_ms: 3_000, wordsOf: (e) => String((e as Error).message) });
  return { saver: it, states, last: () => states[states.length - 1] };
}
const settle = () => vi.advanceTimersByTimeAsync(0);

describe('Saver', () => {
  it('saves_once_after_the_last_change', async () => {
    const { asked, put } = box();
    const { saver: s, last } = saver(put);
    s.changed('a');
    await vi.advanceTimersByTimeAsync(1_000);
    s.changed('b');
    await vi.advanceTimersByTimeAsync(1_499);
    expect(asked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked.map(({ value }) => value)).toEqual(['b']);
    asked[0]?.done();
    await settle();
    expect(last()).toEqual({ is: 'saved' });
  });
  it('a_change_during_saving_is_saved_too', async () => {
    const { asked, put } = box();
    const { saver: s, last } = saver(put);
    s.changed('a');
    await vi.advanceTimersByTimeAsync(1_500);
    s.changed('b');
    asked[0]?.done();
    await settle();
    expect(last()).toEqual({ is: 'waiting' });
    await vi.advanceTimersByTimeAsync(1_500);
    expect(asked.map(({ value }) => value)).toEqual(['a', 'b']);
  });
  it('a_failed_save_says_why_and_is_tried_again_with_the_newest', async () => {
    const { asked, put } = box();
    const { saver: s, last } = saver(put);
    s.changed('a');
    await vi.advanceTimersByTimeAsync(1_500);
    asked[0]?.fail('the disk is full');
    await settle();
    expect(last()).toEqual({ is: 'failed', words: 'the disk is full' });
    expect(s.dirty).toBe(true);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(asked.map(({ value }) => value)).toEqual(['a', 'a']);
  });
  it('nothing_is_sent_while_held', async () => {
    const { asked, put } = box();
    const { saver: s } = saver(put);
    s.hold();
    s.changed('a');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(0);
    expect(await s.flush()).toBe(false);
    s.release();
    await settle();
    expect(asked).toHaveLength(1);
  });
  it('leaving_saves_at_once', async () => {
    const { asked, put } = box();
    const { saver: s } = saver(put);
    s.changed('a');
    const flushed = s.flush();
    await settle();
    asked[0]?.done();
    expect(await flushed).toBe(true);
  });
});

describe('newest', () => {
  it('only_the_answer_to_the_newest_question_counts', async () => {
    const waiting: ((answer: string) => void)[] = [];
    const got: string[] = [];
    const check = newest<string, string>(300, () => new Promise((resolve) => waiting.push(resolve)), (a) => got.push(a), () => got.push('fault'));
    check.ask('first');
    await vi.advanceTimersByTimeAsync(300);
    check.ask('second');
    await vi.advanceTimersByTimeAsync(300);
    waiting[1]?.('to the second');
    waiting[0]?.('to the first');
    await settle();
    expect(got).toEqual(['to the second']);
  });
  it('asks_once_for_many_changes', async () => {
    let asked = 0;
    const check = newest<number, number>(300, (n) => { asked += 1; return Promise.resolve(n); }, () => undefined, () => undefined);
    for (let i = 0; i < 20; i += 1) check.ask(i);
    await vi.advanceTimersByTimeAsync(300);
    expect(asked).toBe(1);
  });
});
