"use strict";
// The run over time: phases above, then rates, latency and queue on one time axis.
const timeline = (() => {
  // In pixels at the page's smallest letters.
  const [LEFT, RIGHT, STRIP, HEADING, AXIS] = [62, 92, 30, 33, 42];

  function draw(element, shown) {
    const [width, height] = [element.clientWidth, element.clientHeight];
    if (width < 200 || height < 200) return;
    const k = ink.scale();
    const [x0, x1] = [LEFT * k, width - RIGHT * k];
    const x = (s) => x0 + ((x1 - x0) * s) / shown.duration_s;
    const phases = phasesOf(shown);
    const room = height - (STRIP + AXIS + 3 * HEADING) * k;
    const frame = { k, x0, x1, x, phases, shown, xs: shown.curves.at_s.map(x) };
    let top = (STRIP + HEADING) * k;
    const panels = [];
    for (const [share, make] of [[0.46, rates], [0.29, latency], [0.25, queue]]) {
      const bottom = top + room * share;
      panels.push(make({ ...frame, y0: top, y1: bottom }));
      top = bottom + HEADING * k;
    }
    const bottom = top - HEADING * k;
    const body = strip(frame) + panels.map((panel) => panel.svg).join("") + timeAxis(frame, bottom);
    element.innerHTML =
      `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${ink.escape(spoken(shown))}">` +
      `${body}<line class="cross" y1="${STRIP * k}" y2="${bottom}" visibility="hidden"/></svg>`;
    follow(element.firstChild, frame, panels);
  }

  const spoken = (shown) =>
    `Rates, latency and queue over ${ink.seconds(shown.duration_s)}; verdict: ${shown.summary.verdict}. ${shown.summary.reason}`;

  function strip({ k, x, phases }) {
    return phases
      .map(({ from, until, colour, name }) => {
        const [a, b] = [x(from), x(until)];
        const words = name.find((n) => n.length * 7.1 * k < b - a - 4) ?? "";
        return (
          ink.rect(a + 1, (STRIP - 6) * k, b - a - 2, 5 * k, colour) +
          ink.text((a + b) / 2, (STRIP - 13) * k, words, `class="phase" text-anchor="middle" style="fill:var(--${colour})"`)
        );
      })
      .join("");
  }

  function timeAxis({ k, x, x0, x1, shown }, bottom) {
    const ticks = ink.ticks(shown.duration_s, (x1 - x0) / 68 / k).filter((s) => s <= shown.duration_s);
    const marks = ticks.map(
      (s) => ink.line(x(s), bottom, x(s), bottom + 5, "axis") + ink.text(x(s), bottom + 19 * k, ink.number(s), 'class="tick" text-anchor="middle"'),
    );
    return marks.join("") + ink.text((x0 + x1) / 2, bottom + 38 * k, "time (s)", 'class="axis" text-anchor="middle"');
  }

  /** The ground of a panel: bands of the phases, grid, heading. Gives back what is to lie over it, cut at its edges. */
  function panel(frame, title, unit, grid, content, over) {
    const { k, x, x0, x1, y0, y1, phases, shown } = frame;
    const id = `clip-${title.replaceAll(" ", "-")}`;
    const bands = phases.filter((p) => p.tint).map((p) => ink.rect(x(p.from), y0, x(p.until) - x(p.from), y1 - y0, p.colour, `fill-opacity="${p.tint}"`));
    const verticals = ink.ticks(shown.duration_s, (x1 - x0) / 68 / k).filter((s) => s > 0 && s <= shown.duration_s);
    const lines = verticals.map((s) => ink.line(x(s), y0, x(s), y1, "grid"));
    const levels = grid.map(
      ([y, label]) => ink.line(x0, y, x1, y, "grid") + ink.text(x0 - 9 * k, y + 4.5 * k, label, 'class="tick" text-anchor="end"'),
    );
    return (
      bands.join("") +
      lines.join("") +
      levels.join("") +
      `<text class="heading" x="${x0}" y="${ink.px(y0 - 9 * k)}"><tspan class="title">${title}</tspan><tspan class="unit" dx="8">${ink.escape(unit)}</tspan></text>` +
      `<clipPath id="${id}"><rect x="${x0}" y="${ink.px(y0 - 1)}" width="${x1 - x0}" height="${ink.px(y1 - y0 + 2)}"/></clipPath><g clip-path="url(#${id})">${content}</g>` +
      ink.line(x0, y1, x1, y1, "axis") +
      over
    );
  }

  const width = (shown) => `${ink.seconds(shown.curves.window_s)} windows`;

  function rates(frame) {
    const { k, x0, x1, y0, y1, xs, shown } = frame;
    const { offered, attempts, goodput, services } = shown.curves;
    const service = services[0];
    const peak = Math.max(...attempts);
    const usual = 1.3 * [...attempts].sort((a, b) => a - b)[Math.floor(attempts.length * 0.9)];
    const rest = Math.max(service.capacity * (service.capacity < 4 * Math.max(...offered) ? 1.1 : 0), ...offered, ...goodput, ...service.completed);
    const wanted = Math.max(rest, peak > 1.35 * usual ? usual : peak);
    const ticks = ink.ticks(wanted * 1.02, 4);
    const most = ticks.at(-1);
    const y = (v) => y1 - ((y1 - y0) * v) / most;
    const at = (values) => values.map(y);
    const curves = [
      ["attempts", attempts, "orange", 1.8],
      ["offered", offered, "slate", 1.3],
      ["throughput", service.completed, "blue", 1.8],
      ["goodput", goodput, "green", 2.6],
    ];
    let content = ink.area(xs, at(goodput), y1, "green", 0.17);
    for (const [, values, colour, size] of curves) content += ink.curve(xs, at(values), colour, size);
    let over = "";
    if (service.capacity <= most) {
      content += ink.dashes(x0, x1, y(service.capacity));
      over += ink.text(x0 + 8, y(service.capacity) - 6, `capacity ${ink.number(service.capacity)}/s`, 'class="note"');
    }
    if (peak > most) {
      const when = attempts.indexOf(peak);
      const end = xs[when] > (x0 + x1) / 2 ? [-8, "end"] : [8, "start"];
      over += ink.text(xs[when] + end[0], y0 + 14 * k, `↑ peak ${ink.number(peak)}/s`, `class="mark" style="fill:var(--orange)" text-anchor="${end[1]}"`);
    }
    over += wasted(frame, service, y);
    over += ink.names(
      curves.map(([name, values, colour]) => ({ name, colour, y: Math.max(y0, y(recent(values))) })), x1, y0, y1);
    return {
      svg: panel(frame, "Rates", `per second, ${width(shown)}`, ticks.map((v) => [y(v), ink.number(v)]), content, over),
      unit: (i) => curves.map(([name, values]) => `${name} ${ink.number(values[i])}`).join(" · "),
    };
  }

  /** Says what busy servers do that help nobody. */
  function wasted({ k, x, x1, shown }, service, y) {
    const failed = shown.summary.verdict === "metastable" && recent(service.completed) > 0.9 * service.capacity;
    if (!failed || recent(shown.curves.goodput) > 0.1 * recent(shown.curves.offered)) return "";
    const from = x(Math.max(...shown.disturbances.filter((d) => d.what === "trigger").map((d) => d.until_s)));
    const words = ["busy, with work that nobody waits for any more", "busy with stale work"].find((w) => w.length * 6.9 * k < x1 - from - 24);
    return words ? ink.text(from + 14, y(service.capacity) - 13 * k, words, 'class="note"') : "";
  }

  function latency(frame) {
    const { k, x0, x1, y0, y1, xs, shown } = frame;
    const { p50_ms, p99_ms, timeout_ms, group, groups } = shown.curves;
    const known = [...p50_ms, ...p99_ms].filter((v) => v !== null && v > 0);
    const limits = timeout_ms ? [timeout_ms] : [];
    const least = Math.floor(Math.log10(Math.max(1, Math.min(...known, ...limits, 1e9))));
    const most = Math.max(least + 1, Math.ceil(Math.log10(Math.max(...known, ...limits, 1) * 1.05)));
    const y = (ms) => y1 - ((y1 - y0) * (Math.log10(Math.max(ms, 1e-3)) - least)) / (most - least);
    const at = (values) => values.map((v) => (v === null ? null : y(v)));
    const curves = [["p99", p99_ms, "red", 1.5], ["p50", p50_ms, "blue", 2.2]];
    let content = curves.map(([, values, colour, size]) => ink.curve(xs, at(values), colour, size)).join("");
    let over = "";
    if (timeout_ms) {
      content += ink.dashes(x0, x1, y(timeout_ms));
      over += ink.text(x0 + 8, y(timeout_ms) + (y(timeout_ms) - y0 < 18 * k ? 15 * k : -6), `timeout ${ink.seconds(timeout_ms / 1e3)}`, 'class="note"');
    }
    over += ink.names(
      curves.filter(([, values]) => values.some((v) => v !== null)).map(([name, values, colour]) => ({ name, colour, y: y(recent(values)) })), x1, y0, y1);
    const grid = Array.from({ length: most - least + 1 }, (_, i) => [y(10 ** (least + i)), ink.number(10 ** (least + i))]);
    const whose = groups > 1 ? ` of ${group}` : "";
    return {
      svg: panel(frame, "Latency", `ms, log scale; intended start to final answer or failure${whose}`, grid, content, over),
      unit: (i) => curves.map(([name, values]) => `${name} ${values[i] === null ? "–" : `${ink.number(values[i])} ms`}`).join(" · "),
    };
  }

  function queue(frame) {
    const { x0, x1, y0, y1, xs, shown } = frame;
    const { services, timeout_ms } = shown.curves;
    // Where there are several services, the one behind which most attempts wait.
    const service = services.reduce((a, b) => (Math.max(...b.queue) > Math.max(...a.queue) ? b : a));
    const deepest = Math.max(1, ...service.queue);
    const late = service === services[0] && timeout_ms ? (service.capacity * timeout_ms) / 1e3 : null;
    const limit = service.places !== null && service.places <= 4 * deepest ? service.places : 0;
    const lateShown = late !== null && late <= 2.5 * Math.max(deepest, limit);
    const ticks = ink.ticks(1.06 * Math.max(deepest, limit, lateShown ? late : 0), 3);
    const most = ticks.at(-1);
    const y = (v) => y1 - ((y1 - y0) * v) / most;
    const ys = service.queue.map(y);
    let content = ink.area(xs, ys, y1, "slate", 0.2) + ink.curve(xs, ys, "slate", 1.8);
    let over = "";
    if (limit) {
      content += ink.dashes(x0, x1, y(limit));
      over += ink.text(x1 + 6, y(limit) + 4, `limit ${ink.number(limit)}`, 'class="note"');
    }
    if (lateShown && y(late) < y1 - 7) {
      content += ink.dashes(x0, x1, y(late));
      over += ink.text(x0 + 8, y(late) - 6, `μ × timeout = ${ink.number(late)}: whoever finds more is late`, 'class="note"');
    }
    const where = services.length > 1 ? ` at ${service.name}` : "";
    const bound = service.places === null ? "; no limit" : limit ? "" : `; the limit is ${ink.number(service.places)}`;
    return {
      svg: panel(frame, "Queue", `attempts waiting${where}, all replicas${bound}`, ticks.map((v) => [y(v), ink.number(v)]), content, over),
      unit: (i) => `${ink.number(service.queue[i])} waiting`,
    };
  }

  /** The mean of what was known last. */
  function recent(values) {
    const known = values.filter((v) => v !== null);
    const last = known.slice(-Math.max(1, Math.ceil(known.length / 12)));
    return last.reduce((a, b) => a + b, 0) / Math.max(1, last.length);
  }

  /** Shows the figures of the window under the pointer in the headings. */
  function follow(svg, { x0, x1, shown }, panels) {
    const cross = svg.querySelector(".cross");
    const units = [...svg.querySelectorAll(".unit")];
    const plain = units.map((u) => u.textContent);
    svg.addEventListener("pointermove", (event) => {
      const at = ((event.clientX - svg.getBoundingClientRect().left - x0) / (x1 - x0)) * shown.duration_s;
      const index = Math.min(shown.curves.at_s.length - 1, Math.floor(at / shown.curves.window_s));
      const inside = at >= 0 && at <= shown.duration_s;
      cross.setAttribute("visibility", inside ? "visible" : "hidden");
      if (!inside) return units.forEach((u, k) => (u.textContent = plain[k]));
      const x = x0 + ((x1 - x0) * shown.curves.at_s[index]) / shown.duration_s;
      cross.setAttribute("x1", x);
      cross.setAttribute("x2", x);
      units.forEach((u, k) => (u.textContent = `at ${shown.curves.at_s[index].toFixed(1)} s: ${panels[k].unit(index)}`));
    });
    svg.addEventListener("pointerleave", () => {
      cross.setAttribute("visibility", "hidden");
      units.forEach((u, k) => (u.textContent = plain[k]));
    });
  }

  return { draw, recent };
})();
