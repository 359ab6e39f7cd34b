// Which view fills the screen. Pure: what is known in, one view out; the most urgent first.

import type { Reach } from './connection';
import type { Place } from './place';
import type { RefusalCode } from './protocol';

export type Keyring = 'loading' | 'none' | 'paired' | 'insecure' | 'broken';
export type Aside = 'none' | 'settings' | 'trust';
export type View =
  | 'loading' | 'insecure' | 'broken' | 'pairing' | 'trust' | 'revoked' | 'refused' | 'off' | 'elsewhere'
  | 'alarm' | 'alarms' | 'answered' | 'lost' | 'settings' | 'start' | 'calm';

export interface Situation {
  keyring: Keyring;
  aside: Aside;
  reach: Reach;
  /** Whether this page of the device is the one that listens. */
  place: Place;
  refused: RefusalCode | null;
  /** Alarms that take the whole screen. */
  pressing: number;
  /** What the person looks at: an alarm that waits, one that was answered since, or none. */
  followed: 'waits' | 'answered' | 'none';
  sound: 'ready' | 'blocked';
}

export function viewOf(s: Situation): View {
  if (s.aside === 'trust') return 'trust';
  switch (s.keyring) {
    case 'loading':
    case 'insecure':
    case 'broken':
      return s.keyring;
    case 'none':
      return 'pairing';
    case 'paired':
      return paired(s);
  }
}

function paired(s: Situation): View {
  if (s.reach === 'refused') return s.refused === 'revoked' || s.refused === 'unknown_device' ? 'revoked' : 'refused';
  if (s.place === 'elsewhere') return 'elsewhere';
  if (s.place === 'asking') return 'loading';
  if (s.reach === 'off') return s.aside === 'settings' ? 'settings' : 'off';
  // An alarm stays on the screen when the box is lost; the bar above it says so.
  if (s.followed === 'waits') return 'alarm';
  if (s.pressing > 1) return s.followed === 'answered' ? 'answered' : 'alarms';
  if (s.pressing === 1) return s.followed === 'answered' ? 'answered' : 'alarm';
  if (s.followed === 'answered') return 'answered';
  if (s.reach === 'lost') return 'lost';
  if (s.aside === 'settings') return 'settings';
  return s.sound === 'blocked' ? 'start' : 'calm';
}
