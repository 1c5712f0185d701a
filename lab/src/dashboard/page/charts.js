// The time charts: one uPlot each, all with the same time axis, the same moment under the cursor and the same marks.

import { decades, numberLabels, timeLabels, timeRange, TIME_STEPS } from './axis.js';
import { element, make, say } from './dom.js';
import { font } from './draw.js';
import { drawMarks, drawOver, drawUnder } from './layers.js';
import { PANELS } from './panels.js';
import { faint, ink, size } from './theme.js';
import { middle } from './windows.js';
import { length, moment } from './words.js';

class Chart {
  constructor(panel, run, actions) {
    Object.assign(this, { panel, run, actions });
    this.section = element(panel.id);
    this.place = this.section.querySelector('.plot');
    this.readout = this.section.querySelector('.readout');
    this.unit = this.section.querySelector('.unit');
    this.unitWords = this.unit.textContent;
    this.visible = [];
    new ResizeObserver(() => this.resize()).observe(this.place);
  }

  /** Builds the chart anew: sizes of letters and strokes are fixed when it is made. */
  build() {
    this.u?.destroy();
    this.u = null;
    const { width, height } = this.place.getBoundingClientRect();
    if (!this.run.hello || width < 50 || height < 30) return;
    this.u = new uPlot(this.options(width, height), this.data(), this.place);
    this.grab(this.u.over);
  }

  options(width, height) {
    const { panel, run } = this;
    const timeAxis = size.lecture || panel.id === 'queue';
    // uPlot wants whole pixels here, and dashes in those of the screen.
    const axis = { stroke: () => ink.muted, font: font(Math.round(size.small)), ticks: { show: false } };
    const grid = { stroke: () => ink.grid, width: 1 };
    return {
      width,
      height,
      legend: { show: false },
      padding: [size.small * 0.6, size.gutter, timeAxis ? 0 : size.small * 0.6, 0],
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'run' }, points: { size: size.stroke * 3.5 } },
      scales: {
        x: { time: false, range: () => timeRange(run) },
        y: { distr: panel.log ? 3 : 1, range: () => panel.range(this.inSight(), run.lines()) },
      },
      axes: [
        {
          ...axis,
          grid,
          incrs: TIME_STEPS,
          values: timeAxis ? timeLabels : () => [],
          space: size.small * 6,
          size: timeAxis ? size.small * 2 : 0,
          gap: size.small * 0.5,
        },
        {
          ...axis,
          grid,
          size: size.axis,
          gap: size.small * 0.5,
          space: size.small * 1.7,
          values: numberLabels,
          ...(panel.log && { splits: (u, i, low, high) => decades(low, high), filter: (u, ticks) => ticks }),
        },
      ],
      series: [
        {},
        ...panel.series.map((series) => ({
          stroke: () => ink[series.colour],
          fill: series.main ? () => faint(ink[series.colour], 0.16) : undefined,
          width: size.stroke * (series.main ? 1.2 : 0.9),
          dash: series.dash.map((part) => part * devicePixelRatio * (size.lecture ? 2 : 1)),
          pxAlign: 0,
          points: { show: false },
        })),
      ],
      hooks: {
        drawClear: [() => drawMarks(this)],
        drawAxes: [() => drawUnder(this)],
        draw: [() => drawOver(this)],
        setCursor: [(u) => this.actions.hover(u.cursor.left >= 0 ? u.posToVal(u.cursor.left, 'x') : null)],
      },
    };
  }

  data() {
    const [from, until] = timeRange(this.run);
    this.visible = this.run.windows.between(from, until);
    return [this.visible.map(middle), ...this.panel.series.map(({ value }) => this.visible.map(value))];
  }

  /** The windows that the axis must hold: those of the run, and of what it once was. */
  inSight() {
    const [from, until] = timeRange(this.run);
    return [...(this.run.ghost ?? []).filter((w) => w.until_s > from && w.from_s < until), ...this.visible];
  }

  resize() {
    const { width, height } = this.place.getBoundingClientRect();
    if (!this.u) this.build();
    else if (width > 50 && height > 30) this.u.setSize({ width, height });
  }

  draw() {
    if (this.u) this.u.setData(this.data());
    else this.build();
    say(this.unit, this.unitWords + this.thinned());
    this.read();
  }

  /** What old values are, where they are in sight and stand for several windows each. */
  thinned() {
    const { windows, hello } = this.run;
    const whole = windows.piece_s <= hello.window_s || timeRange(this.run)[0] >= windows.wholeFrom;
    return whole ? '' : `; before ${moment(windows.wholeFrom)} ${this.panel.thinned} of ${length(windows.piece_s)}`;
  }

  ghost() {
    const [from, until] = timeRange(this.run);
    return (this.run.ghost ?? []).filter((w) => w.until_s > from && w.from_s < until);
  }

  /** The numbers of the moment that is looked at, else of the last window. */
  read() {
    const { run, panel } = this;
    const looked = run.looked();
    const window = looked === null ? run.windows.last : run.windows.at(looked);
    const once = looked === null || size.lecture ? null : this.ghost().find((w) => w.from_s <= looked && looked < w.until_s);
    const parts = panel.series.map((series) => {
      const [value, was] = [window, once].map((w) => (w ? panel.show(series.value(w)) : null));
      return [series, value ?? '–', was === null ? '' : ` (was ${was})`];
    });
    const when = looked === null ? '' : `at ${moment(looked, 1)}`;
    const key = JSON.stringify([when, parts]);
    if (key === this.said) return;
    this.said = key;
    const numbers = parts.map(([{ name, colour }, value, was]) => {
      const part = make('span', {}, `${name} `, make('b', {}, value), was);
      part.style.color = `var(--${colour})`;
      return part;
    });
    this.readout.replaceChildren(...(when ? [make('span', { className: 'when' }, when)] : []), ...numbers);
  }

  /** A press or a drag on the chart pins a moment, a double click lets go of it. */
  grab(over) {
    const pin = (event) => this.actions.pin(this.u.posToVal(event.clientX - over.getBoundingClientRect().left, 'x'));
    over.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      over.setPointerCapture(event.pointerId);
      pin(event);
    });
    over.addEventListener('pointermove', (event) => {
      if (event.buttons & 1) pin(event);
    });
    over.addEventListener('dblclick', () => this.actions.pin(null));
  }
}

/** The three charts as one view. */
export function makeCharts(run, actions) {
  const charts = PANELS.map((panel) => new Chart(panel, run, actions));
  return {
    draw: () => charts.forEach((chart) => chart.draw()),
    read: () => charts.forEach((chart) => chart.read()),
    rebuild: () => charts.forEach((chart) => chart.build()),
    /** The chart whose plot the lane above is laid out by. */
    rates: charts[0],
  };
}
