// People, tokens, passwords and the audit log: what the box says of them, and what is told before it refuses. Pure.

import { isObject } from './api';
import { shortDigest } from './format';
import type { RequestError } from './request';
import type { Role } from './session.svelte';

export interface User { name: string; role: string; created_at: string; last_seen_at: string | null; disabled: boolean }
export interface Token { id: number | string; name: string; role: string; created_at: string; last_used_at: string | null }
export interface AuditEntry { number: number; at: string; by: string; action: string; subject: string; detail: unknown; hash: string }
export type Verified = { ok: true; entries: number } | { ok: false; number: number; why: string };
export interface AuditPage { entries: readonly AuditEntry[]; verified: Verified }

export const NAME_LENGTH_MAX = 80;
/** The box decides; this is said before it has to refuse. */
export const PASSWORD_CHARS_MIN = 10;
export const PASSWORD_BYTES_MAX = 256;

export const ROLE_MAY: Record<Role, string> = {
  viewer: 'sees everything, changes nothing',
  supervisor: 'acknowledges alarms',
  engineer: 'draws and approves zones, walk tests, reads the audit log',
  admin: 'also adds people and tokens',
};

export interface Rule { words: string; met: boolean }

/** The rules a new password must meet, each with whether it does. */
export function passwordRules(password: string, again: string, name: string): Rule[] {
  const length = [...password].length;
  const bytes = new TextEncoder().encode(password).length;
  return [
    { words: `at least ${PASSWORD_CHARS_MIN} characters of any kind; a short sentence is good`, met: length >= PASSWORD_CHARS_MIN && bytes <= PASSWORD_BYTES_MAX },
    { words: 'not your name', met: length > 0 && password.trim().toLowerCase() !== name.trim().toLowerCase() },
    { words: 'the same in both fields', met: length > 0 && password === again },
  ];
}

/** What a refused sign-in says; the time to wait is the box's. */
export function signInWords(error: RequestError): string {
  switch (error.code) {
    case 'wrong_password':
      return 'Name or password is wrong.';
    case 'too_many_attempts':
      return `Too many attempts. Try again ${error.retry_after_s === null ? 'in a few minutes' : `in ${waitWords(error.retry_after_s)}`}.`;
    case 'wrong_code':
      return 'This is not the set-up code. It is printed where Standclear was started, and is another after every start.';
    default:
      return error.message;
  }
}

/** `40 s`, `5 min`. */
export function waitWords(seconds: number): string {
  return seconds < 100 ? `${Math.max(1, Math.ceil(seconds))} s` : `${Math.ceil(seconds / 60)} min`;
}

/** What people ask first, and what only a machine compares, last. */
const DETAIL_FIRST = ['version', 'role', 'reason', 'differences'];
const DETAIL_LAST = ['digest'];
/** These say what they are by themselves. */
const DETAIL_PLAIN = ['differences'];

/** What an entry says beside its subject, in words: `role supervisor, reason lost its key`; empty when nothing. */
export function detailWords(detail: unknown): string {
  if (detail === null || detail === undefined) return '';
  if (Array.isArray(detail)) return detail.map(detailWords).join(', ');
  if (typeof detail !== 'object') return String(detail);
  const place = (key: string) => (DETAIL_FIRST.includes(key) ? DETAIL_FIRST.indexOf(key) : DETAIL_LAST.includes(key) ? Infinity : DETAIL_FIRST.length);
  return Object.entries(detail)
    .sort(([a], [b]) => Math.sign(place(a) - place(b) || 0))
    .map(([key, value]) => {
      const words = key === 'digest' ? shortDigest(String(value)) : detailWords(value);
      if (words === '') return '';
      return DETAIL_PLAIN.includes(key) ? words : `${key.replaceAll('_', ' ')} ${words}`;
    })
    .filter((words) => words !== '')
    .join(', ');
}

/** What an entry is about, with the zone's name where a number alone says nothing to people: `alarm 40, Gate road`. */
export function subjectWords({ subject, detail }: Pick<AuditEntry, 'subject' | 'detail'>, nameOf: (zone: string) => string | null): string {
  const zone = isObject(detail) && typeof detail['zone'] === 'string' ? detail['zone'] : null;
  if (zone !== null) return `${subject}, ${nameOf(zone) ?? zone}`;
  const name = nameOf(subject);
  return name === null || name === subject ? subject : `${name} (${subject})`;
}

/** What is left to say of an entry whose subject names the zone. */
export function detailBesides(detail: unknown): string {
  if (!isObject(detail)) return detailWords(detail);
  const { zone, ...rest } = detail;
  return detailWords(typeof zone === 'string' ? rest : detail);
}

/** Who did it, where it was nobody who signs in. */
export function byWords(by: string): string {
  return { file: 'the zone file', standclear: 'the box', console: 'the console' }[by] ?? by;
}

/** Whether the chain of the audit log is whole, as a sentence. */
export function verifiedWords(verified: Verified): string {
  if (verified.ok) return `The chain is whole: ${verified.entries} ${verified.entries === 1 ? 'entry' : 'entries'}.`;
  return `Entry ${verified.number} was changed${verified.why ? `: ${verified.why}` : ''}. What comes after it proves nothing.`;
}
