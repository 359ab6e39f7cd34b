// Live pictures (`GET /api/cameras/{id}/live`): one message is a picture and what was seen in exactly it.

import { ContractError, parseObject, type Point } from './api';
import { elapsed, moment, type Moment } from './stream';

/** A picture older than this is not live, and the tile says so. */
export const PICTURE_AGE_MS_MAX = 1_500;
const RETRY_MS = 1_000;
/** A header is a few hundred bytes a person; more is not one. */
const HEADER_BYTES_MAX = 1 << 20;

/** Everything but `person` was seen and is not counted. */
export type Verdict = 'person' | 'too_small' | 'marked' | 'ignored';
export interface Person {
  track: number | null;
  box: readonly [number, number, number, number];
  foot: Point;
  score: number;
  inside: readonly string[];
  /** Absent: a person. */
  verdict?: Verdict;
  anchor?: 'box' | 'head' | 'conservative';
  ground_m?: Point | null;
  speed_m_s?: number | null;
}
export interface PictureHeader {
  frame: number; captured_at: string; age_ms: number;
  width_px: number; height_px: number; people: readonly Person[];
}
export interface LiveMessage { header: PictureHeader; jpeg: Uint8Array<ArrayBuffer> }
export interface Picture { header: PictureHeader; url: string; received: Moment }

/** Splits a message: u32 big-endian header length, header, JPEG. Throws `ContractError`. */
export function parseLiveMessage(data: ArrayBuffer): LiveMessage {
  if (data.byteLength < 4) throw new ContractError('message without a length');
  const length = new DataView(data).getUint32(0);
  if (length > HEADER_BYTES_MAX || 4 + length >= data.byteLength) throw new ContractError('header longer than its message');
  const header = parseObject(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  if (!(Number(header['width_px']) > 0 && Number(header['height_px']) > 0)) throw new ContractError('picture without a size');
  if (typeof header['age_ms'] !== 'number') throw new ContractError('picture without an age');
  if (!Array.isArray(header['people'])) throw new ContractError('people is not a list');
  return { header: header as unknown as PictureHeader, jpeg: new Uint8Array(data, 4 + length) };
}

export function counts(person: Person): boolean {
  return person.verdict === undefined || person.verdict === 'person';
}

const NOT_COUNTED: Record<Exclude<Verdict, 'person'>, string> = { too_small: 'too small', marked: 'marked as a thing', ignored: 'in an ignored area' };

/** What the picture shows and nobody is alarmed for: `2 not counted: 1 too small, 1 marked as a thing`; empty when there is none. */
export function notCounted(people: readonly Person[]): string {
  const kinds = (Object.keys(NOT_COUNTED) as (keyof typeof NOT_COUNTED)[])
    .map((kind) => [people.filter((p) => p.verdict === kind).length, NOT_COUNTED[kind]] as const)
    .filter(([n]) => n > 0);
  const all = kinds.reduce((sum, [n]) => sum + n, 0);
  return all === 0 ? '' : `${all} not counted: ${kinds.map(([n, word]) => `${n} ${word}`).join(', ')}`;
}

export function pictureAge(picture: { header: { age_ms: number }; received: Moment }, now: Moment): number {
  return picture.header.age_ms + elapsed(picture.received, now);
}

export type Liveness = { kind: 'waiting' } | { kind: 'live'; age_ms: number } | { kind: 'old'; age_ms: number };

/** Whether a picture may be called live. `old` covers a stopped stream and one that is late alike. */
export function liveness(picture: Picture | null, now: Moment): Liveness {
  if (!picture) return { kind: 'waiting' };
  const age_ms = pictureAge(picture, now);
  return { kind: age_ms > PICTURE_AGE_MS_MAX ? 'old' : 'live', age_ms };
}

/** Keeps pictures coming from an address until the returned function is called. The receiver owns each `url`. */
export function openLive(address: () => string, onPicture: (picture: Picture) => void): () => void {
  let socket: WebSocket | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  function connect(): void {
    socket = new WebSocket(address());
    socket.binaryType = 'arraybuffer';
    const show = newestDecoded(onPicture, () => closed);
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => {
      try {
        show(parseLiveMessage(event.data), moment());
      } catch (error) {
        console.error('picture message refused', error);
      }
    };
    socket.onclose = () => {
      if (!closed) retry = setTimeout(connect, RETRY_MS);
    };
  }
  connect();
  return () => {
    closed = true;
    clearTimeout(retry);
    const last = socket;
    // A browser complains of a connection that is ended before it stands.
    if (last?.readyState === WebSocket.CONNECTING) last.onopen = () => last.close();
    else last?.close();
  };
}

/**
 * Decodes a picture before handing it on, so that outline and picture change together. While one is being
 * decoded the newest waits and those between are left out: a slow device shows fewer pictures, not old ones.
 */
function newestDecoded(onPicture: (picture: Picture) => void, closed: () => boolean) {
  let waiting: (() => void) | null = null;
  let busy = false;

  async function decode(message: LiveMessage, received: Moment): Promise<void> {
    busy = true;
    const url = URL.createObjectURL(new Blob([message.jpeg], { type: 'image/jpeg' }));
    try {
      const image = new Image();
      image.src = url;
      await image.decode();
      if (closed()) URL.revokeObjectURL(url);
      else onPicture({ header: message.header, url, received });
    } catch {
      URL.revokeObjectURL(url);
    }
    busy = false;
    const next = waiting;
    waiting = null;
    next?.();
  }
  return (message: LiveMessage, received: Moment): void => {
    const run = () => void decode(message, received);
    if (busy) waiting = run;
    else run();
  };
}
