// The shadow model beside the guarding one (docs/design/gate.md): what may be claimed, run by run, and each incident of
// the two. Pure; asking is `model-asks`.

import { ContractError, isListOfObjects, isObject } from './api';
import { boxWords } from './marks';
import type { Coverage } from './models';

export interface Remark { code: string; text: string; case?: number | null; more?: number | null }
export interface Claimed { text: string; at_most: number; misses: number; of: number; source: Source }
export type Source = 'live' | 'corpus';
export interface Run {
  id: number; source: Source; began: string; ended: string | null; name: string; coverage: Coverage;
  tally: { both: number; active_only: number; shadow_only: number; labelled: number; to_label: number };
  true_incidents: number; missed: number; at_most: number | null; more_needed: number | null;
  mcnemar: { active_only: number; shadow_only: number; p: number };
  frames: { looked: number; matched_boxes: number; active_only_boxes: number; shadow_only_boxes: number; agreement: number | null; score_shift: number | null };
  latency_ms: { active_p50: number | null; active_p99: number | null; shadow_p50: number | null; shadow_p99: number | null };
}
export interface Evidence {
  digest: string; active: string; shadow: string | null; miss: number; confidence: number; judgement: 'refused' | 'not_enough' | 'may_be_approved';
  reasons: readonly Remark[]; needed: readonly Remark[]; warnings: readonly Remark[]; claims: readonly Claimed[]; runs: readonly Run[];
  quantization: { parents: readonly string[]; outcome: 'accepted' | 'refused' | 'not_enough'; lost_points: number | null; text: string } | null;
}

export type Told = 'both' | 'active_only' | 'shadow_only' | 'neither';
export type Label = 'true' | 'false' | 'unsure';
export interface CaseBox { left: number; top: number; width: number; height: number; score: number | null }
export interface Side { began: string; ended: string | null; score: number; incident: number | null; clip: string | null; boxes: readonly CaseBox[] }
export interface Case {
  id: number; run: number; camera: string; zone: { number: number | null; name: string } | null; at: string; told: Told; later_by_ms: number | null;
  label: Label | null; labelled_by: string | null; labelled_at: string | null; standing: string | null; active: Side | null; shadow: Side | null;
  /** Why neither side has a clip. */
  no_clip: string | null;
}
export type WantedCases = 'discordant' | 'unlabelled' | 'all';

const LISTS = ['reasons', 'needed', 'warnings', 'claims', 'runs'] as const;

export function parseEvidence(value: unknown): Evidence {
  if (!isObject(value)) throw new ContractError('no evidence');
  for (const list of LISTS) {
    if (value[list] !== undefined && !isListOfObjects(value[list])) throw new ContractError(`${list} is not a list`);
  }
  const evidence = value as unknown as Evidence;
  // An evidence without a judgement is none.
  const judgement = evidence.judgement === 'refused' || evidence.judgement === 'may_be_approved' ? evidence.judgement : 'not_enough';
  return { ...evidence, judgement, reasons: evidence.reasons ?? [], needed: evidence.needed ?? [], warnings: evidence.warnings ?? [], claims: evidence.claims ?? [], runs: evidence.runs ?? [], quantization: evidence.quantization ?? null };
}

export const JUDGEMENT: Record<Evidence['judgement'], { shape: string; word: string; means: string }> = {
  refused: { shape: '◆', word: 'Refused', means: 'It loses somebody whom the guarding model tells, or its own parent. It must not guard, however good it is elsewhere.' },
  not_enough: { shape: '△', word: 'Not enough yet', means: 'No true incident is known to be lost. Too little is shown for anybody to approve it.' },
  may_be_approved: { shape: '✓', word: 'May be approved', means: 'The incidents show what is asked for. Whether it shall guard, a named person says.' },
};
export const SOURCE_WORD: Record<Source, string> = { live: 'this site, live', corpus: 'recordings' };

