import { describe, expect, it } from 'vitest';
import { backlogWords, channelsWords, channelTag, delivered, lossWords, oldest, type Backlog, type Channel } from './channels';
import { siteClock } from './format';
import { SINCE } from './testing';

const backlog = (of: Backlog['class'], rest: Partial<Backlog> = {}): Backlog => ({ class: of, waiting: 0, oldest_at: null, delivered: 0, delivered_at: null, ...rest });
const channel = (rest: Partial<Channel> = {}): Channel => ({ name: 'mqtt', kind: 'mqtt', state: 'working', since: SINCE, target: 'broker', error: null, error_at: null, classes: [], lost: [], ...rest });

describe('a channel', () => {
  it('says_what_waits_class_by_class', () => {
    expect(backlogWords(channel({ classes: [backlog('alarm', { waiting: 1 }), backlog('fault'), backlog('telemetry', { waiting: 31 })] }))).toBe('1 alarm, 31 telemetry');
    expect(backlogWords(channel({ classes: [backlog('alarm')] }))).toBe('nothing waits');
  });
  it('says_since_when_the_oldest_waits_and_not_of_what_does_not_wait', () => {
    const old = '2026-03-01T10:00:00Z';
    expect(oldest(channel({ classes: [backlog('alarm', { oldest_at: old }), backlog('fault', { waiting: 1, oldest_at: SINCE })] }))).toBe(SINCE);
    expect(oldest(channel({ classes: [backlog('alarm', { waiting: 1, oldest_at: old }), backlog('fault', { waiting: 1, oldest_at: SINCE })] }))).toBe(old);
    expect(oldest(channel())).toBeNull();
  });
  it('was_last_heard_of_with_whatever_arrived_last', () => {
    expect(delivered(channel({ classes: [backlog('alarm', { delivered_at: SINCE }), backlog('fault', { delivered_at: '2026-03-01T10:00:00Z' })] }))).toBe(SINCE);
    expect(delivered(channel({ classes: [backlog('alarm')] }))).toBeNull();
  });
  it('says_how_much_of_what_it_lost_and_why', () => {
    const loss = { class: 'alarm', reason: 'room', messages: 12, first_at: SINCE, last_at: '2026-03-01T14:20:00Z' } as const;
    expect(lossWords(loss, siteClock('UTC'), Date.parse(SINCE))).toBe('12 alarms lost, no room left: 14:07:26 to 14:20:00');
    expect(lossWords({ ...loss, messages: 1, reason: 'eaten' }, siteClock('UTC'), Date.parse(SINCE))).toMatch(/^1 alarm lost, eaten:/);
  });
  it.each([['working', '○ works'], ['starting', '‖ not used yet'], ['unheard', '◆ nobody has subscribed'], ['down', '◆ down'], ['off', '◆ cannot be used']] as const)('that is %s reads %s', (state, words) => {
    expect(`${channelTag({ state }).shape} ${channelTag({ state }).word}`).toBe(words);
  });
  it('that_fails_is_counted_with_what_does_not_hang_on_it', () => {
    expect(channelsWords([channel()])).toBe('1 channel');
    expect(channelsWords([channel(), channel({ state: 'down' }), channel({ state: 'off' })])).toMatch(/^2 of 3 do not work; siren, relay and handhelds do not hang on them/);
  });
});
