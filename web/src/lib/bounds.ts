// What share may still be missed after n incidents, looked at whenever one likes, and the picture of it
// (docs/design/gate.md, "The time-uniform bound, exactly"). The box decides by its own; this draws the curve. Pure.

import type { Run } from './comparison';

/** Beliefs as shares of the bound, and what is staked on each. */
const STAKES: readonly (readonly [number, number])[] = [[1 / 2, 0], [1 / 6, 1 / 8], [1 / 6, 1 / 4], [1 / 6, 1 / 2]];
const HALVINGS = 60;

/** The largest share of misses that is not excluded, of `of` incidents of which `misses` were missed. */
export function atMostAnyTime(misses: number, of: number, confidence: number): number {
  const log_needed = Math.log(1 / (1 - confidence));
  const found = of - misses;
  const log_wealth = (p: number): number => {
    const parts = STAKES.map(([stake, u]) => (u === 0 && misses > 0 ? -Infinity : Math.log(stake) + (misses > 0 ? misses * Math.log(u) : 0) + found * (Math.log1p(-u * p) - Math.log1p(-p))));
    const most = Math.max(...parts);
    return most + Math.log(parts.reduce((sum, part) => sum + Math.exp(part - most), 0));
  };
  let [low, high] = [0, 1];
  for (let i = 0; i < HALVINGS; i += 1) {
    const p = (low + high) / 2;
    if (log_wealth(p) >= log_needed) high = p;
    else low = p;
  }
  return high;
}

export interface Mark { x: number; y: number; run: Run }
export interface Plot {
  /** Incidents at the right end. */
  of_max: number;
  x_ticks: readonly { at: number; words: string }[];
  y_ticks: readonly { at: number; words: string }[];
  /** SVG path of the bound if nothing (more) is missed, in 0…100 of each axis. */
  curve: string;
  /** Where the claim lies, 0…100 from the top. */
  claim: number;
  marks: readonly Mark[];
}

/** Shares at the top and at the bottom of the plot. */
const [SHARE_MAX, SHARE_MIN] = [1, 0.001];
const Y_TICKS: readonly [number, string][] = [[1, '100 %'], [0.3, '30 %'], [0.1, '10 %'], [0.03, '3 %'], [0.01, '1 %'], [0.003, '0.3 %']];
const OF_MIN = 100;
const POINTS = 60;

/** The height of a share, by its logarithm: what counts is between one in ten and one in a hundred. */
function height(share: number): number {
  const at = Math.log(SHARE_MAX / Math.min(SHARE_MAX, Math.max(SHARE_MIN, share))) / Math.log(SHARE_MAX / SHARE_MIN);
  return Math.round(at * 10_000) / 100;
}

/** What can be claimed against how many incidents there are. */
export function plotOf(runs: readonly Run[], miss: number, confidence: number): Plot {
  const ends = runs.map((run) => run.true_incidents + (run.more_needed ?? 0));
  const of_max = niceAbove(Math.max(OF_MIN, ...ends) * 1.08);
  const misses = 0;
  const at = (of: number) => Math.round((of / of_max) * 10_000) / 100;
  const points: string[] = [];
  for (let i = 0; i <= POINTS; i += 1) {
    // Close together where it is steep.
    const of = Math.max(1, Math.round(of_max * (i / POINTS) ** 2));
    points.push(`${at(of)} ${height(atMostAnyTime(misses, of, confidence))}`);
  }
  const step = of_max / 4;
  return {
    of_max,
    x_ticks: [0, 1, 2, 3, 4].map((n) => ({ at: n * 25, words: String(Math.round(n * step)) })),
    y_ticks: Y_TICKS.map(([share, words]) => ({ at: height(share), words })),
    curve: `M${points.join('L')}`,
    claim: height(miss),
    marks: runs.filter((run) => run.true_incidents > 0).map((run) => ({ x: at(run.true_incidents), y: height(run.at_most ?? 1), run })),
  };
}

/** The next number above that four parts of are whole and short. */
function niceAbove(n: number): number {
  const power = 10 ** Math.floor(Math.log10(n));
  const found = [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].find((f) => f * power >= n) ?? 10;
  return Math.ceil((found * power) / 4) * 4;
}
