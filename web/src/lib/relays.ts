// The relays and stack lights of the box: what each calls for and whether it does, in words.

import { ContractError, isListOfObjects } from './api';
import { count } from './format';
import { request } from './request';
import { list, tag, type Tag } from './status';

export interface Relay {
  name: string; role: readonly string[]; device: string;
  wiring: 'fail_safe' | 'energise_to_call'; heartbeat_ms: number | null;
  /** `starting`: its device has not answered yet. */
  state: 'starting' | 'working' | 'failed'; fault: string | null;
  /** Whether it is to call for attention now. */
  calling: boolean;
  /** Why it may not call when the box is dead. */
  caution: string | null;
}

const ROLE_WORD: Record<string, string> = { emergency: 'emergencies', warning: 'warnings', fault: 'faults', siren: 'the siren' };

export function relayTag({ state, calling }: Pick<Relay, 'state' | 'calling'>): Tag {
  switch (state) {
    case 'failed':
      return tag('unknown', 'does not work');
    case 'starting':
      return tag('unknown', 'has not answered yet');
    case 'working':
      return calling ? tag('warning', 'calls') : tag('clear', 'works');
  }
}

/** `emergencies and the siren`. */
export function roleWords({ role }: Pick<Relay, 'role'>): string {
  return list(role.map((one) => ROLE_WORD[one] ?? one));
}

/** `wired fail-safe, heartbeat every 500 ms`. */
export function wiringWords({ wiring, heartbeat_ms }: Pick<Relay, 'wiring' | 'heartbeat_ms'>): string {
  const how = wiring === 'fail_safe' ? 'wired fail-safe' : 'energised to call: silent when the box is dead';
  return heartbeat_ms === null ? how : `${how}, heartbeat every ${heartbeat_ms} ms`;
}

/** The sentence over the list: how many do not show what they should. */
export function relaysWords(relays: readonly Relay[]): string {
  const bad = relays.filter((relay) => relay.state !== 'working').length;
  return bad === 0 ? count(relays.length, 'relay', 'relays') : `${bad} of ${relays.length} ${bad === 1 ? 'does' : 'do'} not work`;
}

export async function fetchRelays(): Promise<readonly Relay[]> {
  const body = await request<{ relays: readonly Relay[] } | null>('GET', '/api/relays');
  if (!isListOfObjects(body?.relays)) throw new ContractError('relays is not a list');
  return body?.relays ?? [];
}
