// The replicas, one by one: busy workers and queue of each.

import { groupWords } from './panels.js';
import { number, whole } from './words.js';

/** More replicas than this are drawn without numbers, as small bars side by side. */
const WITH_NUMBERS = 8;

export function makeStrip(run) {
  const list = document.querySelector('#strip .replicas');
  const [unit, readout] = ['.unit', '.readout'].map((part) => document.querySelector(`#strip ${part}`));
  let rows = [];

  function build(count) {
    list.replaceChildren();
    list.classList.toggle('dense', count > WITH_NUMBERS);
    rows = Array.from({ length: count }, (_, i) => {
      const item = document.createElement('li');
      item.innerHTML = `<span class="name">${i}</span><span class="busy"><i></i></span><span class="count"></span><span class="waiting"><i></i></span><span class="count"></span>`;
      list.append(item);
      const [busy, waiting] = item.querySelectorAll('i');
      const [working, queued] = item.querySelectorAll('.count');
      return { item, busy, waiting, working, queued };
    });
    list.style.setProperty('--workers', run.hello.service.workers);
  }

  function draw() {
    if (!run.hello) return;
    const { service } = run.hello;
    const looked = run.looked();
    const window = looked === null ? run.windows.last : run.windows.at(looked);
    const replicas = window?.replicas ?? [];
    if (replicas.length !== rows.length) build(replicas.length);
    const missing = service.replicas - replicas.length;
    unit.textContent = !window ? '' : replicas.length ? `of ${service.name}: busy workers, queue` : 'not kept for so long ago';
    const rest = missing > 0 && replicas.length ? `first ${replicas.length} of ${service.replicas}` : '';
    readout.textContent = [groupWords(window, service.replicas), rest].filter(Boolean).join(' · ');
    const longest = Math.max(1, service.workers, ...replicas.map((r) => r.queue));
    replicas.forEach((replica, i) => {
      const row = rows[i];
      row.busy.style.setProperty('--share', Math.min(1, replica.busy / service.workers));
      row.waiting.style.setProperty('--share', replica.queue / longest);
      row.working.textContent = `${number(Math.round(replica.busy * 10) / 10)} of ${service.workers}`;
      row.queued.textContent = whole(replica.queue);
      row.item.title = `replica ${i}: ${number(replica.busy)} of ${service.workers} workers busy, ${whole(replica.queue)} waiting`;
    });
  }

  return { draw };
}
