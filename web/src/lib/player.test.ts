import { expect, test } from 'vitest';
import { playerKey, verdictKey } from './player';

const key = (name: string, rest: object = {}) => ({ key: name, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...rest });
/** An element that is what `matches` says, as CSS would. */
const on = (...names: string[]) => ({ closest: (selector: string) => (selector.split(', ').some((one) => names.includes(one)) ? {} : null) }) as Pick<Element, 'closest'>;

test('the keys of a player play, step, seek and show', () => {
  const at = (name: string) => playerKey(key(name), null, false);
  expect([' ', ',', '.', 'ArrowLeft', 'ArrowRight', 'i', 'o', 'z'].map(at)).toEqual(['toggle', 'frame_back', 'frame_forward', 'back', 'forward', 'start', 'overlay', null]);
});

test('a key that belongs to what has the focus, to a dialog or to the browser stays there', () => {
  expect(playerKey(key(' '), on('button'), false)).toBeNull();
  expect(playerKey(key('.'), on('button'), false)).toBe('frame_forward');
  expect(playerKey(key('.'), on('textarea'), false)).toBeNull();
  expect(playerKey(key('ArrowLeft'), on('input'), false)).toBeNull();
  expect(playerKey(key('i'), null, true)).toBeNull();
  expect(playerKey(key('o', { ctrlKey: true }), null, false)).toBeNull();
});

test('a key that is held down steps on, and does not switch to and fro', () => {
  expect(playerKey(key('.', { repeat: true }), null, false)).toBe('frame_forward');
  expect(playerKey(key(' ', { repeat: true }), null, false)).toBeNull();
});

test('one key judges, and never while somebody types or holds it down', () => {
  expect(['t', 'F', 'x', 'q'].map((name) => verdictKey(key(name), null, false))).toEqual(['true', 'false', 'test', null]);
  expect(verdictKey(key('t'), on('textarea'), false)).toBeNull();
  expect(verdictKey(key('t', { repeat: true }), null, false)).toBeNull();
  expect(verdictKey(key('t'), null, true)).toBeNull();
  expect(verdictKey(key('f', { ctrlKey: true }), null, false)).toBeNull();
});
