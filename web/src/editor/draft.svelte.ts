// The draft and the versions on the box: loading, checking, saving, other people's changes, approval. Knows the
// document as a value; how it is drawn is the editor's.

import { request, wordsOf, RequestError, type FieldProblem } from '../lib/request';
import { siteClock } from '../lib/format';
import { isObject } from '../lib/api';
import { approveVersion, checkDraft, discardDraft, fetchDifferences, fetchZones, proposeDraft, refuseVersion, saveDraft, type Findings, type SavedDraft, type Version, type ZonesAnswer } from './api';
import { EMPTY, sameDocument, type Document } from './model/document';
import { newest, Saver, type SaveState } from './model/later';

/** Long enough not to ask at every pixel of a drag, short enough to feel at once. */
const CHECK_AFTER_MS = 300;
const SAVE_AFTER_MS = 1_500;
const SAVE_AGAIN_MS = 3_000;
/** How soon another person's work on the same draft is noticed. */
const LOOK_AGAIN_MS = 5_000;

const NO_FINDINGS: Findings = { problems: [], warnings: [], differences: [], calibration: null, setback: [] };

/** What somebody else did to the draft while it was open here; `theirs` is null where they took it away. */
export interface Conflict { readonly theirs: SavedDraft | null; readonly words: string }
export interface Applied { readonly number: number; readonly at: string }

export class Draft {
  readonly camera: string;
  answer = $state.raw<ZonesAnswer | null>(null);
  /** Why the zones could not be loaded. */
  fault = $state('');
  findings = $state.raw<Findings>(NO_FINDINGS);
  /** The box refused to look at the document at all, or was not there. */
  checkFault = $state('');
  save = $state.raw<SaveState>({ is: 'saved' });
  /** Fields of a document the box would not even keep. */
  refusedFields = $state.raw<readonly FieldProblem[]>([]);
  conflict = $state.raw<Conflict | null>(null);
  applied = $state.raw<Applied | null>(null);
  /** What the proposed version changes, in words. */
  proposedDifferences = $state.raw<readonly string[]>([]);
  /** What came of pressing one of the buttons of approval. */
  failed = $state('');
  busy = $state(false);
  /** Somebody is about to answer for what is shown: nothing else may slip in under their hand. */
  answering = $state(false);
  /** What is shown was made by the page and not by a hand: it is not saved until somebody takes it up. */
  offered = $state(false);

  timeZone = $state('UTC');
  cameraName = $state('');
  /** Ids of zones of other cameras: no zone may have them. */
  takenIds = $state.raw<ReadonlySet<string>>(new Set());
  readonly clock = $derived(siteClock(this.timeZone));

  readonly inForce = $derived(this.answer?.in_force?.document ?? EMPTY);
  readonly problems = $derived([...this.refusedFields, ...this.findings.problems]);
  /** The draft was begun on a version that is no longer in force. */
  readonly stale = $derived.by(() => {
    const base = this.answer?.draft?.base ?? null;
    const now = this.answer?.in_force?.number ?? null;
    return base !== null && now !== null && base !== now ? { base, now } : null;
  });

  readonly #adopt: (document: Document) => void;
  readonly #current: () => Document;
  readonly #saver: Saver<Document>;
  readonly #check: ReturnType<typeof newest<Document, Findings>>;
  /** Digest of the draft on the box that what is drawn here began with; null for none. */
  #known: string | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #proposedNumber: number | null = null;

