// What is so, and how urgent: states to words, shapes and order. Pure: a state in, what to show out.
// Every tone has its shape, so that no meaning hangs on a colour.

import type { Alarm, BoxState, Camera, Siren, Zone } from './api';
import { people } from './format';

export type Tone = 'emergency' | 'unknown' | 'acked' | 'clear';
export interface Tag { tone: Tone; shape: string; word: string }

export const SHAPE: Record<Tone, string> = { emergency: '▲', unknown: '◆', acked: '●', clear: '○' };

export function toAnswer(alarm: Alarm): boolean {
  return alarm.state !== 'acknowledged';
}

/** The shape and word an alarm carries. */
export function alarmTag(alarm: Alarm): Tag {
  switch (alarm.state) {
    case 'acknowledged':
      return tag('acked', 'Acknowledged');
    case 'returned_unacknowledged':
      return alarm.kind === 'intrusion' ? tag('emergency', 'Left, not acknowledged') : tag('unknown', 'Over, not acknowledged');
    case 'unacknowledged':
      switch (alarm.kind) {
        case 'intrusion':
          return tag('emergency', 'Emergency');
        case 'blind':
          return tag('unknown', 'Not watched');
        case 'fault':
          return tag('unknown', 'Fault');
      }
  }
}

export function zoneTag(zone: Zone): Tag {
  switch (zone.state) {
    case 'occupied':
      return tag('emergency', `${zone.people} inside`);
    case 'unknown':
      return tag('unknown', 'not watched');
    case 'clear':
      return tag('clear', 'clear');
  }
}

/** The label at a zone's outline. */
export function zoneLabel(zone: Zone): string {
  const { tone, shape, word } = zoneTag(zone);
  return tone === 'clear' ? `${zone.name} · ${word}` : `${shape} ${zone.name} · ${word}`;
}

function tag(tone: Tone, word: string): Tag {
  return { tone, shape: SHAPE[tone], word };
}

/** 0 is the most urgent. What waits for an answer precedes what has one; people precede faults. */
export function alarmRank(alarm: Alarm): number {
  const states = { unacknowledged: 0, returned_unacknowledged: 1, acknowledged: 2 };
  const kinds = { intrusion: 0, blind: 1, fault: 2 };
  return states[alarm.state] * 3 + kinds[alarm.kind];
}

/** Most urgent first; the box's own order decides between equals. */
export function inOrder(alarms: readonly Alarm[]): Alarm[] {
  return [...alarms].sort((a, b) => alarmRank(a) - alarmRank(b));
}

/** The alarm that the one key answers. */
export function firstToAnswer(alarms: readonly Alarm[]): Alarm | null {
  return inOrder(alarms).find(toAnswer) ?? null;
}

/** What a person presses once per answer: it changes when there is something new to answer. */
export function alarmKey(alarm: Alarm): string {
  return `${alarm.id}:${toAnswer(alarm) ? 'open' : 'answered'}`;
}

/** Alarms that want an answer now and did not before: new ones, and answered ones with a new person. */
export function newlyRaised(before: readonly Alarm[], after: readonly Alarm[]): Alarm[] {
  const open = new Set(before.filter((a) => a.state === 'unacknowledged').map((a) => a.id));
  return after.filter((a) => a.state === 'unacknowledged' && !open.has(a.id));
}

/** What a screen reader is told at once. */
export function announcement(alarms: readonly Alarm[]): string {
  return alarms.map((a) => `${alarmTag(a).word}: ${a.title}. ${a.text}`).join(' ');
}

export interface Headline {
  tone: Tone;
  title: string;
  detail: string;
  /** What it is about, in as few words as fit a browser tab. */
  subject: string;
  /** Since when, for the running clock; null while nothing runs. */
  since: string | null;
  /** What the button answers. */
  alarm: Alarm | null;
  /** Zones this sentence speaks of. */
  zones: readonly string[];
  /** What else is not normal, in a few words each. */
  others: Tag[];
}

/** The one sentence of the page. */
export function headline(state: BoxState): Headline {
  const open = firstToAnswer(state.alarms);
  const base = (open && alarmHeadline(open, state)) ?? zoneHeadline(state) ?? partHeadline(state) ?? calmHeadline(state);
  return { ...base, others: others(state, base) };
}

type Base = Omit<Headline, 'others'>;

