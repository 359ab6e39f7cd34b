// Who this device is to the box: a key made here that never leaves, and the name the box gave for it.
// The box keeps the public half; a proof is a signature over the box's fresh nonce (ECDSA P-256, SHA-256).

import { isObject } from '../lib/api';
import { request, RequestError } from '../lib/request';
import { forget, keep, load } from './storage';

const CURVE: EcKeyGenParams = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE: EcdsaParams = { name: 'ECDSA', hash: 'SHA-256' };

export interface Identity { device: string; box: string; person: string; key: CryptoKey }

/** Letters and digits of the code; the look-alikes are not among them. */
export const CODE_CHARS = 8;

/** Null where this device is not paired, or what it kept cannot be used. */
export async function stored(): Promise<Identity | null> {
  const kept = await load('identity');
  return isIdentity(kept) ? kept : null;
}

/** Makes a key, gives its public half and the code to the box, and keeps who we are from now on. */
export async function pair(code: string, platform: string): Promise<Identity> {
  const keys = await crypto.subtle.generateKey(CURVE, false, ['sign', 'verify']);
  const public_key = base64url(new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey)));
  const answer = await request<Record<string, unknown> | null>('POST', '/api/handheld/pair', { code: plainCode(code), public_key, platform });
  const identity = isObject(answer) ? { device: answer['device'], box: answer['box'], person: answer['person'], key: keys.privateKey } : null;
  if (!isIdentity(identity)) throw new RequestError(200, 'broken_answer', 'The answer of the box is not readable. Ask for a new code.');
  await keep('identity', identity);
  return identity;
}

export function unpair(): Promise<void> {
  return forget('identity');
}

/** The signature that proves that this is the device. */
export async function prove({ device, box, key }: Identity, nonce: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.sign(SIGNATURE, key, new TextEncoder().encode(challengeText(box, device, nonce)))));
}

/** What is signed: bound to this purpose, this box and this device, so that it proves nothing elsewhere. */
export function challengeText(box: string, device: string, nonce: string): string {
  return `standclear-handheld-1|${box}|${device}|${nonce}`;
}

export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** A code as the box compares it, however somebody typed it: `k7m2-9qxd` is `K7M29QXD`. */
export function plainCode(typed: string): string {
  return typed.toUpperCase().replaceAll(/[^0-9A-Z]/g, '');
}

/** The code of an address opened from the QR code; null where there is none. */
export function codeOf(hash: string): string | null {
  const found = /^#pair=([^&]+)/.exec(hash)?.[1];
  if (found === undefined) return null;
  try {
    return plainCode(decodeURIComponent(found));
  } catch {
    return plainCode(found);
  }
}

/** What a refused pairing says to the person who holds the phone. */
export function pairingWords(error: unknown): string {
  if (!(error instanceof RequestError)) return error instanceof Error ? error.message : String(error);
  if (error.retry_after_s !== null) return `Too many wrong codes. Try again in ${Math.max(1, Math.ceil(error.retry_after_s))} s.`;
  return error.message;
}

function isIdentity(value: unknown): value is Identity {
  return isObject(value) && ['device', 'box', 'person'].every((k) => typeof value[k] === 'string' && value[k] !== '') && value['key'] instanceof CryptoKey;
}
