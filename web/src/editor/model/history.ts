// Undo and redo over values that are never changed in place.

/** Far more than anybody takes back by hand; a bound because a page may stay open for days. */
export const STEPS_MAX = 1_000;
/** Typing a name is one step, not one a letter, while the letters follow each other this closely. */
const ONE_STEP_MS = 1_500;

export interface History<T> {
  readonly past: readonly T[];
  readonly present: T;
  readonly future: readonly T[];
  /** What the last change was about, and when: the next of the same kind joins it. */
  readonly last: { readonly about: string; readonly at_ms: number } | null;
}

export function begin<T>(present: T): History<T> {
  return { past: [], present, future: [], last: null };
}

/** `about` names a change that goes on, as typing in one field does; null is always a step of its own. */
export function change<T>(history: History<T>, next: T, about: string | null, now_ms: number): History<T> {
  if (next === history.present) return history;
  const joins = about !== null && history.last?.about === about && now_ms - history.last.at_ms < ONE_STEP_MS;
  const past = joins ? history.past : [...history.past, history.present].slice(-STEPS_MAX);
  return { past, present: next, future: [], last: about === null ? null : { about, at_ms: now_ms } };
}

export function undo<T>(history: History<T>): History<T> {
  const previous = history.past[history.past.length - 1];
  if (previous === undefined) return history;
  return { past: history.past.slice(0, -1), present: previous, future: [history.present, ...history.future], last: null };
}

export function redo<T>(history: History<T>): History<T> {
  const [next, ...future] = history.future;
  if (next === undefined) return history;
  return { past: [...history.past, history.present], present: next, future, last: null };
}
