// The models of the box (docs/reference/api.md, Models): which guards, which is on its way to, and what each word of
// the box means to people. Pure; asking is `model-asks`.

import { ContractError, isListOfObjects, isObject } from './api';
import { count, formatDuration } from './format';

export type Stage = 'staged' | 'verified' | 'shadowing' | 'approved' | 'probation';
export type Role = 'active' | 'committed' | 'previous' | 'candidate' | 'trial' | 'shadow' | 'shipped';
export interface ModelRow {
  slot: string; digest: string | null; name: string; version: string; release: number; roles: readonly Role[];
  stage: Stage | null; installed_at: string | null; installed_by: string | null; signed_by: readonly string[]; bytes: number;
  licence: string | null; decoder: string | null; guards_since: string | null; damaged: string | null;
}
export type Golden = 'not_yet' | 'asked' | 'passed';
export interface Trial {
  digest: string; approved_by: string; started: string; deadline: string; attempts_left: number; attempts: number;
  frames: number; frames_min: number; run_s: number; run_min_s: number; p99_ms: number | null; budget_ms: number;
  reviews_open: number; golden: Golden;
}
export interface Taking { from: 'upload' | 'url' | 'folder'; name: string; bytes: number; of: number | null; state: 'taking' | 'verifying' }
/** Whether a step can be done now, and else why not. */
export interface May { allowed: boolean; why: string | null }
export interface Rejected { digest: string; reason: string; text: string }
export interface ModelFault { code: string; text: string }
export interface ModelsNow {
  active: {
    slot: string | null; since: string | null; on_trial: boolean;
    /** What came earlier in the order and could not be loaded. */
    passed_over: readonly { slot: string; reason: string }[];
  };
  models: readonly ModelRow[]; floor: number; trial: Trial | null; previous: string | null; rejected: readonly Rejected[]; taking: Taking | null;
  may: { install: May; shadow: May; promote: May; discard: May; rollback: May & { to: string | null } };
  /** What the evidence has to show before a model may be promoted here. */
  asks: { miss: number; confidence: number } | null;
  /** Of the candidate: it is not promoted, and its probation does not end, while there is one. */
  reviews_open: number;
  fault: ModelFault | null;
}
export interface ShadowNow {
  state: 'off' | 'starting' | 'watching' | 'resting' | 'gave_up'; text: string; restarts: number;
  coverage: Coverage | null; skipped_because: string | null; run: number | null;
}
export interface Coverage { seen: number; of: number; percent: number | null }
export interface ModelEvent { id: number; at: string; kind: string; slot: string | null; release: number | null; by: string; text: string }
export interface Carried { folders: readonly string[]; packages: readonly CarriedPackage[] }
export interface CarriedPackage {
  id: string; file: string; folder: string; bytes: number; name: string | null; version: string | null; release: number | null;
  digest: string | null; problem: { code: string; text: string } | null;
}

const NO: May = { allowed: false, why: null };

/** What the box says of its models, with everything the page asks of it. What it does not allow in words is not offered. */
export function parseModels(value: unknown): ModelsNow {
  if (!isObject(value) || !isListOfObjects(value['models'])) throw new ContractError('models is not a list');
  if (!isObject(value['active'])) throw new ContractError('active is missing');
  const now = value as unknown as ModelsNow;
  const may = isObject(value['may']) ? now.may : null;
  return {
    ...now,
    active: { ...now.active, slot: now.active.slot ?? null, since: now.active.since ?? null, passed_over: now.active.passed_over ?? [] },
    trial: now.trial ?? null, previous: now.previous ?? null, taking: now.taking ?? null, fault: now.fault ?? null, asks: now.asks ?? null, reviews_open: now.reviews_open ?? now.trial?.reviews_open ?? 0,
    rejected: isListOfObjects(value['rejected']) ? now.rejected : [],
    may: {
      install: may?.install ?? NO, shadow: may?.shadow ?? NO, promote: may?.promote ?? NO, discard: may?.discard ?? NO,
      rollback: may?.rollback ?? { ...NO, to: null },
    },
  };
}

export function rowOf(now: ModelsNow, slot: string | null): ModelRow | null {
  return slot === null ? null : (now.models.find((m) => m.slot === slot) ?? null);
}

export function withRole(now: ModelsNow, role: Role): ModelRow | null {
  return now.models.find((m) => m.roles.includes(role)) ?? null;
}

/** The one package that is on its way, or on trial. */
export function candidateOf(now: ModelsNow): ModelRow | null {
  return withRole(now, 'candidate') ?? withRole(now, 'trial') ?? now.models.find((m) => m.stage !== null) ?? null;
}

/** A model as people call it: `nanodet-g-416 r2`. */
export function titleOf(row: Pick<ModelRow, 'name' | 'version'> | null): string {
  return row === null ? 'a model that is gone' : `${row.name} ${row.version}`.trim();
}

/** What a slot of the box's is called, where its model may be gone. */
export function slotWords(now: ModelsNow, slot: string | null): string {
  const row = rowOf(now, slot);
  if (row !== null) return titleOf(row);
  return slot === 'shipped' ? 'the one that came with the program' : slot === null ? 'none' : `package ${shortOf(slot)}`;
}

/** Enough of a slot to tell two apart by eye. */
function shortOf(slot: string): string {
  const hex = slot.replace(/^sha256[-:]/, '');
  return `${hex.slice(0, 4)}…${hex.slice(-4)}`;
}

