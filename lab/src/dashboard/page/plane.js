// The state plane: goodput against offered load. One load, two states: that is what metastable means.

import { roundUp, Top } from './axis.js';
import { font, line, prepare, text } from './draw.js';
import { faint, ink, size } from './theme.js';
import { whole } from './words.js';

const TRAIL_S = 120;

export function makePlane(run) {
  const canvas = document.querySelector('#plane canvas');
  const readout = document.querySelector('#plane .readout');
  const top = new Top();
  let said = '';

  function draw() {
    const screen = run.hello && prepare(canvas);
    if (!screen) return;
    const { ctx, width, height } = screen;
    const now = run.windows.end;
    const trail = run.windows.between(now - TRAIL_S, now);
    const ghost = (run.ghost ?? []).filter((w) => w.until_s < now + TRAIL_S);
    const here = run.window();
    const { capacity_per_s: advertised, hidden_capacity_per_s: hidden } = run.lines();
    const end = top.over(
      Math.max((advertised ?? 0) * 1.25, ...[...trail, ...ghost].map((w) => Math.max(w.offered_per_s, w.good_per_s) * 1.05)),
    );
    const box = { left: size.axis, top: size.small * 1.9, right: width - size.small * 1.4, bottom: height - size.small * 3.4 };
    const x = (v) => box.left + (v / end) * (box.right - box.left);
    const y = (v) => box.bottom - (v / end) * (box.bottom - box.top);
    const place = (w) => [x(w.offered_per_s), y(w.good_per_s)];

    axes(ctx, box, x, y, end);
    regions(ctx, box, x, end, hidden, advertised);
    line(ctx, ghost.map(place), { colour: faint(ink.ink, 0.35), width: size.stroke * 0.6, dash: [2, 4] });
    line(ctx, trail.map(place), { colour: faint(ink.slate, 0.4), width: size.stroke * 0.5 });
    for (const window of trail) {
      const age = Math.min(1, (now - window.until_s) / TRAIL_S);
      dot(ctx, ...place(window), size.stroke * 1.2, faint(ink.slate, 0.9 - 0.7 * age));
    }
    if (here) {
      const [at, up] = place(here);
      const share = here.offered_per_s ? here.good_per_s / here.offered_per_s : 1;
      const colour = share < 0.5 ? ink.red : share < 0.9 ? ink.purple : ink.green;
      dot(ctx, at, up, size.stroke * 3.4, ink.paper);
      dot(ctx, at, up, size.stroke * 2.6, colour);
      const left = at > (box.left + box.right) / 2;
      text(
        ctx,
        here === run.windows.last ? 'you are here' : 'it was here',
        at + (left ? -1 : 1) * size.stroke * 5,
        Math.min(up, box.bottom - size.text * 0.75),
        { colour, style: '600', px: size.text, align: left ? 'right' : 'left' },
      );
    }
    const words = here ? `${whole(here.good_per_s)} of ${whole(here.offered_per_s)}/s` : '';
    if (words !== said) readout.textContent = said = words;
  }

  function axes(ctx, box, x, y, end) {
    const step = roundUp(end / (size.lecture ? 3 : 5));
    for (let v = 0; v <= end * 1.001; v += step) {
      line(
        ctx,
        [
          [x(v), box.top],
          [x(v), box.bottom],
        ],
        { colour: ink.grid },
      );
      line(
        ctx,
        [
          [box.left, y(v)],
          [box.right, y(v)],
        ],
        { colour: ink.grid },
      );
      text(ctx, whole(v), x(v), box.bottom + size.small * 0.95, { colour: ink.muted, align: 'center' });
      text(ctx, whole(v), box.left - size.small * 0.5, y(v), { colour: ink.muted, align: 'right' });
    }
    line(
      ctx,
      [
        [box.left, box.bottom],
        [box.right, box.bottom],
      ],
      { colour: ink.axis },
    );
    text(ctx, 'offered load per second', (box.left + box.right) / 2, box.bottom + size.small * 2.4, {
      colour: ink.muted,
      align: 'center',
    });
    line(
      ctx,
      [
        [x(0), y(0)],
        [x(end), y(end)],
      ],
      { colour: ink.axis, dash: [2, 4] },
    );
  }

  /** Below the hidden capacity no failure lasts; between it and the advertised one a failure can; above, it is plain overload. */
  function regions(ctx, box, x, end, hidden, advertised) {
    const upright = (at) =>
      line(
        ctx,
        [
          [x(at), box.top],
          [x(at), box.bottom],
        ],
        { colour: ink.muted, width: Math.max(1, size.stroke / 2), dash: [5, 4] },
      );
    const style = { colour: ink.muted, style: 'italic', align: 'center' };
    let free = 0; // to the right of what is written already
    for (const [name, at] of [
      ['hidden', hidden],
      ['capacity', advertised],
    ]) {
      if (!at || at > end) continue;
      upright(at);
      const words = `${name} ${whole(at)}`;
      ctx.font = font(size.small, 'italic');
      const half = ctx.measureText(words).width / 2;
      const middle = Math.max(Math.min(x(at), box.right - half), free + half);
      text(ctx, words, middle, box.top - size.small * 0.85, style);
      free = middle + half + size.small * 0.6;
    }
    if (!hidden || !advertised || hidden >= advertised) return;
    const names = [
      ['safe', 0, hidden],
      ['vulnerable', hidden, advertised],
      ['overloaded', advertised, end],
    ];
    for (const [name, from, until] of names) {
      ctx.font = font(size.small, 'italic');
      if (ctx.measureText(name).width < x(until) - x(from) - 6)
        text(ctx, name, (x(from) + x(until)) / 2, box.top + size.small, style);
    }
  }

  function dot(ctx, at, up, radius, colour) {
    ctx.beginPath();
    ctx.arc(at, up, radius, 0, 2 * Math.PI);
    ctx.fillStyle = colour;
    ctx.fill();
  }

  new ResizeObserver(draw).observe(canvas);
  return { draw };
}
