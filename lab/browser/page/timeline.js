"use strict";
// The run over time: phases above, then rates, latency and queue on one time axis.
const timeline = (() => {
  // In pixels at the page's smallest letters.
  const [LEFT, RIGHT, STRIP, HEADING, AXIS] = [62, 92, 30, 33, 42];
  // The colour of a phase, and how much of it lies over the panels; as in the figures of a report.
  const MOODS = {
    good: ["green", 0],
    between: ["purple", 0],
    bad: ["red", 0.075],
    trigger: ["orange", 0.2],
    lever: ["blue", 0.13],
    unknown: ["muted", 0],
  };

  function draw(element, shown) {
    const [width, height] = [element.clientWidth, element.clientHeight];
    if (width < 200 || height < 200) return;
    const k = ink.scale();
    const [x0, x1] = [LEFT * k, width - RIGHT * k];
    const x = (s) => x0 + ((x1 - x0) * s) / shown.duration_s;
    const room = height - (STRIP + AXIS + 3 * HEADING) * k;
    const frame = { k, x0, x1, x, shown, xs: shown.curves.at_s.map(x) };
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

  function strip({ k, x, shown }) {
    return shown.phases
      .map(({ from_s, until_s, mood, names }) => {
        const [a, b] = [x(from_s), x(until_s)];
        const words = names.find((name) => name.length * 7.1 * k < b - a - 4) ?? "";
        const [colour] = MOODS[mood];
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
    const { k, x, x0, x1, y0, y1, shown } = frame;
    const id = `clip-${title.replaceAll(" ", "-")}`;
    const bands = shown.phases.map(({ from_s, until_s, mood }) => {
      const [colour, tint] = MOODS[mood];
      return tint ? ink.rect(x(from_s), y0, x(until_s) - x(from_s), y1 - y0, colour, `fill-opacity="${tint}"`) : "";
    });
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

  function rates(frame) {
    const { k, x0, x1, y0, y1, xs, shown } = frame;
    const { offered, attempts, goodput, throughput, capacity } = shown.curves;
    const peak = Math.max(...attempts);
    const usual = 1.3 * [...attempts].sort((a, b) => a - b)[Math.floor(attempts.length * 0.9)];
    const near = capacity !== null && capacity < 4 * Math.max(...offered) ? 1.1 * capacity : 0;
    const rest = Math.max(near, ...offered, ...goodput, ...throughput);
    const wanted = Math.max(rest, peak > 1.35 * usual ? usual : peak);
    const ticks = ink.ticks(wanted * 1.02, 4);
    const most = ticks.at(-1);
    const y = (v) => y1 - ((y1 - y0) * v) / most;
    const at = (values) => values.map(y);
    const curves = [
      ["attempts", attempts, "orange", 1.8],
      ["offered", offered, "slate", 1.3],
      ["throughput", throughput, "blue", 1.8],
      ["goodput", goodput, "green", 2.6],
    ];
    let content = ink.area(xs, at(goodput), y1, "green", 0.17);
    for (const [, values, colour, size] of curves) content += ink.curve(xs, at(values), colour, size);
    let over = "";
    if (near) {
      content += ink.dashes(x0, x1, y(capacity));
      over += ink.text(x0 + 8, y(capacity) - 6, `capacity ${ink.number(capacity)}/s`, 'class="note"');
    }
    if (peak > most) {
      const when = attempts.indexOf(peak);
      const end = xs[when] > (x0 + x1) / 2 ? [-8, "end"] : [8, "start"];
      over += ink.text(xs[when] + end[0], y0 + 14 * k, `↑ peak ${ink.number(peak)}/s`, `class="mark" style="fill:var(--orange)" text-anchor="${end[1]}"`);
    }
    if (near) over += wasted(frame, y);
    over += ink.names(
      curves.map(([name, values, colour]) => ({ name, colour, y: Math.max(y0, y(recent(values))) })), x1, y0, y1);
    return {
      svg: panel(frame, "Rates", `per second, ${ink.seconds(shown.curves.width_s)} windows`, ticks.map((v) => [y(v), ink.number(v)]), content, over),
      unit: (i) => curves.map(([name, values]) => `${name} ${ink.number(values[i])}`).join(" · "),
    };
  }

  /** Says what busy servers do that help nobody. */
  function wasted({ k, x, x1, shown }, y) {
    const { goodput, offered, throughput, capacity } = shown.curves;
    const busy = shown.summary.verdict === "metastable" && recent(throughput) > 0.9 * capacity;
    if (!busy || recent(goodput) > 0.1 * recent(offered)) return "";
    const from = x(shown.trigger_s[1]);
    const words = ["busy, with work that nobody waits for any more", "busy with stale work"].find((w) => w.length * 6.9 * k < x1 - from - 24);
    return words ? ink.text(from + 14, y(capacity) - 13 * k, words, 'class="note"') : "";
  }

  function latency(frame) {
    const { k, x, x0, x1, y0, y1, shown } = frame;
    const { at_s, width_s, p50, p99, p999, timeout, turned_away, gap, group, groups } = shown.curves.latency;
    const curves = [["p99.9", p999, "purple", 1.2], ["p99", p99, "red", 1.5], ["p50", p50, "blue", 2.2]].filter(([, values]) => values.some((v) => v !== null));
    // Calls that are turned away at once are no reason to stretch the axis.
    const known = curves.flatMap(([, values]) => values).filter((v) => v !== null);
    const served = known.filter((v) => v >= turned_away);
    const limits = timeout === null ? [] : [timeout];
    const least = Math.floor(Math.log10(Math.min(...served, ...limits, 1e9)));
    const most = Math.max(least + 1, Math.ceil(Math.log10(Math.max(...served, ...limits, 1e-3) * 1.05)));
    const y = (ms) => y1 - ((y1 - y0) * (Math.log10(Math.max(ms, 1e-6)) - least)) / (most - least);
    const xs = at_s.map(x);
    let content = curves.map(([, values, colour, size]) => ink.curve(xs, values.map((v) => (v === null ? null : y(v))), colour, size)).join("");
    let over = "";
    if (timeout !== null) {
      content += ink.dashes(x0, x1, y(timeout));
      over += ink.text(x0 + 8, y(timeout) + (y(timeout) - y0 < 18 * k ? 15 * k : -6), `timeout ${ink.seconds(timeout / 1e3)}`, 'class="note"');
    }
    over += ink.names(curves.map(([name, values, colour]) => ({ name, colour, y: Math.min(y1, y(recent(values))) })), x1, y0, y1);
    const grid = Array.from({ length: most - least + 1 }, (_, i) => [y(10 ** (least + i)), ink.number(10 ** (least + i))]);
    const whose = groups > 1 ? ` of ${group}` : "";
    const room = (x1 - x0) / k / 6.4 - 9;
    const below = known.some((v) => v < turned_away) ? "; below the axis: turned away at once" : "";
    return {
      svg: panel(frame, "Latency", ["; intended start to final answer or failure", "; intended start to end", ""].map((from) => `ms, log scale${from}${whose}${below}${gap}`).find((unit) => unit.length < room) ?? "ms, log scale", grid, content, over),
      unit: (_, at) => {
        const i = Math.min(at_s.length - 1, Math.floor(at / width_s));
        return curves.map(([name, values]) => `${name} ${values[i] === null ? "–" : `${ink.number(values[i])} ms`}`).join(" · ");
      },
    };
  }

  function queue(frame) {
    const { k, x0, x1, y0, y1, xs, shown } = frame;
    const { queue: waiting, capacity, places, latency: { timeout } } = shown.curves;
    const deepest = Math.max(1, ...waiting);
    const late = capacity !== null && timeout !== null ? (capacity * timeout) / 1e3 : Infinity;
    const limit = places !== null && places <= 4 * deepest ? places : 0;
    const useful = late <= 2.5 * Math.max(deepest, limit) ? late : 0;
    const ticks = ink.ticks(1.06 * Math.max(deepest, limit, useful), 3);
    const most = ticks.at(-1);
    const y = (v) => y1 - ((y1 - y0) * v) / most;
    const ys = waiting.map(y);
    let content = ink.area(xs, ys, y1, "slate", 0.2) + ink.curve(xs, ys, "slate", 1.8);
    let over = "";
    if (limit) {
      content += ink.dashes(x0, x1, y(limit));
      over += ink.text(x1 + 6 * k, y(limit) + 4 * k, `limit ${ink.number(limit)}`, 'class="note"');
    }
    if (useful && y(useful) < y1 - 7) {
      content += ink.dashes(x0, x1, y(useful));
      over += ink.text(x0 + 8, y(useful) - 6, `μ × timeout = ${ink.number(useful)}: whoever finds more is late`, 'class="note"');
    }
    const bound = places === null ? "; no limit" : limit ? "" : `; the limit is ${ink.number(places)}`;
    return {
      svg: panel(frame, "Queue", `attempts waiting, all replicas${bound}`, ticks.map((v) => [y(v), ink.number(v)]), content, over),
      unit: (i) => `${ink.number(waiting[i])} waiting`,
    };
  }

  /** The mean of what was known last. */
  function recent(values) {
    const known = values.filter((v) => v !== null);
    const last = known.slice(-Math.max(1, Math.ceil(known.length / 12)));
    return last.reduce((a, b) => a + b, 0) / Math.max(1, last.length);
  }

  /** Shows the figures of the window under the pointer in the headings. */
  function follow(svg, { x, x0, x1, shown }, panels) {
    const cross = svg.querySelector(".cross");
    const units = [...svg.querySelectorAll(".unit")];
    const plain = units.map((u) => u.textContent);
    const { at_s, width_s } = shown.curves;
    svg.addEventListener("pointermove", (event) => {
      const at = ((event.clientX - svg.getBoundingClientRect().left - x0) / (x1 - x0)) * shown.duration_s;
      if (at < 0 || at > shown.duration_s) return leave();
      const index = Math.min(at_s.length - 1, Math.floor(at / width_s));
      cross.setAttribute("visibility", "visible");
      for (const end of ["x1", "x2"]) cross.setAttribute(end, x(at_s[index]));
      units.forEach((u, i) => (u.textContent = `at ${at_s[index].toFixed(1)} s: ${panels[i].unit(index, at_s[index])}`));
    });
    svg.addEventListener("pointerleave", leave);
    function leave() {
      cross.setAttribute("visibility", "hidden");
      units.forEach((u, i) => (u.textContent = plain[i]));
    }
  }

  return { draw, recent };
})();
