// What the box's words about models mean to people, and what to do about them. Pure. A word this page does not know is
// shown as it is, with the box's own sentence.

import { capitalise } from './format';
import type { ModelEvent, ModelFault, ShadowNow } from './models';

export { sentence as said } from './api';

export interface Meaning { title: string; help: string }

/** What stopped a package, by the box's word for it. */
const REFUSED: Record<string, Meaning> = {
  unsigned: { title: 'Nobody signed it', help: 'Have it signed by somebody whose key this box knows (standclear model sign).' },
  unknown_key: { title: 'Signed by a key this box does not know', help: 'Ask whoever made it for one that is signed with a release key of this site, or bring the newer keyring to the box first.' },
  wrong_role: { title: 'Signed by a key that may not sign packages', help: 'Have it signed with a release key. Root keys sign keyrings only.' },
  revoked_key: { title: 'Signed by a key that was revoked', help: 'Do not use it: somebody else may have that key. Ask for one that is signed anew.' },
  expired_key: { title: 'Signed by a key that has ended', help: 'Ask for one that is signed with a key that is valid now.' },
  bad_signature: { title: 'Manifest or signature was changed', help: 'Copy the file again from where it was made. If it is refused again, somebody has changed it.' },
  swapped_file: { title: 'A file in it is not the one that was signed', help: 'Copy the file again from where it was made. If it is refused again, somebody has changed it.' },
  rollback: { title: 'An old release', help: 'It is below what this box takes. Install a newer one; the model before this one is put back with “Roll back”, not by installing it again.' },
  freeze: { title: 'Its date is over', help: 'There must be a newer one: ask for it. Somebody may be holding it back.' },
  path_traversal: { title: 'A name in it leads out of the package', help: 'Do not use it. Have it packed anew with standclear model pack.' },
  name_collision: { title: 'Two names in it are one file', help: 'Have it packed anew with standclear model pack.' },
  not_named: { title: 'A file in it is named nowhere', help: 'Have it packed anew with standclear model pack.' },
  missing: { title: 'A file of it is missing', help: 'Copy the file again; the copy may have been cut short.' },
  endless_data: { title: 'More bytes than said', help: 'Do not use it. Copy it again from where it was made.' },
  not_a_regular_file: { title: 'A link or a device is in it', help: 'Do not use it. Have it packed anew with standclear model pack.' },
  wrong_schema: { title: 'Made for another program', help: 'Ask for a package for this version of Standclear, or update the box first.' },
  malformed: { title: 'No whole package', help: 'Is it a .standclear-model file? Copy it again; the copy may have been cut short.' },
  not_loadable: { title: 'Its model does not load here', help: 'It is genuine, and of no use on this box. Tell whoever made it what is said here.' },
  golden_failed: { title: 'It does not find its golden pictures', help: 'On this box it does not see what it must. Tell whoever made it.' },
  too_slow: { title: 'Too slow for this box', help: 'Ask for a smaller one, or one quantized for this kind of box.' },
  known: { title: 'Already here', help: 'This very package is on the box.' },
  busy: { title: 'Another one is being taken in', help: 'Wait until it is done.' },
  busy_candidate: { title: 'There is a candidate already', help: 'Discard it first, or wait until it guards.' },
  disk: { title: 'The disk does not take it', help: 'Make room on the box, or have its disk looked at, and try again.' },
  not_kept: { title: 'The disk does not take it', help: 'Have the box’s disk looked at, and try again.' },
  too_large: { title: 'Larger than a package may be', help: 'A package has 512 MB at most.' },
  status_413: { title: 'Larger than a package may be', help: 'A package has 512 MB at most.' },
  unreadable: { title: 'It could not be read to its end', help: 'Is the stick still there, and the address right?' },
  unknown_package: { title: 'It is not there any more', help: 'The stick was changed: look again.' },
  broken_body: { title: 'The upload broke off', help: 'Try again, nearer to the box if you can.' },
  body_too_slow: { title: 'The upload was too slow', help: 'Try again, nearer to the box, or bring it on a stick.' },
  goes_on: { title: 'It takes longer than expected', help: 'The box goes on with it. Look at the history below before you try again.' },
  no_answer: { title: 'The box did not answer', help: 'It may have taken the package nevertheless: look below before you try again.' },
  stopped: { title: 'Stopped', help: 'The box did not have all of it.' },
};

export function refusedMeaning(code: string): Meaning {
  return REFUSED[code] ?? { title: capitalise(code.replaceAll('_', ' ')) || 'Refused', help: '' };
}

/** Whether the box surely changed nothing: it refused before it did, or its disk took nothing. Whoever has no answer, or
    one that the box did not give on purpose, does not know. */
