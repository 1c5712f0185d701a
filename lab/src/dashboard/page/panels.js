// What the three time charts show: their series, lines and the ends of their axes.

import { decadeRange, Top } from './axis.js';
import { latency, percent, whole } from './words.js';

const rateTop = new Top();
const queueTop = new Top();

const largest = (windows, value) => windows.reduce((most, window) => Math.max(most, value(window) ?? 0), 0);

/** The upper end of rates: all that is offered, good or capacity, and of attempts all but a short peak that is over. */
function ratesEnd(windows, lines) {
  const attempts = windows.map((w) => w.attempts_per_s).sort((a, b) => a - b);
  const usual = attempts[Math.floor(attempts.length * 0.88)] ?? 0;
  const present = largest(windows.slice(-4), (w) => w.attempts_per_s);
  const rest = largest(windows, (w) => Math.max(w.offered_per_s, w.good_per_s));
  return rateTop.over(Math.max(usual * 1.2, present, rest * 1.05, (lines.capacity_per_s ?? 0) * 1.2));
}

/**
 * The charts. A series: its name, its colour in the palette, its value of a window, its dashes; `ghost`: it is drawn faintly
 * where the run once went on; `main`: the one that is filled. `line`: what the service's state is measured against.
 * `thinned`: what old values are, where they stand for several. `cut`: the series whose short peaks the axis need not hold.
 */
export const PANELS = [
  {
    id: 'rates',
    thinned: 'means',
    series: [
      { name: 'offered', colour: 'slate', dash: [6, 4], value: (w) => w.offered_per_s },
      { name: 'attempts', colour: 'orange', dash: [], value: (w) => w.attempts_per_s, ghost: true },
      { name: 'goodput', colour: 'green', dash: [], value: (w) => w.good_per_s, ghost: true, main: true },
    ],
    show: (value) => whole(value),
    line: (lines) => lines.capacity_per_s && { at: lines.capacity_per_s, name: `capacity ${whole(lines.capacity_per_s)}/s` },
    range: (windows, lines) => [0, ratesEnd(windows, lines)],
    cut: { series: 1, words: (value) => `↑ peak ${whole(value)}/s` },
  },
  {
    id: 'latency',
    thinned: 'largest',
    log: true,
    series: [
      { name: 'p99', colour: 'red', dash: [8, 4], value: (w) => w.p99_ms, ghost: true },
      { name: 'p50', colour: 'blue', dash: [], value: (w) => w.p50_ms },
    ],
    show: latency,
    line: (lines) => lines.timeout_ms && { at: lines.timeout_ms, name: `timeout ${latency(lines.timeout_ms)}` },
    range: (windows, lines) => decadeRange([lines.timeout_ms, ...windows.flatMap((w) => [w.p50_ms, w.p99_ms])]),
  },
  {
    id: 'queue',
    thinned: 'largest',
    series: [{ name: 'queue', colour: 'slate', dash: [], value: (w) => w.queue, ghost: true, main: true }],
    show: (value) => whole(value),
    line: (lines) =>
      lines.jobs_per_timeout && { at: lines.jobs_per_timeout, name: `μ × timeout = ${whole(lines.jobs_per_timeout)}` },
    range: (windows, lines) => [
      0,
      queueTop.over(Math.max(largest(windows, (w) => w.queue) * 1.05, (lines.jobs_per_timeout ?? 0) * 1.6, 10)),
    ],
  },
];

/** The remark beside a replica strip: members, lag and hit share, where there are any. */
export function groupWords(window, replicas) {
  const words = [];
  if (window?.members != null) words.push(`${window.members} of ${replicas} in the view`);
  if (window?.lag != null) words.push(`lag ${whole(window.lag)}`);
  if (window?.hit_share != null) words.push(`hits ${percent(window.hit_share)}`);
  return words.join(' · ');
}
