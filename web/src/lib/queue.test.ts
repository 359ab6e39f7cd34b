import { describe, expect, it } from 'vitest';
import { keyOf, queueKey, spokenAfter, zoneOf } from './queue';
import { boxState, zone } from './testing';

const key = (name: string, rest: object = {}) => ({ key: name, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...rest });
const inside = (selector: string) => ({ closest: (asked: string) => (asked.includes(selector) ? ({} as Element) : null) }) as Pick<Element, 'closest'>;

describe('queueKey', () => {
  it.each([['t', 'true'], ['T', 'true'], ['1', 'true'], ['f', 'false'], ['2', 'false'], ['u', 'unsure'], ['3', 'unsure']])('%s is %s', (name, label) => expect(queueKey(key(name), null, false)).toEqual({ do: 'label', label }));
  it.each([['z', 'back'], ['Backspace', 'back'], ['n', 'on'], ['v', 'video']])('%s is %s', (name, action) => expect(queueKey(key(name), null, false)).toEqual({ do: action }));
  it('a_key_that_is_held_down_does_nothing', () => expect(queueKey(key('t', { repeat: true }), null, false)).toBeNull());
  it.each([[{ ctrlKey: true }], [{ metaKey: true }], [{ altKey: true }]])('the browser keeps its own shortcuts: %j', (held) => expect(queueKey(key('f', held), null, false)).toBeNull());
  it('nothing_while_somebody_types_or_a_dialog_is_open', () => {
    expect(queueKey(key('t'), inside('input'), false)).toBeNull();
    expect(queueKey(key('t'), null, true)).toBeNull();
  });
  it.each(['4', 'a', 's', 'Enter', ' ', 'Escape'])('%j is left to others', (name) => expect(queueKey(key(name), null, false)).toBeNull());
});

describe('the queue', () => {
  it('a_case_and_an_example_of_the_same_number_are_two', () => expect(keyOf({ kind: 'case', id: 3 })).not.toBe(keyOf({ kind: 'example', id: 3 })));
  it('the_zone_is_found_by_camera_and_name', () => {
    const current = boxState({ zones: [zone('a', { name: 'Road', camera: 'gate' }), zone('b', { name: 'Road' })] });
    expect(zoneOf(current, { camera: 'yard', zone: { name: 'Road' } })?.id).toBe('b');
    expect(zoneOf(current, { camera: 'yard', zone: { name: 'Lawn' } })).toBeNull();
    expect(zoneOf(current, { camera: 'yard', zone: null })).toBeNull();
  });
  it('says_what_was_kept_and_what_comes', () => {
    expect(spokenAfter('true', 'Road, Yard', 3)).toBe('True, kept. Next: Road, Yard. 3 left.');
    expect(spokenAfter('unsure', null, 0)).toBe('Unsure, kept. Nothing waits any more.');
  });
});
