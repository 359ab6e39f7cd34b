// The one sentence of the page: which zone, what is so, what to press. Pure: a state in, words out.

import type { Alarm, BoxState, Camera, Siren, Unheard, Zone } from './api';
import { capitalise, formatDuration, people } from './format';
import { firstToAnswer, inOrder, isGuarded, isInhibited, isOccupied, isOff, isOver, kindTone, list, SHAPE, subjectOf, tag, toAnswer, toReset, zonesOf, zoneTone, type Tag, type Tone } from './status';

/** The clock behind the sentence: how long it has been so, when it happened, or when it ended. */
export interface Since { at: string; reads: 'for' | 'ago' | 'until' }

export interface Headline {
  tone: Tone;
  title: string;
  detail: string;
  /** What it is about, in as few words as fit a browser tab. */
  subject: string;
  /** Null while nothing runs. */
  since: Since | null;
  /** Since when the alarm waits for an answer, where that is another time than the sentence's. */
  waits_since: string | null;
  /** What the button answers. */
  alarm: Alarm | null;
  /** Zones this sentence speaks of. */
  zones: readonly string[];
  /** What else is not normal, in a few words each. */
  others: Tag[];
}

/** Closer than this the two clocks say the same. */
const SAME_TIME_MS = 3_000;

/** The clock as the end of its sentence: `for 12 s`, `12 s ago`, `until 12 s ago`. */
export function sinceWords(since: Since, now_ms: number): string {
  const span = formatDuration(now_ms - Date.parse(since.at));
  switch (since.reads) {
    case 'for':
      return `for ${span}`;
    case 'ago':
      return `${span} ago`;
    case 'until':
      return `until ${span} ago`;
  }
}

export function headline(state: BoxState): Headline {
  const open = firstToAnswer(state.alarms);
  const pressing = open?.kind === 'untested' ? null : open;
  // A test that is overdue is said where nothing else is: it must not hide people or a blind zone.
  const base = presentHeadline(pressing, state) ?? (pressing && alarmHeadline(pressing, state)) ?? zoneHeadline(state) ?? partHeadline(state)
    ?? (state.unheard.some(hidesAnAlarm) ? unheardHeadline(state) : null) ?? (open && alarmHeadline(open, state)) ?? resetHeadline(state) ?? unheardHeadline(state) ?? calmHeadline(state);
  return { ...base, waits_since: waitsSince(base), others: others(state, base) };
}

/** People who are inside now, answered or not, before a fault that is over (ISA-18.2: by priority first); that it waits for an answer is said too. */
function presentHeadline(pressing: Alarm | null, state: BoxState): Base | null {
  if (pressing === null || !isOver(pressing)) return null;
  const inside = state.zones.filter(isOccupied).sort((a, b) => OTHER_RANK[zoneTone(a)] - OTHER_RANK[zoneTone(b)])[0];
  if (inside === undefined || OTHER_RANK[zoneTone(inside)] >= OTHER_RANK[kindTone(pressing)]) return null;
  const still = stillHeadline(inside, state);
  const waits = inOrder(state.alarms).filter((a) => toAnswer(a) && a.kind !== 'untested').map((a) => a.title);
  return { ...still, detail: `${still.detail}; to be acknowledged: ${list([...new Set(waits)])}` };
}

function resetHeadline(state: BoxState): Base | null {
  const kept = inOrder(state.alarms).find(toReset);
  return kept ? alarmHeadline(kept, state) : null;
}

/** All is watched, but somebody has taken something from hearing: that is not calm, and it must not be forgotten. */
function unheardHeadline(state: BoxState): Base | null {
  // What keeps people from being heard comes before a reminder.
  const [first, ...rest] = [...state.unheard].sort((a, b) => Number(a.kind === 'untested') - Number(b.kind === 'untested'));
  if (first === undefined) return null;
  const base = { tone: 'unheard' as const, since: null, alarm: null, zones: first.zone === null ? [] : [first.zone] };
  const zone = state.zones.find((z) => z.id === first.zone);
  const who = `by ${first.by}: ${first.reason}`;
  if (hidesAnAlarm(first)) {
    const inside = zone && zone.people > 0 ? `${people(zone.people)} inside` : 'its cause is there now';
    return { ...base, subject: first.title, title: `${first.title} would alarm now and is ${UNHEARD[first.state]}`, detail: `${inside}, nobody is alarmed. ${capitalise(who)}` };
  }
  if (rest.length > 0) {
    const named = state.unheard.flatMap((u) => (u.zone === null ? [] : [u.zone]));
    return { ...base, zones: named, subject: `${rest.length + 1} not heard`, title: `${list([first, ...rest].map(subjectOf))} are not heard`, detail: 'shelved or out of service: nobody is alarmed there' };
  }
  // Who comes in there is heard.
  if (first.kind === 'untested') return { ...base, zones: [], subject: `${first.title} not heard`, title: `${first.title}: its walk test is ${UNHEARD[first.state]}`, detail: `nobody is told that it is overdue, ${who}` };
  return { ...base, subject: `${first.title} not heard`, title: `${first.title} is ${UNHEARD[first.state]}: nobody is alarmed there`, detail: who };
}

