// Pointers and keys over the picture: what a press, a drag, a pinch or a key means for the tool in hand. Knows screen
// pixels; hands points of the frame to the editor.
//
//   idle ──press──> pressed ──moves──> dragging ──release──> idle     (select, rectangle, mark, floor)
//     │                └──release──> a click                          (all tools)
//     └──second finger──> pinching ──release──> idle

import type { Point } from '../lib/api';
import type { Size } from '../lib/overlay';
import type { Editor } from './editor.svelte';
import { DRAWS } from './editor.svelte';
import type { Shape } from './model/document';
import { closable, rectangle, refusalOfNext } from './model/drawing';
import * as edits from './model/edits';
import type { Corner } from './model/edits';
import * as floor from './model/floor';
import { distance } from './model/geometry';
import { handleAt, pointAt, pointerKind, REACH_PX, type PointerKind } from './model/hit';
import { snapped, snapTargets } from './model/snap';
import { refusalOf, type Refusal } from './model/validity';
import { panned, placement, toFrame, toScreen, WHOLE, zoomed, ZOOM_STEP, type View } from './model/view';

/** A press that moves less than this is a click. */
const CLICK_PX: Record<PointerKind, number> = { mouse: 3, pen: 5, touch: 9 };
const DOUBLE_CLICK_MS = 350;
const LONG_PRESS_MS = 550;
/** Steps of the keyboard, in the camera's own pixels. */
const STEP_PX = 1;
const STEP_LARGE_PX = 10;
/** A box dragged smaller than this is a click. */
const BOX_NORM_MIN = 0.005;

export type Drag =
  | { readonly is: 'pan'; readonly last_px: Point }
  | { readonly is: 'corner'; readonly corner: Corner; readonly added: boolean; readonly shape: Shape; readonly to: Point; readonly refusal: Refusal | null }
  | { readonly is: 'zone'; readonly id: string; readonly from: Point; readonly by: Point }
  | { readonly is: 'box'; readonly from: Point; readonly to: Point }
  | { readonly is: 'floor'; readonly index: number; readonly to: Point };

interface Press { readonly id: number; readonly start_px: Point; readonly kind: PointerKind; readonly moved: boolean; readonly drag: Drag | null }
export interface Menu { readonly corner: Corner; readonly at_px: Point }

export class Stage {
  readonly #editor: Editor;
  size = $state.raw<Size>({ width: 0, height: 0 });
  view = $state.raw<View>(WHOLE);
  /** Where the next point would be, of the pointer or of the keyboard. */
  cursor = $state.raw<Point | null>(null);
  #press = $state.raw<Press | null>(null);
  menu = $state.raw<Menu | null>(null);
  /** The first of two clicks: a rectangle's corner, a person's foot. */
  first = $state.raw<Point | null>(null);
  panning = $state(false);
  #pointers = new Map<number, Point>();
  #lastClick: { at_ms: number; px: Point } | null = null;
  #longPress: ReturnType<typeof setTimeout> | undefined;

