// One of several, as a row of buttons.

/**
 * Fills `fieldset` with a button for each `[label, value, key]`; `choose(value)` is called when one is pressed.
 * Gives a function that shows which value holds.
 */
export function makeChoice(fieldset, options, choose) {
  const legend = fieldset.querySelector('legend');
  const buttons = options.map(([label, value, key]) => {
    const button = document.createElement('button');
    button.type = 'button';
    if (key) button.append(Object.assign(document.createElement('kbd'), { textContent: key }), ' ');
    button.append(label);
    button.addEventListener('click', () => choose(value));
    return [value, button];
  });
  fieldset.replaceChildren(legend, ...buttons.map(([, button]) => button));
  return (held) => buttons.forEach(([value, button]) => button.setAttribute('aria-pressed', value === held));
}