/** Its cause is there now and nobody is alarmed; of a walk test nobody would be. */
function hidesAnAlarm({ kind, open_alarm }: Unheard): boolean {
  return open_alarm !== null && kind !== 'untested';
}

const UNHEARD: Record<Unheard['state'], string> = { shelved: 'shelved', out_of_service: 'out of service' };

type Base = Omit<Headline, 'others' | 'waits_since'>;

function waitsSince({ alarm, since }: Base): string | null {
  if (alarm === null || since === null) return null;
  return Math.abs(Date.parse(alarm.raised_at) - Date.parse(since.at)) < SAME_TIME_MS ? null : alarm.raised_at;
}

function alarmHeadline(alarm: Alarm, state: BoxState): Base {
  const zones = zonesOf(alarm, state);
  const names = zones.length > 0 ? zones.map((z) => z.name) : [alarm.title];
  const since: Since = { at: alarm.raised_at, reads: 'for' };
  const at = { alarm, since, subject: alarm.title, zones: zones.map((z) => z.id), tone: kindTone(alarm) };
  if (alarm.state === 'latched_acknowledged') return { ...at, tone: 'acked', since: null, ...resetWords(alarm) };
  if (isOver(alarm)) return { ...at, since: { at: alarm.changed_at, reads: 'until' }, ...overWords(alarm, names, state.siren) };
  switch (alarm.kind) {
    case 'intrusion':
      // Blind while somebody was inside: both are true, and neither may hide the other.
      if (zones[0]?.state === 'unknown') {
        return { ...at, since: { at: zones[0].since, reads: 'ago' }, title: `${alarm.title}: somebody was inside when sight was lost`, detail: `not watched now: ${zones[0].reason ?? 'no picture'}` };
      }
      return { ...at, since: insideSince(zones[0], alarm), title: `${alarm.title} ${occupiedWord(zones[0])}`, detail: insideWords(zones[0], alarm) };
    case 'warning':
      return { ...at, ...warningWords(alarm, zones[0]) };
    case 'blind':
      return { ...at, title: `${list(names)} ${names.length > 1 ? 'are' : 'is'} not watched`, detail: alarm.text };
    case 'fault':
      return { ...at, title: brokenWords(alarm, 'now', state.siren), detail: alarm.text };
    case 'untested':
      return { ...at, title: `${alarm.title}: walk test overdue`, detail: alarm.text };
  }
}

function occupiedWord(zone: Zone | undefined): string {
  switch (zone?.kind) {
    case 'tripwire':
      return 'was crossed';
    case 'occupancy':
      return 'has the wrong number of people';
    case 'restricted':
    case 'warning':
    case 'ignore':
    case 'privacy_mask':
    case undefined:
      return 'is occupied';
  }
}

/** A warning zone is occupied, or somebody is about to enter a restricted one. */
function warningWords(alarm: Alarm, zone: Zone | undefined): { title: string; detail: string } {
  if (zone && zone.kind !== 'warning') return { title: `Somebody is approaching ${alarm.title}`, detail: alarm.text };
  return { title: `Warning: ${alarm.title} is occupied`, detail: insideWords(zone, alarm) };
}

/** Somebody may have been inside before this alarm: the sentence is about the zone. */
function insideSince(zone: Zone | undefined, alarm: Alarm): Since {
  if (zone?.kind === 'tripwire') return { at: alarm.raised_at, reads: 'ago' };
  return { at: zone?.state === 'occupied' ? zone.since : alarm.raised_at, reads: 'for' };
}

function brokenWords({ part, title }: Alarm, when: 'now' | 'before', siren: Siren): string {
  if (part === 'siren' && when === 'now' && siren.state !== 'broken' && siren.attention !== null) return 'The siren needs somebody to look after it';
  if (part === 'handhelds') return when === 'now' ? 'Nobody listens on a handheld' : 'Nobody listened on a handheld';
  if (part === 'detector') return `The detector ${when === 'now' ? 'cannot' : 'could not'} keep up with the cameras`;
  return `${part === null ? title : `The ${part}`} ${when === 'now' ? 'is' : 'was'} broken`;
}

/** Answered, nobody inside, and kept on purpose until somebody has looked. */
function resetWords(alarm: Alarm): { title: string; detail: string } {
  return { title: `${alarm.title} stays in alarm until it is reset`, detail: `acknowledged by ${alarm.acknowledged_by ?? 'somebody'}; look whether it is clear, then reset` };
}

