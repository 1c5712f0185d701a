// Pause, speed, going back, and the span of time that is shown.

import { SPANS } from './axis.js';
import { makeChoice } from './choice.js';
import { element, say } from './dom.js';
import { moment } from './words.js';

export function makeTransport(run, actions) {
  const [pause, clock, scrub, back, to] = ['pause', 'clock', 'scrub', 'back', 'to'].map(element);
  const showSpan = makeChoice(element('spans'), SPANS, actions.span);
  let showSpeed = () => {};

  pause.addEventListener('click', actions.togglePause);
  back.addEventListener('submit', (event) => {
    event.preventDefault();
    if (to.value === '') return;
    actions.goTo(Number(to.value));
    to.blur();
  });
  to.addEventListener('input', () => actions.pin(to.value === '' ? null : Number(to.value)));
  scrub.addEventListener('input', () => actions.pin(Number(scrub.value)));
  scrub.addEventListener('change', () => actions.goTo(Number(scrub.value)));

  function build() {
    const options = run.hello.speeds.map((speed, i) => [`${speed}×`, speed, i < 9 ? String(i + 1) : null]);
    showSpeed = makeChoice(element('speeds'), options, actions.speed);
    scrub.hidden = !run.isReplay();
    scrub.max = run.hello.duration_s ?? 0;
    back.querySelector('button').textContent = run.isReplay() ? 'Go there' : 'Go back';
    back.querySelector('label').firstChild.textContent = run.isReplay() ? 'to ' : 'back to ';
  }

  function draw() {
    const { frame, hello } = run;
    if (!frame) return;
    say(clock, moment(frame.t_s, 1));
    say(pause.querySelector('span'), frame.ended ? 'Ended' : frame.paused ? 'Go on' : 'Pause');
    pause.classList.toggle('paused', frame.paused && !frame.ended);
    pause.hidden = !hello.can.pace;
    pause.disabled = !run.can('pace') || frame.ended;
    element('speeds').disabled = !run.can('pace');
    element('speeds').hidden = !hello.can.pace;
    for (const field of back.elements) field.disabled = !run.can('rewind');
    back.hidden = !hello.can.rewind;
    scrub.disabled = !run.can('rewind');
    to.max = hello.duration_s ?? frame.t_s;
    if (document.activeElement !== scrub) scrub.value = frame.t_s;
    if (document.activeElement !== to) to.value = run.pin === null ? '' : run.pin.toFixed(1);
    showSpeed(frame.speed);
    showSpan(run.span);
  }

  return { build, draw };
}
