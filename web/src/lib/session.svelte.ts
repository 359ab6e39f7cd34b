// Who is signed in at this page, and what they may do. The only place that knows it; the box decides again on
// every request, so that what is hidden here is comfort and never the protection.

import { request as send, setCsrf, whenSignedOut, wordsOf, type Method } from './request';

/** Each includes the ones before it. `integration` stands beside them and never opens a page. */
export const ROLES = ['viewer', 'supervisor', 'engineer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface SessionAnswer {
  signed_in: { name: string; role: string } | null;
  csrf: string | null;
  setup_needed: boolean;
}

/** `asking` until the box has said; `unreachable` says why it could not. */
export type Entrance = 'asking' | 'unreachable' | 'set_up' | 'signed_out' | 'signed_in';

export function isRole(word: string): word is Role {
  return (ROLES as readonly string[]).includes(word);
}

/** Whether a role includes another; an unknown one includes nothing. */
export function includes(role: string | null, needed: Role): boolean {
  return role !== null && isRole(role) && ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

class Session {
  entrance = $state<Entrance>('asking');
  /** Name and role stay those of a session that ended by itself: its pages wait, unseen, for the same person. */
  name = $state<string | null>(null);
  role = $state<string | null>(null);
  /** Who was signed in last: their pages stay as they were until somebody else comes. */
  last = $state<string | null>(null);
  /** Why the box could not be asked. */
  fault = $state('');
  /** The session ended while a page was open: the sign-in screen says so. */
  ended = $state(false);

  constructor() {
    whenSignedOut(() => this.#end());
  }

  /** True when the person signed in may do what `needed` may. Reactive. */
  may(needed: Role): boolean {
    return includes(this.role, needed);
  }

  /** As `request` of request.ts; a 401 leads to the sign-in screen, and from there back to where one was. */
  request<T = unknown>(method: Method, path: string, body?: unknown): Promise<T> {
    return send<T>(method, path, body);
  }

  /** Asks the box who we are. */
  async ask(): Promise<void> {
    try {
      this.#take(await send<SessionAnswer>('GET', '/api/session'));
    } catch (error) {
      this.fault = wordsOf(error);
      if (this.entrance === 'asking') this.entrance = 'unreachable';
    }
  }

  async setUp(code: string, name: string, password: string): Promise<void> {
    this.#take(await send<SessionAnswer>('POST', '/api/setup', { code, name, password }));
  }

  async signIn(name: string, password: string): Promise<void> {
    this.#take(await send<SessionAnswer>('POST', '/api/session', { name, password }));
  }

  async signOut(): Promise<void> {
    await send('DELETE', '/api/session');
    this.#forget();
    this.ended = false;
    this.last = null;
    this.entrance = 'signed_out';
  }

  async changePassword(old: string, next: string): Promise<void> {
    await send('POST', '/api/session/password', { old, new: next });
    // The box may have ended our other sessions and renewed this one.
    await this.ask();
  }

  #take(answer: SessionAnswer): void {
    this.fault = '';
    setCsrf(answer.csrf);
    // Ended behind our back, by time or by an admin.
    if (answer.signed_in === null && this.entrance === 'signed_in') this.ended = true;
    if (answer.signed_in) this.#enter(answer.signed_in);
    else this.entrance = answer.setup_needed ? 'set_up' : 'signed_out';
  }

  #enter(person: { name: string; role: string }): void {
    this.ended = false;
    this.name = person.name;
    this.role = person.role;
    this.last = person.name;
    this.entrance = 'signed_in';
  }

  #end(): void {
    if (this.entrance !== 'signed_in') return;
    this.ended = true;
    setCsrf(null);
    this.entrance = 'signed_out';
  }

  #forget(): void {
    setCsrf(null);
    this.name = null;
    this.role = null;
  }
}

export const session = new Session();
