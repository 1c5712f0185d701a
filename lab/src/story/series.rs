//! What a trace shows over time: counts made rates, and percentiles merged exactly from the logged histograms.
use crate::{
    trace::{Interval, ServerTrace, Trace},
    verdict::RunView,
};
use lab_core::time::Time;

/// A curve has at most about this many points; a panel is not much wider in pixels.
const POINTS_MAX: usize = 300;
/// Intervals are merged, as long as this many stay, until a typical one holds enough calls for a 99th percentile.
const LATENCY_POINTS_MIN: usize = 24;
const CALLS_FOR_P99: u64 = 100;
const CALLS_FOR_P999: u64 = 250;

/// Rates of all client groups and replicas together, per second.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    /// The middle of each stretch of time, in seconds.
    pub at: Vec<f64>,
    /// How long a stretch is, in seconds.
    pub width: f64,
    /// Calls meant to start.
    pub offered: Vec<f64>,
    /// Attempts sent.
    pub attempts: Vec<f64>,
    /// Attempts worked on to their end, wanted or not.
    pub throughput: Vec<f64>,
    /// Calls that ended good.
    pub goodput: Vec<f64>,
    /// Attempts waiting at all replicas, on average; not a rate.
    pub queue: Vec<f64>,
}

/// Latency of one client group, in milliseconds; NaN where no call ended.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    /// The middle of each stretch of time, in seconds.
    pub at: Vec<f64>,
    /// How long a stretch is, in seconds.
    pub width: f64,
    /// Median.
    pub p50: Vec<f64>,
    /// 99th percentile.
    pub p99: Vec<f64>,
    /// 99.9th percentile; empty where too few calls end in a stretch for it to mean anything.
    pub p999: Vec<f64>,
}

/// How many windows make one point of a curve: 1, 2 or 5 times a power of ten.
fn merged(windows: usize, most: usize) -> usize {
    let mut steps = (0..).flat_map(|power| [1, 2, 5].map(|f| f * 10_usize.pow(power)));
    steps.find(|step| windows.div_ceil(*step) <= most).unwrap_or(windows)
}

/// The windows of each point. A short rest joins the point before it.
fn groups(windows: usize, step: usize) -> Vec<std::ops::Range<usize>> {
    let mut groups: Vec<_> =
        (0..windows).step_by(step).map(|first| first..(first + step).min(windows)).collect();
    if groups.len() > 1 && groups.last().is_some_and(|g| g.len() * 2 < step) {
        groups.pop();
        if let Some(last) = groups.last_mut() {
            last.end = windows;
        }
    }
    groups
}

/// The points of a curve over `trace`: the middle of each in seconds, the windows of each, and how many seconds each is long.
pub fn points(trace: &Trace) -> (Vec<f64>, Vec<std::ops::Range<usize>>, f64) {
    let mut windows = trace.len();
    let step = merged(windows, POINTS_MAX);
    let width = trace.window.as_secs_f64();
    let length = |index: usize| trace.bounds(index).1.since(trace.bounds(index).0).as_secs_f64();
    // A sliver at the end of the run would be all noise.
    if windows > 1 && length(windows - 1) < width / 10.0 {
        windows -= 1;
    }
    let groups = groups(windows, step);
    let middle = |group: &std::ops::Range<usize>| {
        let (from, until) = (trace.bounds(group.start).0, trace.bounds(group.end - 1).1);
        f64::midpoint(from.as_secs_f64(), until.as_secs_f64())
    };
    (groups.iter().map(middle).collect(), groups, width * step as f64)
}

/// Those of `windows` that belong to one point of a curve; the last may be missing.
pub fn of_point<'w, W>(windows: &'w [W], point: &std::ops::Range<usize>) -> &'w [W] {
    windows.get(point.start..point.end.min(windows.len())).unwrap_or_default()
}

/// The rates of `run`. Throughput is that of the services which clients call; what a cache asks of its store is not in it.
pub fn rates(run: &RunView) -> Rates {
    let RunView { trace, scenario, .. } = run;
    let length = |index: usize| trace.bounds(index).1.since(trace.bounds(index).0).as_secs_f64();
    let called = |server: &&ServerTrace| {
        scenario.clients.iter().any(|group| scenario.services[group.service].name == server.service)
    };
    let (at, groups, width) = points(trace);
    let mut rates = Rates { at, width, ..Rates::default() };
    for group in groups {
        let seconds: f64 = group.clone().map(length).sum();
        let sum = group.clone().map(|index| trace.client_sum(index)).fold(
            crate::trace::ClientWindow::default(),
            |mut sum, window| {
                sum.add_counts(&window);
                sum
            },
        );
        let completed = group.clone().flat_map(|i| {
            trace.servers.iter().filter(called).filter_map(move |s| s.windows.get(i)).map(|w| w.completed)
        });
        let queue = group.clone().flat_map(|i| {
            trace.servers.iter().filter_map(move |s| s.windows.get(i)).map(move |w| w.queue * length(i))
        });
        rates.offered.push(sum.offered as f64 / seconds);
        rates.attempts.push(sum.attempts as f64 / seconds);
        rates.goodput.push(sum.good as f64 / seconds);
        rates.throughput.push(completed.sum::<u64>() as f64 / seconds);
        rates.queue.push(queue.sum::<f64>() / seconds);
    }
    rates
}

