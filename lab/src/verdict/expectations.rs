//! Was what the config expects so? Every claim is checked on every seed and in every engine that ran its variant.
use super::{RunView, Verdict};
use crate::{
    scenario::plan::{Bound, Claim, Expect, Metric, Over},
    trace::{Trace, latency_histogram},
};
use lab_core::{call::Outcome, time::Time};
use serde::Serialize;

/// One claim, checked on the runs of one engine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// The claim, as written.
    pub text: String,
    /// Where it stands in the config.
    pub line: usize,
    /// The variant it speaks of.
    pub variant: String,
    /// `simulated` or `live`.
    pub engine: String,
    /// Whether it held on all seeds.
    pub held: bool,
    /// What was found; over several seeds the range, or the runs that break it.
    pub measured: String,
}

/// Checks every claim against the runs of its variant, engine by engine. A claim on a variant that did not run is left out.
pub fn expectations(expect: &[Expect], runs: &[RunView<'_>]) -> Vec<Checked> {
    let mut checked = vec![];
    for claim in expect {
        let variant = if claim.variant.is_empty() { "baseline" } else { &claim.variant };
        for engine in ["simulated", "live"] {
            let runs = runs.iter().filter(|run| run.variant == variant && run.engine == engine);
            let findings: Vec<(bool, String)> = runs.map(|run| check(&claim.claim, run)).collect();
            if !findings.is_empty() {
                let (held, measured) = over_seeds(&findings);
                let (text, line) = (claim.text.clone(), claim.line);
                checked.push(Checked {
                    text,
                    line,
                    variant: variant.into(),
                    engine: engine.into(),
                    held,
                    measured,
                });
            }
        }
    }
    checked
}

/// Whether what was found of a claim on each of several seeds holds on all, and what to say of it.
pub fn over_seeds(findings: &[(bool, String)]) -> (bool, String) {
    if let [(held, measured)] = findings {
        return (*held, measured.clone());
    }
    let broken: Vec<&str> = findings.iter().filter(|(held, _)| !held).map(|(_, m)| m.as_str()).collect();
    let count = findings.len();
    match broken.first() {
        None => (true, format!("on all {count} seeds, first: {}", findings[0].1)),
        Some(first) => (false, format!("broken by {} of {count} seeds, first: {first}", broken.len())),
    }
}

/// Whether `claim` holds of one run, and what was found.
pub fn check(claim: &Claim, run: &RunView<'_>) -> (bool, String) {
    match claim {
        Claim::Back { recovery_time } => match run.judgement.verdict {
            Verdict::Unaffected => (true, "unaffected".into()),
            verdict => self::verdict("recovered", recovery_time, &verdict),
        },
        Claim::Verdict { word, recovery_time } => verdict(word, recovery_time, &run.judgement.verdict),
        Claim::AfterLever { word } => {
            let found = run.judgement.after_lever;
            (found == word, if found.is_empty() { "no lever acted".into() } else { found.into() })
        }
        Claim::Metric { metric, over, between: (low, high) } => {
            let found = measure(run.trace, *metric, *over);
            ((*low..=*high).contains(&found), shown(*metric, found))
        }
    }
}

fn verdict(word: &str, limits: &Bound, found: &Verdict) -> (bool, String) {
    let Verdict::Recovered { after } = found else { return (found.word() == word, found.word().into()) };
    let in_time = limits.at_least <= *after && *after <= limits.at_most;
    (word == "recovered" && in_time, format!("recovered after {after}"))
}

/// `metric` over a stretch of `trace`, in the metric's unit; NaN where nothing was measured.
pub fn measure(trace: &Trace, metric: Metric, over: Over) -> f64 {
    let (from, until) = over.of(trace.end);
    let windows = trace.within(from, until);
    let bounds = windows.clone().map(|w| trace.bounds(w));
    let seconds: f64 = bounds.map(|(a, b)| b.since(a).as_secs_f64()).sum();
    let total = trace.client_total(from, until);
    let per_s = |count: u64| count as f64 / seconds;
    let servers = || windows.clone().flat_map(|w| trace.servers.iter().filter_map(move |s| s.windows.get(w)));
    match metric {
        Metric::Offered => per_s(total.offered),
        Metric::Attempts => per_s(total.attempts),
        Metric::Goodput => per_s(total.good),
        Metric::GoodShare => total.good as f64 / total.offered as f64,
        Metric::Amplification => total.amplification(),
        Metric::Rejected => per_s(total.ended[Outcome::Rejected as usize]),
        Metric::TimedOut => per_s(total.ended[Outcome::Timeout as usize]),
        Metric::P50 => percentile(trace, from, until, 0.5),
        Metric::P99 => percentile(trace, from, until, 0.99),
        Metric::Utilisation => {
            servers().map(|w| w.busy).sum::<f64>() / servers().map(|w| w.workers).sum::<f64>()
        }
        Metric::StaleWork => {
            let held: u64 = servers().map(|w| w.held_ns).sum();
            servers().map(|w| w.stale_ns).sum::<u64>() as f64 / held as f64
        }
        Metric::QueueDepth => servers().map(|w| w.queue).sum::<f64>() / windows.len() as f64,
    }
}

/// A percentile of the latency of the calls that ended in `from..until`, in milliseconds.
fn percentile(trace: &Trace, from: Time, until: Time, q: f64) -> f64 {
    let mut latency = latency_histogram(3);
    let intervals = trace.clients.iter().flat_map(|c| &c.intervals);
    for interval in intervals.filter(|i| from <= i.began && i.ended <= until) {
        for &(us, count) in &interval.counts {
            latency.saturating_record_n(us, count);
        }
    }
    if latency.is_empty() { f64::NAN } else { latency.value_at_quantile(q) as f64 / 1e3 }
}

fn shown(metric: Metric, found: f64) -> String {
    if found.is_nan() {
        return "nothing was measured".into();
    }
    match metric {
        Metric::Offered | Metric::Attempts | Metric::Goodput | Metric::Rejected | Metric::TimedOut => {
            format!("{found:.1}/s")
        }
        Metric::GoodShare | Metric::Utilisation | Metric::StaleWork => format!("{:.2} %", found * 100.0),
        Metric::P50 | Metric::P99 => format!("{found:.1} ms"),
        Metric::Amplification => format!("{found:.3}"),
        Metric::QueueDepth => format!("{found:.0}"),
    }
}
