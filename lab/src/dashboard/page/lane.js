// The lane over the charts: what was pressed, by name, above its band; and the button at the pinned moment.

import { timeRange } from './axis.js';
import { element, make, tune } from './dom.js';
import { font } from './draw.js';
import { size } from './theme.js';
import { moment } from './words.js';

const pencil = document.createElement('canvas').getContext('2d');

/** How long a name is in the lane, in CSS pixels. */
function measure(words) {
  pencil.font = font(size.small, '600');
  return pencil.measureText(words).width;
}

/** Pieces of the lane are made once and moved afterwards. */
export function makeLane(run, charts, actions) {
  const lane = element('lane');
  const pieces = new Map();
  const go = make('button', { type: 'button', className: 'go', hidden: true, onclick: () => actions.goTo(run.pin) });
  lane.append(go);

  function piece(mark) {
    const key = `${mark.name}@${mark.from_s}`;
    let made = pieces.get(key);
    if (!made) {
      const until = mark.until_s === null ? 'to the end' : `to ${moment(mark.until_s, 1)}`;
      made = make(
        'span',
        { className: `mark ${mark.role}`, title: `${mark.label}, ${moment(mark.from_s, 1)} ${until}` },
        make('b', {}, mark.label),
        make('i'),
      );
      pieces.set(key, made);
      lane.append(made);
    }
    return [key, made];
  }

  /**
   * Places the marks from right to left. A name begins where its band does, or before it where the next name needs the room;
   * where even that is not enough, the band has none.
   */
  function place(left, width, x) {
    const shown = new Set();
    const gap = size.small * 0.6;
    const free = { trigger: width + size.gutter, lever: width + size.gutter };
    for (const mark of [...(run.frame?.marks ?? [])].reverse()) {
      const [from, until] = [mark.from_s, mark.until_s ?? run.frame.t_s].map(x);
      if (until <= 0 || from >= width) continue;
      const [key, made] = piece(mark);
      shown.add(key);
      const row = size.lecture ? 'trigger' : mark.role; // a lecture has one row for both
      const long = measure(mark.label);
      const name = Math.min(from, free[row] - long - gap);
      const fits = name >= -left && name + long + gap >= from - 1; // a name touches its band
      tune(made, '--from', `${(left + from).toFixed(1)}px`);
      tune(made, '--length', `${Math.max(until - from, 3).toFixed(1)}px`);
      tune(made, '--shift', `${(fits ? name - from : 0).toFixed(1)}px`);
      made.classList.toggle('nameless', !fits);
      if (fits) free[row] = name;
    }
    for (const [key, made] of pieces) {
      if (!shown.has(key)) {
        made.remove();
        pieces.delete(key);
      }
    }
  }

  function draw() {
    const u = charts.rates.u;
    if (!u) return;
    const left = u.over.getBoundingClientRect().left - lane.getBoundingClientRect().left;
    const width = u.over.clientWidth;
    // From the range itself: the chart takes over a new one only after this.
    const [from, until] = timeRange(run);
    const x = (t) => Math.min(Math.max(((t - from) / (until - from)) * width, 0), width);
    place(left, width, x);
    const can = run.pin !== null && run.can('rewind');
    go.hidden = !can;
    if (can) {
      go.textContent = run.isReplay() ? `go to ${moment(run.pin, 1)}` : `↶ go back to ${moment(run.pin, 1)}`;
      // Before the moment, where there is room: what one goes back for stands after it.
      go.style.left = `${Math.max(left + x(run.pin) - go.offsetWidth, 0)}px`;
    }
  }

  return { draw };
}
