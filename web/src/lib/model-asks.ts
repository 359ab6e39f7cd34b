// What the pages under Models ask of the box.

import { ContractError, isListOfObjects, isObject } from './api';
import { parseEvidence, type Case, type Evidence, type Label, type WantedCases } from './comparison';
import { parseExamples, parseThresholds, type Example, type ExamplePage, type Imported, type Occasion, type Threshold } from './examples';
import { parseModels, type Carried, type ModelEvent, type ModelsNow, type ShadowNow } from './models';
import { request, RequestError, wordsOf } from './request';
import { sendFile, type Sending } from './upload';

/** Before a step the box may read a whole model; it gives up on waiting after 150 s, and after 10 minutes where it takes a package in. */
const STEP_WITHIN_MS = 170_000;
const INSTALLED_WITHIN_MS = 620_000;
export const HISTORY_PAGE = 25;
export const CASES_PAGE = 50;
export const EXAMPLES_PAGE = 48;

export interface Installed { digest: string; name: string; version: string; release: number }

/** Why a package was not taken in: the box's status, its word for it and its sentence. */
export function whyNotTaken(error: unknown): { status: number; code: string; text: string } {
  const code = error instanceof RequestError ? error.code : '';
  // The same word is said of a model that is too slow, and of a disk: there nothing is under way any more.
  const goes_on = error instanceof RequestError && error.status === 503 && code === 'too_slow';
  return { status: error instanceof RequestError ? error.status : 0, code: goes_on ? 'goes_on' : code, text: wordsOf(error) };
}

export async function fetchModels(): Promise<ModelsNow> {
  return parseModels(await request('GET', '/api/models'));
}

export function fetchShadow(): Promise<ShadowNow> {
  return request<ShadowNow>('GET', '/api/models/shadow');
}

export function fetchHistory(before: number | null): Promise<{ events: readonly ModelEvent[]; next: number | null }> {
  return request('GET', `/api/models/history?limit=${HISTORY_PAGE}${before === null ? '' : `&before=${before}`}`);
}

export function takePackage(file: File, onSent: (bytes: number) => void): Sending<Installed> {
  return sendFile<Installed>(`/api/models?name=${encodeURIComponent(file.name)}`, file, 'application/octet-stream', onSent);
}

export async function fetchPackage(url: string): Promise<void> {
  await request('POST', '/api/models/fetch', { url });
}

export function fetchCarried(): Promise<Carried> {
  return request<Carried>('GET', '/api/models/carried');
}

export function takeCarried(id: string): Promise<Installed> {
  return request<Installed>('POST', `/api/models/carried/${encodeURIComponent(id)}`, {}, INSTALLED_WITHIN_MS);
}

/** A step of a model; each answers with what is so then. */
async function step(path: string, body: unknown): Promise<ModelsNow> {
  return parseModels(await request('POST', `/api/models/${path}`, body, STEP_WITHIN_MS));
}

export const intoShadow = (digest: string): Promise<ModelsNow> => step(`${digest}/shadow`, {});
export const promote = (digest: string, evidence: string, confirm: string): Promise<ModelsNow> => step(`${digest}/promote`, { evidence, confirm });
export const rollBack = (reason: string): Promise<ModelsNow> => step('rollback', { reason });
export const discard = (digest: string, reason: string): Promise<ModelsNow> => step(`${digest}/discard`, { reason });
export const review = (action: 'open' | 'dismiss' | 'confirm', reason: string): Promise<ModelsNow> => step('review', { action, reason });

/** For what this box asks for, or for another share of misses. */
export async function fetchEvidence(miss: number | null = null): Promise<Evidence> {
  return parseEvidence(await request('GET', `/api/models/evidence${miss === null ? '' : `?miss=${miss}`}`));
}

export function fetchCases(run: number | null, wanted: WantedCases, before: number | null): Promise<{ cases: readonly Case[]; next: number | null }> {
  const words = new URLSearchParams({ wanted, limit: String(CASES_PAGE) });
  if (run !== null) words.set('run', String(run));
  if (before !== null) words.set('before', String(before));
  return request('GET', `/api/models/cases?${words.toString()}`);
}

export function caseUrl(id: number): string {
  return `/api/models/cases/${id}/picture`;
}

export function labelCase(id: number, label: Label): Promise<Case> {
  return request<Case>('POST', `/api/models/cases/${id}/label`, { label });
}

export async function fetchExamples(wanted: 'unlabelled' | 'all', occasion: Occasion | '', before: number | null): Promise<ExamplePage> {
  const words = new URLSearchParams({ wanted, limit: String(EXAMPLES_PAGE) });
  if (occasion !== '') words.set('occasion', occasion);
  if (before !== null) words.set('before', String(before));
  return parseExamples(await request('GET', `/api/examples?${words.toString()}`));
}

export function exampleUrl(id: number): string {
  return `/api/examples/${id}/picture`;
}

export function labelExample(id: number, label: Label): Promise<Example> {
  return request<Example>('POST', `/api/examples/${id}/label`, { label });
}

export const EXPORT_URL = '/api/examples/export';

export function importLabels(file: Blob, onSent: (bytes: number) => void): Sending<Imported> {
  return sendFile<Imported>('/api/examples/import', file, 'application/json', onSent);
}

export async function fetchThresholds(miss: number, confidence: number): Promise<readonly Threshold[]> {
  return parseThresholds(await request('GET', `/api/examples/thresholds?miss=${miss}&confidence=${confidence}`));
}

export type Queued = ({ kind: 'case' } & Case) | ({ kind: 'example' } & Example);

/** What wants a label, most important first, and how many that are with those that are not here yet. */
export async function fetchQueue(limit: number): Promise<{ items: readonly Queued[]; waiting: number }> {
  const answer = await request('GET', `/api/models/queue?limit=${limit}`);
  // What cannot be read is not the end of the queue.
  if (!isObject(answer) || !isListOfObjects(answer['items'])) throw new ContractError('items is not a list');
  const items = (answer['items'] as Queued[]).filter((item) => item.kind === 'case' || item.kind === 'example');
  return { items, waiting: items.length + Math.max(0, Number(answer['left'] ?? 0)) };
}
