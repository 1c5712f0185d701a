"use strict";
// Drawing: SVG as text, scales, ticks, and names of curves that do not lie on each other.
const ink = (() => {
  const escape = (text) =>
    String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const px = (n) => n.toFixed(1);

  function text(x, y, words, attributes = "") {
    return `<text x="${px(x)}" y="${px(y)}" ${attributes}>${escape(words)}</text>`;
  }

  function line(x0, y0, x1, y1, colour, more = "") {
    return `<line x1="${px(x0)}" y1="${px(y0)}" x2="${px(x1)}" y2="${px(y1)}" stroke="var(--${colour})" ${more}/>`;
  }

  const dashes = (x0, x1, y, colour = "muted") => line(x0, y, x1, y, colour, 'stroke-dasharray="6 4" stroke-width="1.2"');

  function rect(x, y, width, height, colour, more = "") {
    return `<rect x="${px(x)}" y="${px(y)}" width="${px(Math.max(0, width))}" height="${px(height)}" fill="var(--${colour})" ${more}/>`;
  }

  /** The path through points; it breaks where a value is missing. */
  function path(xs, ys) {
    let d = "";
    let pen = "M";
    xs.forEach((x, i) => {
      if (ys[i] === null || !Number.isFinite(ys[i])) pen = "M";
      else {
        d += `${pen}${px(x)} ${px(ys[i])}`;
        pen = "L";
      }
    });
    return d;
  }

  function curve(xs, ys, colour, width, more = "") {
    return `<path d="${path(xs, ys)}" fill="none" stroke="var(--${colour})" stroke-width="${width}" stroke-linejoin="round" stroke-linecap="round" ${more}/>`;
  }

  function area(xs, ys, bottom, colour, opacity) {
    if (!xs.length) return "";
    const d = `${path(xs, ys)}L${px(xs.at(-1))} ${px(bottom)}L${px(xs[0])} ${px(bottom)}Z`;
    return `<path d="${d}" fill="var(--${colour})" fill-opacity="${opacity}"/>`;
  }

  /** Round numbers from 0 to at least `most`, about `count` of them. */
  function ticks(most, count) {
    const rough = Math.max(most, 1e-9) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
    const n = Math.ceil(most / step - 1e-9);
    return Array.from({ length: n + 1 }, (_, i) => i * step);
  }

  const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const three = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
  /** A number as a person would write it. */
  const number = (n) => (Math.abs(n) >= 100 ? grouped : three).format(n);
  /** A length of time in seconds. */
  const seconds = (s) => (s < 1 ? `${number(s * 1000)} ms` : `${number(s)} s`);

  /** Moves what would lie on each other apart: centres from top to bottom, at least `gap` from each other. */
  function apart(centres, gap, top, bottom) {
    const order = centres.map((y, i) => ({ y, i })).sort((a, b) => a.y - b.y || a.i - b.i);
    for (let round = 0; round < 60; round++) {
      for (let k = 1; k < order.length; k++) {
        const lack = gap - (order[k].y - order[k - 1].y);
        if (lack > 0) {
          order[k].y += lack / 2;
          order[k - 1].y -= lack / 2;
        }
      }
      if (order.length && order[0].y < top) order[0].y = top;
      if (order.length && order.at(-1).y > bottom) order.at(-1).y = bottom;
    }
    const moved = [];
    for (const { y, i } of order) moved[i] = y;
    return moved;
  }

  /** Names at the right ends of curves: `[{ name, colour, y }]`. */
  function names(list, x, top, bottom) {
    const k = scale();
    const at = apart(list.map((n) => n.y), 16 * k, top, bottom);
    return list
      .map(({ name, colour, y }, i) => {
        const leader = Math.abs(at[i] - y) > 3 ? line(x + 2, y, x + 12, at[i], colour, 'stroke-width="1"') : "";
        return leader + text(x + 15, at[i] + 4.5 * k, name, `class="name" style="fill:var(--${colour})"`);
      })
      .join("");
  }

  /** How large the page's letters are, 1 for the smallest. */
  const scale = () => parseFloat(getComputedStyle(document.body).fontSize) / 14;

  return { scale, escape, px, text, line, dashes, rect, path, curve, area, ticks, number, seconds, names };
})();
