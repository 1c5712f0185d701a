// What is drawn on a time chart beside its series: the bands of marks, lines of reference, what once was, and names.

import { apart, font, line, text } from './draw.js';
import { faint, ink, size } from './theme.js';
import { middle } from './windows.js';

/** Runs `draw` on a chart's canvas in CSS pixels: with the box of the plot, and where moments and values are in it. */
function onCanvas({ u }, clipped, draw) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const box = {
    left: bbox.left / ratio,
    top: bbox.top / ratio,
    right: (bbox.left + bbox.width) / ratio,
    bottom: (bbox.top + bbox.height) / ratio,
  };
  ctx.save();
  if (clipped) {
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
  }
  ctx.scale(ratio, ratio);
  draw(
    ctx,
    box,
    (t) => box.left + u.valToPos(t, 'x'),
    (v) => box.top + u.valToPos(v, 'y'),
  );
  ctx.restore();
}

const upright = (ctx, box, at, style) =>
  line(
    ctx,
    [
      [at, box.top],
      [at, box.bottom],
    ],
    style,
  );

/** The bands of what went wrong and of levers, and where each begins. */
export function drawMarks(chart) {
  const { frame } = chart.run;
  onCanvas(chart, true, (ctx, box, x) => {
    for (const mark of frame?.marks ?? []) {
      const trigger = mark.role === 'trigger';
      const colour = trigger ? ink.red : ink.blue;
      const [from, until] = [x(mark.from_s), x(mark.until_s ?? frame.t_s)];
      ctx.fillStyle = faint(colour, trigger ? 0.13 : 0.1);
      ctx.fillRect(from, box.top, until - from, box.bottom - box.top);
      upright(ctx, box, from, { colour, width: size.stroke / 2, dash: trigger ? [] : [3, 3] });
    }
  });
}

/** What lies under the series: the line of reference, and how the run once went on. */
export function drawUnder(chart) {
  const { panel, run } = chart;
  const reference = panel.line(run.lines());
  onCanvas(chart, true, (ctx, box, x, y) => {
    if (reference) {
      const height = y(reference.at);
      const style = { colour: ink.muted, width: Math.max(1, size.stroke / 2), dash: [5, 4] };
      line(
        ctx,
        [
          [box.left, height],
          [box.right, height],
        ],
        style,
      );
    }
    for (const { colour, value } of panel.series.filter((series) => series.ghost)) {
      const points = chart.ghost().map((w) => [x(middle(w)), value(w) === null ? null : y(value(w))]);
      line(ctx, points, { colour: faint(ink[colour], 0.65), width: size.stroke * 0.75, dash: [2, 4] });
    }
  });
}

/** What lies over the series: the name of the line, a cut peak, the pinned moment, the names of the series. */
export function drawOver(chart) {
  const { panel, run } = chart;
  const reference = panel.line(run.lines());
  onCanvas(chart, false, (ctx, box, x, y) => {
    if (reference) {
      const height = Math.max(y(reference.at) - size.small * 0.75, box.top + size.small * 0.5);
      text(ctx, reference.name, box.left + 6, height, { colour: ink.muted, style: 'italic' });
    }
    peak(chart, ctx, box, x);
    const pinned = run.pin === null ? -1 : x(run.pin);
    if (pinned >= box.left && pinned <= box.right) upright(ctx, box, pinned, { colour: ink.ink, width: size.stroke * 0.75 });
    names(chart, ctx, box, x, y);
  });
}

/** How high a peak goes that the axis cuts. */
function peak({ panel, visible, u }, ctx, box, x) {
  if (!panel.cut || !visible.length) return;
  const { value, colour } = panel.series[panel.cut.series];
  const top = visible.reduce((most, w) => (value(w) > value(most) ? w : most));
  if (value(top) <= u.scales.y.max) return;
  const at = x(middle(top));
  const words = panel.cut.words(value(top));
  ctx.font = font(size.small);
  const before = at - box.left > ctx.measureText(words).width + size.small * 1.5; // left of it, where there is room
  const style = { colour: ink[colour], align: before ? 'right' : 'left' };
  text(ctx, words, at + (before ? -size.small : size.small), box.top + size.small * 0.7, style);
}

/** Each series' name at the end of its line, and of what it once was. */
function names(chart, ctx, box, x, y) {
  const within = (height) => Math.min(Math.max(height, box.top), box.bottom);
  const ends = (windows, list, words, style) =>
    list.flatMap((series) => {
      const last = windows.findLast((w) => series.value(w) !== null);
      if (!last || x(middle(last)) < box.left) return [];
      return [
        { x: x(middle(last)), y: within(y(series.value(last))), words: words ?? series.name, colour: ink[series.colour], style },
      ];
    });
  const { series } = chart.panel;
  const now = ends(chart.visible, series, null, '600');
  const past = ends(
    chart.ghost(),
    series.filter((s) => s.main),
    'as it was',
    'italic',
  );
  const near = now.length && past.length && Math.abs(now[0].x - past[0].x) < size.gutter * 1.3;
  const gap = size.text * 1.15;
  for (const group of near ? [[...now, ...past]] : [now, past]) {
    const from = Math.max(...group.map((label) => label.x));
    for (const label of apart(group, gap, box.top + gap * 0.3, box.bottom - gap * 0.2)) {
      const moved = Math.abs(label.at - label.y) > 3;
      if (moved)
        line(
          ctx,
          [
            [from + 3, label.y],
            [from + 9, label.at],
          ],
          { colour: faint(label.colour, 0.7) },
        );
      text(ctx, label.words, from + 12, label.at, { colour: label.colour, style: label.style, px: size.text });
    }
  }
}