function alarmHeadline(alarm: Alarm, state: BoxState): Base {
  const zones = zonesOf(alarm, state);
  const names = zones.length > 0 ? zones.map((z) => z.name) : [alarm.title];
  const at = { alarm, since: alarm.raised_at, subject: alarm.title, zones: zones.map((z) => z.id) };
  if (alarm.state === 'returned_unacknowledged') {
    return { ...at, tone: alarmTag(alarm).tone, ...overWords(alarm, names) };
  }
  switch (alarm.kind) {
    case 'intrusion':
      // Blind while somebody was inside: both are true, and neither may hide the other.
      if (zones[0]?.state === 'unknown') {
        return { ...at, tone: 'emergency', title: `${alarm.title}: somebody was inside when sight was lost`, detail: `not watched now: ${zones[0].reason ?? 'no picture'}` };
      }
      return { ...at, tone: 'emergency', title: `${alarm.title} is occupied`, detail: insideWords(zones[0], alarm) };
    case 'blind':
      return { ...at, tone: 'unknown', title: `${list(names)} ${names.length > 1 ? 'are' : 'is'} not watched`, detail: alarm.text };
    case 'fault':
      return { ...at, tone: 'unknown', title: `${partName(alarm)} is broken`, detail: alarm.text };
  }
}

function partName(alarm: Alarm): string {
  return alarm.part === null ? alarm.title : `The ${alarm.part}`;
}

function overWords(alarm: Alarm, names: string[]): { title: string; detail: string } {
  switch (alarm.kind) {
    case 'intrusion':
      return { title: `${alarm.title} was occupied`, detail: 'they have left, nobody has acknowledged' };
    case 'blind':
      return { title: `${list(names)} ${names.length > 1 ? 'were' : 'was'} not watched`, detail: 'watched again, nobody has acknowledged' };
    case 'fault':
      return { title: `${partName(alarm)} was broken`, detail: 'works again, nobody has acknowledged' };
  }
}

/** The picture knows how many better than the alarm, whose text is of the moment it was raised. */
function insideWords(zone: Zone | undefined, alarm: Alarm): string {
  return zone?.state === 'occupied' && zone.people > 0 ? `${people(zone.people)} inside` : alarm.text;
}

/** The zones an alarm is about: its own, or all of a blind camera. */
export function zonesOf(alarm: Alarm, state: BoxState): Zone[] {
  if (alarm.zone !== null) return state.zones.filter((z) => z.id === alarm.zone);
  return alarm.kind === 'blind' ? state.zones.filter((z) => z.camera === alarm.camera) : [];
}

/** `A`, `A and B`, `A, B and 3 more`. */
export function list(names: readonly string[]): string {
  const [first = '', second = '', third = ''] = names;
  if (names.length <= 1) return first;
  if (names.length === 2) return `${first} and ${second}`;
  return names.length === 3 ? `${first}, ${second} and ${third}` : `${first}, ${second} and ${names.length - 2} more`;
}

/** Nobody has to answer, but somebody is inside or a zone is not watched. */
function zoneHeadline(state: BoxState): Base | null {
  const occupied = state.zones.find((z) => z.state === 'occupied');
  if (occupied) {
    const by = state.alarms.find((a) => a.zone === occupied.id && a.kind === 'intrusion')?.acknowledged_by;
    const detail = `${people(occupied.people)} inside${by ? `, acknowledged by ${by}` : ''}`;
    return { tone: 'emergency', title: `${occupied.name} is still occupied`, detail, since: occupied.since, alarm: null, subject: occupied.name, zones: [occupied.id] };
  }
  if (state.zones.length > 0 && state.zones.every((z) => z.state === 'unknown')) return allUnknownHeadline(state);
  const unknown = state.zones.find((z) => z.state === 'unknown');
  if (!unknown) return null;
  return { tone: 'unknown', title: `${unknown.name} is not watched`, detail: unknown.reason ?? '', since: unknown.since, alarm: null, subject: unknown.name, zones: [unknown.id] };
}

function allUnknownHeadline(state: BoxState): Base {
  const first = state.zones[0];
  const n = state.zones.length;
  const subject = n === 1 && first ? `${first.name} is not watched` : `None of the ${n} zones is watched`;
  const doing = { starting: 'the box is starting', restarting: 'vision is restarting', watching: '' }[state.vision.state];
  const detail = [doing, state.vision.detail || first?.reason || ''].filter(Boolean).join(': ');
  return { tone: 'unknown', title: subject, detail, since: first?.since ?? null, alarm: null, subject: n === 1 && first ? first.name : 'Not watched', zones: state.zones.map((z) => z.id) };
}

function partHeadline(state: BoxState): Base | null {
  const part = (title: string, detail: string): Base => ({ tone: 'unknown', title, detail, since: null, alarm: null, subject: title, zones: [] });
  if (state.siren.state === 'broken') return part('The siren is broken', state.siren.fault ?? '');
  if (state.store.fault) return part('Incidents are not stored', state.store.fault);
  if (state.zones.length > 0) return null;
  if (state.vision.state !== 'watching') return part('Nothing is watched yet', state.vision.detail || 'the box is starting');
  return part('Nothing is watched', 'no zone is configured');
}

