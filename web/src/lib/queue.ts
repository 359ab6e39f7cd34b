// What waits for a label, one after the other: which key does what, and what is asked. Pure.

import type { BoxState, Zone } from './api';
import { CASE_QUESTION, pictureWords, type CaseBox, type Label } from './comparison';
import { exampleQuestion, LABEL_WORD } from './examples';
import type { Key } from './keys';
import { boxWords } from './marks';
import type { Queued } from './model-asks';

export type QueueAction = { do: 'label'; label: Label } | { do: 'back' } | { do: 'on' } | { do: 'video' };

export const LABEL_KEYS: Record<Label, readonly [string, string]> = { true: ['T', '1'], false: ['F', '2'], unsure: ['U', '3'] };

/** Null while a key is held down, while somebody types, while a dialog is open, and for the browser's own shortcuts. */
export function queueKey(key: Key, target: Pick<Element, 'closest'> | null, dialog: boolean): QueueAction | null {
  if (dialog || key.repeat || key.ctrlKey || key.metaKey || key.altKey) return null;
  if (target?.closest('input, textarea, select, [contenteditable]')) return null;
  const pressed = key.key.toUpperCase();
  for (const [label, keys] of Object.entries(LABEL_KEYS)) {
    if (keys.includes(pressed)) return { do: 'label', label: label as Label };
  }
  switch (pressed) {
    case 'Z':
    case 'BACKSPACE':
      return { do: 'back' };
    case 'N':
      return { do: 'on' };
    case 'V':
      return { do: 'video' };
    default:
      return null;
  }
}

/** Cases and examples are counted each by themselves. */
export function keyOf(item: Pick<Queued, 'kind' | 'id'>): string {
  return `${item.kind} ${item.id}`;
}

export function questionOf(item: Queued): string {
  return item.kind === 'case' ? CASE_QUESTION : exampleQuestion(item);
}

/** The zone as it is drawn now, by name: the one of then may have been another. */
export function zoneOf(current: Pick<BoxState, 'zones'>, of: { camera: string; zone: { name: string } | null }): Zone | null {
  const { camera, zone } = of;
  return zone === null ? null : (current.zones.find((z) => z.camera === camera && z.name === zone.name) ?? null);
}

/** The boxes over its picture: of a case each model's, of an example the model's and a person's. */
export function boxesOf(item: Queued): { solid: readonly CaseBox[]; dashed: readonly CaseBox[]; letters: readonly [string, string] } {
  if (item.kind === 'case') return { solid: item.active?.boxes ?? [], dashed: item.shadow?.boxes ?? [], letters: ['A', 'S'] };
  const by = (who: string) => item.boxes.filter((b) => b.by === who);
  // Whoever drew a box gave it no score.
  return { solid: by('model'), dashed: by('person').map((b) => ({ ...b, score: null })), letters: ['M', 'P'] };
}

export function pictureLabel(item: Queued): string {
  if (item.kind === 'case') return pictureWords(item);
  return item.boxes.length === 0 ? 'No box.' : `${boxWords(item.boxes)}.`;
}

/** What is read aloud once something is kept. */
export function spokenAfter(label: Label, next: string | null, left: number): string {
  return `${LABEL_WORD[label]}, kept. ${next === null ? (left === 0 ? 'Nothing waits any more.' : '') : `Next: ${next}. ${left} left.`}`.trim();
}
