import { describe, expect, it } from 'vitest';
import { keyAction, type Key } from './keys';

const key = (name: string, rest: Partial<Key> = {}): Key => ({ key: name, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...rest });
const inside = { closest: () => ({}) as Element };
const outside = { closest: () => null };

describe('keyAction', () => {
  it('a_acknowledges', () => expect(keyAction(key('A'), outside, false)).toEqual({ do: 'acknowledge' }));
  it('s_silences_and_never_acknowledges', () => expect(keyAction(key('s'), outside, false)).toEqual({ do: 'silence' }));
  it('digits_pick_cameras_from_one', () => expect(keyAction(key('9'), null, false)).toEqual({ do: 'camera', index: 8 }));
  it('zero_follows_the_most_urgent', () => expect(keyAction(key('0'), null, false)).toEqual({ do: 'follow' }));
  it('typing_a_name_does_nothing', () => expect(keyAction(key('a'), inside, false)).toBeNull());
  it('an_open_dialog_does_nothing', () => expect(keyAction(key('a'), outside, true)).toBeNull());
  it('a_held_key_acts_once', () => expect(keyAction(key('a', { repeat: true }), outside, false)).toBeNull());
  it('the_browsers_shortcuts_are_its_own', () => expect(keyAction(key('a', { ctrlKey: true }), outside, false)).toBeNull());
});
