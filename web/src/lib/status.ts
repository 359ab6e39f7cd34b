// What is so, and how urgent: states to words, shapes and order. Pure: a state in, what to show out.
// Every tone has its shape, so that no meaning hangs on a colour. The one sentence stands in headline.ts.

import type { Alarm, AlarmKind, Arming, BoxState, Camera, Input, Listening, Siren, Zone } from './api';
import type { SiteClock } from './format';
import { silenced } from './silence';

/** `untested`: a fault that is quieter than a blind zone. `off`: disarmed, which is neither watched nor a fault. */
/** `unheard`: somebody has taken it from hearing on purpose, shelved or out of service; without a colour, and never quiet. */
export type Tone = 'emergency' | 'warning' | 'unknown' | 'untested' | 'acked' | 'unheard' | 'off' | 'clear';
export interface Tag { tone: Tone; shape: string; word: string }

export const SHAPE: Record<Tone, string> = { emergency: '▲', warning: '△', unknown: '◆', untested: '◆', acked: '●', unheard: '⊝', off: '‖', clear: '○' };

export function toAnswer(alarm: Alarm): boolean {
  switch (alarm.state) {
    case 'unacknowledged':
    case 'returned_unacknowledged':
    case 'latched_unacknowledged':
      return true;
    case 'acknowledged':
    case 'latched_acknowledged':
    case 'shelved':
    case 'out_of_service':
      return false;
  }
}

/** Acknowledged, its cause gone, and kept until a person says that they have looked. */
export function toReset(alarm: Alarm): boolean {
  return alarm.state === 'latched_acknowledged';
}

/** Shown and never heard, whatever its cause does. */
export function isInhibited(alarm: Alarm): boolean {
  return alarm.state === 'shelved' || alarm.state === 'out_of_service';
}

/** What it was about is over; what is left of it is the answer. */
export function isOver(alarm: Alarm): boolean {
  return alarm.state === 'returned_unacknowledged' || alarm.state === 'latched_unacknowledged' || alarm.state === 'latched_acknowledged';
}

/** The tone of an alarm's kind, whatever has been done about it. */
export function kindTone(alarm: Alarm): Tone {
  switch (alarm.kind) {
    case 'intrusion':
      return 'emergency';
    case 'warning':
      return 'warning';
    case 'blind':
    case 'fault':
      return 'unknown';
    case 'untested':
      return 'untested';
  }
}

const KIND_WORD: Record<Alarm['kind'], string> = {
  intrusion: 'Emergency', warning: 'Warning', blind: 'Not watched', fault: 'Fault', untested: 'Walk test overdue',
};

/** The shape and word an alarm carries. */
export function alarmTag(alarm: Alarm): Tag {
  const tone = kindTone(alarm);
  switch (alarm.state) {
    case 'acknowledged':
      return tag('acked', 'Acknowledged');
    case 'returned_unacknowledged':
      return tag(tone, tone === 'emergency' || tone === 'warning' ? 'Left, not acknowledged' : 'Over, not acknowledged');
    case 'latched_unacknowledged':
      return tag(tone, 'Stays in alarm, not acknowledged');
    case 'latched_acknowledged':
      return tag('acked', 'Acknowledged, waits for reset');
    case 'shelved':
      return tag('unheard', 'Shelved');
    case 'out_of_service':
      return tag('unheard', 'Out of service');
    case 'unacknowledged':
      return tag(tone, KIND_WORD[alarm.kind]);
  }
}

export const PRIORITY_WORD: Record<Alarm['priority'], string> = {
  emergency: 'Emergency priority', high: 'High priority', low: 'Low priority', fault: 'Fault priority',
};

const KIND_AFTER: Record<AlarmKind, string> = { intrusion: '', warning: ', warning', blind: ', not watched', fault: '', untested: ', walk test overdue' };

/** What an alarm is called where its card is not in sight: a zone can have one for who is inside and one for its walk test. */
export function subjectOf({ kind, title }: Pick<Alarm, 'kind' | 'title'>): string {
  return title + KIND_AFTER[kind];
}

