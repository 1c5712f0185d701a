//! Measures one client group.
use super::{
    ClientTrace, ClientWindow, Cohort, Cohorts, Interval, PhaseLatency,
    interval::IntervalCounts,
    latency_histogram,
    percentiles::{Collector, microseconds, no_histogram},
};
use crate::scenario::Scenario;
use hdrhistogram::serialization::{V2DeflateSerializer, interval_log::IntervalLogWriterBuilder};
use lab_core::{
    call::Outcome,
    client::ClientOut,
    time::{Span, Time},
};
use std::time::Duration;

/// An interval of the latency log is at least this share of the run, so that its size is bounded.
const INTERVALS_MAX: u64 = 120;

/// Shown all that one client group does, it keeps the group's [`ClientTrace`].
#[derive(Clone, Debug)]
pub struct ClientRecorder {
    trace: ClientTrace,
    width: Span,
    good_within: Span,
    /// The cohort looked up last: its index and bounds.
    last_cohort: (usize, Time, Time),
    warmup: Time,
    triggers: (Time, Time),
    first_lever: Time,
    /// The window in progress.
    window: ClientWindow,
    window_ends: Time,
    latency: Collector,
    success_ns: u64,
    successes: u64,
    /// Calls in progress now, and their integral over the window, in call-nanoseconds.
    level: u64,
    level_since: Time,
    level_area: u128,
    interval: IntervalCounts,
    interval_width: Span,
    interval_began: Time,
    /// Cohorts are added as calls come, without an end.
    open_ended: bool,
}

impl ClientRecorder {
    /// Measures client group `group` of a run of `scenario`.
    pub fn new(scenario: &Scenario, group: usize) -> ClientRecorder {
        let width = scenario.window;
        let windows = scenario.duration.0.div_ceil(INTERVALS_MAX * width.0).max(1);
        ClientRecorder {
            trace: ClientTrace {
                name: scenario.clients[group].name.clone(),
                windows: Vec::with_capacity(scenario.duration.0.div_ceil(width.0) as usize),
                cohorts: Cohorts::new(scenario),
                latency: PhaseLatency {
                    before: latency_histogram(3),
                    during: latency_histogram(3),
                    after: latency_histogram(3),
                },
                intervals: vec![],
                unfinished: 0,
            },
            width,
            good_within: scenario.good_within(group),
            last_cohort: (0, Time::ZERO, Time::ZERO),
            warmup: Time::ZERO + scenario.warmup,
            triggers: (scenario.first_trigger(), scenario.triggers_over().max(scenario.first_trigger())),
            first_lever: scenario.first_lever(),
            window: ClientWindow::default(),
            window_ends: Time::ZERO + width,
            latency: Collector::new(3),
            success_ns: 0,
            successes: 0,
            level: 0,
            level_since: Time::ZERO,
            level_area: 0,
            interval: IntervalCounts::new(),
            interval_width: Span(windows * width.0),
            interval_began: Time::ZERO,
            open_ended: false,
        }
    }

    /// Keeps the cohorts, and one window for all of the run, without latencies.
    pub(crate) fn only_cohorts(&mut self) {
        let Cohorts { anchor, over, .. } = self.trace.cohorts;
        self.trace.cohorts = Cohorts { anchor, over, first: 0, cohorts: vec![] };
        self.open_ended = true;
        (self.width, self.window_ends) = (Span::FOREVER, Time::NEVER);
        self.latency = Collector::nothing();
        self.interval = IntervalCounts::nothing();
        self.trace.latency =
            PhaseLatency { before: no_histogram(), during: no_histogram(), after: no_histogram() };
    }

    /// Measures a run that has no end: cohorts come as calls do, and there is no latency log.
    pub(crate) fn endless(&mut self) {
        self.trace.cohorts.cohorts = vec![];
        self.open_ended = true;
        self.interval = IntervalCounts::nothing();
        self.interval_width = Span::FOREVER;
    }

    /// The windows that ended by `now`.
    pub(crate) fn windows(&mut self, now: Time) -> &[ClientWindow] {
        self.roll(now);
        &self.trace.windows
    }

    /// The cohorts as they stand.
    pub(crate) fn cohorts(&self) -> &Cohorts {
        &self.trace.cohorts
    }

    /// Drops the cohorts before number `index`.
    pub(crate) fn forget(&mut self, index: usize) {
        self.trace.cohorts.forget(index);
    }

    /// Sees one output of a client of the group.
    // Inlined always: where it is called, the kind of output is known.
    #[inline(always)]
    pub fn saw(&mut self, now: Time, output: &ClientOut) {
        if now >= self.window_ends {
            self.roll(now);
        }
        match *output {
            ClientOut::Send { job, intended, .. } => {
                self.window.attempts += 1;
                if job.number == 1 {
                    self.offered(now, intended);
                } else {
                    self.window.retries += 1;
                }
            }
            ClientOut::Done { outcome, attempts, intended, .. } => {
                if attempts == 0 {
                    self.offered(now, intended);
                    self.window.shed += 1;
                }
                self.done(now, outcome, intended);
            }
            ClientOut::Ended { outcome } => self.window.ended[outcome as usize] += 1,
            ClientOut::Late { .. } => self.window.late += 1,
            ClientOut::SendOn { .. } => self.window.redirects += 1,
            ClientOut::WakeAt { .. } | ClientOut::GiveUp { .. } => {}
        }
    }