function calmHeadline(state: BoxState): Base {
  const n = state.zones.length;
  const title = n === 1 ? 'The zone is watched. Nobody inside.' : `All ${n} zones watched. Nobody inside.`;
  return { tone: 'clear', title, detail: '', since: null, alarm: null, subject: state.site.name, zones: [] };
}

/** The sentence speaks of what was, not of how the zone is now. */
function left(shown: Base): boolean {
  return shown.alarm?.state === 'returned_unacknowledged';
}

function others(state: BoxState, shown: Base): Tag[] {
  const list: Tag[] = [];
  for (const zone of state.zones) {
    if (zone.state === 'clear' || (shown.zones.includes(zone.id) && !left(shown))) continue;
    list.push(tag(zone.state === 'occupied' ? 'emergency' : 'unknown', `${zone.name} ${zone.state === 'occupied' ? 'occupied' : 'not watched'}`));
  }
  for (const alarm of state.alarms) {
    if (alarm.id === shown.alarm?.id) continue;
    if (alarm.kind === 'fault') list.push(tag('unknown', alarm.title));
    else if (alarm.state === 'returned_unacknowledged') list.push(leftTag(alarm));
  }
  return list.sort((a, b) => Number(a.tone !== 'emergency') - Number(b.tone !== 'emergency'));
}

/** What is over and waits for an answer: people who were somewhere, or a camera that was blind. */
function leftTag(alarm: Alarm): Tag {
  return alarm.kind === 'intrusion' ? tag('emergency', `${alarm.title} was occupied`) : tag('unknown', `${alarm.title} was not watched`);
}

/** The browser tab says what the headline says. */
export function documentTitle(state: BoxState | null, lost: boolean): string {
  if (lost) return '◆ No connection – Standclear';
  if (!state) return 'Connecting – Standclear';
  const { tone, subject } = headline(state);
  return tone === 'clear' ? `${subject} – Standclear` : `${SHAPE[tone]} ${subject} – Standclear`;
}

/** The siren's answer in the header. */
export function sirenAnswer(siren: Siren, zones: readonly Zone[]): { tone: Tone; word: string; why: string | null } {
  switch (siren.state) {
    case 'silent':
      return { tone: 'clear', word: 'Silent', why: null };
    case 'intrusion':
      return { tone: 'emergency', word: `Sounding: ${zoneName(siren.zone, zones)}`, why: null };
    case 'fault':
      return { tone: 'unknown', word: `Sounding: ${siren.zone ? zoneName(siren.zone, zones) : 'fault'}`, why: null };
    case 'broken':
      return { tone: 'unknown', word: 'Broken', why: siren.fault };
  }
}

function zoneName(id: string | null, zones: readonly Zone[]): string {
  return zones.find((z) => z.id === id)?.name ?? id ?? 'zone';
}

export function watchedAnswer(zones: readonly Zone[]): { tone: Tone; word: string } {
  const watched = zones.filter((z) => z.state !== 'unknown').length;
  if (zones.length === 0) return { tone: 'unknown', word: 'None' };
  return { tone: watched === zones.length ? 'clear' : 'unknown', word: `${watched} of ${zones.length}` };
}

/** 0 is the camera to look at first. */
export function cameraRank(camera: Camera, state: BoxState): number {
  const zones = state.zones.filter((z) => z.camera === camera.id);
  const own = (a: Alarm) => a.camera === camera.id || zones.some((z) => z.id === a.zone);
  const alarms = state.alarms.filter(own).map(alarmRank);
  const occupied = zones.some((z) => z.state === 'occupied');
  const blind = camera.state === 'unknown' || zones.some((z) => z.state === 'unknown');
  const open = Math.min(9, ...alarms.filter((rank) => rank < 6));
  if (open === 0) return 0;
  if (occupied) return 1;
  return open < 9 ? 1 + open : blind ? 8 : 9;
}

/** The camera shown largest: the picked one, else the most urgent. */
export function mainCamera(state: BoxState, picked: string | null): Camera | null {
  const chosen = state.cameras.find((c) => c.id === picked);
  if (chosen) return chosen;
  const ranked = [...state.cameras].sort((a, b) => cameraRank(a, state) - cameraRank(b, state));
  return ranked[0] ?? null;
}

/** A camera's state as its tile shows it. */
export function cameraTone(camera: Camera, zones: readonly Zone[]): Tone {
  const own = zones.filter((z) => z.camera === camera.id);
  if (own.some((z) => z.state === 'occupied')) return 'emergency';
  if (camera.state === 'unknown' || own.some((z) => z.state === 'unknown')) return 'unknown';
  return 'clear';
}
