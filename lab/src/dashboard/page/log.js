// What was pressed, and when; latest first. And what went wrong between page and server.

import { element, make } from './dom.js';
import { length, moment } from './words.js';

const KEPT = 200;
const ALERT_MS = 9000;
/** What is shorter than this, in seconds, is an act and has no length to tell. */
const AN_INSTANT_S = 0.15;

export function makeLog(run) {
  const list = element('log');
  const alert = element('alert');
  const known = new Map(); // a mark's name and time → its entry
  let timer = 0;

  function entry(at, words, role) {
    const item = make('li', { className: role }, make('time', {}, moment(at, 1)), make('span', {}, words));
    item.dataset.at = at;
    list.prepend(item);
    while (list.children.length > KEPT) list.lastChild.remove();
    return item;
  }

  /** Enters what is new among the marks. */
  function draw() {
    for (const mark of run.frame?.marks ?? []) {
      const key = `${mark.name}@${mark.from_s}`;
      if (known.has(key)) continue;
      const span =
        mark.until_s === null
          ? ' to the end'
          : mark.until_s - mark.from_s > AN_INSTANT_S
            ? ` for ${length(mark.until_s - mark.from_s)}`
            : '';
      known.set(key, entry(mark.from_s, mark.label + span, mark.role));
    }
  }

  /** After going back, what came later has not happened. */
  function wentBack(to, from) {
    for (const [key, item] of known) {
      if (Number(item.dataset.at) >= to) {
        item.classList.add('dropped');
        known.delete(key);
      }
    }
    entry(to, `went back, from ${moment(from, 1)}`, 'note');
  }

  /** An error or a remark, near the levers; it goes away by itself. */
  function say(sentence) {
    alert.textContent = sentence;
    clearTimeout(timer);
    timer = setTimeout(() => (alert.textContent = ''), ALERT_MS);
  }

  function clear() {
    known.clear();
    list.replaceChildren();
  }

  return { draw, wentBack, say, clear };
}