export function surelyUnchanged(status: number): boolean {
  return (status >= 400 && status < 500) || status === 507;
}

/** The last word of what came of a package, newest first, of those after `since`: a box that verified it, or that did not take it. */
const ENDS = ['verified', 'golden_failed', 'rejected', 'refused', 'fault'];
export function endOfTaking(events: readonly ModelEvent[], since: number): ModelEvent | null {
  return events.find((event) => event.id > since && ENDS.includes(event.kind)) ?? events.find((event) => event.id > since && event.kind === 'installed') ?? null;
}

const FAULT: Record<string, Meaning> = {
  ledger_older: { title: 'The record of models was damaged', help: 'The one before it is in force. Look at what guards and at the history, and have the disk looked at.' },
  ledger_lost: { title: 'The record of models cannot be read', help: 'The model that came with the program guards. Install the one you want again, and have the disk looked at.' },
  not_kept: { title: 'The disk takes nothing about models', help: 'What guards goes on guarding; no step can be taken. Have the disk looked at.' },
  passed_over: { title: 'Not the model that should guard', help: 'It could not be loaded, and the next in order guards. Install it again, or put the previous one back.' },
};

/** `guards`: whether any model does; what came earlier in the order may be all there was. */
export function faultMeaning(fault: ModelFault, guards: 'some' | 'none' = 'some'): Meaning {
  if (guards === 'none' && fault.code === 'passed_over') return { title: 'No model could be loaded', help: 'The box goes on trying. Install one that loads here; until then no zone is watched.' };
  return FAULT[fault.code] ?? { title: capitalise(fault.code.replaceAll('_', ' ')), help: '' };
}

const REJECTED: Record<string, string> = {
  operator: 'discarded by a person', error: 'ended with an error', hung: 'hung', latency: 'too slow', golden_failed: 'failed its golden pictures', crash_loop: 'took the vision process down each time',
  review_confirmed: 'missed somebody', torn_file: 'a file was damaged', flipped_bit: 'a file was damaged', wrong_key: 'its key is not trusted any more', old_release: 'an old release', expired: 'its date was over', killed: 'its process was ended',
};

export function rejectedWords(reason: string): string {
  return REJECTED[reason] ?? reason.replaceAll('_', ' ');
}

/** Of the history: what happened, and whether it is a fault, a step that somebody took, or something else. */
const EVENT: Record<string, { word: string; tone: 'fault' | 'step' | 'plain' }> = {
  installed: { word: 'Installed', tone: 'plain' }, refused: { word: 'Refused', tone: 'fault' }, verified: { word: 'Verified', tone: 'plain' },
  shadowing: { word: 'Into the shadow', tone: 'plain' }, approved: { word: 'Approved', tone: 'step' },
  switched: { word: 'Switched', tone: 'step' }, committed: { word: 'Guards by right', tone: 'step' }, rolled_back: { word: 'Rolled back', tone: 'fault' },
  put_back: { word: 'Put back', tone: 'step' }, rejected: { word: 'Rejected', tone: 'fault' }, discarded: { word: 'Discarded', tone: 'plain' },
  crash_loop: { word: 'Crashed each time', tone: 'fault' }, golden_failed: { word: 'Golden pictures failed', tone: 'fault' },
  review_opened: { word: 'Review opened', tone: 'plain' }, review_dismissed: { word: 'Review dismissed', tone: 'plain' }, review_confirmed: { word: 'Review confirmed', tone: 'fault' },
  fault: { word: 'Fault', tone: 'fault' },
};
const TONE_SHAPE = { fault: '◆', step: '●', plain: '·' };

export function eventWords(kind: string): { word: string; tone: 'fault' | 'step' | 'plain'; shape: string } {
  const known = EVENT[kind] ?? { word: capitalise(kind.replaceAll('_', ' ')), tone: 'plain' as const };
  return { ...known, shape: TONE_SHAPE[known.tone] };
}

const SHADOW: Record<ShadowNow['state'], string> = {
  off: 'No model is in the shadow', starting: 'The shadow process is starting', watching: 'The shadow model is watching', resting: 'The shadow process died and rests before it starts again', gave_up: 'The shadow process died as often as it may',
};

/** How the shadow process does: nothing of it ever touches an alarm. */
export function shadowWords(shadow: ShadowNow): { words: string; bad: boolean } {
  const again = shadow.restarts > 0 ? `, started again ${shadow.restarts === 1 ? 'once' : `${shadow.restarts} times`}` : '';
  return { words: `${SHADOW[shadow.state] ?? shadow.state}${again}`, bad: shadow.state === 'gave_up' || shadow.state === 'resting' };
}