  constructor(camera: string, current: () => Document, adopt: (document: Document) => void) {
    this.camera = camera;
    this.cameraName = camera;
    this.#current = current;
    this.#adopt = adopt;
    this.#saver = new Saver<Document>({
      put: (document) => this.#put(document),
      onState: (state) => (this.save = state),
      delay_ms: SAVE_AFTER_MS, retry_ms: SAVE_AGAIN_MS, wordsOf,
    });
    this.#check = newest<Document, Findings>(CHECK_AFTER_MS, (document) => checkDraft(camera, document), (findings) => {
      this.findings = findings;
      this.checkFault = '';
      this.refusedFields = [];
    }, (error) => this.#checkFailed(error));
  }

  /** Loads, and goes on looking until the returned function is called. */
  open(): () => void {
    void this.load();
    void this.#learnSite();
    this.#timer = setInterval(() => void this.#look(), LOOK_AGAIN_MS);
    return () => {
      clearInterval(this.#timer);
      this.#check.stop();
      void this.#saver.flush();
      this.#saver.stop();
    };
  }

  get dirty(): boolean {
    return this.save.is !== 'saved';
  }

  async load(): Promise<void> {
    try {
      const answer = await fetchZones(this.camera);
      this.fault = '';
      this.#take(answer);
      this.#adopt(answer.draft?.document ?? answer.in_force?.document ?? EMPTY);
      this.findings = answer.draft ?? NO_FINDINGS;
      this.#check.ask(this.#current());
    } catch (error) {
      this.fault = wordsOf(error);
    }
  }

  /** The document was changed: looked at soon, saved a little later. */
  changed(document: Document): void {
    if (this.applied) this.applied = null;
    this.#check.ask(document);
    const kept = this.answer?.draft?.document ?? this.inForce;
    const same = sameDocument(document, kept);
    // Undone: there is nothing to save, and there never was.
    if (this.offered && same) this.#saver.forget();
    this.takeUp();
    if (same && !this.#saver.dirty) return;
    this.#saver.changed(document);
  }

  /** As `changed`, and kept back: nobody has looked at it yet. */
  offer(document: Document): void {
    this.changed(document);
    this.#saver.hold();
    this.offered = true;
  }

  /** What was offered is saved like everything else from now on. */
  takeUp(): void {
    if (!this.offered) return;
    this.offered = false;
    if (this.conflict === null) this.#saver.release();
  }

  /** Leaving the page or hiding it: what is not saved yet is. */
  async flush(): Promise<boolean> {
    return this.#saver.flush();
  }

  async #put(document: Document): Promise<void> {
    try {
      const draft = await saveDraft(this.camera, document, this.#known);
      this.#known = draft.digest;
      this.refusedFields = [];
      if (this.answer) this.answer = { ...this.answer, draft };
      if (sameDocument(document, this.#current())) this.findings = draft;
    } catch (error) {
      if (error instanceof RequestError) this.refusedFields = error.fields;
      if (isConflict(error)) await this.#collided();
      throw error;
    }
  }

  #checkFailed(error: unknown): void {
    this.checkFault = wordsOf(error);
    if (error instanceof RequestError && error.fields.length > 0) this.refusedFields = error.fields;
  }

  #take(answer: ZonesAnswer): void {
    this.answer = answer;
    this.#known = answer.draft?.digest ?? null;
    const proposed = answer.proposed;
    if (proposed?.number !== this.#proposedNumber) {
      this.#proposedNumber = proposed?.number ?? null;
      this.proposedDifferences = [];
      if (proposed && answer.in_force) void this.#compareProposed(answer.in_force.number, proposed.number);
    }
  }

  async #compareProposed(from: number, to: number): Promise<void> {
    try {
      this.proposedDifferences = await fetchDifferences(this.camera, from, to);
    } catch (error) {
      this.proposedDifferences = [`The differences could not be loaded: ${wordsOf(error)}`];
    }
  }

  /** Looks whether somebody else changed something. */
  async #look(): Promise<void> {
    if (document.hidden || this.#occupied()) return;
    if (!this.answer) return this.load();
    let answer: ZonesAnswer;
    try {
      answer = await fetchZones(this.camera);
    } catch {
      return; // a save that fails is loud; a look that fails is tried again
    }
    // Our own save may have come in between the question and its answer.
    if (this.#occupied() || !this.answer) return;
    const before = this.answer.in_force?.number ?? null;
    const known = this.#known;
    const theirs = answer.draft?.digest ?? null;
    const now = answer.in_force?.number ?? null;
    if (now !== null && now !== before) this.applied = { number: now, at: answer.in_force?.applied_at ?? '' };
    if (theirs === known) return this.#follow(answer, before);
    // Nothing here would be lost: what the box keeps now is what is shown.
    if (!this.#saver.dirty && !this.answering && answer.draft) return this.#show(answer, answer.draft.document);
    this.#hold(answer);
  }

  /** The box refused because it keeps another draft than the one seen here. */
  async #collided(): Promise<void> {
    if (this.conflict === null) this.#hold(await fetchZones(this.camera));
  }

  #hold(answer: ZonesAnswer): void {
    const known = this.#known;
    this.#saver.hold();
    this.#take(answer);
    this.#known = known;
    this.conflict = { theirs: answer.draft, words: conflictWords(answer, this.clock.time) };
  }

  #occupied(): boolean {
    return this.busy || this.conflict !== null || this.save.is === 'saving';
  }

  #show(answer: ZonesAnswer, document: Document): void {
    this.#take(answer);
    this.#adopt(document);
    this.#check.ask(this.#current());
  }

  /** The draft is as we know it; what is in force may be new. Whoever has changed nothing sees it at once. */
  #follow(answer: ZonesAnswer, before: number | null): void {
    const untouched = answer.draft === null && sameDocument(this.#current(), this.inForce) && !this.#saver.dirty;
    const kept = this.answer?.draft ?? null;
    this.#take({ ...answer, draft: answer.draft && kept ? { ...answer.draft, document: kept.document } : answer.draft });
    if (!untouched || (answer.in_force?.number ?? null) === before) return;
    this.#adopt(this.inForce);
    this.#check.ask(this.#current());
  }

  takeTheirs(): void {
    const theirs = this.conflict?.theirs ?? null;
    this.#saver.forget();
    this.#saver.release();
    this.conflict = null;
    this.offered = false;
    this.#known = theirs?.digest ?? null;
    this.#adopt(theirs?.document ?? this.inForce);
    this.#check.ask(this.#current());
  }

  keepMine(): void {
    this.#known = this.conflict?.theirs?.digest ?? null;
    this.conflict = null;
    this.offered = false;
    this.#saver.release();
    this.#saver.changed(this.#current());
  }

  async discard(): Promise<void> {
    await this.#press(async () => {
      this.#saver.forget();
      this.takeUp();
      if (this.answer?.draft) await discardDraft(this.camera);
      await this.load();
    });
  }

  /** Begins the draft anew on the version in force, with what is drawn now. */
  async carryOver(): Promise<void> {
    await this.#press(async () => {
      const document = this.#current();
      this.#saver.forget();
      await discardDraft(this.camera);
      this.#known = null;
      await this.#put(document);
      this.#take(await fetchZones(this.camera));
    });
  }

  async propose(reason: string): Promise<boolean> {
    return this.#press(async () => {
      this.takeUp();
      if (!(await this.#saver.flush())) throw new Error('The draft could not be saved, so it was not proposed. Try again.');
      if (!this.answer?.draft) await this.#put(this.#current());
      const version = await proposeDraft(this.camera, reason, this.#known ?? '');
      this.#reached(version);
      await this.load();
    });
  }

  async approve(number: number): Promise<boolean> {
    return this.#press(async () => {
      this.#reached(await approveVersion(this.camera, number));
      this.#take(await fetchZones(this.camera));
      if (!this.answer?.draft) this.#adopt(this.inForce);
      this.#check.ask(this.#current());
    });
  }

  async refuse(number: number, reason: string): Promise<boolean> {
    return this.#press(async () => {
      await refuseVersion(this.camera, number, reason);
      this.#take(await fetchZones(this.camera));
    });
  }

  #reached(version: Version): void {
    if (version.state === 'in_force') this.applied = { number: version.number, at: version.applied_at ?? '' };
  }

  async #press(action: () => Promise<void>): Promise<boolean> {
    this.busy = true;
    this.failed = '';
    try {
      await action();
      return true;
    } catch (error) {
      this.failed = wordsOf(error);
      // A look that fails is made again by itself.
      if (isConflict(error)) await this.#collided().catch(() => undefined);
      if (error instanceof RequestError && error.fields.length > 0) this.refusedFields = error.fields;
      return false;
    } finally {
      this.busy = false;
    }
  }

  async #learnSite(): Promise<void> {
    try {
      const state = await request('GET', '/api/state');
      if (!isObject(state)) return;
      const list = (key: string) => (Array.isArray(state[key]) ? state[key].filter(isObject) : []);
      if (isObject(state['site'])) this.timeZone = String(state['site']['time_zone'] ?? 'UTC');
      this.cameraName = String(list('cameras').find((camera) => camera['id'] === this.camera)?.['name'] ?? this.camera);
      this.takenIds = new Set(list('zones').filter((zone) => zone['camera'] !== this.camera).map((zone) => String(zone['id'])));
    } catch {
      // The page works without: times are UTC and say so, and the box refuses an id used twice.
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof RequestError && error.code === 'draft_changed';
}

function conflictWords({ draft, proposed }: ZonesAnswer, time: (at: string) => string): string {
  if (draft) return `${draft.by} changed this draft at ${time(draft.at)}.`;
  return proposed ? `${proposed.by} proposed this draft as version ${proposed.number}.` : 'Somebody discarded this draft.';
}
