"use strict";
// The state plane: goodput over offered load. Two states at the same load are two places on one vertical line.
const plane = (() => {
  function draw(element, shown) {
    const [width, height] = [element.clientWidth, element.clientHeight];
    if (width < 120 || height < 120) return;
    const { curves, hand } = shown;
    const k = ink.scale();
    const [x0, x1, y0, y1] = [50 * k, width - 22 * k, 26 * k, height - 40 * k];
    const service = hand.services.length === 1 ? hand.services[0] : undefined;
    const capacity = curves.capacity ?? Infinity;
    const parts = boundaries(shown);
    const offered = smooth(curves.offered, parts);
    const goodput = smooth(curves.goodput, parts);
    const reach = Math.max(...offered, ...goodput);
    const near = capacity < 3 * reach;
    const ticks = ink.ticks(1.04 * Math.max(reach, near ? capacity * 1.05 : 0), 4);
    const most = ticks.at(-1);
    const x = (v) => x0 + ((x1 - x0) * v) / most;
    const y = (v) => y1 - ((y1 - y0) * v) / most;
    let svg = regions(k, shown, service, near ? capacity : most, most, x, y0, y1);
    for (const v of ticks) {
      svg += ink.line(x(v), y0, x(v), y1, "grid") + ink.line(x0, y(v), x1, y(v), "grid");
      svg += ink.text(x(v), y1 + 17 * k, ink.number(v), 'class="tick" text-anchor="middle"') + ink.text(x0 - 8 * k, y(v) + 4.5 * k, ink.number(v), 'class="tick" text-anchor="end"');
    }
    svg += ink.line(x(0), y(0), x(most), y(most), "muted", 'stroke-dasharray="2 4"');
    const turn = (Math.atan2(y0 - y1, x1 - x0) * 180) / Math.PI;
    const [ex, ey] = [x(0.98 * most), y(0.98 * most)];
    svg += ink.text(ex, ey + 14 * k, "every call is good", `class="note" text-anchor="end" transform="rotate(${turn} ${ex} ${ey})"`);
    const hidden = service?.hidden_capacity_per_s;
    if (shown.two_states && hidden < 0.97 * capacity && hidden < most) svg += vertical(k, x(hidden), y0, y1, "μ/R");
    if (near) svg += vertical(k, x(capacity), y0, y1, "μ");
    svg += ink.line(x0, y1, x1, y1, "axis") + ink.line(x0, y0, x0, y1, "axis");
    svg += trajectory(shown, offered.map(x), goodput.map(y));
    svg += ink.text((x0 + x1) / 2, y1 + 35 * k, "offered (calls/s)", 'class="axis" text-anchor="middle"');
    svg += `<text class="heading" x="0" y="${ink.px(13 * k)}"><tspan class="title">State plane</tspan><tspan class="unit" dx="8">goodput over offered load</tspan></text>`;
    element.innerHTML = `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${ink.escape(spoken(shown))}">${svg}</svg>`;
  }

  function spoken(shown) {
    const [offered, goodput] = [timeline.recent(shown.curves.offered), timeline.recent(shown.curves.goodput)];
    return `Goodput over offered load: the run ends at ${ink.number(offered)} calls/s offered and ${ink.number(goodput)} good`;
  }

  /** Where a failed state heals by itself, where it stays, and where nothing helps. */
  function regions(k, { two_states }, service, capacity, most, x, y0, y1) {
    if (!service) return "";
    const hidden = two_states ? Math.min(service.hidden_capacity_per_s, capacity) : capacity;
    const band = (from, to, colour, ...names) => {
      const [a, b] = [x(Math.min(from, most)), x(Math.min(to, most))];
      const name = names.find((n) => n.length * 6.2 * k < b - a - 2);
      const label = name ? ink.text((a + b) / 2, y0 + 15 * k, name, `class="region" text-anchor="middle" style="fill:var(--${colour})"`) : "";
      return ink.rect(a, y0, b - a, y1 - y0, colour, 'fill-opacity="0.07"') + label;
    };
    return (
      band(0, hidden, "green", "always heals", "heals") +
      band(hidden, capacity, "purple", "two states: up or down", "two states") +
      band(capacity, most, "red", "overload")
    );
  }

  const vertical = (k, x, y0, y1, name) =>
    ink.line(x, y0, x, y1, "muted", 'stroke-dasharray="6 4"') + ink.text(x - 5, y0 + 33 * k, name, 'class="note" text-anchor="end"');

  /** The way of the run, by what went on, with where it begins and ends. */
  function trajectory(shown, xs, ys) {
    const [first, over] = shown.trigger_s ?? [Infinity, Infinity];
    const at = shown.curves.at_s;
    const begin = at.findIndex((s) => s >= shown.warmup_s);
    const part = (from, until, colour) => {
      const keep = at.map((s, i) => i >= begin && s >= from - shown.curves.width_s && s < until);
      const pick = (values) => values.filter((_, i) => keep[i]);
      return ink.curve(pick(xs), pick(ys), colour, 2, 'stroke-opacity="0.85"');
    };
    const after = ["unaffected", "recovered"].includes(shown.summary.verdict) ? "blue" : "red";
    const dot = (i, colour, name, dy, right) =>
      `<circle cx="${ink.px(xs[i])}" cy="${ink.px(ys[i])}" r="5" fill="var(--${colour})" stroke="var(--paper)" stroke-width="1.5"/>` +
      ink.text(xs[i] + (right ? 8 : -8), ys[i] + dy, name, `class="mark" text-anchor="${right ? "start" : "end"}" style="fill:var(--${colour})"`);
    const last = at.length - 1;
    const close = Math.hypot(xs[begin] - xs[last], ys[begin] - ys[last]) < 26;
    return (
      part(0, first, "green") +
      part(first, over, "orange") +
      part(over, Infinity, after) +
      (close ? "" : dot(begin, "green", "before", -7, false)) +
      dot(last, after, close ? "before, and at the end" : "at the end", -9, xs[last] < 170 * ink.scale())
    );
  }

  /** The first windows of what comes before, during and after the triggers, and the number of windows. */
  function boundaries({ curves, trigger_s }) {
    const starts = (trigger_s ?? []).map((s) => curves.at_s.findIndex((at) => at > s)).filter((i) => i > 0);
    return [0, ...starts, curves.at_s.length];
  }

  /** The mean over seven windows, for arrivals scatter; but not over a jump of the load. */
  function smooth(values, parts) {
    const reach = 3;
    return values.map((_, i) => {
      const from = parts.findLast((start) => start <= i);
      const until = parts.find((start) => start > i);
      const near = values.slice(Math.max(from, i - reach), Math.min(until, i + reach + 1));
      return near.reduce((a, b) => a + b, 0) / near.length;
    });
  }

  return { draw };
})();