/** Whether a zone is there to be watched at all; in an ignored area nobody is looked for. */
export function isGuarded(zone: Zone): boolean {
  return zone.kind !== 'ignore' && zone.kind !== 'privacy_mask';
}

/** Not watched by design, and not blind: its camera sees it, nobody is alarmed. */
export function isOff(zone: Zone): boolean {
  return isGuarded(zone) && !zone.arming.armed && zone.incident === null && zone.state !== 'unknown';
}

/**
 * How a zone stands. Somebody inside is an emergency in every kind of zone but three: a warning zone warns, people
 * at work may be inside an occupancy zone as long as no incident says otherwise, and a disarmed one alarms nobody.
 */
export function zoneTone(zone: Zone): Tone {
  if (zone.state === 'unknown') return 'unknown';
  if (!isGuarded(zone)) return 'off';
  if (zone.unheard !== null) return 'unheard';
  if (isOff(zone)) return 'off';
  const inTrouble = zone.incident !== null || (zone.state === 'occupied' && zone.kind !== 'occupancy');
  if (!inTrouble) return 'clear';
  return zone.kind === 'warning' ? 'warning' : 'emergency';
}

/** Somebody is where nobody, or not so many, may be. */
export function isOccupied(zone: Zone): boolean {
  const tone = zoneTone(zone);
  return tone === 'emergency' || tone === 'warning';
}

export function zoneTag(zone: Zone): Tag {
  const tone = zoneTone(zone);
  return { ...tag(tone, zoneWord(zone, tone)), ...(isGuarded(zone) ? {} : { shape: '⊘' }) };
}

function zoneWord(zone: Zone, tone: Tone): string {
  if (tone === 'unknown') return 'not watched';
  if (!isGuarded(zone)) return 'ignored';
  const inside = zone.people > 0 ? `${zone.people} inside` : '';
  if (tone === 'unheard') return `${zone.unheard === 'shelved' ? 'shelved' : 'out of service'}${inside ? `, ${inside}` : ''}`;
  if (tone === 'off') return inside ? `off, ${inside}` : 'off';
  if (tone === 'clear') return inside || 'clear';
  if (inside) return inside;
  if (zone.kind === 'tripwire') return 'crossed';
  return zone.kind === 'occupancy' ? 'nobody there' : 'occupied';
}

/**
 * How a person in the picture is drawn. The picture is ahead of the state, so whoever stands in an armed zone where
 * nobody may be is drawn so at once; at work in an occupancy zone, or in one that is off or not heard, nobody is.
 */
export function personTone(inside: readonly string[], zones: readonly Zone[]): Tone {
  const tones = inside.map((id) => {
    const zone = zones.find((z) => z.id === id);
    // A zone this page has not heard of yet came into force a moment ago.
    if (zone === undefined) return 'emergency';
    const now = zoneTone(zone);
    if (now === 'off' || now === 'unheard' || now === 'unknown' || zone.kind === 'occupancy') return now;
    return zone.kind === 'warning' ? 'warning' : 'emergency';
  });
  if (tones.includes('emergency') || tones.includes('unknown')) return 'emergency';
  return tones.includes('warning') ? 'warning' : 'clear';
}

/** The label at a zone's outline. */
export function zoneLabel(zone: Zone): string {
  const { tone, shape, word } = zoneTag(zone);
  return tone === 'clear' ? `${zone.name} · ${word}` : `${shape} ${zone.name} · ${word}`;
}

export function tag(tone: Tone, word: string): Tag {
  return { tone, shape: SHAPE[tone], word };
}

/** Why a zone is off and until when: `Off by schedule until Mon 06:00`. */
export function offWords(arming: Arming, clock: SiteClock, now_ms: number): string {
  // The box's own sentence names the schedule or the machine, and when it ends.
  if (/^off\b./i.test(arming.reason)) return arming.reason;
  const how = arming.by === 'schedule' ? 'Off by schedule' : 'Off';
  const until = arming.until === null ? '' : ` until ${clock.until(arming.until, now_ms)}`;
  return `${how}${until}${arming.reason ? `: ${arming.reason}` : ''}`;
}

