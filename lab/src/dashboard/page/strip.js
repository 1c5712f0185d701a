// The replicas, one by one: busy workers and queue of each.

import { make, say, tune } from './dom.js';
import { groupWords } from './panels.js';
import { number, whole } from './words.js';

/** More replicas than this are drawn without numbers, as small bars side by side, so many in a row. */
const WITH_NUMBERS = 8;
const IN_A_ROW = 24;

export function makeStrip(run) {
  const list = document.querySelector('#strip .replicas');
  const [unit, readout] = ['.unit', '.readout'].map((part) => document.querySelector(`#strip ${part}`));
  let rows = [];

  function build(count) {
    list.replaceChildren();
    list.classList.toggle('dense', count > WITH_NUMBERS);
    rows = Array.from({ length: count }, (_, i) => {
      const [busy, waiting] = [make('i'), make('i')];
      const [working, queued] = [make('span', { className: 'count' }), make('span', { className: 'count' })];
      list.append(
        make(
          'li',
          { title: `replica ${i}: busy workers, queue` },
          make('span', { className: 'name' }, String(i)),
          make('span', { className: 'busy' }, busy),
          working,
          make('span', { className: 'waiting' }, waiting),
          queued,
        ),
      );
      return { busy, waiting, working, queued };
    });
    list.style.setProperty('--columns', Math.ceil(count / Math.ceil(count / IN_A_ROW)));
    list.style.setProperty('--workers', run.hello.service.workers);
  }

  function draw() {
    if (!run.hello) return;
    const { service } = run.hello;
    const window = run.window();
    const replicas = window?.replicas ?? [];
    if (replicas.length !== rows.length) build(replicas.length);
    const missing = service.replicas - replicas.length;
    say(unit, !window ? '' : replicas.length ? `of ${service.name}: busy workers, queue` : 'not kept for so long ago');
    const rest = missing > 0 && replicas.length ? `first ${replicas.length} of ${service.replicas}` : '';
    say(readout, [groupWords(window, service.replicas), rest].filter(Boolean).join(' · '));
    const longest = Math.max(1, service.workers, ...replicas.map((r) => r.queue));
    replicas.forEach((replica, i) => {
      const row = rows[i];
      tune(row.busy, '--share', Math.min(1, replica.busy / service.workers).toFixed(3));
      tune(row.waiting, '--share', (replica.queue / longest).toFixed(3));
      say(row.working, `${number(Math.round(replica.busy * 10) / 10)} of ${service.workers}`);
      say(row.queued, whole(replica.queue));
    });
  }

  return { draw };
}