function overWords(alarm: Alarm, names: string[], siren: Siren): { title: string; detail: string } {
  if (alarm.state === 'latched_unacknowledged') return { title: `${alarm.title} was occupied`, detail: 'they have left; it stays in alarm until acknowledged and reset' };
  switch (alarm.kind) {
    case 'intrusion':
      return { title: `${alarm.title} was occupied`, detail: 'they have left, nobody has acknowledged' };
    case 'warning':
      return { title: `${alarm.title} had a warning`, detail: 'they have left, nobody has acknowledged' };
    case 'blind':
      return { title: `${list(names)} ${names.length > 1 ? 'were' : 'was'} not watched`, detail: 'watched again, nobody has acknowledged' };
    case 'fault':
      if (alarm.part === 'handhelds') return { title: brokenWords(alarm, 'before', siren), detail: 'somebody does again, nobody has acknowledged' };
      return { title: brokenWords(alarm, 'before', siren), detail: 'works again, nobody has acknowledged' };
    case 'untested':
      return { title: `${alarm.title}: the walk test was overdue`, detail: 'tested since, nobody has acknowledged' };
  }
}

/** The picture knows how many better than the alarm, whose text is of the moment it was raised. */
function insideWords(zone: Zone | undefined, alarm: Alarm): string {
  return zone?.state === 'occupied' && zone.people > 0 ? `${people(zone.people)} inside` : alarm.text;
}

/** Nobody has to answer, but somebody is inside or a zone is not watched. */
function zoneHeadline(state: BoxState): Base | null {
  const occupied = state.zones.find((z) => zoneTone(z) === 'emergency') ?? null;
  if (occupied) return stillHeadline(occupied, state);
  const guarded = state.zones.filter(isGuarded);
  if (guarded.length > 0 && guarded.every((z) => z.state === 'unknown')) return allUnknownHeadline(guarded, state);
  const unknown = guarded.find((z) => z.state === 'unknown');
  if (unknown) {
    return { tone: 'unknown', title: `${unknown.name} is not watched`, detail: unknown.reason ?? '', since: { at: unknown.since, reads: 'for' }, alarm: null, subject: unknown.name, zones: [unknown.id] };
  }
  const warned = state.zones.find(isOccupied);
  return warned ? stillHeadline(warned, state) : null;
}

function stillHeadline(zone: Zone, state: BoxState): Base {
  const by = state.alarms.find((a) => a.zone === zone.id && (a.kind === 'intrusion' || a.kind === 'warning'))?.acknowledged_by;
  const detail = `${zone.people === 0 ? 'nobody' : people(zone.people)} inside${by ? `, acknowledged by ${by}` : ''}`;
  return { tone: zoneTone(zone), title: `${zone.name} ${zone.kind === 'occupancy' ? 'still has the wrong number of people' : 'is still occupied'}`, detail, since: { at: zone.since, reads: 'for' }, alarm: null, subject: zone.name, zones: [zone.id] };
}

function allUnknownHeadline(zones: readonly Zone[], state: BoxState): Base {
  const [first] = zones;
  const n = zones.length;
  const title = n === 1 && first ? `${first.name} is not watched` : `None of the ${n} zones is watched`;
  const doing = { starting: 'the box is starting', restarting: 'vision is restarting', watching: '' }[state.vision.state];
  const detail = [doing, state.vision.detail || first?.reason || ''].filter(Boolean).join(': ');
  return { tone: 'unknown', title, detail, since: first ? { at: first.since, reads: 'for' } : null, alarm: null, subject: n === 1 && first ? first.name : 'Not watched', zones: zones.map((z) => z.id) };
}

function partHeadline(state: BoxState): Base | null {
  const part = (title: string, detail: string): Base => ({ tone: 'unknown', title, detail, since: null, alarm: null, subject: title, zones: [] });
  if (state.siren.state === 'broken') return part('The siren is broken', state.siren.fault ?? '');
  if (state.siren.attention !== null) return part('The siren needs somebody to look after it', state.siren.attention);
  if (state.store.fault) return part('Incidents are not stored', state.store.fault);
  const [older] = olderZones(state);
  if (older) return { ...part(`${older.name} ${OLDER}`, older.zones_fault ?? ''), tone: 'untested' };
  if (state.zones.some(isGuarded)) return null;
  if (state.vision.state !== 'watching') return part('Nothing is watched yet', state.vision.detail || 'the box is starting');
  return part('Nothing is watched', 'no zone is configured');
}

const OLDER = 'is guarded by older zones';

