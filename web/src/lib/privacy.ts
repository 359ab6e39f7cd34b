// What people see of people (docs/reference/api.md, Privacy): what is pixelated, and who sees clear pictures for a while.

import { ContractError, isObject } from './api';
import { request } from './request';

export type Hidden = 'persons' | 'heads' | 'off';
/** Somebody who sees clear pictures until then; `own`: in this browser. */
export interface Grant { by: string; reason: string; until: string; own: boolean }
export interface Privacy { hidden: Hidden; grant_minutes: number; clear: readonly Grant[] }

const HIDDEN: readonly string[] = ['persons', 'heads', 'off'] satisfies Hidden[];

/** An answer of the box; a word this page does not know means that people are hidden. */
export function parsePrivacy(value: unknown): Privacy {
  if (!isObject(value) || !Array.isArray(value['clear'])) throw new ContractError('clear is not a list');
  const hidden = HIDDEN.includes(String(value['hidden'])) ? (value['hidden'] as Hidden) : 'persons';
  const clear = value['clear'].filter(isObject) as unknown as Grant[];
  return { hidden, grant_minutes: Number(value['grant_minutes'] ?? 0), clear };
}

/** The own grant that has not ended. */
export function ownGrant(privacy: Privacy | null, now_ms: number): Grant | null {
  return privacy?.clear.find((grant) => grant.own && Date.parse(grant.until) > now_ms) ?? null;
}

/** The others' grants that have not ended. */
export function othersGrants(privacy: Privacy | null, now_ms: number): readonly Grant[] {
  return privacy?.clear.filter((grant) => !grant.own && Date.parse(grant.until) > now_ms) ?? [];
}

/** When the first grant ends, in ms from now; null while nobody has one. */
export function endsIn(privacy: Privacy | null, now_ms: number): number | null {
  const ends = (privacy?.clear ?? []).map((grant) => Date.parse(grant.until) - now_ms).filter((ms) => ms > 0);
  return ends.length === 0 ? null : Math.min(...ends);
}

const WHAT: Record<Hidden, string> = {
  persons: 'People are pixelated here, and in everything that is exported.',
  heads: 'Heads are pixelated here, and in everything that is exported.',
  off: 'People are shown as they are: the configuration says so.',
};

export function hiddenWords(hidden: Hidden): string {
  return WHAT[hidden];
}

export async function fetchPrivacy(): Promise<Privacy> {
  return parsePrivacy(await request('GET', '/api/privacy'));
}

/** Clear pictures for a while, for a reason that is kept. */
export async function seeClear(reason: string): Promise<Privacy> {
  return parsePrivacy(await request('POST', '/api/privacy/clear', { reason }));
}

export async function endClear(): Promise<Privacy> {
  return parsePrivacy(await request('DELETE', '/api/privacy/clear'));
}