/** A machine's signal; one that is not known arms what hangs on it. */
export function inputTag(input: Input): Tag {
  switch (input.state) {
    case 'on':
      return tag('clear', 'on');
    case 'off':
      return tag('off', 'off');
    case 'unknown':
      return tag('unknown', 'unknown');
  }
}

/** 0 is the most urgent: what nobody has answered first, people before faults; a test that is overdue can wait. */
const OVER_RANKS = { intrusion: 4, warning: 5, blind: 6, fault: 7, untested: 9 };
const RANKS: Record<Alarm['state'], Record<Alarm['kind'], number>> = {
  unacknowledged: { intrusion: 0, warning: 1, blind: 2, fault: 3, untested: 8 },
  latched_unacknowledged: OVER_RANKS,
  returned_unacknowledged: OVER_RANKS,
  latched_acknowledged: { intrusion: 10, warning: 11, blind: 12, fault: 13, untested: 14 },
  acknowledged: { intrusion: 15, warning: 16, blind: 17, fault: 18, untested: 19 },
  out_of_service: { intrusion: 20, warning: 21, blind: 22, fault: 23, untested: 24 },
  shelved: { intrusion: 20, warning: 21, blind: 22, fault: 23, untested: 24 },
};
const RANK_ANSWERED = 10;

export function alarmRank(alarm: Alarm): number {
  return RANKS[alarm.state][alarm.kind];
}

/** Most urgent first; the box's own order decides between equals. */
export function inOrder(alarms: readonly Alarm[]): Alarm[] {
  return [...alarms].sort((a, b) => alarmRank(a) - alarmRank(b));
}

/** The alarm that the one key answers. */
export function firstToAnswer(alarms: readonly Alarm[]): Alarm | null {
  return inOrder(alarms).find(toAnswer) ?? null;
}

/** What a person presses once per answer: it changes when there is something new to answer, or a further person. */
export function alarmKey(alarm: Alarm): string {
  return `${alarm.id}:${toAnswer(alarm) ? 'open' : toReset(alarm) ? 'reset' : 'answered'}:${alarm.renewed}`;
}

/** Alarms that want an answer now and did not before: new ones, and those a further person has come to. */
export function newlyRaised(before: readonly Alarm[], after: readonly Alarm[]): Alarm[] {
  const open = new Map(before.filter((a) => a.state === 'unacknowledged').map((a) => [a.id, a.renewed]));
  return after.filter((a) => a.state === 'unacknowledged' && open.get(a.id) !== a.renewed);
}

/** What a screen reader is told at once. */
export function announcement(alarms: readonly Alarm[]): string {
  return alarms.map((a) => `${alarmTag(a).word}: ${a.title}. ${a.text}`).join(' ');
}

/** The zones an alarm is about: its own, or all of a blind camera. */
export function zonesOf(alarm: Alarm, state: BoxState): Zone[] {
  if (alarm.zone !== null) return state.zones.filter((z) => z.id === alarm.zone);
  return alarm.kind === 'blind' ? state.zones.filter((z) => z.camera === alarm.camera && isGuarded(z)) : [];
}

/** `A`, `A and B`, `A, B and 3 more`. */
export function list(names: readonly string[]): string {
  const [first = '', second = '', third = ''] = names;
  if (names.length <= 1) return first;
  if (names.length === 2) return `${first} and ${second}`;
  return names.length === 3 ? `${first}, ${second} and ${third}` : `${first}, ${second} and ${names.length - 2} more`;
}

/** The siren's answer in the header. Silenced is no fault and not quiet either: it sounds again by itself. */
export function sirenAnswer(siren: Siren, now_ms: number, zones: readonly Zone[]): { tone: Tone; word: string; why: string | null } {
  const left = silenced(siren, now_ms);
  if (left !== null) return { tone: 'unheard', word: `Silenced, ${left} left`, why: null };
  switch (siren.state) {
    case 'silent':
      return { tone: 'clear', word: 'Silent', why: null };
    case 'intrusion':
      return { tone: 'emergency', word: `Sounding: ${zoneName(siren.zone, zones)}`, why: null };
    case 'warning':
      return { tone: 'warning', word: `Warning: ${zoneName(siren.zone, zones)}`, why: null };
    case 'fault':
      return { tone: 'unknown', word: `Sounding: ${siren.zone ? zoneName(siren.zone, zones) : 'fault'}`, why: null };
    case 'broken':
      return { tone: 'unknown', word: 'Broken', why: siren.fault };
  }
}

