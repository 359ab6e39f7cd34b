// The channels that carry alarms further: what the box says of them, in words.

import { ContractError, isListOfObjects } from './api';
import { request } from './request';
import { count, formatAgo, type SiteClock } from './format';
import { tag, type Tag } from './status';

export const CLASSES = ['alarm', 'fault', 'telemetry'] as const;
export type MessageClass = (typeof CLASSES)[number];
/** `starting`: nothing was sent and nothing was wrong yet. `unheard`: the broker takes messages that nobody has subscribed to. `off`: this program cannot do it; the error says why. */
export type ChannelState = 'starting' | 'working' | 'unheard' | 'down' | 'off';
export interface Backlog { class: MessageClass; waiting: number; oldest_at: string | null; delivered: number; delivered_at: string | null }
export interface Loss { class: MessageClass; reason: string; messages: number; first_at: string; last_at: string }
export interface Channel {
  name: string; kind: string; state: ChannelState; since: string;
  /** Whom it tells, without secrets. */
  target: string;
  /** What was wrong last; stays after it is mended. */
  error: string | null; error_at: string | null;
  classes: readonly Backlog[]; lost: readonly Loss[];
}

export const CLASS_WORD: Record<MessageClass, string> = { alarm: 'alarms', fault: 'faults', telemetry: 'telemetry' };
export const KIND_WORD: Record<string, string> = { mqtt: 'MQTT', webhook: 'Webhook', web_push: 'Web Push' };

export function channelTag({ state }: Pick<Channel, 'state'>): Tag {
  switch (state) {
    case 'working':
      return tag('clear', 'works');
    case 'starting':
      return tag('off', 'not used yet');
    case 'unheard':
      return tag('unknown', 'nobody has subscribed');
    case 'down':
      return tag('unknown', 'down');
    case 'off':
      return tag('unknown', 'cannot be used');
  }
}

/** What waits, the most urgent first: `2 alarms, 31 telemetry`; `nothing waits`. */
export function backlogWords({ classes }: Pick<Channel, 'classes'>): string {
  const parts = classes.filter((b) => b.waiting > 0).map((b) => `${b.waiting} ${b.waiting === 1 ? CLASS_WORD[b.class].replace(/s$/, '') : CLASS_WORD[b.class]}`);
  return parts.length === 0 ? 'nothing waits' : parts.join(', ');
}

/** Since when the oldest message waits; null while none does. */
export function oldest({ classes }: Pick<Channel, 'classes'>): string | null {
  const times = classes.flatMap((b) => (b.waiting > 0 && b.oldest_at !== null ? [b.oldest_at] : []));
  return times.sort((a, b) => Date.parse(a) - Date.parse(b))[0] ?? null;
}

/** When something last arrived; null for never. */
export function delivered({ classes }: Pick<Channel, 'classes'>): string | null {
  const times = classes.flatMap((b) => (b.delivered_at === null ? [] : [b.delivered_at]));
  return times.sort((a, b) => Date.parse(b) - Date.parse(a))[0] ?? null;
}

const REASON_WORD: Record<string, string> = {
  age: 'waited too long', room: 'no room left', refused: 'not accepted by the receiver', expired: 'too old to be of use', unconfigured: 'taken out of the configuration', unkept: 'the disk was too slow',
};

/** `12 telemetry lost, no room left: 14:07:26 to 14:20:00`. */
export function lossWords({ class: of, reason, messages, first_at, last_at }: Loss, clock: SiteClock, now_ms: number): string {
  const what = messages === 1 ? CLASS_WORD[of].replace(/s$/, '') : CLASS_WORD[of];
  return `${messages} ${what} lost, ${REASON_WORD[reason] ?? reason}: ${clock.moment(first_at, now_ms)} to ${clock.moment(last_at, now_ms)}`;
}

export function agoWords(at: string, clock: SiteClock, now_ms: number): string {
  return `${clock.moment(at, now_ms)}, ${formatAgo(now_ms - Date.parse(at))}`;
}

/** The sentence over the list: which are down. */
export function channelsWords(channels: readonly Channel[]): string {
  const down = channels.filter((c) => c.state === 'down' || c.state === 'off').length;
  if (down === 0) return count(channels.length, 'channel', 'channels');
  return `${down} of ${channels.length} ${down === 1 ? 'does' : 'do'} not work; siren, relay and handhelds do not hang on them`;
}

export async function fetchChannels(): Promise<readonly Channel[]> {
  const body = await request<{ channels: readonly Channel[] } | null>('GET', '/api/channels');
  if (!isListOfObjects(body?.channels)) throw new ContractError('channels is not a list');
  return body?.channels ?? [];
}

/** Sends a test message over a channel; throws where the receiver did not take it. */
export async function testChannel(name: string): Promise<void> {
  await request('POST', `/api/channels/${encodeURIComponent(name)}/test`, {});
}
