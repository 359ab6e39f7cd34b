// Asking the box for something: one way for all pages. Adds the CSRF token to what changes something, turns every
// failure into a sentence for people, and tells whoever listens when the box no longer knows us.
// Knows no page and no role; does not ask again by itself, because most requests change something.

import { errorOf, isObject, parseObject } from './api';

/** A person waits for this answer with a finger still on the button. */
const ANSWER_MS_MAX = 10_000;
const CSRF_HEADER = 'X-Standclear-CSRF';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What is wrong with one field of the body: `features[2].properties.name`, and what would be right. */
export interface FieldProblem { field: string; message: string }

/** A request that did not do what it asked for; `message` is a sentence for people. */
export class RequestError extends Error {
  /** The HTTP status; 0 where no answer came at all. */
  readonly status: number;
  /** The box's word for it (`stale_draft`), `no_answer` where none came. */
  readonly code: string;
  readonly fields: readonly FieldProblem[];
  /** When to try again, of a box that said so. */
  readonly retry_after_s: number | null;

  constructor(status: number, code: string, message: string, fields: readonly FieldProblem[] = [], retry_after_s: number | null = null) {
    super(message);
    this.name = 'RequestError';
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.retry_after_s = retry_after_s;
  }
}

let csrf: string | null = null;
let onSignedOut: () => void = () => undefined;

/** The token of the session that is open; null when there is none. */
export function setCsrf(token: string | null): void {
  csrf = token;
}

/** Who is told of a 401: the sign-in screen. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

/** The JSON of the answer, null where it has none; throws `RequestError` for everything else. `within_ms`: for what takes the box longer. */
export async function request<T = unknown>(method: Method, path: string, body?: unknown, within_ms = ANSWER_MS_MAX): Promise<T> {
  const { response, text } = await send(method, path, body, within_ms);
  return answered<T>(response.status, text, response.headers.get('retry-after'));
}

/** What an answer means, whichever way it was asked for. */
export function answered<T>(status: number, text: string, retry_after: string | null): T {
  if (status < 200 || status > 299) {
    const error = refusal(status, text, retry_after);
    // A wrong password at the door is not a session that ended.
    if (status === 401) onSignedOut();
    throw error;
  }
  if (text === '') return null as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new RequestError(status, 'broken_answer', 'The answer of the box is not readable. Try again.');
  }
}

export function noAnswer(): RequestError {
  return new RequestError(0, 'no_answer', 'The box did not answer. Is this device still on its network? Try again.');
}

/** What a request carries beside its body. */
export function headersOf(method: Method, content_type: string | null): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (content_type !== null) headers['content-type'] = content_type;
  if (method !== 'GET' && csrf !== null) headers[CSRF_HEADER] = csrf;
  return headers;
}

async function send(method: Method, path: string, body: unknown, within_ms: number): Promise<{ response: Response; text: string }> {
  const headers = headersOf(method, body === undefined ? null : 'application/json');
  try {
    const response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(within_ms),
      cache: 'no-store',
      credentials: 'same-origin',
    });
    return { response, text: await response.text() };
  } catch {
    throw noAnswer();
  }
}

/** What an answer that is not 2xx means. */
export function refusal(status: number, text: string, retry_after: string | null): RequestError {
  const { code, message } = errorOf(text);
  const seconds = Number(retry_after);
  const retry_after_s = retry_after !== null && Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
  return new RequestError(status, code || `status_${status}`, message || `The box refused (${status}). Try again.`, fieldsOf(text), retry_after_s);
}

function fieldsOf(text: string): FieldProblem[] {
  try {
    const error = parseObject(text)['error'];
    const fields: unknown = isObject(error) ? error['fields'] : null;
    if (!Array.isArray(fields)) return [];
    return fields.filter(isObject).map((f) => ({ field: String(f['field'] ?? ''), message: String(f['message'] ?? '') }));
  } catch {
    // A proxy's page: it names no field.
    return [];
  }
}

/** The sentence of a failed request, whatever was thrown. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
