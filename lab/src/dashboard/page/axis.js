// Where axes begin and end, and what stands at their ticks.

import { clock, moment, number } from './words.js';

/** The spans of time that can be chosen: name and seconds. */
export const SPANS = [
  ['2 min', 120],
  ['10 min', 600],
  ['all', Infinity],
];

/** A little more than `value`, and round. */
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
  return steps.find((step) => step * power >= value * 0.9999) * power;
}

/**
 * The part of time that is shown. It ends where the run is; after going back it leaves room for what came later, as long
 * as that lasts. A run that is younger than the span begins at 0.
 */
export function timeRange(run) {
  const now = run.frame?.t_s ?? 0;
  const later = run.ghost?.at(-1)?.until_s ?? 0;
  const end = Math.max(run.windows?.end ?? 0, now);
  if (run.span === Infinity) return [0, Math.max(run.hello?.duration_s ?? 0, end, later, 60)];
  const until = Math.max(end, Math.min(later, end + run.span * 0.6), run.span);
  return [until - run.span, until];
}

/** An upper end that grows at once and shrinks only when much of it stays empty, so that axes keep still. */
export class Top {
  #now = 0;

  over(need) {
    const wanted = roundUp(need);
    if (wanted > this.#now || need < this.#now * 0.7) this.#now = wanted;
    return this.#now;
  }
}

/** Steps of time that people count in. */
export const TIME_STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000, 86400];

/** One form for all ticks: seconds, or, where they reach beyond ten minutes, minutes and seconds. */
export const timeLabels = (u, ticks) => ticks.map(ticks.at(-1) < 600 ? (tick) => moment(tick) : clock);

/** Numbers as they are, millions where an axis holds them. */
export const numberLabels = (u, ticks) =>
  ticks.map(ticks.at(-1) < 1e6 ? (tick) => number(tick) : (tick) => (tick === 0 ? '0' : `${number(tick / 1e6)} M`));

/** The powers of ten from `low` to `high`. */
export function decades(low, high) {
  const ticks = [];
  for (let k = Math.round(Math.log10(low)); k <= Math.round(Math.log10(high)); k++) ticks.push(10 ** k);
  return ticks;
}

/**
 * The range of whole decades that holds all `values` above zero, but no more than four: what is turned away at once would
 * press all else together.
 */
export function decadeRange(values) {
  let [low, high] = [Infinity, 0];
  for (const value of values) {
    if (value > 0) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (high === 0) return [10, 10000];
  const until = Math.ceil(Math.log10(high * 1.05));
  const from = Math.max(Math.floor(Math.log10(low * 0.95)), until - 4);
  return [10 ** from, 10 ** Math.max(until, from + 2)];
}
