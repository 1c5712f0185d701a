// One of several, as a row of buttons.

import { make } from './dom.js';

/**
 * Fills `fieldset` with a button for each `[label, value, key]`; `choose(value)` is called when one is pressed.
 * Gives a function that shows which value holds.
 */
export function makeChoice(fieldset, options, choose) {
  const legend = fieldset.querySelector('legend');
  const buttons = options.map(([label, value, key]) => {
    const hint = key ? [make('kbd', {}, key), ' '] : [];
    const button = make('button', { type: 'button', onclick: () => choose(value) }, ...hint, label);
    return [value, button];
  });
  fieldset.replaceChildren(legend, ...buttons.map(([, button]) => button));
  let shown;
  return (held) => {
    if (held === shown) return;
    shown = held;
    for (const [value, button] of buttons) button.setAttribute('aria-pressed', value === held);
  };
}
