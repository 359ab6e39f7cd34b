// The editor as a person sees it: the document with its history, what is selected, the tool in hand, what was
// refused. Pointers and keys are stage.svelte.ts's, the box is draft.svelte.ts's.

import type { Point } from '../lib/api';
import type { Size } from '../lib/overlay';
import { Draft } from './draft.svelte';
import { EMPTY, sameDocument, zoneOf, type Document, type Kind, type Ring, type Shape } from './model/document';
import * as drawing from './model/drawing';
import * as edits from './model/edits';
import type { Corner, Edit } from './model/edits';
import * as floor from './model/floor';
import * as history from './model/history';
import { alarming, placed, type SeenPerson, type Tone } from './model/inside';
import type { Refusal } from './model/validity';
import { armedBySchedule, siteMoment } from './model/week';
import { cornerWords, shapeWords } from './model/words';

export const TOOLS = ['select', 'zone', 'rectangle', 'hole', 'part', 'line', 'ignore', 'floor', 'person', 'hazard', 'mark'] as const;
export type Tool = (typeof TOOLS)[number];
/** What the bar offers; the letter takes the tool in hand. */
export const TOOLBAR: readonly { readonly tool: Tool; readonly word: string; readonly title: string; readonly key: string }[] = [
  { tool: 'select', word: 'Select', title: 'Select and change zones', key: 's' },
  { tool: 'zone', word: 'Zone', title: 'Draw a zone corner by corner', key: 'z' },
  { tool: 'rectangle', word: 'Rectangle', title: 'Draw a rectangular zone', key: 'r' },
  { tool: 'hole', word: 'Hole', title: 'Cut a hole into a zone', key: 'h' },
  { tool: 'line', word: 'Line', title: 'Draw a tripwire', key: 'l' },
  { tool: 'ignore', word: 'Ignore', title: 'Draw an area that must never count', key: 'g' },
  { tool: 'floor', word: 'Floor', title: 'Calibrate the floor in metres', key: 'f' },
  { tool: 'mark', word: 'Mark', title: 'Mark a thing that is not a person', key: 'm' },
];
/** Tools that draw an outline or a line, point by point. */
export const DRAWS: Partial<Record<Tool, drawing.Drawn>> = { zone: 'ring', hole: 'ring', part: 'ring', ignore: 'ring', hazard: 'ring', line: 'line' };
/** Tools that need a zone to work on. */
const NEEDS_ZONE: readonly Tool[] = ['hole', 'part', 'hazard'];

/** A frame before any camera said its own: only the keyboard's steps depend on it. */
const FRAME_ASSUMED: Size = { width: 1280, height: 720 };
/** The stop time of a machine nobody has measured yet; to be replaced. */
const STOP_TIME_MS = 1_000;
const MARK_DAYS = 30;
const DAY_MS = 86_400_000;

export class Editor {
  readonly camera: string;
  readonly draft!: Draft;
  #history = $state.raw<history.History<Document>>(history.begin(EMPTY));
  tool = $state<Tool>('select');
  drawing = $state.raw<drawing.Drawing | null>(null);
  selected = $state<string | null>(null);
  corner = $state.raw<Corner | null>(null);
  refusal = $state.raw<Refusal | null>(null);
  spoken = $state('');
  comparing = $state(false);
  peopleShown = $state(true);
  heatShown = $state(false);
  /** What the newest picture shows; empty while there is none. */
  people = $state.raw<readonly SeenPerson[]>([]);
  pictureFrame = $state.raw<Size | null>(null);
  /** The document as it would be if the pointer were released now; null while nothing is dragged. */
  preview = $state.raw<Document | null>(null);
  /** Counts up when the keyboard is to be where the selection is. */
  focusWanted = $state(0);
  /** A field to bring into view, as the box names it. */
  jumpTo = $state.raw<{ field: string } | null>(null);

