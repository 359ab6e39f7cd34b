// Keyboard of the video player on the Incidents page.

import type { Key } from './keys';

export type PlayerAction = 'toggle' | 'back' | 'forward' | 'frame_back' | 'frame_forward' | 'start' | 'overlay';

const ACTION: Readonly<Record<string, PlayerAction>> = {
  ' ': 'toggle', ArrowLeft: 'back', ArrowRight: 'forward', ',': 'frame_back', '.': 'frame_forward', i: 'start', I: 'start', o: 'overlay', O: 'overlay',
};
/** Held down, these go on. */
const REPEATS: ReadonlySet<PlayerAction> = new Set<PlayerAction>(['back', 'forward', 'frame_back', 'frame_forward']);

/** Null while somebody types, on a control that has the key itself, while a dialog is open, and for the browser's own shortcuts. */
export function playerKey(key: Key, target: Pick<Element, 'closest'> | null, dialog: boolean): PlayerAction | null {
  const action = ACTION[key.key];
  if (action === undefined || dialog || key.ctrlKey || key.metaKey || key.altKey) return null;
  if (key.repeat && !REPEATS.has(action)) return null;
  if (target?.closest('select, textarea, input:not([type="range"]), [contenteditable]')) return null;
  // A button is pressed with space, a slider is moved with arrows.
  if (action === 'toggle' && target?.closest('button, a, summary')) return null;
  if ((action === 'back' || action === 'forward') && target?.closest('input')) return null;
  return action;
}

/** What a key judges an incident to be; null as above. */
export function verdictKey(key: Key, target: Pick<Element, 'closest'> | null, dialog: boolean): 'true' | 'false' | 'test' | null {
  if (dialog || key.repeat || key.ctrlKey || key.metaKey || key.altKey) return null;
  if (target?.closest('input:not([type="range"]), select, textarea, [contenteditable]')) return null;
  switch (key.key.toUpperCase()) {
    case 'T': return 'true';
    case 'F': return 'false';
    case 'X': return 'test';
    default: return null;
  }
}
