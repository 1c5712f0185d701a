// Small things that are drawn on canvases: text with a halo, dashed lines, labels that keep apart.

import { ink, size } from './theme.js';

export const font = (px, style = '') => `${style} ${px}px Inter, "Helvetica Neue", Arial, sans-serif`.trim();

/** Text with an edge in the colour of the paper, so that lines under it do not disturb. */
export function text(ctx, words, x, y, { colour = ink.ink, style = '', px = size.small, align = 'left', base = 'middle' } = {}) {
  ctx.font = font(px, style);
  ctx.textAlign = align;
  ctx.textBaseline = base;
  ctx.lineJoin = 'round';
  ctx.setLineDash([]);
  ctx.lineWidth = px * 0.3;
  ctx.strokeStyle = ink.paper;
  ctx.strokeText(words, x, y);
  ctx.fillStyle = colour;
  ctx.fillText(words, x, y);
}

export function line(ctx, points, { colour, width = 1, dash = [] }) {
  ctx.beginPath();
  let pen = false;
  for (const [x, y] of points) {
    if (y === null) pen = false;
    else if (pen) ctx.lineTo(x, y);
    else {
      ctx.moveTo(x, y);
      pen = true;
    }
  }
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.lineJoin = 'round';
  ctx.setLineDash(dash);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** Moves labels `{y, …}` apart to at least `gap`, within `top` and `bottom`, each as near to its place as it goes. */
export function apart(labels, gap, top, bottom) {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  sorted.forEach((label) => (label.at = label.y));
  for (let round = 0; round < 20; round++) {
    for (let i = 1; i < sorted.length; i++) {
      const lack = gap - (sorted[i].at - sorted[i - 1].at);
      if (lack > 0) {
        sorted[i - 1].at -= lack / 2;
        sorted[i].at += lack / 2;
      }
    }
    for (const label of sorted) label.at = Math.min(Math.max(label.at, top), bottom);
  }
  return sorted;
}

/** Makes a canvas as sharp as the screen; gives its context, scaled to CSS pixels, or null while it is not shown. */
export function prepare(canvas) {
  const box = canvas.getBoundingClientRect();
  if (box.width < 2 || box.height < 2) return null;
  const ratio = devicePixelRatio;
  const [width, height] = [Math.round(box.width * ratio), Math.round(box.height * ratio)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const ctx = canvas.getContext('2d');
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, box.width, box.height);
  return { ctx, width: box.width, height: box.height };
}
