// The time from the camera's frame to the siren, against the two seconds it may take (R2).

import { formatMs } from '../../lib/format';
import { ENTER_WINDOW_MS, isWatched, type Zone } from './document';

export const BUDGET_MS = 2_000;
/** From camera to siren, as the box judges by it; what is not measured yet is the box's assumption. */
export interface Pipeline { readonly p99_ms: number; readonly max_ms: number; readonly measured: boolean }
export interface Share { readonly name: string; readonly ms: number; readonly words: string }
export interface Budget { readonly shares: readonly Share[]; readonly sum_ms: number; readonly fits: boolean; readonly words: string }

/** Null for zones that raise no alarm by time inside. */
export function budgetOf(zone: Zone, pipeline: Pipeline): Budget | null {
  if (!isWatched(zone)) return null;
  const worst_ms = pipeline.max_ms;
  const see_ms = Math.min(pipeline.p99_ms, worst_ms);
  const enter_ms = zone.enter_window_ms ?? ENTER_WINDOW_MS;
  // An occupancy zone's dwell is a grace people were given, not a delay of ours.
  const dwell_ms = zone.kind === 'restricted' || zone.kind === 'warning' ? (zone.dwell_ms ?? 0) : 0;
  const shares = [
    { name: 'see', ms: see_ms, words: `see and sound ${formatMs(see_ms)} (${sourceOf(pipeline)})` },
    { name: 'enter', ms: enter_ms, words: `enter ${formatMs(enter_ms)}` },
    { name: 'dwell', ms: dwell_ms, words: `dwell ${formatMs(dwell_ms)}` },
    { name: 'worst', ms: worst_ms - see_ms, words: `worst case ${formatMs(worst_ms - see_ms)} more` },
  ].filter(({ ms }) => ms > 0);
  const sum_ms = worst_ms + enter_ms + dwell_ms;
  const fits = sum_ms <= BUDGET_MS;
  const over = fits ? '' : ` That is ${seconds(sum_ms - BUDGET_MS)} s over: shorten what the zone waits for.`;
  return { shares, sum_ms, fits, words: `${shares.map(({ words }) => words).join(' · ')}.${over}` };
}

/** The p99 is of a thousand alarms, the worst of the last ten minutes: either may be the larger. */
function sourceOf({ p99_ms, max_ms, measured }: Pipeline): string {
  if (!measured) return 'assumed, nothing measured yet';
  return p99_ms <= max_ms ? 'p99, measured here' : 'the worst of the last ten minutes';
}

/** `0.71`: the precision in which two seconds are spoken of. Rounded up where down would hide an excess. */
export function seconds(ms: number): string {
  return (Math.ceil(ms / 10) / 100).toFixed(2);
}
