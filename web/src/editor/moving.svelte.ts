// The camera's zones moved with its view, when the page of the view sent us here: once, as a draft that nobody has
// saved yet. Where there is a draft already a person says what is to be moved, because it may have been drawn since.

import { asksForMovedZones, href } from '../lib/route';
import { request, wordsOf } from '../lib/request';
import { isBack, shiftWords, type Shift } from '../lib/shift';
import { parseView, shiftNow, viewPath } from '../lib/view';
import type { Editor } from './editor.svelte';
import type { Document } from './model/document';
import { movedWithView } from './model/moved';

export type Move =
  | { readonly is: 'none' }
  | { readonly is: 'failed'; readonly words: string }
  /** The view is where it was, or nobody can say how far it has gone from there. */
  | { readonly is: 'nowhere' }
  | { readonly is: 'asking'; readonly shift: Shift }
  | { readonly is: 'moved'; readonly by: string; readonly notes: readonly string[] };

export class Moving {
  move = $state.raw<Move>({ is: 'none' });
  readonly #editor: Editor;
  #wanted: boolean;

  constructor(editor: Editor) {
    this.#editor = editor;
    this.#wanted = asksForMovedZones(window.location.hash);
    // A page loaded again must not move once more what was moved.
    if (this.#wanted) window.history.replaceState(window.history.state, '', href('editor', editor.camera));
  }

  /** Once the zones are there; later calls do nothing. */
  async begin(): Promise<void> {
    if (!this.#wanted) return;
    this.#wanted = false;
    try {
      const shift = shiftNow(parseView(await request('GET', viewPath(this.#editor.camera))));
      if (shift === null || isBack(shift, this.#editor.frame)) this.move = { is: 'nowhere' };
      else if (this.#editor.draft.answer?.draft) this.move = { is: 'asking', shift };
      else this.apply(shift, this.#editor.draft.inForce);
    } catch (error) {
      this.move = { is: 'failed', words: wordsOf(error) };
    }
  }

  again(): void {
    this.#wanted = true;
    void this.begin();
  }

  /** Offers `document` moved. */
  apply(shift: Shift, document: Document): void {
    const frame = this.#editor.frame;
    const { document: moved, notes } = movedWithView(document, shift, frame);
    const by = shiftWords(shift, frame);
    this.#editor.offer(moved, `Zones moved with the view, ${by}. Not saved yet.`);
    this.move = { is: 'moved', by, notes };
  }

  /** The zones as they were; nothing was saved. */
  leave(): void {
    if (this.#editor.draft.offered) this.#editor.undo();
    this.close();
  }

  close(): void {
    this.move = { is: 'none' };
  }
}
