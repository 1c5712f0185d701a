// The lane over the charts: what was pressed, by name, above its band; and the button at the pinned moment.

import { size } from './theme.js';
import { moment } from './words.js';

/** Pieces of the lane are made once and moved afterwards. */
export function makeLane(run, charts, actions) {
  const lane = document.getElementById('lane');
  const labels = new Map();
  const go = document.createElement('button');
  go.type = 'button';
  go.className = 'go';
  go.hidden = true;
  go.addEventListener('click', () => actions.goTo(run.pin));
  lane.append(go);

  function label(mark) {
    const key = `${mark.name}@${mark.from_s}`;
    let element = labels.get(key);
    if (!element) {
      element = document.createElement('span');
      element.className = `mark ${mark.role}`;
      element.innerHTML = '<b></b><i></i>';
      labels.set(key, element);
      lane.append(element);
    }
    element.firstChild.textContent = mark.label;
    element.title = `${mark.label}, ${moment(mark.from_s, 1)}${mark.until_s === null ? ' to the end' : ` to ${moment(mark.until_s, 1)}`}`;
    return [key, element];
  }

  function draw() {
    const u = charts.rates.u;
    if (!u) return;
    const left = u.over.getBoundingClientRect().left - lane.getBoundingClientRect().left;
    const width = u.over.clientWidth;
    const x = (t) => Math.min(Math.max(u.valToPos(t, 'x'), 0), width);
    const shown = new Set();
    const next = { trigger: width + size.gutter, lever: width + size.gutter }; // where the label to the right begins
    for (const mark of [...(run.frame?.marks ?? [])].reverse()) {
      const [from, until] = [mark.from_s, mark.until_s ?? run.frame.t_s].map(x);
      if ((until === 0 && from === 0) || from >= width) continue;
      const [key, element] = label(mark);
      shown.add(key);
      const row = size.lecture ? 'trigger' : mark.role; // a lecture has one row for both
      const room = next[row] - from - 6;
      element.style.left = `${left + from}px`;
      element.style.maxWidth = `${Math.max(room, 0)}px`;
      element.style.setProperty('--length', `${Math.max(until - from, 3)}px`);
      element.classList.toggle('nameless', room < size.small * 2);
      next[row] = from;
    }
    for (const [key, element] of labels) {
      if (!shown.has(key)) {
        element.remove();
        labels.delete(key);
      }
    }
    const can = run.pin !== null && run.can('rewind');
    go.hidden = !can;
    if (can) {
      go.textContent = run.isReplay() ? `go to ${moment(run.pin, 1)}` : `↶ go back to ${moment(run.pin, 1)}`;
      const at = left + x(run.pin);
      go.style.left = `${Math.min(at, lane.clientWidth - go.offsetWidth)}px`;
    }
  }

  return { draw };
}
