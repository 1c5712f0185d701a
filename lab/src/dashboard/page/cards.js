// A prediction before the press: the question, hands counted, the press, and what the run shows when its time has come.

import { element, make, say } from './dom.js';
import { mood, verdictWords } from './headline.js';
import { leverWords } from './levers.js';
import { size } from './theme.js';
import { latency, length, number, percent, whole } from './words.js';

/** What a card may ask for: how it is called, and how it is found from windows. */
const METRICS = {
  goodput_ratio: ['goodput', (ws) => `${percent(mean(ws, 'good_per_s') / mean(ws, 'offered_per_s'))} of what is offered`],
  goodput_per_s: ['goodput', (ws) => `${whole(mean(ws, 'good_per_s'))}/s`],
  amplification: ['amplification', (ws) => `${number(mean(ws, 'attempts_per_s') / mean(ws, 'offered_per_s'))} attempts per call`],
  queue: ['queue', (ws) => whole(ws.at(-1).queue)],
  p50_ms: ['median latency', (ws) => latency(ws.at(-1).p50_ms)],
  p99_ms: ['99th percentile', (ws) => latency(ws.at(-1).p99_ms)],
};

const mean = (windows, key) =>
  windows.reduce((sum, w) => sum + w[key] * (w.until_s - w.from_s), 0) / windows.reduce((sum, w) => sum + w.until_s - w.from_s, 0);

export function makeCards(run, actions) {
  const place = element('card');
  const answered = new Map(); // by a card's id, the moment of its press
  let card = null; // the one that is open: { …hello's, lever, values, counts, stage: asked | waiting | shown, from_s, due_s }
  let wasPaused = true;

  /** Opens the lever's card, if it has one that was not answered, for a press with `values`; says whether it did. */
  function ask(lever, values) {
    const found = run.hello.cards.find((c) => c.lever === lever.id && !answered.has(c.id));
    if (!found || card?.stage === 'waiting') return false;
    card = { ...found, lever, values, counts: found.options.map(() => 0), stage: 'asked', due_s: null };
    wasPaused = run.frame.paused;
    if (!wasPaused) actions.pace({ paused: true });
    show();
    return true;
  }

  async function press() {
    const mark = await actions.pressNow(card.lever, card.values);
    if (!mark) return;
    // The time runs from the end of what was pressed; where that has none, from the press.
    const lasts = card.values.for_s ?? 0;
    Object.assign(card, { stage: 'waiting', from_s: mark.at_s, due_s: mark.at_s + lasts + card.answer_after_s });
    answered.set(card.id, mark.at_s);
    show();
    actions.pace({ paused: false });
  }

  function close() {
    const resume = card.stage === 'shown' || (card.stage === 'asked' && !wasPaused);
    card = null;
    show();
    if (resume) actions.pace({ paused: false });
  }

  function count(i, by) {
    card.counts[i] = Math.max(0, card.counts[i] + by);
    place.querySelectorAll('input')[i].value = card.counts[i];
  }

  /** Looks whether the time has come. */
  function draw() {
    if (card && !size.lecture) {
      card = null;
      show();
    }
    if (card?.stage !== 'waiting') return;
    const left = card.due_s - run.windows.end;
    if (left > 1e-6) {
      say(place.querySelector('.wait'), `The answer comes in ${length(Math.ceil(left))} of the run.`);
      return;
    }
    card.stage = 'shown';
    actions.pace({ paused: true });
    show();
  }

  function answer() {
    const windows = run.windows
      .between(card.due_s - run.hello.healthy.over_s, card.due_s)
      .filter((w) => w.until_s <= card.due_s + 1e-6);
    const [name, words] = METRICS[card.metric] ?? METRICS.goodput_ratio;
    return windows.length ? `${name}: ${words(windows)}` : 'The run shows nothing for that time.';
  }

  function option(words, i) {
    const letter = String.fromCharCode(65 + i);
    const row = make('li', { className: 'option' }, make('b', {}, letter), make('span', { className: 'words' }, words));
    if (card.stage === 'asked') {
      const input = make('input', { type: 'number', min: 0, value: card.counts[i], ariaLabel: `Hands for ${letter}` });
      input.addEventListener('input', () => (card.counts[i] = Math.max(0, Math.round(Number(input.value) || 0))));
      row.append(
        input,
        make(
          'button',
          { type: 'button', className: 'plus', ariaLabel: `One more for ${letter}, key ${i + 1}`, onclick: () => count(i, 1) },
          '+',
        ),
      );
    } else {
      const all = card.counts.reduce((sum, n) => sum + n, 0);
      row.style.setProperty('--share', all ? card.counts[i] / all : 0);
      row.append(make('span', { className: 'hands' }, String(card.counts[i])));
    }
    return row;
  }

  function show() {
    place.hidden = !card;
    document.querySelector('.panels').classList.toggle('asking', Boolean(card));
    if (!card) {
      place.replaceChildren();
      return;
    }
    place.dataset.stage = card.stage;
    place.replaceChildren(
      make('h2', { id: 'question', className: 'question' }, card.question),
      make('ol', { className: 'options' }, ...card.options.map(option)),
      ...{ asked, waiting, shown }[card.stage](),
    );
  }

  const button = (words, className, onclick) => make('button', { type: 'button', className, onclick }, words);

  function asked() {
    const words = leverWords(card.lever, card.values);
    return [make('div', { className: 'buttons' }, button(words, `press ${card.lever.role}`, press), button('Not now', '', close))];
  }

  const waiting = () => [make('p', { className: 'wait' })];

  function shown() {
    const verdict = make('p', { className: 'verdict' }, verdictWords(run.frame.status));
    verdict.dataset.mood = mood(run.frame.status);
    return [
      make('p', { className: 'answer', role: 'status' }, answer()),
      verdict,
      make('div', { className: 'buttons' }, button('Go on', '', close)),
    ];
  }

  /** Keys while a card is open: digits count, shift + digit takes back, enter goes on, escape leaves. */
  function key(event) {
    if (!card || card.stage === 'waiting') return false;
    const digit = Number(event.code.match(/^(?:Digit|Numpad)([1-9])$/)?.[1]) - 1;
    if (card.stage === 'asked' && digit < card.options.length) count(digit, event.shiftKey ? -1 : 1);
    else if (event.key === 'Enter') card.stage === 'asked' ? press() : close();
    else if (event.key === 'Escape' || (card.stage === 'shown' && event.key === ' ')) close();
    else return card.stage === 'asked';
    return true;
  }

  /** The run is at `moment` again, or it is another one: what was asked later is open again. */
  function begunAt(moment) {
    for (const [id, at] of answered) if (at >= moment) answered.delete(id);
    if (card && card.stage !== 'asked' && !answered.has(card.id)) {
      card = null;
      show();
    }
  }

  return { ask, draw, key, begunAt };
}