  readonly document = $derived(this.#history.present);
  readonly zone = $derived(zoneOf(this.document, this.selected) ?? null);
  readonly zoneIndex = $derived(this.document.zones.findIndex((zone) => zone.id === this.selected));
  readonly canUndo = $derived(this.#history.past.length > 0);
  readonly canRedo = $derived(this.#history.future.length > 0);
  /** The proposed version is looked at instead of the draft. */
  reviewing = $state(false);
  readonly reviewed = $derived(this.reviewing ? (this.draft.answer?.proposed?.document ?? null) : null);
  /** Only looked at: nothing can be taken hold of. */
  readonly looking = $derived(this.comparing || this.reviewed !== null);
  readonly shown = $derived(this.preview ?? this.reviewed ?? this.document);
  readonly placed = $derived(placed(this.shown, this.peopleShown ? this.people : []));
  /** The browser's time, as often as a schedule can tell the difference. */
  now_ms = $state(Date.now());
  /** Zones that their schedule leaves off now. An interlock may arm them all the same, and is not known here: armed. */
  readonly resting: ReadonlySet<string> = $derived.by(() => {
    // Without the box's state the site's zone is not known either.
    const moment = this.draft.cameraName === '' ? null : siteMoment(this.now_ms, this.draft.timeZone);
    const off = moment ? this.shown.zones.filter((zone) => !zone.interlock && !armedBySchedule(zone.schedule, moment)) : [];
    return new Set(off.map(({ id }) => id));
  });
  readonly #wouldAlarm = $derived(alarming(this.shown, this.placed));
  readonly tones: ReadonlyMap<string, Tone> = $derived(new Map([...this.#wouldAlarm].map(([id, tone]) => [id, this.resting.has(id) ? 'none' : tone])));
  readonly differs = $derived(!sameDocument(this.document, this.draft.inForce));
  readonly frame: Size = $derived.by(() => {
    const frame = this.draft.answer?.frame;
    return this.pictureFrame ?? (frame ? { width: frame.width_px, height: frame.height_px } : FRAME_ASSUMED);
  });

  constructor(camera: string) {
    this.camera = camera;
    this.draft = new Draft(camera, () => this.document, (document) => this.#begin(document));
  }

  #begin(document: Document): void {
    this.#history = history.begin(document);
    this.refusal = null;
    this.comparing = false;
    if (!zoneOf(document, this.selected)) this.select(null);
    this.corner = null;
  }

  /** Makes a change; `about` joins what is typed in one field to one step. */
  apply(document: Document, about: string | null = null): void {
    if (document === this.document) return;
    this.#history = history.change(this.#history, document, about, performance.now());
    this.refusal = null;
    this.draft.changed(document);
  }

  /** Shows what the page made of the document; it can be undone, and is not saved until somebody takes it up. */
  offer(document: Document, words: string): void {
    this.#history = history.change(this.#history, document, null, performance.now());
    this.refusal = null;
    this.spoken = words;
    this.draft.offer(document);
  }

  /** Makes an edit, or says why not. */
  attempt(edit: Edit, about: string | null = null): boolean {
    if (edit.ok) this.apply(edit.document, about);
    else this.refuse(edit.refusal);
    return edit.ok;
  }

  refuse(refusal: Refusal): void {
    this.refusal = refusal;
  }

  undo(): void {
    this.#step(history.undo(this.#history), 'Undone.');
  }

  redo(): void {
    this.#step(history.redo(this.#history), 'Redone.');
  }

  #step(next: history.History<Document>, words: string): void {
    if (next === this.#history) return;
    this.#history = next;
    this.refusal = null;
    if (!zoneOf(this.document, this.selected)) this.select(null);
    if (this.corner && !edits.cornerAt(this.document, this.corner)) this.corner = null;
    this.spoken = words;
    this.draft.changed(this.document);
  }

  select(zone: string | null): void {
    if (zone === this.selected && this.corner === null) return;
    this.selected = zone;
    this.corner = null;
    this.refusal = null;
  }

  selectCorner(corner: Corner): void {
    this.selected = corner.zone;
    this.corner = corner;
    this.focusWanted += 1;
  }

  sayCorner(corner: Corner): void {
    this.spoken = cornerWords(this.document, corner, this.frame);
  }

  /** Takes a tool in hand; what was begun with another is dropped. */
  take(tool: Tool): void {
    this.refusal = null;
    this.corner = null;
    this.comparing = false;
    this.reviewing = false;
    this.drawing = null;
    if (NEEDS_ZONE.includes(tool) && this.zone?.shape.is !== 'area') {
      if (tool !== 'hole') return this.refuse({ words: `Select a zone first; then ${tool === 'part' ? 'draw another part of it' : 'draw its hazard'}.` });
    }
    this.tool = tool;
    const of = DRAWS[tool];
    if (of) this.drawing = drawing.start(of);
    this.spoken = TOOL_HINTS[tool];
  }

  /** Esc: first what is being drawn, then the tool, then the corner, then the zone. */
  cancel(): void {
    this.refusal = null;
    const of = DRAWS[this.tool];
    if (of && this.drawing && this.drawing.points.length > 0) {
      this.drawing = drawing.start(of);
      this.spoken = 'Drawing cancelled.';
    } else if (this.tool !== 'select') this.take('select');
    else if (this.corner) {
      this.corner = null;
      this.focusWanted += 1;
    } else this.select(null);
  }

  addPoint(at: Point): void {
    const of = DRAWS[this.tool];
    if (!of) return;
    const step = drawing.add(this.drawing ?? drawing.start(of), at);
    this.#stepped(step);
    if (step.is === 'drawing') this.spoken = `Corner ${step.drawing.points.length} placed.`;
  }

  removeLastPoint(): void {
    const of = DRAWS[this.tool];
    if (!of || !this.drawing) return;
    this.refusal = null;
    this.drawing = drawing.back(this.drawing) ?? drawing.start(of);
    this.spoken = `${this.drawing.points.length} left.`;
  }

  closeDrawing(): void {
    if (this.drawing) this.#stepped(drawing.close(this.drawing));
  }

  #stepped(step: drawing.Step): void {
    switch (step.is) {
      case 'drawing':
        this.refusal = null;
        this.drawing = step.drawing;
        break;
      case 'refused':
        this.refuse(step.refusal);
        break;
      case 'closed':
        this.#finish(step.points);
        break;
    }
  }

  /** What was drawn becomes what the tool makes of it. A refusal keeps the drawing, to be mended. */
  #finish(points: Ring): void {
    const { document, zone } = this;
    switch (this.tool) {
      case 'zone': return this.addZone('restricted', { is: 'area', parts: [[points]] });
      case 'ignore': return this.addZone('ignore', { is: 'area', parts: [[points]] });
      case 'line': return this.addZone('tripwire', { is: 'line', points });
      case 'hole': return this.#finished(zone ? edits.addHole(document, zone.id, points) : refusedEdit('Draw the hole inside a zone.'), 'Hole added.');
      case 'part': return this.#finished(zone ? edits.addPart(document, zone.id, points) : refusedEdit('Select a zone first.'), 'Part added.');
      case 'hazard': return this.#finished(zone ? edits.done(edits.changeZone(document, zone.id, { hazard: { stop_time_ms: STOP_TIME_MS, height_m: 0, ...zone.hazard, outline: points } })) : refusedEdit('Select a zone first.'), 'Hazard drawn.');
      case 'select': case 'rectangle': case 'floor': case 'person': case 'mark': return;
    }
  }

  #finished(edit: Edit, words: string): void {
    if (!this.attempt(edit)) return;
    this.take('select');
    this.spoken = words;
  }

  addZone(kind: Kind, shape: Shape): void {
    const { edit, id } = edits.addZone(this.document, kind, shape, this.#naming());
    if (!this.attempt(edit)) return;
    this.take('select');
    this.select(id);
    if (this.zone) this.spoken = `${this.zone.name} added, ${shapeWords(this.zone)}. Give it a name.`;
    this.focusWanted += 1;
  }

  #naming(): edits.Naming {
    return { camera: this.camera, taken: this.draft.takenIds };
  }

  duplicate(): void {
    if (!this.zone) return;
    const { edit, id } = edits.duplicateZone(this.document, this.zone.id, this.#naming());
    if (this.attempt(edit)) this.select(id);
  }

  deleteSelected(): void {
    if (this.corner) {
      const { corner } = this;
      if (this.attempt(edits.deleteCorner(this.document, corner))) {
        this.corner = null;
        this.spoken = 'Corner deleted.';
      }
    } else if (this.zone) {
      const { name, id } = this.zone;
      this.apply(edits.deleteZone(this.document, id));
      this.select(null);
      this.spoken = `${name} deleted. Undo brings it back.`;
    }
  }

  /** The hole or part the selected corner belongs to. */
  deleteRing(corner: Corner): void {
    this.apply(edits.deleteRing(this.document, corner));
    this.corner = null;
  }

  addFloorPoint(at: Point): void {
    if (this.document.floor.points.length >= floor.POINTS_MAX) return this.refuse({ words: `At most ${floor.POINTS_MAX} points.` });
    this.apply(edits.withFloor(this.document, floor.addPoint(this.document.floor, at)));
    this.spoken = `Floor point ${this.document.floor.points.length} placed.`;
  }

  addFloorPerson(foot: Point, head: Point): void {
    if (head[1] >= foot[1]) return this.refuse({ words: 'The head must be above the foot. Click the foot first, then the head.', at: head });
    this.apply(edits.withFloor(this.document, floor.addPerson(this.document.floor, foot, head)));
    this.take('floor');
    this.spoken = 'Person added. Type the height.';
  }

  addMark(box: readonly [number, number, number, number]): void {
    const until = new Date(Date.now() + MARK_DAYS * DAY_MS).toISOString().replace(/\.\d+Z$/, 'Z');
    this.apply(edits.addMark(this.document, { box, reason: '', until }));
    this.take('select');
    this.jumpTo = { field: `marks[${this.document.marks.length - 1}].reason` };
    this.spoken = 'Marked. Say what it is.';
  }

  /** Brings what a problem is about into view. */
  jump(field: string): void {
    const index = /^features\[(\d+)\]/.exec(field)?.[1];
    const zone = index === undefined ? undefined : this.document.zones[Number(index)];
    if (zone) this.select(zone.id);
    this.jumpTo = { field };
  }
}

function refusedEdit(words: string): Edit {
  return { ok: false, refusal: { words } };
}

/** What to do with a tool, in one sentence; shown on the picture and spoken. */
export const TOOL_HINTS: Record<Tool, string> = {
  select: 'Select: click a zone; drag a corner, or the dot in the middle of an edge to add one.',
  zone: 'Zone: click corner after corner; close with a click on the first, Enter or a double click.',
  rectangle: 'Rectangle: drag from corner to corner, or click both.',
  hole: 'Hole: draw inside the zone what does not belong to it.',
  part: 'Part: draw another outline that belongs to the same zone.',
  line: 'Tripwire: click point after point; end with Enter or a double click.',
  ignore: 'Ignored area: draw what must never count. It is a blind spot; you will be asked why.',
  floor: 'Floor: click points on the floor whose distances you know.',
  person: 'Person: click the foot of somebody standing upright, then the top of the head.',
  hazard: 'Hazard: draw the outline of the machine on the floor.',
  mark: 'Mark: click the box of a thing that is not a person, or drag a box around it.',
};
