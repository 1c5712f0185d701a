// What the run is in, in words, and the four numbers.

import { element, say } from './dom.js';
import { length, percent, whole } from './words.js';

const MOOD = {
  healthy: 'good',
  unaffected: 'good',
  recovered: 'good',
  failed: 'bad',
  metastable: 'bad',
  escaped: 'bad',
  overloaded: 'bad',
  degraded: 'between',
  draining: 'between',
  oscillating: 'between',
};

/** The verdict where there is one, else the state; after a lever, what it has come to. */
export function verdictWords(status) {
  const word = status.verdict ?? status.word;
  return status.after_lever ? `${word}, then ${status.after_lever}` : word;
}

export function mood(status) {
  return MOOD[status.after_lever ?? status.verdict ?? status.word] ?? 'unsure';
}

export function makeHeadline(run) {
  const section = document.querySelector('.headline');

  function trigger(frame) {
    const triggers = frame.marks.filter((mark) => mark.role === 'trigger');
    const on = triggers.findLast((mark) => mark.from_s <= frame.t_s && (mark.until_s === null || mark.until_s > frame.t_s));
    if (on) return ['on', on.until_s === null ? 'to the end' : `${length(Math.ceil(on.until_s - frame.t_s))} left`];
    if (frame.status.trigger_over_s === null) return ['–', 'none so far'];
    return [length(Math.floor(frame.status.trigger_over_s)), 'since it ended'];
  }

  function draw() {
    const { frame } = run;
    if (!frame) return;
    const { status } = frame;
    say(element('verdict'), verdictWords(status));
    if (section.dataset.mood !== mood(status)) section.dataset.mood = mood(status);
    say(
      element('sentence'),
      status.sentence.replace(/^./, (letter) => letter.toUpperCase()),
    );
    say(element('goodput'), `${whole(status.goodput_per_s)}/s`);
    say(element('goodput-note'), `${percent(status.goodput_per_s / status.offered_per_s)} of ${whole(status.offered_per_s)}/s`);
    const times = status.amplification;
    say(element('amplification'), times === null ? '–' : `${times.toFixed(times < 10 ? 2 : 1)}×`);
    say(element('queue-now'), whole(status.queue));
    const capacity = run.lines().capacity_per_s;
    say(element('queue-note'), capacity ? `${length(status.queue / capacity)} of work` : 'attempts waiting');
    const [value, note] = trigger(frame);
    say(element('trigger'), value);
    say(element('trigger-note'), note);
    const title = `${verdictWords(status)} · ${run.hello.config}`;
    if (document.title !== title) document.title = title;
  }

  return { draw };
}
