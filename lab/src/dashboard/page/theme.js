// Light or dark, lecture size or not, and the colours and sizes that canvases draw with.

const root = document.documentElement;
const system = matchMedia('(prefers-color-scheme: dark)');
const NAMES = ['paper', 'ink', 'muted', 'grid', 'axis', 'blue', 'green', 'orange', 'red', 'purple', 'slate'];
/** A phone in the audience shows the ordinary page, in whatever size the lecture is. */
const room = matchMedia('(min-width: 900px)');
const listeners = [];
let lecture = false;

/** The palette as it is now: `ink.blue`. Filled from the style sheet, which alone knows the values. */
export const ink = {};

/** Sizes in CSS pixels: of small and ordinary text, and of the strokes of a main series. */
export const size = { small: 12, text: 14, stroke: 2, gutter: 90, axis: 56, lecture: false };

/** What was chosen: `system`, `light` or `dark`; the choice is kept by the browser where it may. */
export const theme = { choice: remembered() };

function remembered() {
  try {
    return localStorage.getItem('theme') ?? 'system';
  } catch {
    return 'system';
  }
}

function apply() {
  const dark = theme.choice === 'dark' || (theme.choice === 'system' && system.matches);
  root.dataset.theme = dark ? 'dark' : 'light';
  size.lecture = lecture && room.matches;
  root.classList.toggle('lecture', size.lecture);
  const style = getComputedStyle(root);
  for (const name of NAMES) ink[name] = style.getPropertyValue(`--${name}`).trim();
  const rem = parseFloat(style.fontSize);
  size.small = size.lecture ? rem : rem * 0.82;
  size.text = size.lecture ? rem : rem * 0.9;
  size.stroke = size.lecture ? 4.5 : 2;
  size.gutter = size.text * 5.6;
  size.axis = size.small * 4.8;
  for (const listener of listeners) listener();
}

/** Calls back whenever colours or sizes have changed. */
export function onTheme(listener) {
  listeners.push(listener);
}

export function chooseTheme(choice) {
  theme.choice = choice;
  try {
    localStorage.setItem('theme', choice);
  } catch {
    // A browser that keeps nothing still shows the theme.
  }
  apply();
}

/** Lecture size: large letters, thick strokes, fewer panels. */
export function chooseLecture(on) {
  lecture = on;
  apply();
}

/** The same colour, `share` opaque. */
export function faint(colour, share) {
  const alpha = Math.round(share * 255)
    .toString(16)
    .padStart(2, '0');
  return colour + alpha;
}

system.addEventListener('change', apply);
addEventListener('resize', apply);
document.fonts.addEventListener('loadingdone', apply);
apply();
