// Pictures that are worth learning from, and score thresholds that follow from what people said. Pure.

import { ContractError, isListOfObjects, isObject } from './api';
import type { CaseBox, Label } from './comparison';

export type Occasion = 'incident' | 'near_miss' | 'disagreement' | 'low_score';
export interface ExampleBox extends CaseBox { by: 'model' | 'person' }
export interface Example {
  id: number; occasion: Occasion; camera: string; zone: { number: number | null; name: string } | null; at: string; score: number | null;
  width_px: number; height_px: number; boxes: readonly ExampleBox[]; label: Label | null; labelled_by: string | null; labelled_at?: string | null; kept_because: string;
}
export interface Room { examples: number; max: number; bytes: number; bytes_max: number }
export interface ExamplePage { examples: readonly Example[]; next: number | null; room: Room | null }
/** What goes with `proposed` is null where nothing is. */
export interface Threshold {
  camera: string; now: number | null; proposed: number | null;
  /** The other end of the interval: from there on more is lost than was wished, for sure. */
  too_high_from?: number | null;
  would_lose: number | null; of: number; at_most: number | null; would_spare?: number | null; false_incidents?: number | null; more_needed?: number | null; text: string;
}
export interface Imported { labels: number; unknown: number; changed: number }

/** Those that can be asked for; what people said is kept with its incident. */
export const OCCASIONS: readonly Occasion[] = ['incident', 'near_miss', 'disagreement', 'low_score'];
export const OCCASION_WORD: Record<Occasion, string> = { incident: 'Incident', near_miss: 'Near miss', disagreement: 'Disagreement', low_score: 'Low score' };

export function occasionWord(occasion: string): string {
  return (OCCASION_WORD as Record<string, string>)[occasion] ?? occasion.replaceAll('_', ' ');
}

export function parseExamples(value: unknown): ExamplePage {
  if (!isObject(value) || !isListOfObjects(value['examples'])) throw new ContractError('examples is not a list');
  const page = value as unknown as ExamplePage;
  return { examples: page.examples, next: page.next ?? null, room: isObject(value['room']) ? page.room : null };
}

export function parseThresholds(value: unknown): readonly Threshold[] {
  if (!isObject(value) || !isListOfObjects(value['cameras'])) throw new ContractError('cameras is not a list');
  return value['cameras'] as Threshold[];
}

export const LABEL_WORD: Record<Label, string> = { true: 'True', false: 'False', unsure: 'Unsure' };
export const LABEL_MEANS: Record<Label, string> = { true: 'somebody was there', false: 'nobody was there', unsure: 'cannot be told' };
export const LABELS: readonly Label[] = ['true', 'false', 'unsure'];

/** What is asked about an example. */
export function exampleQuestion({ zone }: Pick<Example, 'zone'>): string {
  return zone === null ? 'Is there somebody where the box looked?' : `Is there somebody in ${zone.name}?`;
}

/** What an import did, as sentences. */
export function importedWords({ labels, unknown, changed }: Imported): string {
  const pictures = (n: number) => `${n} ${n === 1 ? 'picture' : 'pictures'}`;
  const parts = [`${pictures(labels)} ${labels === 1 ? 'has' : 'have'} labels now`, `${changed} of them others than before`];
  return `${parts.join(', ')}.${unknown > 0 ? ` ${pictures(unknown)} of the file ${unknown === 1 ? 'is' : 'are'} not in the bank, and left out.` : ''}`;
}
