// Elements: found, made, and changed only where something is another.

export const element = (id) => document.getElementById(id);

/** A new element with these properties and children; strings become text. */
export function make(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Sets a text only when it is another one: nothing is laid out in vain, and screen readers hear of changes alone. */
export function say(place, words) {
  if (place.textContent !== words) place.textContent = words;
}

/** Sets a custom property of the style only when it is another one. */
export function tune(place, property, value) {
  if (place.style.getPropertyValue(property) !== value) place.style.setProperty(property, value);
}
