//! A process's machine in real time.
//!
//! What is due is done with its *planned* time, in order, before anything new is looked at. So a late wake-up is not passed
//! on: the next job starts when the worker was to be free, not when the host got round to it. And the station, not the
//! connection's handler, owns the work: hyper drops a handler whose client hangs up, but the work goes on.
use super::{
    clock::Clock,
    guard::Lateness,
    http::{Ask, Letter, Reply},
    post::Post,
    record::StepWriter,
    role::{Desk, Event, Role},
    wire::{Measured, Order, Report, What},
};
use crate::{agenda::Agenda, engine::slab::Slab};
use lab_core::{
    call::Attempt,
    server::ServerControl,
    time::{Span, Time},
    timeline::Change,
};
use std::collections::HashMap;
use tokio::sync::oneshot;

/// One machine in its role, and all that is planned for it.
pub(super) struct Station<R: Role> {
    clock: Clock,
    role: R,
    out: Vec<R::Out>,
    desk: Desk<R::Wake>,
    arrivals: Slab<R::In>,
    changes: Vec<Change>,
    /// The machine's time; it never goes back.
    last: Time,
    window: Span,
    /// The index of the next window to report.
    next_window: usize,
    lateness: Lateness,
    steps: Option<StepWriter>,
    /// The process is stopped, so that its timer's lateness means nothing.
    paused: bool,
    stopped: bool,
}

impl<R: Role> Station<R> {
    /// An idle station that begins at `now`; windows of width `window` that ended before are not its own. `changes` of the
    /// network act on what is sent by `post`, those before `now` too.
    pub(super) fn new(
        clock: Clock,
        now: Time,
        role: R,
        post: Post,
        changes: Vec<(Time, Change)>,
        window: Span,
        steps: Option<StepWriter>,
    ) -> Station<R> {
        let mut agenda = Agenda::new();
        for ((at, _), number) in changes.iter().zip(0..) {
            agenda.plan(*at, Event::Network(number));
        }
        let mut station = Station {
            clock,
            role,
            out: vec![],
            desk: Desk { agenda, callers: HashMap::new(), reports: vec![], post },
            arrivals: Slab::default(),
            changes: changes.into_iter().map(|(_, change)| change).collect(),
            last: now,
            window,
            next_window: (now.0 / window.0) as usize,
            lateness: Lateness::new(),
            steps,
            paused: false,
            stopped: false,
        };
        if let Some(begins) = R::begins() {
            station.plan_arrival(now, begins);
        }
        station.plan_window();
        station
    }

    fn plan_window(&mut self) {
        let ends = Time((self.next_window as u64 + 1) * self.window.0);
        self.desk.agenda.plan(ends, Event::WindowEnds);
    }

    fn plan_arrival(&mut self, at: Time, input: R::In) {
        let number = self.arrivals.put(input);
        self.desk.agenda.plan(at, Event::Arrival(number));
    }

    /// Carries `order` out at its time.
    pub(super) fn plan(&mut self, order: Order) {
        self.desk.agenda.plan(order.at, Event::Order(order.what));
    }

    /// When there is something to do next: at once where there is something to be said.
    pub(super) fn next(&self) -> Time {
        match self.desk.reports.is_empty() {
            true => self.desk.agenda.next().unwrap_or(Time::NEVER),
            false => Time::ZERO,
        }
    }

    /// Whether it has been told to stop.
    pub(super) fn stopped(&self) -> bool {
        self.stopped
    }

    /// What is to be said to the parent, taken out.
    pub(super) fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.desk.reports)
    }

    /// An attempt came over the network: where its answer will be. `None` if this is nobody to ask.
    pub(super) fn arrive(&mut self, ask: Ask) -> Option<oneshot::Receiver<Reply>> {
        let input = R::asked(ask)?;
        let (caller, answer) = oneshot::channel();
        let now = self.advance();
        self.desk.callers.insert((ask.job.client, ask.job.attempt), caller);
        self.step(now, input);
        Some(answer)
    }

    /// The caller of an attempt hung up before it was answered.
    pub(super) fn disconnected(&mut self, client: u32, attempt: Attempt) {
        if self.desk.callers.remove(&(client, attempt)).is_some()
            && let Some(input) = R::hung_up(client, attempt)
        {
            let now = self.advance();
            self.step(now, input);
        }
    }

    /// Letters of another member of the group came over the network.
    pub(super) fn deliver(&mut self, from: u32, letters: Vec<Letter>) {
        let now = self.advance();
        for Letter { at, message } in letters {
            let Some(input) = R::heard(from, message) else { return };
            if at > now {
                self.plan_arrival(at, input);
            } else {
                self.step(now, input);
            }
        }
    }

    /// Does what is due, and returns the time.
    pub(super) fn advance(&mut self) -> Time {
        let now = self.clock.now().max(self.last);
        while !self.stopped
            && let Some((at, event)) = self.desk.agenda.due(now)
        {
            let at = at.max(self.last);
            match event {
                Event::Wake(wake) => {
                    if !self.paused {
                        self.lateness.record(now, now.since(at));
                    }
                    self.step(at, R::woken(wake));
                }
                Event::Arrival(number) => {
                    if let Some(input) = self.arrivals.take(number) {
                        self.step(at, input);
                    }
                }
                Event::Order(What::Control(control)) => self.control(at, control),
                Event::Order(What::Stop) => self.stop(at),
                Event::Network(number) => self.desk.post.change(&self.changes[number as usize]),
                Event::WindowEnds => self.close_window(at),
            }
        }
        now
    }

    fn control(&mut self, at: Time, control: ServerControl) {
        self.step(at, R::control(control));
        match control {
            ServerControl::Pause => {
                self.paused = true;
                self.desk.reports.push(Report::Paused);
            }
            ServerControl::Resume => self.paused = false,
            _ => {}
        }
    }

    fn close_window(&mut self, at: Time) {
        let timer_p99_us = self.lateness.take_window();
        let measured = self.role.measured(at);
        self.report(measured, timer_p99_us);
        if let Some(steps) = &mut self.steps {
            steps.flush();
        }
        self.plan_window();
    }

    fn stop(&mut self, at: Time) {
        let rest = self.role.rest(at);
        self.report(rest, 0.0);
        if let Some(steps) = &mut self.steps {
            steps.flush();
        }
        self.desk.reports.push(Report::Stopped { timer: self.lateness.summary() });
        self.stopped = true;
    }

    fn report(&mut self, measured: Vec<Measured>, timer_p99_us: f64) {
        for measured in measured {
            self.desk.reports.push(Report::Window { index: self.next_window, measured, timer_p99_us });
            self.next_window += 1;
        }
    }

    fn step(&mut self, now: Time, input: R::In) {
        if self.stopped {
            return;
        }
        self.last = now;
        let kept = self.steps.is_some().then(|| input.clone());
        self.role.step(now, input, &mut self.out);
        if let (Some(steps), Some(input)) = (&mut self.steps, kept) {
            steps.saw(now, &input, &self.out);
        }
        for output in self.out.drain(..) {
            self.role.carry_out(now, output, &mut self.desk);
        }
    }
}
