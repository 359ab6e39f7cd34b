// Keyboard: what a key does on the page.

export type KeyAction = { do: 'acknowledge' } | { do: 'silence' } | { do: 'camera'; index: number } | { do: 'follow' };
export interface Key { key: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean; repeat: boolean }

/** Null while somebody types, while a dialog is open, and for the browser's own shortcuts. */
export function keyAction(key: Key, target: Pick<Element, 'closest'> | null, dialog: boolean): KeyAction | null {
  if (dialog || key.repeat || key.ctrlKey || key.metaKey || key.altKey) return null;
  if (target?.closest('input, textarea, select, [contenteditable]')) return null;
  if (key.key === 'a' || key.key === 'A') return { do: 'acknowledge' };
  if (key.key === 's' || key.key === 'S') return { do: 'silence' };
  if (key.key === '0') return { do: 'follow' };
  return /^[1-9]$/.test(key.key) ? { do: 'camera', index: Number(key.key) - 1 } : null;
}