    #[inline(never)]
    fn offered(&mut self, now: Time, intended: Time) {
        // A live generator may be late across a border; the call still belongs where it was meant to start.
        let begins = Time(self.window_ends.0 - self.width.0);
        if intended >= begins {
            self.window.offered += 1;
        } else if let Some(window) = self.trace.windows.get_mut((intended.0 / self.width.0) as usize) {
            window.offered += 1;
        }
        if let Some(cohort) = self.cohort(intended) {
            cohort.offered += 1;
        }
        self.change_level(now, self.level + 1);
    }

    #[inline(never)]
    fn done(&mut self, now: Time, outcome: Outcome, intended: Time) {
        let took = now.since(intended);
        let good = outcome == Outcome::Success && took <= self.good_within;
        if let Some(cohort) = self.cohort(intended) {
            if good { cohort.good += 1 } else { cohort.bad += 1 }
        }
        match outcome {
            Outcome::Success if good => self.window.good += 1,
            Outcome::Success => self.window.slow += 1,
            _ => self.window.failed += 1,
        }
        if outcome == Outcome::Success {
            self.successes += 1;
            self.success_ns += took.0;
        }
        let us = microseconds(took);
        self.latency.record(us);
        self.interval.record(us);
        if intended >= self.warmup {
            let latency = &mut self.trace.latency;
            if intended < self.triggers.0 {
                latency.before.saturating_record(us);
            } else if intended < self.triggers.1 {
                latency.during.saturating_record(us);
            } else if intended < self.first_lever {
                latency.after.saturating_record(us);
            }
        }
        self.change_level(now, self.level - 1);
    }

    /// The cohort of a call intended at `intended`. Most calls belong to the same one as the call before.
    #[inline]
    fn cohort(&mut self, intended: Time) -> Option<&mut Cohort> {
        let (index, from, until) = self.last_cohort;
        let cohorts = &mut self.trace.cohorts;
        if intended < from || intended >= until {
            let index = cohorts.index(intended);
            let (from, until) = cohorts.bounds(index);
            self.last_cohort = (index, from, until);
            if self.open_ended {
                cohorts.reach(index);
            }
            return cohorts.get_mut(index);
        }
        cohorts.get_mut(index)
    }

    #[inline]
    fn change_level(&mut self, now: Time, level: u64) {
        self.level_area += u128::from(self.level) * u128::from(now.since(self.level_since).0);
        self.level_since = self.level_since.max(now);
        self.level = level;
    }

    /// Closes the windows that ended by `now`.
    #[cold]
    fn roll(&mut self, now: Time) {
        while now >= self.window_ends {
            self.close(self.window_ends);
        }
    }

    fn close(&mut self, ends: Time) {
        self.change_level(ends, self.level);
        let begins = Time(self.window_ends.0 - self.width.0);
        let mut window = std::mem::take(&mut self.window);
        window.in_progress = self.level_area as f64 / ends.since(begins).0.max(1) as f64;
        window.latency = self.latency.take();
        window.success_mean_ms = self.success_ns as f64 / self.successes as f64 / 1e6;
        self.trace.windows.push(window);
        (self.level_area, self.success_ns, self.successes) = (0, 0, 0);
        self.window_ends = self.window_ends + self.width;
        if ends.since(self.interval_began) >= self.interval_width {
            self.close_interval(ends);
        }
    }

    fn close_interval(&mut self, ends: Time) {
        let counts = self.interval.take();
        self.trace.intervals.push(Interval { began: self.interval_began, ended: ends, counts });
        self.interval_began = ends;
    }

    /// Ends the measurement at `end`.
    pub fn finish(mut self, end: Time) -> ClientTrace {
        self.roll(end);
        if end > Time(self.window_ends.0 - self.width.0) {
            self.close(end);
        }
        if end > self.interval_began {
            self.close_interval(end);
        }
        self.trace.unfinished = self.level;
        self.trace
    }
}

/// The latency log of a client group in HdrHistogram's interval format, version 1.3: microseconds, times relative to a
/// start of 0.
pub fn interval_log(trace: &ClientTrace) -> Vec<u8> {
    let mut log = vec![];
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder.add_comment("latency in microseconds, from a call's intended start to its end");
    builder.with_base_time(std::time::UNIX_EPOCH).with_max_value_divisor(1000.0);
    let mut writer =
        builder.begin_log_with(&mut log, &mut serializer).expect("writing to memory does not fail");
    for Interval { began, ended, counts } in &trace.intervals {
        let mut histogram = latency_histogram(3);
        for &(us, count) in counts {
            histogram.saturating_record_n(us, count);
        }
        let (start, length) = (Duration::from_nanos(began.0), Duration::from_nanos(ended.since(*began).0));
        writer.write_histogram(&histogram, start, length, None).expect("writing to memory does not fail");
    }
    log
}
