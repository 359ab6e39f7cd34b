import { afterEach, describe, expect, it, vi } from 'vitest';
import { refusedAck } from './asks';
import { refusal, request, RequestError, setCsrf, whenSignedOut } from './request';

const error = (code: string, message: string, fields?: unknown) => JSON.stringify({ error: { code, message, fields } });

describe('refusal', () => {
  it('is_told_in_the_words_of_the_box', () => expect(refusal(404, error('unknown_alarm', 'no such alarm'), null)).toMatchObject({ status: 404, code: 'unknown_alarm', message: 'No such alarm.' }));
  it('names_the_fields', () => expect(refusal(422, error('bad_request', 'no', [{ field: 'a', message: 'b' }, 7]), null).fields).toEqual([{ field: 'a', message: 'b' }]));
  it('an_answer_without_words_still_gets_a_sentence', () => expect(refusal(502, '<html>', null)).toMatchObject({ code: 'status_502', message: 'The box refused (502). Try again.' }));
  it.each([['30', 30], [null, null], ['soon', null], ['-4', null]])('a Retry-After of %j is %j', (header, wait) => expect(refusal(429, '', header).retry_after_s).toBe(wait));
});

describe('refusedAck', () => {
  it('somebody_else_was_faster_is_information', () => {
    expect(refusedAck(refusal(409, error('already_acknowledged', 'somebody has answered this alarm already'), null))).toEqual({ kind: 'already', message: 'Somebody has answered this alarm already.' });
  });
  it('a_further_person_is_no_failure_but_something_to_look_at', () => expect(refusedAck(refusal(409, error('newer_cause', 'more has happened'), null))).toEqual({ kind: 'newer' }));
  it('another_conflict_is_a_failure', () => expect(refusedAck(refusal(409, error('busy', 'no'), null)).kind).toBe('failed'));
});

describe('request', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    setCsrf(null);
    whenSignedOut(() => undefined);
  });
  const answering = (status: number, text: string) => {
    const asked = vi.fn((_path: string, _init: RequestInit) => Promise.resolve(new Response(status === 204 ? null : text, { status })));
    vi.stubGlobal('fetch', asked);
    return asked;
  };
  const headers = (asked: ReturnType<typeof answering>) => asked.mock.calls[0]?.[1].headers as Record<string, string>;

  it('a_change_carries_the_token_of_the_session', async () => {
    setCsrf('t0ken');
    const asked = answering(200, '{"a":1}');
    expect(await request('POST', '/api/x', { b: 2 })).toEqual({ a: 1 });
    expect(headers(asked)['X-Standclear-CSRF']).toBe('t0ken');
  });
  it('a_question_carries_none', async () => {
    setCsrf('t0ken');
    const asked = answering(200, '{}');
    await request('GET', '/api/x');
    expect(headers(asked)['X-Standclear-CSRF']).toBeUndefined();
  });
  it('an_answer_without_a_body_is_null', async () => {
    answering(204, '');
    expect(await request('DELETE', '/api/x')).toBeNull();
  });
  it('a_session_that_ended_is_told_once_and_still_fails', async () => {
    const told = vi.fn();
    whenSignedOut(told);
    answering(401, error('not_signed_in', 'sign in'));
    await expect(request('GET', '/api/x')).rejects.toMatchObject({ status: 401, message: 'Sign in.' });
    expect(told).toHaveBeenCalledOnce();
  });
  it('a_wrong_password_ends_no_session', async () => {
    const told = vi.fn();
    whenSignedOut(told);
    answering(403, error('wrong_password', 'no'));
    await expect(request('POST', '/api/session', {})).rejects.toBeInstanceOf(RequestError);
    expect(told).not.toHaveBeenCalled();
  });
  it('no_answer_is_a_sentence', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    await expect(request('GET', '/api/x')).rejects.toMatchObject({ status: 0, code: 'no_answer' });
  });
  it('an_answer_that_is_no_json_is_refused', async () => {
    answering(200, '<html>');
    await expect(request('GET', '/api/x')).rejects.toMatchObject({ code: 'broken_answer' });
  });
});