  readonly at = $derived.by(() => placement(this.size, this.#editor.frame, this.view));
  readonly drag = $derived(this.#press?.drag ?? null);
  readonly dragging = $derived(this.#press?.moved === true && this.drag !== null);
  /** Why the next point could not be placed where the pointer is. */
  readonly cursorRefusal = $derived.by(() => {
    const { drawing } = this.#editor;
    if (!drawing || !this.cursor || drawing.points.length < 2 || this.closesAt(this.cursor)) return null;
    return refusalOfNext(drawing, this.cursor);
  });

  constructor(editor: Editor) {
    this.#editor = editor;
  }

  zoomBy(factor: number, anchor: Point = [this.size.width / 2, this.size.height / 2]): void {
    this.view = zoomed(this.view, factor, anchor, this.size, this.#editor.frame);
  }

  whole(): void {
    this.view = WHOLE;
  }

  resize(size: Size): void {
    this.size = size;
    this.view = zoomed(this.view, 1, [size.width / 2, size.height / 2], size, this.#editor.frame);
  }

  wheel(px: Point, delta: number): void {
    this.zoomBy(delta < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, px);
  }

  /** Forgets what was begun; a tool that was put away must not finish later. */
  reset(): void {
    this.first = null;
    this.menu = null;
    this.cursor = null;
    this.#press = null;
  }

  /** Shows what a drag would make of the document, before it does. */
  #show(drag: Drag | null): void {
    const editor = this.#editor;
    if (drag?.is === 'corner') {
      const zones = editor.document.zones.map((zone) => (zone.id === drag.corner.zone ? { ...zone, shape: drag.shape } : zone));
      editor.preview = { ...editor.document, zones };
    } else if (drag?.is === 'zone') {
      const moved = edits.moveZone(editor.document, drag.id, drag.by);
      editor.preview = moved.ok ? moved.document : null;
    } else editor.preview = null;
  }

  down(px: Point, id: number, type: string, button: number): void {
    this.menu = null;
    this.#pointers.set(id, px);
    if (this.#pointers.size === 2) {
      clearTimeout(this.#longPress);
      this.#press = null;
      this.#show(null);
      return;
    }
    if (button === 2) return;
    const kind = pointerKind(type);
    const drag = button === 1 || this.panning ? ({ is: 'pan', last_px: px } as const) : this.#dragFrom(px, kind);
    this.#press = { id, start_px: px, kind, moved: false, drag };
    if (kind === 'touch' && drag?.is === 'corner' && !drag.added) {
      this.#longPress = setTimeout(() => this.#openMenu(drag.corner, px), LONG_PRESS_MS);
    }
  }

  /** What a press would drag, by the tool and by what lies under it. */
  #dragFrom(px: Point, kind: PointerKind): Drag | null {
    const editor = this.#editor;
    const at = toFrame(px, this.at);
    switch (editor.tool) {
      case 'select': {
        const handle = editor.zone && !editor.looking ? handleAt(editor.zone, px, this.at, kind) : null;
        if (handle && editor.zone) return this.#cornerDrag(handle.corner, handle.is === 'middle', handle.point);
        const near = REACH_PX[kind] / this.at.width;
        const zone = edits.zoneAt(editor.document, at, near);
        const own = editor.zone && edits.zoneAt({ ...editor.document, zones: [editor.zone] }, at, near);
        // A finger moves a zone only once it is selected: the same finger scrolls and pans.
        const grabbed = own ?? (kind === 'touch' ? undefined : zone);
        if (grabbed && !editor.looking) return { is: 'zone', id: grabbed.id, from: at, by: [0, 0] };
        return { is: 'pan', last_px: px };
      }
      case 'rectangle':
      case 'mark':
        return { is: 'box', from: this.first ?? this.#snap(px, 'pull').point, to: this.#snap(px, 'pull').point };
      case 'floor': {
        const index = pointAt(editor.document.floor.points.map((p) => p.image), px, this.at, kind);
        return index === null ? null : { is: 'floor', index, to: at };
      }
      case 'zone': case 'hole': case 'part': case 'line': case 'ignore': case 'hazard': case 'person':
        return null;
    }
  }

  #cornerDrag(corner: Corner, added: boolean, point: Point): Drag {
    const zone = this.#editor.zone;
    const shape = zone?.shape ?? { is: 'area', parts: [] };
    if (!added) return { is: 'corner', corner, added, shape, to: point, refusal: null };
    const next = { ...corner, index: corner.index + 1 };
    return { is: 'corner', corner: next, added, shape: edits.shapeWithNewCorner(shape, corner, point), to: point, refusal: null };
  }

  move(px: Point, id: number, alt: boolean): void {
    const before = this.#pointers.get(id);
    if (this.#pointers.has(id)) this.#pointers.set(id, px);
    if (this.#pointers.size === 2 && before) return this.#pinch(id, before, px);
    const press = this.#press;
    if (!press || press.id !== id) {
      this.#hover(px, alt);
      return;
    }
    const moved = press.moved || distance(px, press.start_px) > CLICK_PX[press.kind];
    if (!moved) return;
    clearTimeout(this.#longPress);
    if (!press.drag) this.#hover(px, alt);
    const drag = press.drag && this.#dragged(press.drag, px, alt ? 'free' : 'pull');
    this.#press = { ...press, moved, drag };
    this.#show(drag);
  }

  #hover(px: Point, alt: boolean): void {
    this.cursor = this.#editor.tool === 'select' ? null : this.#snap(px, alt ? 'free' : 'pull').point;
  }

  #dragged(drag: Drag, px: Point, pull: 'pull' | 'free'): Drag {
    const editor = this.#editor;
    switch (drag.is) {
      case 'pan':
        this.view = panned(this.view, px[0] - drag.last_px[0], px[1] - drag.last_px[1], this.size, editor.frame);
        return { is: 'pan', last_px: px };
      case 'corner': {
        const to = this.#snap(px, pull, drag.corner.zone).point;
        const shape = edits.shapeWithCorner(drag.shape, drag.corner, to);
        return { ...drag, shape, to, refusal: refusalOf(shape) };
      }
      case 'zone': {
        const now = toFrame(px, this.at);
        return { ...drag, by: [now[0] - drag.from[0], now[1] - drag.from[1]] };
      }
      case 'box':
        return { ...drag, to: this.#snap(px, pull).point };
      case 'floor':
        return { ...drag, to: this.#snap(px, 'free').point };
    }
  }

  #pinch(id: number, before: Point, now: Point): void {
    const other = [...this.#pointers].find(([key]) => key !== id)?.[1];
    if (!other) return;
    const middle: Point = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
    this.zoomBy(distance(now, other) / Math.max(1, distance(before, other)), middle);
    this.view = panned(this.view, (now[0] - before[0]) / 2, (now[1] - before[1]) / 2, this.size, this.#editor.frame);
  }

  up(px: Point, id: number, alt: boolean): void {
    clearTimeout(this.#longPress);
    this.#pointers.delete(id);
    const press = this.#press;
    this.#press = null;
    this.#show(null);
    if (!press || press.id !== id || this.menu) return;
    if (press.moved && press.drag) this.#drop(press.drag);
    else this.#click(px, press, alt ? 'free' : 'pull');
  }

  cancelPointer(id: number): void {
    clearTimeout(this.#longPress);
    this.#pointers.delete(id);
    this.#press = null;
    this.#show(null);
  }

  leave(): void {
    if (this.#press === null) this.cursor = null;
  }

  #drop(drag: Drag): void {
    const editor = this.#editor;
    switch (drag.is) {
      case 'pan':
        return;
      case 'corner': {
        if (editor.attempt(edits.reshape(editor.document, drag.corner.zone, drag.shape))) editor.sayCorner(drag.corner);
        else if (drag.added) return;
        return editor.selectCorner(drag.corner);
      }
      case 'zone':
        editor.select(drag.id);
        editor.attempt(edits.moveZone(editor.document, drag.id, drag.by));
        return;
      case 'box':
        return this.#boxDone(drag.from, drag.to);
      case 'floor':
        return editor.apply(edits.withFloor(editor.document, floor.movePoint(editor.document.floor, drag.index, drag.to)));
    }
  }

  #boxDone(from: Point, to: Point): void {
    const [width, height] = [Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])];
    if (width < BOX_NORM_MIN || height < BOX_NORM_MIN) {
      this.first = from;
      return;
    }
    this.first = null;
    const editor = this.#editor;
    if (editor.tool === 'mark') return editor.addMark([Math.min(from[0], to[0]), Math.min(from[1], to[1]), width, height]);
    const corners = rectangle(from, to);
    if (corners) editor.addZone('restricted', { is: 'area', parts: [[corners]] });
  }

  #click(px: Point, press: Press, pull: 'pull' | 'free'): void {
    const editor = this.#editor;
    const at = this.#snap(px, pull).point;
    switch (editor.tool) {
      case 'select':
        return this.#clickSelect(px, press);
      case 'zone': case 'hole': case 'part': case 'line': case 'ignore': case 'hazard':
        if (editor.tool === 'hole') this.#pickHoleZone(at);
        return this.#clickDrawing(px, at, press.kind);
      case 'rectangle':
        return this.#clickBox(at);
      case 'mark': {
        const seen = editor.people.find(({ box }) => at[0] >= box[0] && at[0] <= box[0] + box[2] && at[1] >= box[1] && at[1] <= box[1] + box[3]);
        return seen && !this.first ? editor.addMark(seen.box) : this.#clickBox(at);
      }
      case 'floor':
        if (press.drag === null) editor.addFloorPoint(at);
        return;
      case 'person':
        if (!this.first) this.first = at;
        else {
          editor.addFloorPerson(this.first, at);
          this.first = null;
        }
        return;
    }
  }

  #clickBox(at: Point): void {
    if (this.first) this.#boxDone(this.first, at);
    else this.first = at;
  }

  #clickSelect(px: Point, press: Press): void {
    const editor = this.#editor;
    if (editor.reviewed) return;
    if (press.drag?.is === 'corner') return press.drag.added ? this.#drop(press.drag) : editor.selectCorner(press.drag.corner);
    const zone = edits.zoneAt(editor.document, toFrame(px, this.at), REACH_PX[press.kind] / this.at.width);
    editor.select(zone?.id ?? null);
    if (zone) editor.focusWanted += 1;
  }

  /** The hole belongs to the zone it is begun in. */
  #pickHoleZone(at: Point): void {
    const editor = this.#editor;
    if (editor.drawing && editor.drawing.points.length > 0) return;
    const areas = editor.document.zones.filter((zone) => zone.shape.is === 'area');
    const inSelected = editor.zone && edits.zoneAt({ ...editor.document, zones: [editor.zone] }, at, 0);
    const zone = inSelected ?? edits.zoneAt({ ...editor.document, zones: areas }, at, 0);
    if (zone && zone.id !== editor.selected) editor.select(zone.id);
  }

  #clickDrawing(px: Point, at: Point, kind: PointerKind): void {
    const editor = this.#editor;
    const double = this.#lastClick !== null && performance.now() - this.#lastClick.at_ms < DOUBLE_CLICK_MS && distance(this.#lastClick.px, px) <= CLICK_PX[kind] * 2;
    this.#lastClick = { at_ms: performance.now(), px };
    if (double || this.closesAt(at, REACH_PX[kind])) {
      this.#lastClick = null;
      return editor.closeDrawing();
    }
    editor.addPoint(at);
  }

  /** Whether a point lies on the first one of an outline that may be closed. */
  closesAt(at: Point, reach_px: number = REACH_PX.mouse): boolean {
    const { drawing } = this.#editor;
    const first = drawing?.points[0];
    return drawing !== null && first !== undefined && closable(drawing) && distance(toScreen(first, this.at), toScreen(at, this.at)) <= reach_px;
  }

  #snap(px: Point, pull: 'pull' | 'free', own: string | null = null) {
    const targets = pull === 'free' ? [] : snapTargets(this.#editor.document, own);
    return snapped(toFrame(px, this.at), targets, this.at, pull);
  }

  #openMenu(corner: Corner, px: Point): void {
    this.#press = null;
    this.#editor.selectCorner(corner);
    this.menu = { corner, at_px: px };
  }

  /** The menu of the corner under a right click; false where there is none. */
  contextMenu(px: Point): boolean {
    const { zone } = this.#editor;
    const handle = zone && this.#editor.tool === 'select' && !this.#editor.looking ? handleAt(zone, px, this.at, 'mouse') : null;
    if (handle?.is !== 'corner') return false;
    this.#openMenu(handle.corner, px);
    return true;
  }

  /** A key over the picture; true where it meant something. */
  key(key: string, modifiers: { shift: boolean; ctrl: boolean }): boolean {
    if (key === '+' || key === '=') this.zoomBy(ZOOM_STEP);
    else if (key === '-') this.zoomBy(1 / ZOOM_STEP);
    else if (key === '0') this.whole();
    else if (key === 'Escape') this.#escape();
    else if (this.#editor.tool === 'select') return this.#keySelect(key, modifiers);
    else return this.#keyDraw(key, modifiers.shift);
    return true;
  }

  #escape(): void {
    if (this.menu) this.menu = null;
    else if (this.first) this.first = null;
    else this.#editor.cancel();
  }

  #keyDraw(key: string, shift: boolean): boolean {
    const editor = this.#editor;
    const step = arrow(key, shift ? STEP_LARGE_PX : STEP_PX);
    if (step) {
      const from = this.cursor ?? ([0.5, 0.5] as const);
      const clamp = (v: number) => Math.max(0, Math.min(1, v));
      this.cursor = [clamp(from[0] + step[0] / editor.frame.width), clamp(from[1] + step[1] / editor.frame.height)];
      editor.spoken = `x ${Math.round(this.cursor[0] * editor.frame.width)}, y ${Math.round(this.cursor[1] * editor.frame.height)}`;
    } else if (key === ' ') {
      const px = toScreen(this.cursor ?? [0.5, 0.5], this.at);
      // A key places a point exactly where the cross stands.
      this.#lastClick = null;
      this.#click(px, { id: -1, start_px: px, kind: 'mouse', moved: false, drag: null }, 'free');
    } else if (key === 'Enter' && DRAWS[editor.tool]) editor.closeDrawing();
    else if (key === 'Backspace' && DRAWS[editor.tool]) editor.removeLastPoint();
    else return false;
    return true;
  }

  #keySelect(key: string, { shift, ctrl }: { shift: boolean; ctrl: boolean }): boolean {
    const editor = this.#editor;
    if (editor.looking) return false;
    if (key === 'Delete' || (key === 'Backspace' && editor.corner)) {
      const had = editor.corner;
      editor.deleteSelected();
      if (had && editor.zone) editor.focusWanted += 1;
      return true;
    }
    const direction = arrow(key, 1);
    if (editor.corner) {
      if (!direction) return this.#keyCorner(key, editor.corner);
      this.#nudgeCorner(editor.corner, arrow(key, shift ? STEP_LARGE_PX : STEP_PX) ?? [0, 0]);
      return true;
    }
    if (direction && editor.zone && (shift || ctrl)) {
      const px = shift ? STEP_LARGE_PX : STEP_PX;
      const by: Point = [(direction[0] * px) / editor.frame.width, (direction[1] * px) / editor.frame.height];
      editor.attempt(edits.moveZone(editor.document, editor.zone.id, by), `move:${editor.zone.id}`);
      return true;
    }
    if (direction) return this.#nextZone(direction[0] + direction[1] > 0 ? 1 : -1);
    if (key === 'Enter' && editor.zone) {
      const first = edits.cornersOf(editor.zone)[0];
      if (first) editor.selectCorner(first);
      return true;
    }
    return false;
  }

