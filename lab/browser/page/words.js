"use strict";
// What a run showed, in words: the title, and its phases.

/** The finding in one sentence. */
function finding({ summary, disturbances }) {
  const trigger = disturbances.some((d) => d.what === "trigger");
  const s = ink.seconds;
  switch (summary.verdict) {
    case "unaffected":
      return trigger ? "The service stays healthy through the trigger" : "The service stays healthy";
    case "recovered":
      if (!trigger) return "The service is unhealthy for a time and recovers";
      return summary.recovery_s > 0
        ? `The service recovers ${s(summary.recovery_s)} after the trigger is over`
        : "The service recovers as soon as the trigger is over";
    case "draining":
      return `Down, but not for good: the backlog needs about ${s(Math.ceil(summary.left_s))} more`;
    case "metastable":
      return summary.spontaneous
        ? "The service fails and stays down, with or without the trigger"
        : "The trigger is gone, the failure stays";
    case "escaped":
      return `The service fails by itself at ${s(summary.fell_at_s)}`;
    case "degraded":
      return "The service ends between healthy and failed";
    case "oscillating":
      return "The service swings between healthy and failed";
    case "overloaded":
      return "More load than the service can carry, with no trigger at work";
    default:
      return "Too little was measured to say what became of the service";
  }
}

/** The colour of a verdict, as in the figures. */
const verdictColour = (word) =>
  ({ unaffected: "green", recovered: "green", metastable: "red", escaped: "red", overloaded: "red", undecided: "muted" })[word] ?? "purple";

/** The story of a run: warm-up, what was before, the trigger, and what came of it. */
function phasesOf(shown) {
  const { duration_s: end, warmup_s: warmup, disturbances, health, summary } = shown;
  const triggers = disturbances.filter((d) => d.what === "trigger");
  const levers = disturbances.filter((d) => d.what === "lever");
  const first = triggers.length ? Math.min(...triggers.map((d) => d.from_s)) : end;
  const over = triggers.length ? Math.max(...triggers.map((d) => d.until_s)) : end;
  const phases = [];
  const add = (from, until, colour, tint, ...name) => {
    const last = phases.at(-1);
    if (until - from < 1e-9) return;
    if (last && last.name[0] === name[0]) last.until = until;
    else phases.push({ from, until, colour, tint, name });
  };
  // A window of health that lies across the beginning of a trigger says nothing of what was before.
  const tell = (from, until, again) => {
    const states = health.filter((w) => w.from_s >= from - 1e-9 && w.until_s <= until + 1e-9);
    let at = from;
    for (const { what, until_s } of states) {
      const last = phases.at(-1);
      const to = until_s;
      if (what === "healthy") add(at, to, "green", 0, again ? "stable again" : "stable", "stable");
      else if (what === "undecided" && last && at > from) last.until = to;
      else if (what === "undecided") add(at, to, "muted", 0, "not judged");
      else add(at, to, ...unwell(what, again, summary));
      at = to;
    }
    if (states.length) phases.at(-1).until = until;
    else add(at, until, "muted", 0, "not judged");
  };
  add(0, Math.min(warmup, first), "muted", 0, "warm-up");
  tell(Math.min(warmup, first), first, false);
  add(first, over, "orange", 0.2, "trigger");
  tell(over, end, true);
  return levers.reduce((list, lever) => cut(list, lever), phases);
}

function unwell(what, again, { verdict, spontaneous }) {
  if (!again) return ["red", 0.075, verdict === "escaped" ? "failed by itself" : "unhealthy", "failed"];
  switch (verdict) {
    case "metastable":
      return spontaneous
        ? ["red", 0.075, "metastable, with or without the trigger", "metastable"]
        : ["red", 0.075, "metastable: the trigger is gone, the failure stays", "metastable: the failure stays", "metastable"];
    case "recovered":
      return ["purple", 0, "recovering"];
    case "draining":
      return ["purple", 0, "draining the backlog", "draining"];
    case "oscillating":
      return ["purple", 0, "oscillating"];
    default:
      return what === "failed" ? ["red", 0.075, "failed"] : ["purple", 0, "degraded"];
  }
}

/** Lays what an operator does over the phases. */
function cut(phases, lever) {
  const { from_s: from, until_s: until } = lever;
  const before = phases.filter((p) => p.from < from).map((p) => ({ ...p, until: Math.min(p.until, from) }));
  const after = phases.filter((p) => p.until > until).map((p) => ({ ...p, from: Math.max(p.from, until) }));
  return [...before, { from, until, colour: "blue", tint: 0.13, name: ["operator acts", "lever"] }, ...after];
}
