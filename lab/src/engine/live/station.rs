//! A replica's machine in real time.
//!
//! What is due is done with its *planned* time, in order, before anything new is looked at. So a late wake-up is not passed
//! on: the next job starts when the worker was to be free, not when the host got round to it. And the station, not the
//! connection's handler, owns the work: hyper drops a handler whose client hangs up, but the work goes on.
use super::{
    clock::Clock,
    guard::Lateness,
    record::StepWriter,
    wire::{Order, Report, What},
};
use crate::{agenda::Agenda, trace::ServerRecorder};
use lab_core::{
    call::{Attempt, Job, Outcome},
    machine::Machine,
    server::{Server, ServerControl, ServerIn, ServerOut},
    time::{Span, Time},
};
use std::collections::HashMap;
use tokio::sync::oneshot;

#[derive(Clone, Copy, Debug)]
enum Event {
    Finish { worker: u32, epoch: u32 },
    Order(What),
    WindowEnds,
}

/// One replica's machine, its agenda, and the callers who wait for its answers.
pub(super) struct Station {
    clock: Clock,
    server: Server,
    out: Vec<ServerOut>,
    agenda: Agenda<Event>,
    /// The machine's time; it never goes back.
    last: Time,
    callers: HashMap<(u32, Attempt), oneshot::Sender<Outcome>>,
    recorder: Option<ServerRecorder>,
    window: Span,
    /// The index of the next window to report.
    next_window: usize,
    lateness: Lateness,
    steps: Option<StepWriter>,
    reports: Vec<Report>,
    /// The process is stopped, so that its timer's lateness means nothing.
    paused: bool,
    stopped: bool,
}

impl Station {
    /// An idle station that begins at `now`; windows that ended before are not its own.
    pub(super) fn new(
        clock: Clock,
        now: Time,
        server: Server,
        mut recorder: ServerRecorder,
        window: Span,
        steps: Option<StepWriter>,
    ) -> Station {
        recorder.roll(now);
        let next_window = recorder.take_windows().len();
        let mut station = Station {
            clock,
            server,
            out: vec![],
            agenda: Agenda::new(),
            last: now,
            callers: HashMap::new(),
            recorder: Some(recorder),
            window,
            next_window,
            lateness: Lateness::new(),
            steps,
            reports: vec![],
            paused: false,
            stopped: false,
        };
        station.plan_window();
        station
    }

    fn plan_window(&mut self) {
        self.agenda.plan(Time((self.next_window as u64 + 1) * self.window.0), Event::WindowEnds);
    }

    /// Carries `order` out at its time.
    pub(super) fn plan(&mut self, order: Order) {
        self.agenda.plan(order.at, Event::Order(order.what));
    }

    /// When there is something to do next.
    pub(super) fn next(&self) -> Time {
        self.agenda.next().unwrap_or(Time::NEVER)
    }

    /// Whether it has been told to stop.
    pub(super) fn stopped(&self) -> bool {
        self.stopped
    }

    /// What is to be said to the parent, taken out.
    pub(super) fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// An attempt came over the network: where its answer will be.
    pub(super) fn arrive(&mut self, job: Job) -> oneshot::Receiver<Outcome> {
        let (caller, answer) = oneshot::channel();
        let now = self.advance();
        self.callers.insert((job.client, job.attempt), caller);
        self.step(now, ServerIn::Arrive(job));
        answer
    }

    /// The caller of an attempt hung up before it was answered.
    pub(super) fn disconnected(&mut self, client: u32, attempt: Attempt) {
        if self.callers.remove(&(client, attempt)).is_some() {
            let now = self.advance();
            self.step(now, ServerIn::Disconnected { client, attempt });
        }
    }

    /// Does what is due, and returns the time.
    pub(super) fn advance(&mut self) -> Time {
        let now = self.clock.now().max(self.last);
        while !self.stopped
            && let Some((at, event)) = self.agenda.due(now)
        {
            let at = at.max(self.last);
            match event {
                Event::Finish { worker, epoch } => {
                    if !self.paused {
                        self.lateness.record(now, now.since(at));
                    }
                    self.step(at, ServerIn::Woken { worker, epoch });
                }
                Event::Order(What::Control(control)) => self.control(at, control),
                Event::Order(What::Stop) => self.stop(at),
                Event::WindowEnds => self.close_window(at),
            }
        }
        now
    }

    fn control(&mut self, at: Time, control: ServerControl) {
        self.step(at, ServerIn::Control(control));
        match control {
            ServerControl::Pause => {
                self.paused = true;
                self.reports.push(Report::Paused);
            }
            ServerControl::Resume => self.paused = false,
            _ => {}
        }
    }

    fn close_window(&mut self, at: Time) {
        let Some(recorder) = &mut self.recorder else { return };
        recorder.roll(at);
        let timer_p99_us = self.lateness.take_window();
        for window in recorder.take_windows() {
            self.reports.push(Report::Window { index: self.next_window, window, timer_p99_us });
            self.next_window += 1;
        }
        if let Some(steps) = &mut self.steps {
            steps.flush();
        }
        self.plan_window();
    }

    fn stop(&mut self, at: Time) {
        let Some(recorder) = self.recorder.take() else { return };
        for window in recorder.finish(at).windows {
            self.reports.push(Report::Window { index: self.next_window, window, timer_p99_us: 0.0 });
            self.next_window += 1;
        }
        if let Some(steps) = &mut self.steps {
            steps.flush();
        }
        self.reports.push(Report::Stopped { timer: self.lateness.summary() });
        self.stopped = true;
    }

    fn step(&mut self, now: Time, input: ServerIn) {
        let Some(recorder) = &mut self.recorder else { return };
        self.last = now;
        recorder.told(now, &input);
        self.server.step(now, input, &mut self.out);
        recorder.stands(now, &self.server);
        if let Some(steps) = &mut self.steps {
            steps.saw(now, &input, &self.out);
        }
        for output in self.out.drain(..) {
            recorder.asked(&output);
            match output {
                ServerOut::WakeAt { at, worker, epoch } => {
                    self.agenda.plan(at, Event::Finish { worker, epoch });
                }
                ServerOut::Reply { job, outcome, .. } => {
                    if let Some(caller) = self.callers.remove(&(job.client, job.attempt)) {
                        // A caller that hung up just now does not hear it.
                        let _ = caller.send(outcome);
                    }
                }
                // Its caller has gone, or will time out; the connection stays as it is.
                ServerOut::Drop { .. } => {}
            }
        }
    }
}
