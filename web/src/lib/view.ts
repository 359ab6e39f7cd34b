// A camera's view (docs/reference/api.md, View): what it is held against, what is wrong with it and what to do. Pure.
// What each fault means to people stands in docs/guide/camera-trouble.md as well: change both.

import { ContractError, isObject, type Camera, type Sight } from './api';
import type { SiteClock } from './format';
import type { Shift } from './shift';

export const FAULTS = ['frozen', 'time_backwards', 'wrong_picture', 'moved', 'covered', 'dark', 'overexposed', 'blurred', 'discoloured'] as const;
export type Fault = (typeof FAULTS)[number];
export type ReferenceWhy = 'first' | 'zones_approved' | 'confirmed';

/** The picture that later ones are held against. */
export interface Reference { taken_at: string; why: ReferenceWhy | string; by: string | null; zone_version: number | null; picture: string | null }
/**
 * `kind` may be one that this page does not know: the box's own words say it then. `measured`, with its limit and the
 * unit of both, is null where it is so no more and only waits for an engineer.
 */
export interface Trouble { kind: string; words: string; since: string; measured: number | null; limit: number | null; unit: string | null; picture: string | null }
export interface CameraView { camera: string; judged: boolean; reference: Reference | null; trouble: Trouble | null; shift: Shift | null }

export function viewPath(camera: string, rest = ''): string {
  return `/api/cameras/${encodeURIComponent(camera)}/view${rest}`;
}

/** An answer of the box; throws `ContractError` rather than calling a view well that it cannot read. */
export function parseView(value: unknown): CameraView {
  if (!isObject(value)) throw new ContractError('a view that is not an object');
  const part = (key: string): Record<string, unknown> | null => {
    const given = value[key] ?? null;
    if (given !== null && !isObject(given)) throw new ContractError(`${key} of the view is not an object`);
    return given;
  };
  if (value['trouble'] === undefined) throw new ContractError('a view that does not say whether there is trouble');
  const shift = part('shift');
  return {
    camera: String(value['camera'] ?? ''),
    judged: value['judged'] !== false,
    reference: part('reference') as unknown as Reference | null,
    trouble: part('trouble') as unknown as Trouble | null,
    shift: shift && { x_norm: finite(shift['x_norm']), y_norm: finite(shift['y_norm']), turn_deg: finite(shift['turn_deg'] ?? 0), zoom: finite(shift['zoom'] ?? 1) },
  };
}

function finite(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new ContractError('a shift that is not a number');
  return value;
}

/** `needed`: it ends in no other way. `may`: where the change is meant to stay. `useless`: it would change nothing. */
export type Confirming = 'needed' | 'may' | 'useless';
interface Meaning { readonly title: string; readonly look_for: string; readonly ends: string; readonly confirming: Confirming }

const MEANINGS: Record<Fault, Meaning> = {
  frozen: { title: 'The picture is frozen', look_for: 'A camera or recorder that hangs: restart it.', ends: 'By itself, when the picture moves again.', confirming: 'useless' },
  time_backwards: { title: 'The pictures’ time runs backwards', look_for: 'A recorder that plays back; a camera’s clock that is set again and again.', ends: 'By itself.', confirming: 'useless' },
  wrong_picture: { title: 'The picture is of another view', look_for: 'The wrong stream behind this address; a camera turned far away.', ends: 'When the view is back, or when an engineer confirms this one.', confirming: 'may' },
  moved: { title: 'The view has moved', look_for: 'A loose mount, a bumped mast.', ends: 'Only when an engineer has looked: by confirming the view, or by zones that were drawn anew and approved.', confirming: 'needed' },
  covered: { title: 'A large part of the view is covered', look_for: 'A parked lorry, a tarpaulin, a spider’s web, paint.', ends: 'When it is gone, or when an engineer confirms the view as it is.', confirming: 'may' },
  dark: { title: 'The picture is too dark', look_for: 'Lamps that are off, the camera’s exposure.', ends: 'By itself, when it is light enough.', confirming: 'useless' },
  overexposed: { title: 'The picture is over-exposed', look_for: 'The sun in the lens, lamps, the camera’s exposure.', ends: 'By itself.', confirming: 'useless' },
  blurred: { title: 'The picture is blurred or fogged', look_for: 'Dew, dirt, focus.', ends: 'By itself, when it is sharp again.', confirming: 'may' },
  discoloured: { title: 'The colours are wrong', look_for: 'White balance, a broken sensor, a filter.', ends: 'By itself.', confirming: 'may' },
};

