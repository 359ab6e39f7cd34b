// One sitting at the label queue: what is shown, what was said, what comes next.
//
//   current ──label, kept──> past, the next is current      ──not kept──> stays, with the reason
//   past ──back──> current again, its label counts until another is given ──label or on──> forward again

import type { Label } from './comparison';
import { fetchQueue, labelCase, labelExample, type Queued } from './model-asks';
import { keyOf } from './queue';
import { RequestError, wordsOf } from './request';

/** So many are asked for at once, and again when so few are left. */
const ASKED = 20;
const FEW = 5;
/** Of what was said so much can be gone back to. */
const PAST_MAX = 50;
/** The second press of a double one must not judge the next picture, which nobody has looked at yet. */
export const LOOK_MS_MIN = 250;

/** The status of what is not there. */
const GONE = 404;

export type PictureState = 'shown' | 'none' | 'fault';
export interface Said { item: Queued; label: Label }

export class Labelling {
  past = $state.raw<readonly Said[]>([]);
  items = $state.raw<readonly Queued[]>([]);
  /** Of those that wait, all; null until the box has said. */
  left = $state<number | null>(null);
  /** How many steps back one is; 0: at the first that waits. */
  back = $state(0);
  busy = $state<Label | null>(null);
  asking = $state(false);
  /** Why the last label was not kept. */
  fault = $state('');
  /** What was left out, because the box has it no more. */
  notice = $state('');
  /** Why no more came. */
  missing = $state('');
  /** Labels kept in this sitting, each item once. */
  kept = $state(0);
  pictures = $state<Record<string, PictureState>>({});

  readonly current = $derived(this.back > 0 ? (this.past[this.past.length - this.back]?.item ?? null) : (this.items[0] ?? null));
  /** Loaded beforehand. */
  readonly next = $derived(this.back > 0 ? (this.back > 1 ? (this.past[this.past.length - this.back + 1]?.item ?? null) : (this.items[0] ?? null)) : (this.items[1] ?? null));
  /** What was said of the one that is shown; null: nothing yet. */
  readonly said = $derived(this.back > 0 ? (this.past[this.past.length - this.back]?.label ?? null) : null);
  readonly finished = $derived(this.left !== null && this.current === null && !this.asking && this.missing === '');
  /** Whether one sees what one judges; a picture that is gone for good can be judged as well. */
  readonly seen = $derived(this.current !== null && ['shown', 'none'].includes(this.pictures[keyOf(this.current)] ?? ''));

  /** Left out; the box may name them once more. */
  readonly #gone = new Set<string>();
  readonly #now_ms: () => number;
  #since_ms: number;

  constructor(now_ms: () => number = () => performance.now()) {
    this.#now_ms = now_ms;
    this.#since_ms = now_ms();
  }

  /** Asks for those that wait; what is there already keeps its place. */
  async more(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    const kept = this.kept;
    try {
      const { items, waiting } = await fetchQueue(ASKED);
      const known = new Set([...this.#gone, ...this.past.map(({ item }) => keyOf(item)), ...this.items.map(keyOf)]);
      const first = this.items.length === 0;
      this.items = [...this.items, ...items.filter((item) => !known.has(keyOf(item)))];
      // What was kept while the box answered is not in its answer.
      this.left = Math.max(this.items.length, waiting - (this.kept - kept));
      this.missing = '';
      if (first) this.#turned();
    } catch (error) {
      this.missing = wordsOf(error);
    } finally {
      this.asking = false;
    }
  }

  /** The picture of an item is there, gone for good, or did not come. */
  pictured(item: Queued, state: PictureState): void {
    this.pictures[keyOf(item)] = state;
    if (this.current !== null && keyOf(item) === keyOf(this.current)) this.#turned();
  }

  /** Its picture is held no more. */
  unpictured(item: Queued): void {
    delete this.pictures[keyOf(item)];
  }

  /** True when it was kept. Does nothing while another is being kept, and before anybody can have looked. */
  async label(label: Label): Promise<boolean> {
    const item = this.current;
    if (item === null || this.busy !== null || !this.seen || this.#now_ms() - this.#since_ms < LOOK_MS_MIN) return false;
    this.busy = label;
    this.fault = this.notice = '';
    try {
      await (item.kind === 'case' ? labelCase(item.id, label) : labelExample(item.id, label));
    } catch (error) {
      if (error instanceof RequestError && error.status === GONE) this.#leaveOut(item, wordsOf(error));
      else this.fault = wordsOf(error);
      return false;
    } finally {
      this.busy = null;
    }
    this.#keep(item, label);
    this.#moreSoon();
    return true;
  }

  /** To the one before; its label counts until another is given. */
  goBack(): boolean {
    if (this.busy !== null || this.back >= this.past.length) return false;
    this.back += 1;
    this.fault = '';
    this.#turned();
    return true;
  }

  /** Forward again, and what was said stays. */
  goOn(): boolean {
    if (this.busy !== null || this.back === 0) return false;
    this.back -= 1;
    this.fault = '';
    this.#turned();
    return true;
  }

  #keep(item: Queued, label: Label): void {
    const said: Said = { item, label };
    if (this.back > 0) {
      const at = this.past.length - this.back;
      this.past = this.past.map((one, i) => (i === at ? said : one));
      this.back -= 1;
    } else {
      this.past = [...this.past, said].slice(-PAST_MAX);
      this.items = this.items.slice(1);
      this.kept += 1;
      this.left = Math.max(this.items.length, (this.left ?? 1) - 1);
    }
    this.#turned();
  }

  /** Nobody can label what the box has no more: it made room for others. */
  #leaveOut(item: Queued, why: string): void {
    this.#gone.add(keyOf(item));
    this.notice = why;
    if (this.back > 0) {
      const at = this.past.length - this.back;
      this.past = this.past.filter((_, i) => i !== at);
      this.back -= 1;
    } else {
      this.items = this.items.slice(1);
      this.left = Math.max(this.items.length, (this.left ?? 1) - 1);
      this.#moreSoon();
    }
    this.#turned();
  }

  #moreSoon(): void {
    if (this.items.length <= FEW && this.left !== null && this.left > this.items.length) void this.more();
  }

  #turned(): void {
    this.#since_ms = this.#now_ms();
  }
}