/// The latency of client group `group` in `trace`.
pub fn latency(trace: &Trace, group: usize) -> Latency {
    let Some(intervals) = trace.clients.get(group).map(|client| &client.intervals) else {
        return Latency::default();
    };
    let step = latency_step(intervals);
    let typical = median(intervals.chunks(step).map(calls).filter(|n| *n > 0).collect());
    let mut latency = Latency::default();
    for part in intervals.chunks(step) {
        let (began, ended) = (part[0].began, part[part.len() - 1].ended);
        let counts = merge(part);
        latency.width = latency.width.max(ended.since(began).as_secs_f64());
        latency.at.push((began.as_secs_f64() + ended.as_secs_f64()) / 2.0);
        latency.p50.push(percentile_ms(&counts, 0.5));
        latency.p99.push(percentile_ms(&counts, 0.99));
        if typical >= CALLS_FOR_P999 {
            latency.p999.push(percentile_ms(&counts, 0.999));
        }
    }
    latency
}

/// What to say of stretches between others in which no call ended; nothing where there is none.
pub fn gap(latency: &Latency) -> &'static str {
    let measured = |v: &f64| v.is_finite();
    let first = latency.p50.iter().position(measured).unwrap_or(0);
    let last = latency.p50.iter().rposition(measured).unwrap_or(0);
    let between = latency.p50.get(first..=last).unwrap_or_default();
    if between.iter().all(measured) { "" } else { "; gap: no call ended" }
}

fn latency_step(intervals: &[Interval]) -> usize {
    let typical =
        median(intervals.iter().map(|i| calls(std::slice::from_ref(i))).filter(|n| *n > 0).collect());
    let steps = [1, 2, 5, 10, 20, 50];
    let enough = steps.into_iter().find(|step| typical * *step as u64 >= CALLS_FOR_P99).unwrap_or(50);
    let most = steps.into_iter().rfind(|step| intervals.len() / step >= LATENCY_POINTS_MIN).unwrap_or(1);
    enough.min(most)
}

fn calls(intervals: &[Interval]) -> u64 {
    intervals.iter().flat_map(|interval| &interval.counts).map(|(_, count)| count).sum()
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// The histograms of several intervals as one, in order of latency.
fn merge(intervals: &[Interval]) -> Vec<(u64, u64)> {
    let mut counts: Vec<(u64, u64)> = intervals.iter().flat_map(|i| i.counts.iter().copied()).collect();
    counts.sort_unstable();
    counts
}

/// The smallest latency with at least a share `q` of all at or below it.
fn percentile_ms(counts: &[(u64, u64)], q: f64) -> f64 {
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let wanted = ((q * total as f64).ceil() as u64).max(1);
    let mut seen = 0;
    let at = counts.iter().find(|(_, count)| {
        seen += count;
        seen >= wanted
    });
    at.map_or(f64::NAN, |(us, _)| *us as f64 / 1e3)
}

/// The mean of `values` from `from` on, by their times; the last one where there is none, NaN where there is none at all.
pub fn mean_from(times: &[f64], values: &[f64], from: f64) -> f64 {
    let late: Vec<f64> =
        times.iter().zip(values).filter(|(t, v)| **t >= from && v.is_finite()).map(|(_, v)| *v).collect();
    if late.is_empty() {
        return values.iter().copied().rfind(|v| v.is_finite()).unwrap_or(f64::NAN);
    }
    late.iter().sum::<f64>() / late.len() as f64
}

/// The stretches of time in which the host could not carry a live run, in seconds.
pub fn host_bound(trace: &Trace) -> Vec<(f64, f64)> {
    let mut stretches: Vec<(Time, Time)> = vec![];
    for &index in &trace.host_bound {
        let (from, until) = trace.bounds(index);
        match stretches.last_mut() {
            Some(last) if last.1 >= from => last.1 = until.max(last.1),
            _ => stretches.push((from, until)),
        }
    }
    stretches.into_iter().map(|(from, until)| (from.as_secs_f64(), until.as_secs_f64())).collect()
}
