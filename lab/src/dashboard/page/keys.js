// The keyboard: letters are levers, digits are speeds; and the dialog that tells them.

import { makeChoice } from './choice.js';
import { element, make } from './dom.js';
import { chooseLecture, chooseTheme, size, theme } from './theme.js';

const dialog = element('keys');

/** Lists the keys of this run and offers the settings of the page. */
function showKeys(run) {
  const rows = [
    ['space', 'pause, go on'],
    ...(run.hello.speeds.length > 1
      ? [[`1 – ${Math.min(9, run.hello.speeds.length)}`, `speed ${run.hello.speeds.map((s) => `${s}×`).join(', ')}`]]
      : []),
    ...run.hello.levers.filter((lever) => lever.key.trim()).map((lever) => [lever.key, `${lever.label}: ${lever.help}`]),
    ...(run.hello.levers.length
      ? [['shift + letter', 'change a lever’s numbers; enter presses it, arrows step, escape leaves']]
      : []),
    ['← →', 'look at the window before, after'],
    ['enter', 'go to the moment that is looked at'],
    ['escape', 'look at the present again, as a double click on a chart does'],
    ...(run.hello.cards.length
      ? [['in a question', 'digits count hands, shift + digit takes one back, enter presses or goes on, escape leaves']]
      : []),
    ['e', 'export what was done as YAML'],
    ['?', 'this list'],
  ];
  element('key-list').replaceChildren(
    ...rows.flatMap(([key, does]) => [make('dt', {}, make('kbd', {}, key)), make('dd', {}, does)]),
  );
  const showTheme = makeChoice(
    element('themes'),
    [
      ['system', 'system'],
      ['light', 'light'],
      ['dark', 'dark'],
    ],
    (choice) => {
      chooseTheme(choice);
      showTheme(choice);
    },
  );
  const showSize = makeChoice(
    element('sizes'),
    [
      ['desk', false],
      ['lecture', true],
    ],
    (on) => {
      chooseLecture(on);
      showSize(on);
    },
  );
  showTheme(theme.choice);
  showSize(size.lecture);
  dialog.showModal();
}

/** Hears the keyboard. `actions` by what they do; `card` is asked first while a question is open. */
export function hearKeys(run, actions, card) {
  addEventListener('keydown', (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !run.hello || dialog.open) return;
    if (target.matches('input:not([type=range])')) return; // who types a number presses nothing
    if (target.matches('input') && /^(Arrow|Page|Home|End)/.test(key)) return;
    if (target.matches('button, a') && (key === ' ' || key === 'Enter')) return;
    if (card(event)) {
      event.preventDefault();
      return;
    }
    const act = meaning(event);
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || key.startsWith('Arrow')) act();
  });

  function meaning({ key, shiftKey }) {
    if (/^[1-9]$/.test(key) && run.hello.speeds[key - 1] !== undefined) return () => actions.speed(run.hello.speeds[key - 1]);
    const lever = run.hello.levers.find((l) => l.key.trim() && l.key.toLowerCase() === key.toLowerCase());
    if (lever) return () => (shiftKey ? actions.edit(lever) : actions.press(lever));
    const fixed = {
      ' ': actions.togglePause,
      ArrowLeft: () => actions.step(-1),
      ArrowRight: () => actions.step(1),
      Enter: run.pin === null ? null : () => actions.goTo(run.pin),
      Escape: () => actions.pin(null),
      e: () => element('export').click(),
      '?': () => showKeys(run),
    };
    return fixed[key];
  }

  // A button that was clicked lets go of the keyboard, or the next space would press it again.
  addEventListener('click', (event) => {
    if (event.detail > 0) event.target.closest('button')?.blur();
  });
  element('help').addEventListener('click', () => run.hello && showKeys(run));
}
