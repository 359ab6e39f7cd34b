// What the box says about the zones of a camera (docs/reference/api.md), and the requests of the editor.

import { ContractError, isObject, type Point } from '../lib/api';
import type { Heat } from '../lib/heat';
import { request, type FieldProblem } from '../lib/request';
import { fromWire, toWire, type Document } from './model/document';
import type { Pipeline } from './model/budget';

export type VersionState = 'proposed' | 'in_force' | 'replaced' | 'withdrawn' | 'refused';
export interface Version {
  readonly number: number; readonly state: VersionState; readonly by: string; readonly at: string; readonly reason: string;
  readonly approved_by: string | null; readonly applied_at: string | null; readonly document: Document;
  /** Whoever saved its draft. */
  readonly drawn_by?: readonly string[];
}
export interface Calibration {
  readonly residual_m: number; readonly worst_m: number; readonly per_point_m: readonly number[];
  readonly heights: 'known' | 'unknown'; readonly grid: readonly (readonly Point[])[];
}
export interface Setback {
  /** `actual_m` is null where it cannot be measured; `text` says why. */
  readonly zone: string; readonly required_m: number; readonly actual_m: number | null;
  /** Lines, not rings: what of the outline the frame shows. */
  readonly band: readonly (readonly Point[])[]; readonly tight: boolean; readonly text: string;
}
/** What the box finds out about a document. */
export interface Findings {
  readonly problems: readonly FieldProblem[]; readonly warnings: readonly FieldProblem[]; readonly differences: readonly string[];
  readonly calibration: Calibration | null; readonly setback: readonly Setback[];
}
export interface SavedDraft extends Findings { readonly by: string; readonly at: string; readonly base: number | null; readonly document: Document; /** Names what was seen, when it is saved over or proposed. */ readonly digest: string }
export interface ZonesAnswer {
  readonly in_force: Version | null; readonly draft: SavedDraft | null; readonly proposed: Version | null;
  readonly frame: { width_px: number; height_px: number } | null; readonly pipeline: Pipeline;
  readonly inputs: readonly string[]; readonly approval: 'second_person' | 'self';
}

function zonesPath(camera: string, rest = ''): string {
  return `/api/cameras/${encodeURIComponent(camera)}/zones${rest}`;
}

export async function fetchZones(camera: string): Promise<ZonesAnswer> {
  const answer = objectOf(await request('GET', zonesPath(camera)));
  return {
    in_force: answer['in_force'] ? versionOf(answer['in_force']) : null,
    draft: answer['draft'] ? draftOf(answer['draft']) : null,
    proposed: answer['proposed'] ? versionOf(answer['proposed']) : null,
    frame: (answer['frame'] as ZonesAnswer['frame']) ?? null,
    pipeline: pipelineOf(answer['pipeline']),
    inputs: Array.isArray(answer['inputs']) ? answer['inputs'].map(String) : [],
    approval: answer['approval'] === 'self' ? 'self' : 'second_person',
  };
}

/** `before`: digest of the draft this one is made from, null for none; the box overwrites nothing else. */
export async function saveDraft(camera: string, document: Document, before: string | null): Promise<SavedDraft> {
  return draftOf(await request('PUT', zonesPath(camera, '/draft'), { document: toWire(document), if_digest: before }));
}

export async function checkDraft(camera: string, document: Document): Promise<Findings> {
  return findingsOf(objectOf(await request('POST', zonesPath(camera, '/check'), { document: toWire(document) })));
}

export async function discardDraft(camera: string): Promise<void> {
  await request('DELETE', zonesPath(camera, '/draft'));
}

export async function proposeDraft(camera: string, reason: string, digest: string): Promise<Version> {
  return versionOf(await request('POST', zonesPath(camera, '/propose'), { reason, digest }));
}

export async function approveVersion(camera: string, number: number): Promise<Version> {
  return versionOf(await request('POST', zonesPath(camera, `/versions/${number}/approve`), {}));
}

export async function refuseVersion(camera: string, number: number, reason: string): Promise<void> {
  await request('POST', zonesPath(camera, `/versions/${number}/refuse`), { reason });
}

export async function fetchDifferences(camera: string, from: number, to: number): Promise<readonly string[]> {
  const answer = objectOf(await request('GET', zonesPath(camera, `/differences?from=${from}&to=${to}`)));
  return textsOf(answer['differences']);
}

export async function fetchHeat(camera: string, hours: number): Promise<Heat> {
  const answer = await request<Heat>('GET', `/api/cameras/${encodeURIComponent(camera)}/heat?hours=${hours}`);
  if (!Array.isArray(answer.feet)) throw new ContractError('a heat map without feet');
  return answer;
}

export function pictureUrl(camera: string): string {
  return `/api/cameras/${encodeURIComponent(camera)}/picture.jpg`;
}

function versionOf(value: unknown): Version {
  const version = objectOf(value);
  if (typeof version['number'] !== 'number') throw new ContractError('a version without a number');
  return { ...(version as unknown as Version), reason: String(version['reason'] ?? ''), document: fromWire(version['document']) };
}

export function draftOf(value: unknown): SavedDraft {
  const draft = objectOf(value);
  if (typeof draft['digest'] !== 'string') throw new ContractError('a draft without a digest');
  return { ...(draft as unknown as SavedDraft), ...findingsOf(draft), document: fromWire(draft['document']) };
}

export function findingsOf(value: Record<string, unknown>): Findings {
  return {
    problems: fieldsOf(value['problems']),
    warnings: fieldsOf(value['warnings']),
    differences: textsOf(value['differences']),
    calibration: (value['calibration'] as Calibration | null | undefined) ?? null,
    setback: Array.isArray(value['setback']) ? (value['setback'] as Setback[]) : [],
  };
}

function pipelineOf(value: unknown): Pipeline {
  const pipeline = objectOf(value);
  if (typeof pipeline['p99_ms'] !== 'number' || typeof pipeline['max_ms'] !== 'number') throw new ContractError('a pipeline without its times');
  return { p99_ms: pipeline['p99_ms'], max_ms: pipeline['max_ms'], measured: pipeline['measured'] === true };
}

function fieldsOf(value: unknown): FieldProblem[] {
  return Array.isArray(value) ? value.filter(isObject).map((f) => ({ field: String(f['field'] ?? ''), message: String(f['message'] ?? '') })) : [];
}

/** Sentences, whether the box sends them bare or with the zone they are about. */
function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map((item: unknown) => (isObject(item) ? String(item['text'] ?? '') : String(item))) : [];
}

function objectOf(value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw new ContractError('not an object');
  return value;
}
