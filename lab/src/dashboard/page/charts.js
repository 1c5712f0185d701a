// The time charts: one uPlot each, all with the same time axis, the same moment under the cursor and the same marks.

import { decades, numberLabels, timeLabels, timeRange, TIME_STEPS } from './axis.js';
import { element, make, say } from './dom.js';
import { apart, font, line, text } from './draw.js';
import { PANELS } from './panels.js';
import { faint, ink, size } from './theme.js';
import { middle } from './windows.js';
import { length, moment } from './words.js';

/** Runs `draw` on a chart's canvas in CSS pixels, with the box of the plot. */
function onCanvas(u, clipped, draw) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const box = { left: bbox.left / ratio, top: bbox.top / ratio, width: bbox.width / ratio, height: bbox.height / ratio };
  ctx.save();
  if (clipped) {
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
  }
  ctx.scale(ratio, ratio);
  draw(ctx, box, (t) => box.left + u.valToPos(t, 'x'), (v) => box.top + u.valToPos(v, 'y'));
  ctx.restore();
}

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
    const axis = { stroke: () => ink.muted, font: font(size.small), ticks: { show: false } };
    const grid = { stroke: () => ink.grid, width: 1 };
    return {
      width, height,
      legend: { show: false },
      padding: [size.small * 0.6, size.gutter, timeAxis ? 0 : size.small * 0.6, 0],
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'run' }, points: { size: size.stroke * 3.5 } },
      scales: {
        x: { time: false, range: () => timeRange(run) },
        y: { distr: panel.log ? 3 : 1, range: () => panel.range(this.inSight(), run.lines()) },
      },
      axes: [
        { ...axis, grid, incrs: TIME_STEPS, values: timeAxis ? timeLabels : () => [], space: size.small * 6, size: timeAxis ? size.small * 2 : 0, gap: size.small * 0.5 },
        {
          ...axis, grid, size: size.axis, gap: size.small * 0.5, space: size.small * 1.7, values: numberLabels,
          ...(panel.log && { splits: (u, i, low, high) => decades(low, high), filter: (u, ticks) => ticks }),
        },
      ],
      series: [
        {},
        ...panel.series.map((series) => ({
          stroke: () => ink[series.colour],
          fill: series.main ? () => faint(ink[series.colour], 0.16) : undefined,
          width: size.stroke * (series.main ? 1.2 : 0.9),
          dash: series.dash.map((part) => part * (size.lecture ? 2 : 1)),
          pxAlign: 0,
          points: { show: false },
        })),
      ],
      hooks: {
        drawClear: [(u) => this.marks(u)],
        drawAxes: [(u) => this.under(u)],
        draw: [(u) => this.over(u)],
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

  /** The bands of what went wrong and of levers, and where each begins. */
  marks(u) {
    onCanvas(u, true, (ctx, box, x) => {
      for (const mark of this.run.frame?.marks ?? []) {
        const colour = mark.role === 'trigger' ? ink.red : ink.blue;
        const [from, until] = [x(mark.from_s), x(mark.until_s ?? this.run.frame.t_s)];
        ctx.fillStyle = faint(colour, mark.role === 'trigger' ? 0.13 : 0.1);
        ctx.fillRect(from, box.top, until - from, box.height);
        line(ctx, [[from, box.top], [from, box.top + box.height]], { colour, width: size.stroke / 2, dash: mark.role === 'trigger' ? [] : [3, 3] });
      }
    });
  }

  /** What lies under the series: the line of reference, and how it once went on. */
  under(u) {
    const { panel, run } = this;
    const reference = panel.line(run.lines());
    onCanvas(u, true, (ctx, box, x, y) => {
      if (reference) {
        const height = y(reference.at);
        line(ctx, [[box.left, height], [box.left + box.width, height]], { colour: ink.muted, width: Math.max(1, size.stroke / 2), dash: [5, 4] });
      }
      for (const series of panel.series.filter((s) => s.ghost)) {
        const points = this.ghost().map((w) => [x(middle(w)), series.value(w) === null ? null : y(series.value(w))]);
        line(ctx, points, { colour: faint(ink[series.colour], 0.65), width: size.stroke * 0.75, dash: [2, 4] });
      }
    });
  }

  ghost() {
    const [from, until] = timeRange(this.run);
    return (this.run.ghost ?? []).filter((w) => w.until_s > from && w.from_s < until);
  }

  /** What lies over the series: their names, the name of the line, a cut peak, the pinned moment. */
  over(u) {
    const { panel, run } = this;
    onCanvas(u, false, (ctx, box, x, y) => {
      const reference = panel.line(run.lines());
      if (reference) {
        const height = Math.max(y(reference.at) - size.small * 0.75, box.top + size.small * 0.5);
        text(ctx, reference.name, box.left + 6, height, { colour: ink.muted, style: 'italic' });
      }
      this.peak(ctx, box, x, u);
      if (run.pin !== null) {
        const at = x(run.pin);
        if (at >= box.left && at <= box.left + box.width) line(ctx, [[at, box.top], [at, box.top + box.height]], { colour: ink.ink, width: size.stroke * 0.75 });
      }
      this.names(ctx, box, x, y);
    });
  }

  peak(ctx, box, x, u) {
    const { cut, series } = this.panel;
    if (!cut || !this.visible.length) return;
    const value = series[cut.series].value;
    const top = this.visible.reduce((most, w) => (value(w) > value(most) ? w : most));
    if (value(top) <= u.scales.y.max) return;
    const at = x(middle(top));
    const words = cut.words(value(top));
    ctx.font = font(size.small);
    const before = at - box.left > ctx.measureText(words).width + 16; // left of the peak, where there is room
    text(ctx, words, at + (before ? -size.small : size.small), box.top + size.small * 0.7, { colour: ink[series[cut.series].colour], align: before ? 'right' : 'left' });
  }

  /** Each series' name at the end of its line. */
  names(ctx, box, x, y) {
    const gap = size.text * 1.15;
    const ends = (windows, series) => {
      const last = windows.findLast((w) => series.value(w) !== null);
      return last && { x: x(middle(last)), y: Math.min(Math.max(y(series.value(last)), box.top), box.top + box.height) };
    };
    const now = this.panel.series.map((s) => ({ ...ends(this.visible, s), words: s.name, colour: ink[s.colour], style: '600' }));
    const past = this.panel.series.filter((s) => s.main).map((s) => ({ ...ends(this.ghost(), s), words: 'as it was', colour: ink[s.colour], style: 'italic' }));
    const [here, there] = [now, past].map((labels) => labels.filter((l) => l.x >= box.left));
    const near = here.length && there.length && Math.abs(here[0].x - there[0].x) < size.gutter * 1.3;
    for (const group of near ? [[...here, ...there]] : [here, there]) {
      for (const label of apart(group, gap, box.top + gap * 0.3, box.top + box.height - gap * 0.2)) {
        const from = Math.max(label.x, near ? Math.max(...group.map((l) => l.x)) : label.x);
        if (Math.abs(label.at - label.y) > 3) line(ctx, [[from + 3, label.y], [from + 9, label.at]], { colour: faint(label.colour, 0.7) });
        text(ctx, label.words, from + 12, label.at, { colour: label.colour, style: label.style, px: size.text });
      }
    }
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

  /** A press or a drag on the chart pins a moment. */
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
  }
}

/** The three charts as one view. */
export function makeCharts(run, actions) {
  const charts = PANELS.map((panel) => new Chart(panel, run, actions));
  return {
    draw: () => charts.forEach((chart) => chart.draw()),
    read: () => charts.forEach((chart) => chart.read()),
    redraw: () => charts.forEach((chart) => chart.u?.redraw(false)),
    rebuild: () => charts.forEach((chart) => chart.build()),
    /** The chart whose plot the lane above is laid out by. */
    rates: charts[0],
  };
}