  #keyCorner(key: string, corner: Corner): boolean {
    const editor = this.#editor;
    if (key === 'Insert' || key === 'i') {
      const ring = edits.ringOf(editor.document, corner);
      const [a, b] = [ring?.[corner.index], ring?.[(corner.index + 1) % (ring?.length ?? 1)]];
      if (a && b && editor.attempt(edits.insertCorner(editor.document, corner, [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]))) {
        editor.selectCorner({ ...corner, index: corner.index + 1 });
      }
      return true;
    }
    return false;
  }

  #nudgeCorner(corner: Corner, step: Point): void {
    const editor = this.#editor;
    const from = edits.cornerAt(editor.document, corner);
    if (!from) return;
    const to: Point = [from[0] + step[0] / editor.frame.width, from[1] + step[1] / editor.frame.height];
    if (editor.attempt(edits.moveCorner(editor.document, corner, to), `corner:${JSON.stringify(corner)}`)) editor.sayCorner(corner);
  }

  #nextZone(by: 1 | -1): boolean {
    const editor = this.#editor;
    const { zones } = editor.document;
    if (zones.length === 0) return false;
    const next = zones[(editor.zoneIndex + by + zones.length) % zones.length];
    editor.select(next?.id ?? null);
    editor.focusWanted += 1;
    return true;
  }
}

function arrow(key: string, step: number): Point | null {
  switch (key) {
    case 'ArrowLeft': return [-step, 0];
    case 'ArrowRight': return [step, 0];
    case 'ArrowUp': return [0, -step];
    case 'ArrowDown': return [0, step];
    default: return null;
  }
}
