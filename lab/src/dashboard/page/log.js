// What was pressed, and when; latest first. And what went wrong between page and server.

import { element, make } from './dom.js';
import { length, moment } from './words.js';

const KEPT = 200;
const ALERT_MS = 9000;
/** What is shorter than this, in seconds, is an act and has no length to tell. */
const AN_INSTANT_S = 0.15;

function lasting({ from_s, until_s }) {
  if (until_s === null) return ' to the end';
  return until_s - from_s > AN_INSTANT_S ? ` for ${length(until_s - from_s)}` : '';
}

export function makeLog(run) {
  const list = element('log');
  const alert = element('alert');
  const known = new Map(); // a mark's name and time, and its time
  let timer = 0;

  function entry(at, words, role, key = '') {
    const item = make('li', { className: role }, make('time', {}, moment(at, 1)), make('span', {}, words));
    item.dataset.key = key;
    list.prepend(item);
    while (list.children.length > KEPT) list.lastChild.remove();
  }

  /** Enters what is new among the marks. */
  function draw() {
    for (const mark of run.frame?.marks ?? []) {
      const key = `${mark.name}@${mark.from_s}`;
      if (known.has(key)) continue;
      known.set(key, mark.from_s);
      entry(mark.from_s, mark.label + lasting(mark), mark.role, key);
    }
  }

  /** After going back, what came later has not happened. */
  function wentBack(to, from) {
    for (const item of list.children) {
      if (known.get(item.dataset.key) >= to) item.classList.add('dropped');
    }
    for (const [key, at] of known) if (at >= to) known.delete(key);
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
