//! What was measured in one run, by the same code for both engines.
//!
//! Measurement happens once, at the boundary of the machines: a recorder is shown every input and output, and no engine
//! counts anything itself. Its memory grows with the number of windows, never with the number of calls.
mod cache;
mod client;
mod history;
mod interval;
mod percentiles;
mod server;
mod views;

pub use cache::CacheRecorder;
pub use client::{ClientRecorder, interval_log};
pub use history::{History, Operation};
pub use percentiles::{Percentiles, latency_histogram};
pub use server::ServerRecorder;
pub use views::member_names;

use crate::scenario::Scenario;
use hdrhistogram::Histogram;
use lab_core::{
    time::{Span, Time},
    timeline::{Disturbance, Role},
};

/// All that was measured in one run.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The seed of the run.
    pub seed: u64,
    /// How far the run got: the scenario's end, unless it was interrupted.
    pub end: Time,
    /// Width of a window. The last one may be shorter.
    pub window: Span,
    /// One for each client group, in the scenario's order.
    pub clients: Vec<ClientTrace>,
    /// One for each replica, service by service.
    pub servers: Vec<ServerTrace>,
    /// One for each service whose replicas form a group.
    pub groups: Vec<GroupTrace>,
    /// What happened, in order of time.
    pub events: Vec<Event>,
    /// One for each cache.
    pub caches: Vec<CacheTrace>,
    /// Every operation on a replicated store, if that was asked for.
    pub history: Vec<Operation>,
    /// Windows that the host could not carry faithfully, by index; empty in simulation.
    pub host_bound: Vec<usize>,
}

/// What happened at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Time,
    /// What, as one word for machines: `trigger_begins`, `lever_ends`, `interrupted`, …
    pub kind: &'static str,
    /// Whom or what it concerns: the disturbance's or the replica's name.
    pub subject: String,
}

impl Event {
    /// A trigger or lever begins or ends.
    pub fn disturbance(at: Time, disturbance: &Disturbance, begins: bool) -> Event {
        let kind = match (disturbance.role, begins) {
            (Role::Trigger, true) => "trigger_begins",
            (Role::Trigger, false) => "trigger_ends",
            (Role::Lever, true) => "lever_begins",
            (Role::Lever, false) => "lever_ends",
        };
        Event { at, kind, subject: disturbance.name.clone() }
    }
}

/// What was measured of one client group.
#[derive(Clone, Debug)]
pub struct ClientTrace {
    /// The group's name.
    pub name: String,
    /// One after the other from the run's beginning, warm-up included.
    pub windows: Vec<ClientWindow>,
    /// The calls by intended start, for the verdict.
    pub cohorts: Cohorts,
    /// Latency of all calls that are over, by phase of their intended start, in microseconds.
    pub latency: PhaseLatency,
    /// Latency of all calls that are over, interval by interval of their end; see [`interval_log`].
    pub intervals: Vec<Interval>,
    /// Calls not over at the end.
    pub unfinished: u64,
}

/// The latencies of one interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// When it began.
    pub began: Time,
    /// When it ended.
    pub ended: Time,
    /// Microseconds, as a histogram of three digits tells them apart, and how many calls took that long.
    pub counts: Vec<(u64, u64)>,
}

/// Latency in microseconds, by phase of the intended start. The warm-up is in none.
#[derive(Clone, Debug)]
pub struct PhaseLatency {
    /// Before the first trigger.
    pub before: Histogram<u64>,
    /// From the first trigger's beginning to the last one's end.
    pub during: Histogram<u64>,
    /// After the last trigger's end, until an operator first acts.
    pub after: Histogram<u64>,
}

/// One window of one client group. Counts are of what happened in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClientWindow {
    /// Calls whose intended start is in the window.
    pub offered: u64,
    /// Attempts sent.
    pub attempts: u64,
    /// Attempts sent that were not a call's first.
    pub retries: u64,
    /// Times that an attempt was sent on to the replica in charge.
    pub redirects: u64,
    /// Calls that ended good.
    pub good: u64,
    /// Calls that ended well but too late to be good.
    pub slow: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls turned away by load shedding before their first attempt (also counted in `failed`).
    pub shed: u64,
    /// Attempts that ended, by [`lab_core::call::Outcome`] in the order of its discriminant.
    pub ended: [u64; 5],
    /// Answers that came after their attempt had been given up.
    pub late: u64,
    /// Calls in progress, averaged over the window.
    pub in_progress: f64,
    /// Latency of the calls that ended in the window, however they ended.
    pub latency: Percentiles,
    /// Mean latency of the calls among them that succeeded, in milliseconds; NaN if none did.
    pub success_mean_ms: f64,
}

