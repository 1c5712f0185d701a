// The levers: what goes wrong, and what an operator does about it; each with its numbers.

import { element, make, say, tune } from './dom.js';
import { size } from './theme.js';
import { length, number } from './words.js';

/** How long an act without length is shown as just done, in milliseconds of the viewer's time. */
const JUST_DONE_MS = 2500;

/** A lever's numbers as they are read: how long it lasts comes last. */
const inOrder = ({ arguments: all }) => [...all.filter((a) => a.name !== 'for_s'), ...all.filter((a) => a.name === 'for_s')];

/** A lever's numbers, said: `Load spike × 2 for 10 s`. */
export function leverWords(lever, values) {
  const parts = inOrder(lever).map(({ name, label, unit }) => {
    if (values[name] === null) return 'to the end';
    return [label, number(values[name]), unit].filter(Boolean).join(' ');
  });
  return [lever.label, ...parts].join(' ');
}

class Lever {
  constructor(lever, run, actions) {
    Object.assign(this, { lever, run, actions, inputs: new Map(), doneUntil: 0 });
    this.button = make('button', { title: lever.help }, make('kbd', {}, lever.key), ' ', make('span', {}, lever.label));
    this.state = make('span', { className: 'state' });
    this.form = make(
      'form',
      { className: `lever-form ${lever.role}`, noValidate: true },
      this.button,
      ...this.fields(),
      this.state,
    );
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.actions.press(this.lever);
    });
    this.item = make('li', {}, this.form);
  }

  /** The numbers, and the button that opens them where there is no room for all. */
  fields() {
    const { lever } = this;
    if (!lever.arguments.length) return [];
    const more = make(
      'button',
      { type: 'button', className: 'more', ariaLabel: `Numbers of ${lever.label}`, onclick: () => this.toggle() },
      '…',
    );
    return [more, make('span', { className: 'arguments' }, ...inOrder(lever).map((argument) => this.field(argument)))];
  }

  field(argument) {
    const { name, label, unit, value, min, max, optional } = argument;
    // Any number is allowed; the arrows go in the argument's steps.
    const input = make('input', {
      type: 'number',
      step: 'any',
      min,
      max,
      value: value ?? '',
      required: !optional,
      placeholder: optional ? '∞' : '',
    });
    input.ariaLabel = `${this.lever.label}: ${label || name}${unit ? `, in ${unit}` : ''}`;
    const fit = () => (input.style.width = `${Math.max(2, input.value.length) + 1.4}ch`);
    input.addEventListener('input', fit);
    input.addEventListener('keydown', (event) => this.typed(event, argument, input, fit));
    fit();
    this.inputs.set(name, input);
    return make('label', { className: name === 'for_s' ? 'for' : '' }, label, ' ', input, ' ', unit);
  }

  /** Arrows step; Escape leaves the field. Enter submits, as forms do. */
  typed(event, argument, input, fit) {
    if (event.key === 'Escape') {
      input.blur();
      this.form.classList.remove('open');
    } else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      event.preventDefault();
      const step = argument.step * (event.key === 'ArrowUp' ? 1 : -1);
      const value = (input.value === '' ? 0 : Number(input.value)) + step;
      input.value = Number(Math.min(Math.max(value, argument.min), argument.max).toFixed(6));
      fit();
    }
  }

  toggle() {
    if (this.form.classList.toggle('open')) this.edit();
  }

  /** Puts the cursor into the first number. */
  edit() {
    this.form.classList.add('open');
    const input = this.inputs.values().next().value;
    input?.focus();
    input?.select();
  }

  /** The numbers as typed; throws a sentence where one cannot be. */
  values() {
    const values = {};
    for (const argument of this.lever.arguments) {
      const input = this.inputs.get(argument.name);
      const name = `${this.lever.label}, ${argument.label || argument.name}`;
      if (input.value === '' && argument.optional && !input.validity.badInput) values[argument.name] = null;
      else if (!input.checkValidity()) {
        input.focus();
        const range = `from ${argument.min} to ${argument.max} ${argument.unit}`.trim();
        throw new Error(`${name}: ${input.value || 'nothing'} is not allowed; a number ${range}.`);
      } else values[argument.name] = Number(input.value);
    }
    return values;
  }

  done() {
    this.form.classList.remove('open');
    if (!this.inputs.has('for_s')) this.doneUntil = performance.now() + JUST_DONE_MS;
  }

  /** Shows whether it is on, and for how long still. */
  draw() {
    const { frame } = this.run;
    const mark = frame?.marks.findLast(
      (m) => m.lever === this.lever.id && m.from_s <= frame.t_s && (m.until_s === null || m.until_s > frame.t_s),
    );
    const left = mark && mark.until_s !== null ? mark.until_s - frame.t_s : null;
    const words = mark
      ? left === null
        ? 'on'
        : `${length(Math.ceil(left))}${size.lecture ? '' : ' left'}`
      : performance.now() < this.doneUntil
        ? 'done'
        : '';
    say(this.state, words);
    this.form.classList.toggle('on', words !== '');
    tune(this.form, '--left', left === null ? '1' : (left / (mark.until_s - mark.from_s)).toFixed(3));
    const disabled = !this.run.can('press');
    if (this.button.disabled !== disabled) for (const field of this.form.elements) field.disabled = disabled;
  }
}

/** All levers. They are built anew only when the server offers others, so that what was typed stays. */
export function makeLevers(run, actions) {
  let levers = [];
  let offered = '';

  function build() {
    const now = JSON.stringify(run.hello.levers);
    if (now === offered) return;
    offered = now;
    levers = run.hello.levers.map((lever) => new Lever(lever, run, actions));
    for (const [role, id] of [
      ['trigger', 'triggers'],
      ['lever', 'levers'],
    ]) {
      element(id).replaceChildren(...levers.filter((l) => l.lever.role === role).map((l) => l.item));
    }
  }

  const find = (id) => levers.find((l) => l.lever.id === id);
  return {
    build,
    draw: () => levers.forEach((lever) => lever.draw()),
    values: (id) => find(id).values(),
    edit: (id) => find(id).edit(),
    done: (id) => find(id).done(),
  };
}
