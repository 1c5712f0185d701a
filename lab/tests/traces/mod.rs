//! A trace as text, to compare.
use lab::trace::{ClientTrace, Trace, interval_log};

/// All that a trace says, as text: counts, means and percentiles of every window to the last bit, histograms, logs and events.
pub(crate) fn all_of(trace: &Trace) -> String {
    let client = |c: &ClientTrace| {
        let histograms: Vec<Vec<(u64, u64)>> = [&c.latency.before, &c.latency.during, &c.latency.after]
            .map(|h| h.iter_recorded().map(|v| (v.value_iterated_to(), v.count_at_value())).collect())
            .to_vec();
        format!(
            "{} {:?} {:?} {histograms:?} {:?} {:?} {}\n",
            c.name,
            c.windows,
            c.cohorts,
            c.intervals,
            interval_log(c),
            c.unfinished
        )
    };
    let clients: String = trace.clients.iter().map(client).collect();
    format!("{clients}{:?}\n{:?}\n{:?}\n{:?}", trace.servers, trace.groups, trace.events, trace.end)
}