/** What the time to an alarm is measured to: with no siren nobody hears anything, and no time may say otherwise. */
export function latencyName(siren: Siren): { term: string; why: string | null } {
  if (siren.device !== 'none') return { term: 'Camera to siren, p99', why: null };
  return { term: 'Camera to alarm, p99', why: 'no siren' };
}

function zoneName(id: string | null, zones: readonly Zone[]): string {
  return zones.find((z) => z.id === id)?.name ?? id ?? 'zone';
}

/** Whether an alarm reaches a handheld; null where none is paired, since nobody expects one then. */
export function listeningAnswer(handhelds: Listening | null): { tone: Tone; word: string; why: string | null } | null {
  if (handhelds === null || handhelds.listening === 'not_expected') return null;
  if (handhelds.listening === 'nobody') return { tone: 'unknown', word: 'Nobody listens', why: 'No paired handheld is connected' };
  const people = [...new Set(handhelds.connected.map((one) => one.person))];
  return { tone: 'clear', word: `${people.length} listening`, why: people.join(', ') };
}

/**
 * How many zones are watched: those that a camera sees and that are not off, which is counted on its own. One that is
 * shelved or out of service is watched too; that it is not heard, `unheardAnswer` says beside it.
 */
export function watchedAnswer(zones: readonly Zone[]): { tone: Tone; word: string; why: string | null } {
  const guarded = zones.filter(isGuarded);
  if (guarded.length === 0) return { tone: 'unknown', word: 'None', why: null };
  const off = guarded.filter((z) => zoneTone(z) === 'off').length;
  const blind = guarded.filter((z) => z.state === 'unknown').length;
  const word = `${guarded.length - off - blind} of ${guarded.length}`;
  return { tone: blind > 0 ? 'unknown' : off > 0 ? 'off' : 'clear', word, why: off > 0 ? `${off} off` : null };
}

/** 0 is the camera to look at first. */
export function cameraRank(camera: Camera, state: BoxState): number {
  const zones = state.zones.filter((z) => z.camera === camera.id);
  const own = (a: Alarm) => a.camera === camera.id || zones.some((z) => z.id === a.zone);
  const calm = RANK_ANSWERED + 2;
  const open = Math.min(calm, ...state.alarms.filter(own).map(alarmRank).filter((rank) => rank < RANK_ANSWERED));
  if (open === 0) return 0;
  if (zones.some((z) => zoneTone(z) === 'emergency')) return 1;
  const blind = camera.state === 'unknown' || zones.some((z) => z.state === 'unknown');
  return open < calm ? 1 + open : blind ? calm - 1 : calm;
}

/** The camera shown largest: the picked one, else the most urgent. */
export function mainCamera(state: BoxState, picked: string | null): Camera | null {
  const chosen = state.cameras.find((c) => c.id === picked);
  if (chosen) return chosen;
  const ranked = [...state.cameras].sort((a, b) => cameraRank(a, state) - cameraRank(b, state));
  return ranked[0] ?? null;
}

/** A camera's state as its tile shows it: that of its worst zone. */
export function cameraTone(camera: Camera, zones: readonly Zone[]): Tone {
  const tones = zones.filter((z) => z.camera === camera.id).map(zoneTone);
  if (tones.includes('emergency')) return 'emergency';
  if (camera.state === 'unknown' || tones.includes('unknown')) return 'unknown';
  if (tones.includes('warning')) return 'warning';
  if (tones.includes('unheard')) return 'unheard';
  return tones.length > 0 && tones.every((t) => t === 'off') ? 'off' : 'clear';
}
