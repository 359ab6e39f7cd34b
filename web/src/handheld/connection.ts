// The connection to the box, as a state machine. Pure: an event and a moment in, the next state and what to do out.
//
//   off ──start──> opening ──opened──> greeting ──challenge──> proving ──welcome──> live
//                     ^                   │                       │                  │
//                     │                closed, or too slow     refused        closed, or silent 2.5 s
//                     └──── waiting <─────┴───────────────────────┼──────────────────┘
//                                                                 └──> refused (revoked: it does not ask again)
//
// Opens no socket and signs nothing: socket.ts does what `Effect` says.

import { elapsed, SILENCE_MS_MAX, type Moment } from '../lib/stream';
import type { RefusalCode, ServerMessage } from './protocol';

/** The first try after a break: reconnected well within a second. */
export const RETRY_FIRST_MS = 150;
/** Doubled at each failure up to here, so that a box that comes back waits for nobody longer than this. */
export const RETRY_MAX_MS = 2_000;
/** A door that neither opens nor closes, and a greeting that is not answered, are given up after this. */
export const OPENING_MS_MAX = 2_500;
/** After a refusal that may pass (too many connections, a proof that failed). */
export const REFUSED_RETRY_MS = 5_000;

export type Connection =
  | { kind: 'off' }
  | { kind: 'opening'; since: Moment; failures: number }
  | { kind: 'greeting'; since: Moment; failures: number }
  | { kind: 'proving'; since: Moment; failures: number }
  | { kind: 'live'; heard: Moment }
  | { kind: 'waiting'; since: Moment; for_ms: number; failures: number }
  | { kind: 'refused'; code: RefusalCode; message: string; since: Moment };

/** `online`: the device says that its network came back, or somebody looks at the page again. */
export type Event =
  | { kind: 'start' } | { kind: 'stop' } | { kind: 'opened' } | { kind: 'closed' } | { kind: 'online' } | { kind: 'tick' }
  | { kind: 'message'; message: ServerMessage };

export type Effect = { do: 'open' } | { do: 'close' } | { do: 'hello' } | { do: 'prove'; nonce: string } | { do: 'pong'; n: number };
export interface Step { next: Connection; effects: readonly Effect[] }

export const OFF: Connection = { kind: 'off' };

export function step(now: Connection, event: Event, at: Moment): Step {
  switch (event.kind) {
    case 'start':
      return now.kind === 'off' || now.kind === 'refused' ? open(0, at) : stay(now);
    case 'stop':
      return { next: OFF, effects: now.kind === 'off' ? [] : [{ do: 'close' }] };
    case 'opened':
      return now.kind === 'opening' ? { next: { kind: 'greeting', since: at, failures: now.failures }, effects: [{ do: 'hello' }] } : stay(now);
    case 'closed':
      return closed(now, at);
    case 'online':
      return now.kind === 'waiting' ? open(now.failures, at) : stay(now);
    case 'tick':
      return tick(now, at);
    case 'message':
      return hear(now, event.message, at);
  }
}

function hear(now: Connection, message: ServerMessage, at: Moment): Step {
  // What an old socket still says after it was given up counts for nothing.
  if (now.kind === 'off' || now.kind === 'opening' || now.kind === 'waiting' || now.kind === 'refused') return stay(now);
  switch (message.type) {
    case 'challenge':
      return now.kind === 'greeting' ? { next: { ...now, kind: 'proving' }, effects: [{ do: 'prove', nonce: message.nonce }] } : stay(now);
    case 'welcome':
      return now.kind === 'proving' ? stay({ kind: 'live', heard: at }) : stay(now);
    case 'refused':
      return { next: { kind: 'refused', code: message.code, message: message.message, since: at }, effects: [{ do: 'close' }] };
    case 'ping':
      return { next: heardNow(now, at), effects: [{ do: 'pong', n: message.n }] };
    case 'state':
    case 'alarm':
    case 'acknowledged':
    case 'unknown':
      return stay(heardNow(now, at));
  }
}

function heardNow(now: Connection, at: Moment): Connection {
  return now.kind === 'live' ? { kind: 'live', heard: at } : now;
}

