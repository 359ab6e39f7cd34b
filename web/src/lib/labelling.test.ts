import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Labelling, LOOK_MS_MIN } from './labelling.svelte';
import type { Queued } from './model-asks';

const item = (kind: 'case' | 'example', id: number) => ({ kind, id, camera: 'yard', zone: null, at: '' }) as unknown as Queued;

/** A box with a queue; `refuse` makes the next label fail. */
class Box {
  waiting: Queued[];
  labels: string[] = [];
  asked = 0;
  refuse = false;
  constructor(waiting: Queued[]) {
    this.waiting = waiting;
    vi.stubGlobal('fetch', (path: string, init: RequestInit) => Promise.resolve(this.answer(path, init)));
  }
  answer(path: string, init: RequestInit): Response {
    if (path.startsWith('/api/models/queue')) {
      this.asked += 1;
      const limit = Number(/limit=(\d+)/.exec(path)?.[1]);
      return Response.json({ items: this.waiting.slice(0, limit), left: Math.max(0, this.waiting.length - limit) });
    }
    if (this.refuse) return Response.json({ error: { code: 'busy', message: 'the store is busy' } }, { status: 503 });
    const [, kind = '', id = ''] = /(cases|examples)\/(\d+)\/label/.exec(path) ?? [];
    const { label } = JSON.parse(String(init.body)) as { label: string };
    this.labels.push(`${kind} ${id} ${label}`);
    this.waiting = this.waiting.filter((one) => !(one.id === Number(id) && kind.startsWith(one.kind)));
    return Response.json({});
  }
}

describe('Labelling', () => {
  let now_ms = 0;
  let queue: Labelling;
  beforeEach(() => {
    now_ms = 0;
    queue = new Labelling(() => now_ms);
  });
  afterEach(() => vi.unstubAllGlobals());
  /** Somebody has the picture before them and looks. */
  const look = () => {
    if (queue.current) queue.pictured(queue.current, 'shown');
    now_ms += LOOK_MS_MIN;
  };
  const say = async (label: 'true' | 'false' | 'unsure') => {
    look();
    return queue.label(label);
  };

  it('each_is_kept_with_its_own_kind_and_the_next_comes', async () => {
    const box = new Box([item('case', 7), item('example', 7), item('case', 8)]);
    await queue.more();
    expect(queue.left).toBe(3);
    expect(queue.next?.kind).toBe('example');
    expect(await say('true')).toBe(true);
    expect(await say('unsure')).toBe(true);
    expect(box.labels).toEqual(['cases 7 true', 'examples 7 unsure']);
    expect(queue.current?.id).toBe(8);
    expect([queue.kept, queue.left]).toEqual([2, 1]);
  });
  it('what_was_not_kept_stays_with_the_reason', async () => {
    const box = new Box([item('case', 1), item('case', 2)]);
    await queue.more();
    box.refuse = true;
    expect(await say('true')).toBe(false);
    expect(queue.current?.id).toBe(1);
    expect(queue.fault).toMatch(/busy/i);
    box.refuse = false;
    expect(await say('true')).toBe(true);
    expect([queue.current?.id, queue.fault, box.labels.length]).toEqual([2, '', 1]);
  });
  it('what_the_box_has_no_more_is_left_out_and_said', async () => {
    const box = new Box([item('case', 1), item('case', 2)]);
    await queue.more();
    const answer = box.answer.bind(box);
    box.answer = (path, init) => (path.includes('/label') ? Response.json({ error: { code: 'no_case', message: 'there is no case 1' } }, { status: 404 }) : answer(path, init));
    expect(await say('true')).toBe(false);
    expect([queue.current?.id, queue.left, queue.kept, queue.fault]).toEqual([2, 1, 0, '']);
    expect(queue.notice).toMatch(/no case 1/);
  });
  it('nobody_judges_a_picture_that_is_not_there', async () => {
    const box = new Box([item('case', 1)]);
    await queue.more();
    now_ms += 10_000;
    expect(await queue.label('true')).toBe(false);
    queue.pictured(item('case', 1), 'fault');
    now_ms += 10_000;
    expect(await queue.label('true')).toBe(false);
    expect(box.labels).toEqual([]);
    queue.pictured(item('case', 1), 'none');
    now_ms += 10_000;
    expect(await queue.label('unsure')).toBe(true);
  });
  it('the_second_press_of_a_double_one_judges_nothing', async () => {
    const box = new Box([item('case', 1), item('case', 2)]);
    await queue.more();
    queue.pictured(item('case', 2), 'shown');
    expect(await say('true')).toBe(true);
    now_ms += LOOK_MS_MIN - 1;
    expect(await queue.label('true')).toBe(false);
    now_ms += 1;
    expect(await queue.label('false')).toBe(true);
    expect(box.labels).toEqual(['cases 1 true', 'cases 2 false']);
  });
  it('a_press_while_one_is_being_kept_does_nothing', async () => {
    const box = new Box([item('case', 1), item('case', 2)]);
    await queue.more();
    look();
    const first = queue.label('true');
    expect(await queue.label('false')).toBe(false);
    expect(queue.goBack()).toBe(false);
    await first;
    expect(box.labels).toEqual(['cases 1 true']);
  });
  it('undo_leads_back_and_the_new_label_takes_the_place_of_the_old', async () => {
    const box = new Box([item('case', 1), item('case', 2), item('case', 3)]);
    await queue.more();
    await say('true');
    await say('true');
    expect(queue.goBack()).toBe(true);
    expect([queue.current?.id, queue.said]).toEqual([2, 'true']);
    await say('false');
    expect(queue.current?.id).toBe(3);
    expect(box.labels.at(-1)).toBe('cases 2 false');
    expect([queue.kept, queue.left]).toEqual([2, 1]);
    queue.goBack();
    expect(queue.said).toBe('false');
    expect(queue.goOn()).toBe(true);
    expect(queue.current?.id).toBe(3);
  });
  it('there_is_nothing_before_the_first_and_nothing_after_the_newest', async () => {
    new Box([item('case', 1)]);
    await queue.more();
    expect(queue.goBack()).toBe(false);
    expect(queue.goOn()).toBe(false);
  });
  it('more_is_asked_before_the_last_is_reached_and_nothing_comes_twice', async () => {
    const box = new Box(Array.from({ length: 30 }, (_, i) => item('case', i + 1)));
    await queue.more();
    const shown: number[] = [];
    while (queue.current) {
      shown.push(queue.current.id);
      expect(await say('true')).toBe(true);
      await vi.waitFor(() => expect(queue.asking).toBe(false));
    }
    expect(shown).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(box.asked).toBe(2);
    expect([queue.finished, queue.left]).toEqual([true, 0]);
  });
  it('a_queue_that_cannot_be_loaded_is_not_a_finished_one', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no')));
    await queue.more();
    expect(queue.finished).toBe(false);
    expect(queue.missing).toMatch(/did not answer/);
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ nothing: 1 })));
    await queue.more();
    expect([queue.finished, queue.missing]).toEqual([false, 'items is not a list']);
    new Box([]);
    await queue.more();
    expect(queue.finished).toBe(true);
  });
  it('a_picture_that_is_held_no_more_is_looked_at_anew', async () => {
    new Box([item('case', 1), item('case', 2)]);
    await queue.more();
    look();
    queue.unpictured(item('case', 1));
    expect(queue.seen).toBe(false);
  });
});