/// Calls grouped by intended start into the windows of the verdict: `over` wide, anchored at the end of the last trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct Cohorts {
    /// Where a window boundary lies.
    pub anchor: Time,
    /// Their width.
    pub over: Span,
    /// The number of the first that is kept; number 0 holds the run's beginning.
    pub first: usize,
    /// From that one on.
    pub cohorts: Vec<Cohort>,
}

/// The calls that were meant to start in one verdict window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cohort {
    /// Calls intended to start in it.
    pub offered: u64,
    /// Of them, those that turned out good.
    pub good: u64,
    /// Of them, those that failed or were too slow. What is left is undecided.
    pub bad: u64,
}

/// What was measured of a service whose replicas form a group: a replicated store, or replicas under health checks.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupTrace {
    /// The service's name.
    pub service: String,
    /// One after the other from the run's beginning; each as it was at the window's end.
    pub windows: Vec<GroupWindow>,
}

/// A group at the end of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct GroupWindow {
    /// The number of the view in force.
    pub view: u64,
    /// Its members.
    pub members: u64,
    /// Its newcomers that catch up.
    pub learners: u64,
    /// Writes that the member furthest behind does not know to be committed while another one does.
    pub lag: u64,
}

/// What was measured of a cache, all its replicas together.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheTrace {
    /// The service's name.
    pub service: String,
    /// One after the other from the run's beginning.
    pub windows: Vec<CacheWindow>,
}

/// One window of a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CacheWindow {
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Fills begun.
    pub fills: u64,
    /// Fills that have put their key into the cache.
    pub populated: u64,
    /// Keys held at the window's end.
    pub keys: u64,
}

/// What was measured of one replica.
#[derive(Clone, Debug)]
pub struct ServerTrace {
    /// The service's name.
    pub service: String,
    /// The replica's index in it.
    pub replica: u32,
    /// Its workers at the beginning.
    pub workers: u32,
    /// One after the other from the run's beginning, warm-up included.
    pub windows: Vec<ServerWindow>,
}

/// One window of one replica. Counts are of what happened in the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ServerWindow {
    /// Attempts that arrived.
    pub arrived: u64,
    /// Attempts worked on to their end, useful or not.
    pub completed: u64,
    /// Attempts turned away.
    pub rejected: u64,
    /// Attempts that failed.
    pub errors: u64,
    /// Attempts that ended in a reset.
    pub resets: u64,
    /// Attempts dropped because their caller had gone.
    pub dropped: u64,
    /// Attempts told that another replica is in charge.
    pub redirected: u64,
    /// Messages of other replicas worked on to their end.
    pub peers: u64,
    /// Worker time of the attempts that ended in the window, in nanoseconds.
    pub held_ns: u64,
    /// The part of it spent after the caller had given up, in nanoseconds.
    pub stale_ns: u64,
    /// Attempts waiting, averaged over the window.
    pub queue: f64,
    /// Most attempts that waited at one time.
    pub queue_max: u64,
    /// Workers at work, averaged over the window.
    pub busy: f64,
    /// Workers that the replica had by its settings, averaged over the window.
    pub workers: f64,
    /// Mean wait in the queue of what ended in the window, in milliseconds; 0 if nothing did.
    pub wait_mean_ms: f64,
    /// Time from arrival to answer of what was completed in the window.
    pub sojourn: Percentiles,
}

/// The whole windows of a run so far, as they lie in a [`Trace`].
#[derive(Clone, Debug)]
pub struct Windows<'t> {
    /// Of each client group.
    pub clients: Vec<&'t [ClientWindow]>,
    /// Of each replica.
    pub servers: Vec<&'t [ServerWindow]>,
    /// Of each group of replicas.
    pub groups: Vec<&'t [GroupWindow]>,
    /// Of each cache.
    pub caches: Vec<&'t [CacheWindow]>,
}

impl Cohorts {
    /// Empty cohorts for a run of `scenario`.
    pub fn new(scenario: &Scenario) -> Cohorts {
        let (anchor, over) = (scenario.triggers_over(), scenario.healthy.over);
        let mut cohorts = Cohorts { anchor, over, first: 0, cohorts: vec![] };
        cohorts.cohorts = vec![Cohort::default(); cohorts.index(scenario.end()) + 1];
        cohorts
    }

    /// The same calls in cohorts that are `over` wide and have a boundary at `anchor`. Exact where both are whole numbers of the
    /// width that these have, from their own anchor on.
    pub fn regrouped(&self, anchor: Time, over: Span) -> Cohorts {
        let mut wide = Cohorts { anchor, over, first: 0, cohorts: vec![] };
        for (index, cohort) in self.cohorts.iter().enumerate() {
            let to = wide.index(self.bounds(self.first + index).0);
            wide.reach(to);
            if let Some(sum) = wide.get_mut(to) {
                sum.offered += cohort.offered;
                sum.good += cohort.good;
                sum.bad += cohort.bad;
            }
        }
        wide
    }