const UNKNOWN: Meaning = { title: 'The view cannot be trusted', look_for: 'Look at the picture, and at the camera.', ends: 'When the box no longer finds it, or when an engineer confirms the view.', confirming: 'may' };

export function meaningOf(kind: string): Meaning {
  return (FAULTS as readonly string[]).includes(kind) ? MEANINGS[kind as Fault] : UNKNOWN;
}

/** How a view stands. `unseen`: no picture to judge, whatever the view was. `learning`: nothing to hold it against yet. */
export type Standing =
  | { is: 'trouble'; trouble: Trouble; meaning: Meaning }
  | { is: 'unseen'; reason: string }
  | { is: 'not_judged' }
  | { is: 'learning' }
  | { is: 'well'; reference: Reference };

/** What is wrong comes first; a camera without a picture is never well. */
export function standingOf(view: CameraView, camera: Pick<Camera, 'state' | 'reason'>): Standing {
  if (view.trouble) return { is: 'trouble', trouble: view.trouble, meaning: meaningOf(view.trouble.kind) };
  if (camera.state === 'unknown') return { is: 'unseen', reason: camera.reason ?? '' };
  if (!view.judged) return { is: 'not_judged' };
  return view.reference ? { is: 'well', reference: view.reference } : { is: 'learning' };
}

/** What the box measured and what would be right; of a view that no longer measures so, what that may mean. */
export function measuredWords({ kind, measured, limit, unit }: Pick<Trouble, 'kind' | 'measured' | 'limit' | 'unit'>): string {
  if (measured === null || limit === null) {
    return kind === 'moved' ? 'It measures so no more: the camera may be back, or nobody can tell' : '';
  }
  const [is, most] = [Math.round(measured), Math.round(limit)];
  switch (kind) {
    case 'frozen': return `The same picture for ${measured.toFixed(1)} s`;
    case 'time_backwards': return `${is} times within seconds`;
    case 'wrong_picture': return `${is} % of what was there is nowhere to be seen`;
    case 'moved': return `By ${is} of 1920 pixels, fewer than ${most} are allowed`;
    case 'covered': return `${is} % of it, less than ${most} % is allowed`;
    case 'dark': return `Its brightest parts are at ${is} of 255, ${most} are wanted`;
    case 'overexposed': return `${is} % of it is white`;
    case 'blurred': return `${is} % of the usual contrast is left, ${most} % are wanted`;
    case 'discoloured': return `Off by ${is} levels of 255, fewer than ${most} are allowed`;
    default: return `${is} ${unit ?? ''}, the limit is ${most}`;
  }
}

/** How far the view lies from its reference now; null where that is not so any more or not known. */
export function shiftNow({ trouble, shift }: Pick<CameraView, 'trouble' | 'shift'>): Shift | null {
  return trouble?.kind === 'moved' && trouble.measured !== null ? shift : null;
}

/** Why this picture is the reference. */
export function whyWords({ why, zone_version, by }: Pick<Reference, 'why' | 'zone_version' | 'by'>): string {
  const whom = by === null ? '' : ` by ${by}`;
  switch (why) {
    case 'first':
      return 'the first half minute of this camera, learned by the box itself';
    case 'zones_approved':
      return `the view when ${zone_version === null ? 'its zones were' : `version ${zone_version} of its zones was`} approved${whom}`;
    case 'confirmed':
      return `the view as it was confirmed${whom}`;
    default:
      return by === null ? 'learned by the box' : `set${whom}`;
  }
}

/** Under the picture: `21 Nov 14:07:26 · the view as it was confirmed by Eva`. */
export function referenceWords(reference: Reference, clock: SiteClock, now_ms: number): string {
  return `${clock.moment(reference.taken_at, now_ms)} · ${whyWords(reference)}`;
}

/** The address of a picture of the view, clear for whoever was granted that. */
export function viewPicture(picture: string, sight: Sight): string {
  return sight === 'clear' ? `${picture}?picture=clear` : picture;
}
