//! Whether the host kept up: what a live run shows is the service's behaviour only if the machine under it was not the
//! bottleneck.
use crate::{scenario::Scenario, trace::latency_histogram};
use hdrhistogram::Histogram;
use lab_core::time::{Span, Time};
use serde::{Deserialize, Serialize};

/// Lateness is judged in bins of this width.
const BIN: Span = Span::from_millis(100);

/// A window is the host's and not the service's when lateness is beyond this.
const LATE_MAX: Span = Span::from_millis(5);

/// How late things were done, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatenessSummary {
    /// How many.
    pub count: u64,
    /// Half were at most this late.
    pub p50_us: f64,
    /// 99 % were at most this late.
    pub p99_us: f64,
    /// The latest.
    pub max_us: f64,
}

/// Collects lateness for the run, and its 99th percentile by bins of 100 ms.
#[derive(Clone, Debug)]
pub(super) struct Lateness {
    run: Histogram<u64>,
    bin: Histogram<u64>,
    bin_ends: Time,
    /// Ends of bins, and what was 99th percentile in them; bins without entries are left out.
    bins: Vec<(Time, Span)>,
    window: Histogram<u64>,
}

impl Lateness {
    pub(super) fn new() -> Lateness {
        let empty = || latency_histogram(2);
        Lateness { run: empty(), bin: empty(), bin_ends: Time::ZERO + BIN, bins: vec![], window: empty() }
    }

    #[inline]
    pub(super) fn record(&mut self, now: Time, late: Span) {
        if now >= self.bin_ends {
            self.close_bin(now);
        }
        let us = late.0 / 1000;
        self.run.saturating_record(us);
        self.bin.saturating_record(us);
        self.window.saturating_record(us);
    }

    #[cold]
    fn close_bin(&mut self, now: Time) {
        if !self.bin.is_empty() {
            let p99 = Span(self.bin.value_at_quantile(0.99) * 1000);
            self.bins.push((self.bin_ends, p99));
            self.bin.reset();
        }
        self.bin_ends = Time((now.0 / BIN.0 + 1) * BIN.0);
    }

    /// The 99th percentile in microseconds since this was last asked.
    pub(super) fn take_window(&mut self) -> f64 {
        let p99 = self.window.value_at_quantile(0.99) as f64;
        self.window.reset();
        p99
    }

    pub(super) fn summary(&self) -> LatenessSummary {
        let at = |q| self.run.value_at_quantile(q) as f64;
        LatenessSummary {
            count: self.run.len(),
            p50_us: at(0.5),
            p99_us: at(0.99),
            max_us: self.run.max() as f64,
        }
    }

    /// The bins, the one in progress included.
    pub(super) fn take_bins(&mut self, end: Time) -> Vec<(Time, Span)> {
        self.close_bin(end);
        std::mem::take(&mut self.bins)
    }
}

/// Whether a live run shows the service or its host, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fitness {
    /// Whether the run may be trusted.
    pub fit: bool,
    /// Why not, in sentences.
    pub reasons: Vec<String>,
    /// How late attempts were sent: half at most this, in microseconds.
    pub lateness_p50_us: f64,
    /// 99 % at most this.
    pub lateness_p99_us: f64,
    /// The latest.
    pub lateness_max_us: f64,
    /// How late the clients' timer woke, 99th percentile in microseconds.
    pub timer_p99_us: f64,
    /// How late the worst replica did what its timer was set for, and sent attempts of its own: 99th percentile in microseconds.
    pub station_p99_us: f64,
    /// Attempts that the schedule and the clients wanted sent.
    pub scheduled: u64,
    /// Attempts that were sent.
    pub sent: u64,
    /// Most connections that were open at one time.
    pub connections_max: u64,
    /// Files that a process may have open.
    pub descriptors: u64,
    /// Connections that could not be made for want of descriptors or ports; each was a `reset`.
    pub unconnected: u64,
    /// Share of the run's windows that are host-bound, in [0, 1].
    pub host_bound: f64,
    /// Calls per second that this host carries while all goes well, as measured just before the run.
    pub carries_per_s: f64,
}

/// Lateness beyond which a window counts as the host's: 5 ms, or a tenth of the smallest timeout.
pub(super) fn late_max(scenario: &Scenario) -> Span {
    let timeouts = scenario.clients.iter().map(|c| c.policy.per_try_timeout.min(c.policy.deadline));
    let smallest = timeouts.min().unwrap_or(Span::FOREVER);
    LATE_MAX.min(Span(smallest.0 / 10))
}

impl Fitness {
    /// Judges the figures, and says what is wrong with them.
    pub(super) fn judge(&mut self, scenario: &Scenario) {
        let limit_us = late_max(scenario).0 as f64 / 1e3;
        let carries = format!("this host carries about {:.0} calls/s", self.carries_per_s);
        let mut late = |what: &str, p99_us: f64| {
            if p99_us > limit_us {
                self.reasons.push(format!(
                    "{what} late by {:.1} ms at the 99th percentile, {:.1} ms is the limit; {carries}",
                    p99_us / 1e3,
                    limit_us / 1e3
                ));
            }
        };
        late("attempts were sent", self.lateness_p99_us);
        late("a replica's workers were done, or its calls sent,", self.station_p99_us);
        if self.host_bound > 0.05 {
            self.reasons
                .push(format!("{:.0} % of the windows are host-bound; {carries}", self.host_bound * 100.0));
        }
        if (self.sent as f64) < 0.99 * self.scheduled as f64 {
            let Fitness { sent, scheduled, .. } = self;
            self.reasons
                .push(format!("only {sent} of {scheduled} attempts could be sent in time; {carries}"));
        }
        if self.unconnected > 0 {
            self.reasons.push(format!(
                "{} connections failed for want of ports or file descriptors (limit {})",
                self.unconnected, self.descriptors
            ));
        }
        self.fit = self.reasons.is_empty();
    }
}

/// Descriptors that a process has room for from its start.
const ROOM: u64 = 1 << 16;

/// Lets this process open as many files as the system allows it; returns how many that is.
///
/// The kernel's table of descriptors is made large at once. It grows by doubling, and in a process of several threads every
/// doubling waits for a grace period of all processors: some ten milliseconds without a send, right when a spike opens
/// connections.
pub(super) fn raise_descriptor_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let limit = match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum.unwrap_or(u64::MAX),
        Err(_) => current.unwrap_or(u64::MAX),
    };
    // A descriptor at the far end makes room up to there. Without it the run is only less even.
    let far = limit.min(ROOM).saturating_sub(1) as i32;
    drop(rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), far));
    limit
}
