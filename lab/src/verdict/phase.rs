//! Rates and latency before, during and after the triggers.
use super::{Phase, TAIL};
use crate::{
    scenario::Scenario,
    trace::{PhaseLatency, Trace, latency_histogram},
};
use hdrhistogram::Histogram;
use lab_core::time::Time;

/// From the end of the warm-up to the first trigger, or to `until` if there is none before.
pub(super) fn before(scenario: &Scenario, trace: &Trace, until: Time) -> Phase {
    let begin = Time::ZERO + scenario.warmup;
    let until = scenario.first_trigger().min(until).max(begin);
    rates(trace, begin, until, &merged(trace, |latency| &latency.before))
}

/// From the first trigger's beginning to the last one's end, or to `until` if that comes first.
pub(super) fn during(scenario: &Scenario, trace: &Trace, until: Time) -> Phase {
    let begin = scenario.first_trigger().min(until);
    let end = scenario.triggers_over().min(until).max(begin);
    rates(trace, begin, end, &merged(trace, |latency| &latency.during))
}

/// The last 20 s before `until`, or what there is of them after the triggers.
pub(super) fn after(scenario: &Scenario, trace: &Trace, until: Time) -> Phase {
    let begin = Time(until.0.saturating_sub(TAIL.0)).max(scenario.triggers_over()).min(until);
    let mut latency = latency_histogram(3);
    let intervals = trace.clients.iter().flat_map(|c| &c.intervals);
    for interval in intervals.filter(|i| begin <= i.began && i.ended <= until) {
        for &(us, count) in &interval.counts {
            latency.saturating_record_n(us, count);
        }
    }
    rates(trace, begin, until, &latency)
}

fn merged(trace: &Trace, phase: impl Fn(&PhaseLatency) -> &Histogram<u64>) -> Histogram<u64> {
    let mut sum = latency_histogram(3);
    for client in &trace.clients {
        sum += phase(&client.latency);
    }
    sum
}

fn rates(trace: &Trace, from: Time, until: Time, latency: &Histogram<u64>) -> Phase {
    let windows = trace.within(from, until);
    // Only whole windows are counted, so the rates refer to their length.
    let seconds: f64 = windows.map(|w| trace.bounds(w)).map(|(a, b)| b.since(a).as_secs_f64()).sum();
    let total = trace.client_total(from, until);
    let percentile =
        |q| if latency.is_empty() { f64::NAN } else { latency.value_at_quantile(q) as f64 / 1e3 };
    Phase {
        from,
        until,
        offered_per_s: total.offered as f64 / seconds,
        goodput_per_s: total.good as f64 / seconds,
        amplification: total.amplification(),
        p50_ms: percentile(0.5),
        p99_ms: percentile(0.99),
    }
}