    /// Cohort `index`, if it is kept.
    pub fn get(&self, index: usize) -> Option<&Cohort> {
        self.cohorts.get(index.checked_sub(self.first)?)
    }

    #[inline]
    fn get_mut(&mut self, index: usize) -> Option<&mut Cohort> {
        self.cohorts.get_mut(index.wrapping_sub(self.first))
    }

    /// Adds cohorts up to number `index`.
    fn reach(&mut self, index: usize) {
        let wanted = (index + 1).saturating_sub(self.first);
        if self.cohorts.len() < wanted {
            self.cohorts.resize(wanted, Cohort::default());
        }
    }

    /// Drops the cohorts before number `index`.
    fn forget(&mut self, index: usize) {
        let gone = index.saturating_sub(self.first);
        self.cohorts.drain(..gone.min(self.cohorts.len()));
        self.first = self.first.max(index);
    }

    /// Which cohort a call intended at `at` belongs to.
    #[inline]
    pub fn index(&self, at: Time) -> usize {
        ((at.0 + self.lead()) / self.over.0) as usize
    }

    /// How long before the run's beginning the first cohort begins, in nanoseconds.
    #[inline]
    fn lead(&self) -> u64 {
        match self.anchor.0 % self.over.0 {
            0 => 0,
            rest => self.over.0 - rest,
        }
    }

    /// When cohort `index` begins and ends; the first may begin before the run, which is said as zero.
    pub fn bounds(&self, index: usize) -> (Time, Time) {
        let at = |index: u64| Time((index * self.over.0).saturating_sub(self.lead()));
        (at(index as u64), at(index as u64 + 1))
    }
}

impl Cohort {
    /// Calls of which it is not known yet how they end.
    pub fn undecided(&self) -> u64 {
        self.offered - self.good - self.bad
    }

    /// The smallest and the largest share of good calls that is still possible; NaN where no call was offered.
    pub fn good_share(&self) -> (f64, f64) {
        let share = |n: u64| n as f64 / self.offered as f64;
        (share(self.good), share(self.good + self.undecided()))
    }
}

impl Trace {
    /// The number of windows.
    pub fn len(&self) -> usize {
        self.clients.first().map_or(0, |c| c.windows.len())
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Leaves out what was measured after the last whole window; for windows alone.
    pub fn cut_to_whole_windows(&mut self) {
        let whole = (self.end.0 / self.window.0) as usize;
        self.end = Time(whole as u64 * self.window.0);
        self.clients.iter_mut().for_each(|client| client.windows.truncate(whole));
        self.servers.iter_mut().for_each(|server| server.windows.truncate(whole));
        self.groups.iter_mut().for_each(|group| group.windows.truncate(whole));
        self.caches.iter_mut().for_each(|cache| cache.windows.truncate(whole));
    }

    /// When window `index` begins and ends.
    pub fn bounds(&self, index: usize) -> (Time, Time) {
        let begin = Time(index as u64 * self.window.0);
        (begin, (begin + self.window).min(self.end))
    }

    /// The windows that lie entirely in `from..until`.
    pub fn within(&self, from: Time, until: Time) -> std::ops::Range<usize> {
        let width = self.window.0;
        let first = from.0.div_ceil(width) as usize;
        // A run's last window may be shorter than the others.
        let last = if until >= self.end { self.len() } else { (until.0 / width) as usize };
        first.min(self.len())..last.clamp(first.min(self.len()), self.len())
    }

    /// Window `index` summed over the client groups: counts and calls in progress, not latency.
    pub fn client_sum(&self, index: usize) -> ClientWindow {
        let mut sum = ClientWindow { success_mean_ms: f64::NAN, ..ClientWindow::default() };
        for window in self.clients.iter().filter_map(|c| c.windows.get(index)) {
            sum.add_counts(window);
        }
        sum
    }

    /// Counts of all client groups summed over the windows that lie in `from..until`.
    pub fn client_total(&self, from: Time, until: Time) -> ClientWindow {
        let mut sum = ClientWindow::default();
        for index in self.within(from, until) {
            sum.add_counts(&self.client_sum(index));
        }
        sum
    }
}

impl ClientWindow {
    /// Adds the counts and calls in progress of `other`; latency is left as it is.
    pub fn add_counts(&mut self, other: &ClientWindow) {
        self.offered += other.offered;
        self.attempts += other.attempts;
        self.retries += other.retries;
        self.redirects += other.redirects;
        self.good += other.good;
        self.slow += other.slow;
        self.failed += other.failed;
        self.shed += other.shed;
        self.late += other.late;
        for (mine, theirs) in self.ended.iter_mut().zip(other.ended) {
            *mine += theirs;
        }
        self.in_progress += other.in_progress;
    }

    /// Attempts per call offered; NaN where none was.
    pub fn amplification(&self) -> f64 {
        self.attempts as f64 / self.offered as f64
    }
}