export type StepState = 'done' | 'now' | 'ahead';
export interface Step { word: string; means: string; state: StepState }
const STEPS: readonly { stage: Stage | 'committed'; word: string; means: string }[] = [
  { stage: 'staged', word: 'Installed', means: 'It is on the box, signed and whole.' },
  { stage: 'verified', word: 'Verified', means: 'It loads here, finds its golden pictures and is fast enough.' },
  { stage: 'shadowing', word: 'In the shadow', means: 'It sees what the guarding model sees, and alarms nobody.' },
  { stage: 'approved', word: 'Approved', means: 'A named person wants it, having seen the evidence.' },
  { stage: 'probation', word: 'On probation', means: 'It guards, and anything wrong takes it back at once.' },
  { stage: 'committed', word: 'Guards', means: 'It guards by right.' },
];

/** The way of a candidate, with where it is. */
export function stepsOf(stage: Stage | null): readonly Step[] {
  const at = STEPS.findIndex((s) => s.stage === stage);
  return STEPS.map(({ word, means }, i) => ({ word, means, state: i < at ? 'done' : i === at ? 'now' : 'ahead' }));
}

export const STEP_SHAPE: Record<StepState, string> = { done: '✓', now: '●', ahead: '○' };

export interface Measure {
  name: string;
  /** 0 to 1 of what it takes; null where it is no way to go but a limit. */
  share: number | null;
  words: string;
  /** What it is about, in a sentence or less. */
  note: string;
  state: 'met' | 'open' | 'bad';
}
export const MEASURE_SHAPE: Record<Measure['state'], string> = { met: '✓', open: '○', bad: '◆' };

/** What a model on probation has shown so far. */
export function measuresOf(trial: Trial): readonly Measure[] {
  const ratio = (n: number, of: number) => (of <= 0 ? 1 : Math.min(1, Math.max(0, n / of)));
  const met = (yes: boolean): Measure['state'] => (yes ? 'met' : 'open');
  const hours = (s: number) => (s < 3_600 ? `${Math.floor(s / 60)} min` : `${(Math.floor(s / 360) / 10).toLocaleString('en-GB')} h`);
  const late = trial.p99_ms !== null && trial.p99_ms > trial.budget_ms;
  return [
    { name: 'Pictures', share: ratio(trial.frames, trial.frames_min), words: `${grouped(trial.frames)} of ${grouped(trial.frames_min)}`, note: 'decided by it', state: met(trial.frames >= trial.frames_min) },
    { name: 'Time', share: ratio(trial.run_s, trial.run_min_s), words: `${hours(trial.run_s)} of ${hours(trial.run_min_s)}`, note: 'with signs of life', state: met(trial.run_s >= trial.run_min_s) },
    {
      name: 'Latency', share: trial.p99_ms === null ? null : ratio(trial.p99_ms, trial.budget_ms),
      words: trial.p99_ms === null ? `not known yet, allowed ${trial.budget_ms} ms` : `${Math.round(trial.p99_ms)} ms of ${trial.budget_ms} ms`,
      note: 'inference, 99 of 100 pictures', state: late ? 'bad' : met(trial.p99_ms !== null),
    },
    { name: 'Reviews', share: null, words: trial.reviews_open === 0 ? 'none open' : `${trial.reviews_open} open`, note: 'nothing is committed while one is', state: trial.reviews_open === 0 ? 'met' : 'bad' },
    { name: 'Golden pictures', share: null, words: { not_yet: 'looked at last', asked: 'being looked at', passed: 'found' }[trial.golden] ?? trial.golden, note: 'once more, after all the rest', state: met(trial.golden === 'passed') },
    {
      name: 'Starts left', share: null, words: `${trial.attempts_left} of ${trial.attempts}`, note: 'each start of the vision process takes one',
      state: trial.attempts_left === 0 ? 'bad' : 'met',
    },
  ];
}

/** When a probation ends at the latest, as words. */
export function deadlineWords(trial: Trial, now_ms: number): string {
  const ahead = Date.parse(trial.deadline) - now_ms;
  if (Number.isNaN(ahead)) return '';
  return ahead > 0 ? `in ${formatDuration(ahead)}` : `${formatDuration(-ahead)} ago`;
}

/** `5 000` */
export function grouped(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** `7.7 MB` */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return count(bytes, 'byte', 'bytes');
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} kB`;
  return bytes < 1_000_000_000 ? `${(bytes / 1_000_000).toFixed(1)} MB` : `${(bytes / 1_000_000_000).toFixed(1)} GB`;
}

const FROM: Record<Taking['from'], string> = { upload: 'from a browser', url: 'from an address', folder: 'from a stick' };

/** What is being taken in, as a sentence and a share of its way; null where nobody knows how long it is. */
export function takingOf(taking: Taking): { words: string; share: number | null } {
  if (taking.state === 'verifying') return { words: `${taking.name}: its golden pictures and its speed are tried here. This may take a minute.`, share: null };
  const of = taking.of === null ? '' : ` of ${formatBytes(taking.of)}`;
  return { words: `${taking.name} is taken in ${FROM[taking.from] ?? ''}: ${formatBytes(taking.bytes)}${of}`, share: taking.of === null || taking.of === 0 ? null : Math.min(1, taking.bytes / taking.of) };
}