/** Cameras guarded by other zones than somebody meant to put in force. */
function olderZones(state: BoxState): readonly Camera[] {
  return state.cameras.filter((camera) => camera.zones_fault);
}

function calmHeadline(state: BoxState): Base {
  const guarded = state.zones.filter(isGuarded);
  const off = guarded.filter(isOff);
  const n = guarded.length;
  const nobody = guarded.every((z) => z.people === 0) ? 'Nobody inside.' : 'Nobody where nobody may be.';
  const base = { detail: '', since: null, alarm: null, subject: state.site.name, zones: [] };
  if (off.length === n) return { ...base, tone: 'off', title: n === 1 ? 'The zone is off.' : `All ${n} zones are off.`, detail: 'nobody is alarmed until they are armed again' };
  if (off.length > 0) return { ...base, tone: 'clear', title: `${n - off.length} of ${n} zones watched, ${off.length} off. ${nobody}` };
  return { ...base, tone: 'clear', title: n === 1 ? `The zone is watched. ${nobody}` : `All ${n} zones watched. ${nobody}` };
}

/** The sentence speaks of what was, not of how the zone is now. */
function left(shown: Base): boolean {
  return shown.alarm !== null && isOver(shown.alarm);
}

const OTHER_RANK: Record<Tone, number> = { emergency: 0, warning: 1, unknown: 2, untested: 3, acked: 4, unheard: 5, off: 6, clear: 7 };

function others(state: BoxState, shown: Base): Tag[] {
  const tags: Tag[] = [];
  for (const zone of state.zones) {
    const tone = zoneTone(zone);
    // A sentence about its walk test does not say that the zone is not heard.
    const said = shown.zones.includes(zone.id) && !left(shown) && (tone !== 'unheard' || shown.tone === 'unheard');
    if (tone === 'clear' || !isGuarded(zone) || said) continue;
    tags.push(tag(tone, `${zone.name} ${otherWord(zone, tone)}`));
  }
  for (const camera of olderZones(state)) {
    const words = `${camera.name} ${OLDER}`;
    if (words !== shown.title) tags.push(tag('unknown', words));
  }
  const untested = state.alarms.filter((alarm) => alarm.kind === 'untested' && !isInhibited(alarm) && alarm.id !== shown.alarm?.id);
  if (untested.length > 0) tags.push(tag('untested', `${untested.length === 1 ? untested[0]?.title : `${untested.length} zones`} untested`));
  for (const alarm of state.alarms) {
    if (alarm.id === shown.alarm?.id || isInhibited(alarm)) continue;
    if (toReset(alarm)) tags.push(tag('acked', `${alarm.title} waits for reset`));
    else if (alarm.part === 'handhelds') tags.push(tag('unknown', isOver(alarm) ? 'nobody listened' : 'nobody listens'));
    else if (alarm.part === 'detector') tags.push(tag('unknown', isOver(alarm) ? 'was overloaded' : 'overloaded'));
    else if (alarm.kind === 'fault') tags.push(tag('unknown', `${alarm.title} ${isOver(alarm) ? 'was broken' : 'broken'}`));
    else if (alarm.kind !== 'untested' && isOver(alarm)) tags.push(leftTag(alarm));
  }
  for (const { title, state: how, zone } of state.unheard) {
    // A zone has said it above.
    if (zone === null) tags.push(tag('unheard', `${title} ${UNHEARD[how]}`));
  }
  return tags.sort((a, b) => OTHER_RANK[a.tone] - OTHER_RANK[b.tone]);
}

function otherWord(zone: Zone, tone: Tone): string {
  if (tone === 'unknown') return 'not watched';
  if (tone === 'unheard') return `${zone.unheard === 'shelved' ? 'shelved' : 'out of service'}${zone.people > 0 ? `, ${zone.people} inside` : ''}`;
  if (tone === 'off') return zone.people > 0 ? `off, ${zone.people} inside` : 'off';
  return zone.kind === 'occupancy' ? 'has the wrong number of people' : 'occupied';
}

/** What is over and waits for an answer: people who were somewhere, or a camera that was blind. */
function leftTag(alarm: Alarm): Tag {
  return tag(kindTone(alarm), `${alarm.title} ${alarm.kind === 'blind' ? 'was not watched' : 'was occupied'}`);
}

/** The browser tab says what the headline says; another page's name comes behind it. */
export function documentTitle(state: BoxState | null, lost: boolean, page = ''): string {
  const end = page ? `${page} – Standclear` : 'Standclear';
  if (lost) return `◆ No connection – ${end}`;
  if (!state) return `Connecting – ${end}`;
  const { tone, subject } = headline(state);
  if (tone === 'clear') return page ? `${end} ${subject}` : `${subject} – ${end}`;
  return `${SHAPE[tone]} ${subject} – ${end}`;
}

