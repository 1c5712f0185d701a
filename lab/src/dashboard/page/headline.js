// What the run is in, in words, and the four numbers.

import { length, number, percent, whole } from './words.js';

const MOOD = {
  healthy: 'good', unaffected: 'good', recovered: 'good',
  failed: 'bad', metastable: 'bad', escaped: 'bad', overloaded: 'bad',
  degraded: 'between', draining: 'between', oscillating: 'between',
};

const element = (id) => document.getElementById(id);

/** Sets a text only when it is another one, so that screen readers hear of changes alone. */
function say(id, words) {
  const place = element(id);
  if (place.textContent !== words) place.textContent = words;
}

/** The verdict where there is one, else the state; after a lever, what it has come to. */
export function verdictWords(status) {
  const word = status.verdict ?? status.word;
  return status.after_lever ? `${word}, then ${status.after_lever}` : word;
}

export function mood(status) {
  return MOOD[status.after_lever ?? status.verdict ?? status.word] ?? 'unsure';
}

export function makeHeadline(run) {
  function trigger(frame) {
    const triggers = frame.marks.filter((mark) => mark.role === 'trigger');
    const on = triggers.findLast((mark) => mark.from_s <= frame.t_s && (mark.until_s === null || mark.until_s > frame.t_s));
    if (on) return ['on', on.until_s === null ? on.label : `${on.label}, ${length(Math.ceil(on.until_s - frame.t_s))} left`];
    if (frame.status.trigger_over_s === null) return ['–', 'none so far'];
    return [length(Math.floor(frame.status.trigger_over_s)), 'since it ended'];
  }

  function draw() {
    const { frame } = run;
    if (!frame) return;
    const { status } = frame;
    say('verdict', verdictWords(status));
    document.querySelector('.headline').dataset.mood = mood(status);
    say('sentence', status.sentence);
    say('goodput', `${whole(status.goodput_per_s)}/s`);
    say('goodput-note', `${percent(status.goodput_per_s / status.offered_per_s)} of ${whole(status.offered_per_s)}/s`);
    say('amplification', `${number(status.amplification)}×`);
    say('queue-now', whole(status.queue));
    const capacity = run.lines().capacity_per_s;
    say('queue-note', capacity ? `${length(status.queue / capacity)} of work` : 'attempts waiting');
    const [value, note] = trigger(frame);
    say('trigger', value);
    say('trigger-note', note);
    document.title = `${verdictWords(status)} · ${run.hello.config}`;
  }

  return { draw };
}
