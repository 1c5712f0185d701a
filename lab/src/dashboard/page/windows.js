// The windows of a run, in bounded memory: the last minutes as they came, what is older in ever longer pieces.

const OLD_PIECES = 1500; // then each two become one
const REPLICAS = 96; // more are neither kept nor drawn
const RATES = ['offered_per_s', 'attempts_per_s', 'good_per_s', 'failed_per_s', 'shed_per_s'];
const LARGEST = ['p50_ms', 'p99_ms', 'queue', 'in_progress'];

/** Two neighbours as one: rates are means over its time, latencies and queues the largest within. */
function merged(a, b) {
  const [before, after] = [a.until_s - a.from_s, b.until_s - b.from_s];
  const piece = { from_s: a.from_s, until_s: b.until_s, replicas: [], members: null, lag: null, hit_share: null };
  for (const key of RATES) piece[key] = (a[key] * before + b[key] * after) / (before + after);
  for (const key of LARGEST) {
    piece[key] = a[key] === null ? b[key] : b[key] === null ? a[key] : Math.max(a[key], b[key]);
  }
  return piece;
}

/** The middle of a window: where its values are drawn. */
export const middle = (window) => (window.from_s + window.until_s) / 2;

export class Windows {
  /** `wholeFor_s`: how long windows are kept as they came. */
  constructor(window_s, wholeFor_s = 660) {
    this.whole = Math.min(6000, Math.ceil(wholeFor_s / window_s));
    this.piece_s = window_s; // length of the pieces of what is old
    this.old = [];
    this.recent = [];
  }

  add(windows) {
    for (const window of windows) {
      if (window.from_s < this.end - 1e-6) continue;
      this.recent.push({ ...window, replicas: window.replicas.slice(0, REPLICAS) });
    }
    const surplus = this.recent.length - this.whole;
    if (surplus > this.whole / 10) this.#age(this.recent.splice(0, surplus));
  }

  #age(windows) {
    for (const window of windows) {
      const last = this.old.at(-1);
      if (last && window.until_s - last.from_s < this.piece_s + 1e-6) this.old[this.old.length - 1] = merged(last, window);
      else this.old.push({ ...window, replicas: [] });
    }
    while (this.old.length > OLD_PIECES) {
      this.piece_s *= 2;
      const pairs = [];
      for (let i = 0; i < this.old.length; i += 2) {
        pairs.push(i + 1 < this.old.length ? merged(this.old[i], this.old[i + 1]) : this.old[i]);
      }
      this.old = pairs;
    }
  }

  get last() {
    return this.recent.at(-1) ?? this.old.at(-1) ?? null;
  }

  get end() {
    return this.last?.until_s ?? 0;
  }

  /** Where thinned pieces end and windows as they came begin. */
  get wholeFrom() {
    return this.recent[0]?.from_s ?? 0;
  }

  /** All that touch the time between two moments, in their order. */
  between(from, until) {
    const touches = (list) => list.slice(first(list, from), first(list, until) + 1);
    return [...touches(this.old), ...touches(this.recent)];
  }

  /** The one that holds a moment, or null. */
  at(moment) {
    for (const list of [this.recent, this.old]) {
      const window = list[first(list, moment)];
      if (window && window.from_s <= moment) return window;
    }
    return null;
  }
}

/** The index of the first window that ends after `moment`. */
function first(list, moment) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const half = (low + high) >> 1;
    if (list[half].until_s > moment) high = half;
    else low = half + 1;
  }
  return low;
}
