"use strict";
// Sliders and choices, made from what the simulation says can be moved.
const controls = (() => {
  let list = [];
  let at = [];
  let extra = [];
  let changed = () => {};

  /** Builds them in `element` for a config that was set up. */
  function build(element, setup, whenChanged) {
    list = setup.controls;
    changed = whenChanged;
    element.replaceChildren(...list.map(row));
    reset();
  }

  function row(control, index) {
    const box = document.createElement("div");
    box.className = "control";
    const id = `control-${index}`;
    const label = document.createElement("label");
    label.htmlFor = id;
    label.textContent = control.label;
    label.title = control.hint;
    const value = document.createElement("output");
    value.htmlFor = id;
    const input = document.createElement(control.slider ? "input" : "select");
    input.id = id;
    input.title = control.hint;
    if (control.slider) {
      Object.assign(input, { type: "range", min: 0, max: control.steps.length - 1, step: 1 });
      input.addEventListener("input", () => move(index, Number(input.value)));
    } else {
      input.append(...control.steps.map((step, n) => new Option(step.label, n)));
      input.addEventListener("change", () => move(index, Number(input.value)));
    }
    box.append(label, ...(control.slider ? [value] : []), input);
    return box;
  }

  function show() {
    list.forEach((control, index) => {
      const input = document.getElementById(`control-${index}`);
      const step = control.steps[at[index]];
      input.value = at[index];
      input.parentElement.classList.toggle("moved", at[index] !== control.at);
      if (!control.slider) return;
      input.setAttribute("aria-valuetext", step.label);
      input.style.setProperty("--part", `${(100 * at[index]) / Math.max(1, control.steps.length - 1)}%`);
      input.previousElementSibling.textContent = step.label;
    });
  }

  function move(index, to) {
    at[index] = to;
    show();
    changed();
  }

  function reset() {
    at = list.map((control) => control.at);
    extra = [];
    show();
  }

  /** As the config has it, with one of the changes that it proposes. */
  function take(variant) {
    reset();
    for (const [index, to] of variant.moves) at[index] = to;
    extra = variant.set;
    show();
  }

  /** What differs from the config, as `PATH=VALUE`. */
  function set() {
    const moved = list.filter((control, index) => at[index] !== control.at);
    return [...extra, ...moved.map((control) => `${control.path}=${control.steps[at[list.indexOf(control)]].value}`)];
  }

  /** Takes what [set] gave. */
  function restore(changes) {
    reset();
    for (const change of changes) {
      const [path, value] = [change.slice(0, change.indexOf("=")), change.slice(change.indexOf("=") + 1)];
      const index = list.findIndex((control) => control.path === path);
      if (index < 0) extra.push(change);
      else at[index] = stepOf(index, value);
    }
    show();
  }

  /** The step with this value; one more at the end where there is none. */
  function stepOf(index, value) {
    const { steps, slider } = list[index];
    const known = steps.findIndex((step) => step.value === value);
    if (known >= 0) return known;
    const input = document.getElementById(`control-${index}`);
    if (slider) input.max = steps.length;
    else input.append(new Option(value, steps.length));
    return steps.push({ label: value, value }) - 1;
  }

  return { build, reset, take, set, restore };
})();