function tick(now: Connection, at: Moment): Step {
  switch (now.kind) {
    case 'off':
      return stay(now);
    case 'opening':
    case 'greeting':
    case 'proving':
      return elapsed(now.since, at) > OPENING_MS_MAX ? giveUp(now.failures, at) : stay(now);
    case 'live':
      // The line hangs: the box says something every second.
      return elapsed(now.heard, at) > SILENCE_MS_MAX ? giveUp(0, at) : stay(now);
    case 'waiting':
      return elapsed(now.since, at) >= now.for_ms ? open(now.failures, at) : stay(now);
    case 'refused':
      return passes(now.code) && elapsed(now.since, at) > REFUSED_RETRY_MS ? open(0, at) : stay(now);
  }
}

function closed(now: Connection, at: Moment): Step {
  switch (now.kind) {
    case 'off':
    case 'waiting':
    case 'refused':
      return stay(now);
    case 'opening':
    case 'greeting':
    case 'proving':
      return stay(wait(now.failures, at));
    case 'live':
      return stay(wait(0, at));
  }
}

function open(failures: number, at: Moment): Step {
  return { next: { kind: 'opening', since: at, failures }, effects: [{ do: 'open' }] };
}

function giveUp(failures: number, at: Moment): Step {
  return { next: wait(failures, at), effects: [{ do: 'close' }] };
}

function wait(failures: number, at: Moment): Connection {
  return { kind: 'waiting', since: at, for_ms: Math.min(RETRY_FIRST_MS * 2 ** failures, RETRY_MAX_MS), failures: failures + 1 };
}

function stay(next: Connection): Step {
  return { next, effects: [] };
}

/** Whether a refusal may pass by itself. A device that is not known stays so until somebody pairs it again. */
export function passes(code: RefusalCode): boolean {
  switch (code) {
    case 'revoked':
    case 'unknown_device':
      return false;
    case 'bad_proof':
    case 'too_many':
    case 'other':
      return true;
  }
}

/** The box says how things stand every two seconds; a radio may hold that up by as much as it may hold up a ping. */
export const STATE_MS_MAX = 2_000 + (SILENCE_MS_MAX - 1_000);

/** When the box last said anything on a connection that stood, and when it last said how things stand. */
export interface Heard { line: Moment | null; told: Moment | null }
export const NOTHING_HEARD: Heard = { line: null, told: null };

/** A greeting proves nothing: a box whose guard is silent welcomes, and has nothing to tell. */
export function heardOf(before: Heard, message: ServerMessage, at: Moment): Heard {
  switch (message.type) {
    case 'state':
    case 'alarm':
      return { line: at, told: at };
    case 'ping':
    case 'acknowledged':
    case 'unknown':
      return { ...before, line: at };
    case 'challenge':
    case 'welcome':
    case 'refused':
      return before;
  }
}

/** How the connection stands for a person: a blink of the radio is not said as loudly as a lost box. */
export type Reach = 'off' | 'connecting' | 'live' | 'blink' | 'lost' | 'refused';

/** Whether nobody is alarmed here though the phone is to listen: the box is not reached, or refuses it for whatever reason. */
export function isCutOff(reach: Reach): boolean {
  switch (reach) {
    case 'lost':
    case 'refused':
      return true;
    case 'off':
    case 'connecting':
    case 'live':
    case 'blink':
      return false;
  }
}

/** `heard` is of any connection, `started` when this page began to listen. */
export function reach(now: Connection, heard: Heard, started: Moment, at: Moment): Reach {
  switch (now.kind) {
    case 'off':
      return 'off';
    case 'refused':
      return 'refused';
    case 'live':
      if (elapsed(now.heard, at) > SILENCE_MS_MAX || isStale(heard, started, at)) return 'lost';
      return heard.told ? 'live' : 'connecting';
    case 'opening':
    case 'greeting':
    case 'proving':
    case 'waiting':
      if (isStale(heard, started, at)) return 'lost';
      return heard.told ? 'blink' : 'connecting';
  }
}

/** Whether what is on the screen is too old to be shown as how things stand. */
function isStale(heard: Heard, started: Moment, at: Moment): boolean {
  return elapsed(heard.line ?? started, at) > SILENCE_MS_MAX || elapsed(heard.told ?? started, at) > STATE_MS_MAX;
}