/** `0.98 %`, `28.2 %`: never rounded down, because it is an upper bound. */
export function percentAtMost(share: number): string {
  const percent = share * 100;
  const digits = percent < 10 ? 2 : 1;
  const scale = 10 ** digits;
  // A number that is exact up to the machine's last bit is no reason to round up.
  return `${(Math.ceil(percent * scale - 1e-6) / scale).toFixed(digits)}\u00a0%`;
}

export function percent(share: number | null, digits = 1): string {
  return share === null ? 'not known yet' : `${(share * 100).toFixed(digits)}\u00a0%`;
}

/** What a judgement was asked for, beside what it says: a refusal for somebody who was lost rests on no share. */
export function askedWords(miss: number, box: number): string {
  const fewer = (share: number) => `fewer than ${percentShort(share)} missed`;
  return miss === box ? `asked on this box: ${fewer(box)}` : `asked here: ${fewer(miss)}; this box asks for ${fewer(box)}`;
}

/** `5 %`, `1.5 %`: with no more digits than it has. */
export function percentShort(share: number): string {
  return `${Number((share * 100).toFixed(2))}\u00a0%`;
}

/** How many are still needed for the claim that was asked for, as a sentence. */
export function neededWords(run: Pick<Run, 'true_incidents' | 'missed' | 'more_needed'>, miss: number): string {
  const claim = `to claim that it misses less than ${percentShort(miss)}`;
  if (run.more_needed === null) return `So much was missed that it would take more incidents than this box counts ${claim}.`;
  if (run.more_needed === 0) return `Enough ${claim}.`;
  return `${run.more_needed} more true ${run.more_needed === 1 ? 'incident' : 'incidents'} without a miss ${claim}.`;
}

export const TOLD: Record<Told, { word: string; means: string }> = {
  both: { word: 'Both', means: 'both models told it' },
  active_only: { word: 'Active only', means: 'only the guarding model told it' },
  shadow_only: { word: 'Shadow only', means: 'only the shadow model told it' },
  neither: { word: 'Neither', means: 'neither of the two told it' },
};

const STANDING: Record<string, string> = {
  found: 'counts as found', lost: 'lost by the shadow model', joined: 'joined with another incident by the shadow model', gained: 'told by the shadow model alone',
  split: 'part of an incident of the active model', missed: 'missed by both',
};

export function standingWords(standing: string | null): string {
  return standing === null ? '' : (STANDING[standing] ?? standing.replaceAll('_', ' '));
}

/** How much later one model told it than the other: `0.42 s later`; negative: earlier. */
export function laterWords(ms: number | null): string {
  if (ms === null) return '';
  if (Math.abs(ms) < 5) return 'at the same time';
  return `${(Math.abs(ms) / 1_000).toFixed(2)}\u00a0s ${ms > 0 ? 'later' : 'earlier'}`;
}

/** How much later the other of the two told it than the first, with who that is; empty where it did not. */
export function otherLaterWords(subject: Pick<Case, 'told' | 'later_by_ms'>): string {
  if (subject.later_by_ms === null) return '';
  return `the ${subject.told === 'shadow_only' ? 'guarding' : 'shadow'} model ${laterWords(subject.later_by_ms)}`;
}

/** The question of a case, in the words of the gate. */
export const CASE_QUESTION = 'Was somebody inside the zone when the first of the two models told it?';

/** A box over a picture, in percent of it; what sticks out is cut off. */
export function placed(box: CaseBox): { left: number; top: number; width: number; height: number } {
  const clamp = (v: number) => Math.min(1, Math.max(0, v));
  const [left, top] = [clamp(box.left), clamp(box.top)];
  return { left: left * 100, top: top * 100, width: (clamp(box.left + box.width) - left) * 100, height: (clamp(box.top + box.height) - top) * 100 };
}

/** What a picture with both models' boxes shows, for who cannot see it. */
export function pictureWords(subject: Pick<Case, 'active' | 'shadow'>): string {
  const of = (side: Side | null) => (side === null ? 'nothing' : side.boxes.length === 0 ? 'told it, no boxes kept' : boxWords(side.boxes));
  return `Active model, solid: ${of(subject.active)}. Shadow model, dashed: ${of(subject.shadow)}.`;
}
