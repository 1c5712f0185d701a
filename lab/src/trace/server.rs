//! Measures one replica.
use super::{
    ServerTrace, ServerWindow,
    percentiles::{Collector, microseconds},
};
use crate::scenario::{Scenario, Service};
use lab_core::{
    call::Outcome,
    server::{Server, ServerIn, ServerOut, Work},
    time::{Span, Time},
};

/// Shown all that one replica is asked and does, it keeps the replica's [`ServerTrace`].
#[derive(Clone, Debug)]
pub struct ServerRecorder {
    trace: ServerTrace,
    width: Span,
    window: ServerWindow,
    window_ends: Time,
    sojourn: Collector,
    waited_ns: u64,
    ended: u64,
    /// Attempts waiting, workers busy and workers there now, and their integrals over the window.
    queued: u64,
    busy: u64,
    workers: u64,
    since: Time,
    queue_area: u128,
    busy_area: u128,
    worker_area: u128,
}

impl ServerRecorder {
    /// Measures replica `replica` of service `service` in a run of `scenario`.
    pub fn new(scenario: &Scenario, service: usize, replica: u32) -> ServerRecorder {
        let Service { name, policy, .. } = &scenario.services[service];
        ServerRecorder {
            trace: ServerTrace { service: name.clone(), replica, workers: policy.workers, windows: vec![] },
            width: scenario.window,
            window: ServerWindow::default(),
            window_ends: Time::ZERO + scenario.window,
            sojourn: Collector::new(2),
            waited_ns: 0,
            ended: 0,
            queued: 0,
            busy: 0,
            workers: u64::from(policy.workers),
            since: Time::ZERO,
            queue_area: 0,
            busy_area: 0,
            worker_area: 0,
        }
    }

    /// Keeps one window for all of the run, without percentiles.
    pub(crate) fn only_totals(&mut self) {
        (self.width, self.window_ends) = (Span::FOREVER, Time::NEVER);
        self.sojourn = Collector::nothing();
    }

    /// Sees what the replica's machine is about to be told.
    #[inline]
    pub fn told(&mut self, now: Time, input: &ServerIn) {
        self.reach(now);
        if let ServerIn::Arrive(_) = input {
            self.arrived();
        }
    }

    /// Closes the windows that ended by `now`.
    #[inline]
    pub fn reach(&mut self, now: Time) {
        if now >= self.window_ends {
            self.roll(now);
        }
    }

    /// An attempt has arrived.
    #[inline]
    pub fn arrived(&mut self) {
        self.window.arrived += 1;
    }

    /// Sees one output of that step.
    #[inline]
    pub fn asked(&mut self, output: &ServerOut) {
        match output {
            ServerOut::WakeAt { .. } => {}
            ServerOut::Reply { outcome, work, .. } => self.replied(*outcome, work),
            ServerOut::Drop { work, .. } => self.dropped(work),
        }
    }

    /// An attempt was dropped: its caller had gone.
    #[inline]
    pub fn dropped(&mut self, work: &Work) {
        self.window.dropped += 1;
        self.worked(work);
    }

    /// An attempt was told that another replica is in charge.
    pub fn redirected(&mut self) {
        self.window.redirected += 1;
    }

    /// The work that a message of another replica took is over.
    pub fn peer_worked(&mut self, work: &Work) {
        self.window.peers += 1;
        self.window.held_ns += work.held.0;
    }

    /// Sees how the machine looks after the step.
    #[inline]
    pub fn stands(&mut self, now: Time, server: &Server) {
        let (queued, busy, workers) =
            (server.queued() as u64, server.busy() as u64, u64::from(server.workers()));
        if (queued, busy, workers) != (self.queued, self.busy, self.workers) {
            self.integrate(now);
            (self.queued, self.busy, self.workers) = (queued, busy, workers);
            self.window.queue_max = self.window.queue_max.max(queued);
        }
    }

    /// An attempt was answered.
    #[inline]
    pub fn replied(&mut self, outcome: Outcome, work: &Work) {
        match outcome {
            Outcome::Success => {
                self.window.completed += 1;
                self.sojourn.record(microseconds(work.waited + work.held));
            }
            Outcome::Error => self.window.errors += 1,
            Outcome::Rejected => self.window.rejected += 1,
            Outcome::Reset | Outcome::Timeout => self.window.resets += 1,
        }
        self.worked(work);
    }

    #[inline]
    fn worked(&mut self, work: &Work) {
        self.window.held_ns += work.held.0;
        self.window.stale_ns += work.stale.0;
        self.waited_ns += work.waited.0;
        self.ended += 1;
    }

    #[inline]
    fn integrate(&mut self, now: Time) {
        let passed = u128::from(now.since(self.since).0);
        self.queue_area += passed * u128::from(self.queued);
        self.busy_area += passed * u128::from(self.busy);
        self.worker_area += passed * u128::from(self.workers);
        self.since = self.since.max(now);
    }

    /// Closes the windows that ended by `now`, of which there is one.
    #[cold]
    pub fn roll(&mut self, now: Time) {
        while now >= self.window_ends {
            self.close(self.window_ends);
        }
    }

    fn close(&mut self, ends: Time) {
        self.integrate(ends);
        let begins = Time(self.window_ends.0 - self.width.0);
        let length = ends.since(begins).0.max(1) as f64;
        let mut window = std::mem::take(&mut self.window);
        window.queue = self.queue_area as f64 / length;
        window.busy = self.busy_area as f64 / length;
        window.workers = self.worker_area as f64 / length;
        window.wait_mean_ms =
            if self.ended > 0 { self.waited_ns as f64 / self.ended as f64 / 1e6 } else { 0.0 };
        window.sojourn = self.sojourn.take();
        self.trace.windows.push(window);
        (self.queue_area, self.busy_area, self.worker_area) = (0, 0, 0);
        (self.waited_ns, self.ended) = (0, 0);
        self.window.queue_max = self.queued;
        self.window_ends = self.window_ends + self.width;
    }

    /// The windows that ended by `now`.
    pub(crate) fn windows(&mut self, now: Time) -> &[ServerWindow] {
        self.roll(now);
        &self.trace.windows
    }

    /// The windows closed so far, taken out; for a replica that reports as it goes.
    pub fn take_windows(&mut self) -> Vec<ServerWindow> {
        std::mem::take(&mut self.trace.windows)
    }

    /// Ends the measurement at `end`.
    pub fn finish(mut self, end: Time) -> ServerTrace {
        self.roll(end);
        if end > Time(self.window_ends.0 - self.width.0) {
            self.close(end);
        }
        self.trace
    }
}
