//! A process's machine in real time.
//!
//! What is due is done with its *planned* time, in order, before anything new is looked at. So a late wake-up is not passed
//! on: the next job starts when the worker was to be free, not when the host got round to it. And the station, not the
//! connection's handler, owns the work: hyper drops a handler whose client hangs up, but the work goes on.
use super::{
    calls::{Calls, Heard},
    clock::Clock,
    connection::{Caller, End},
    guard::Lateness,
    http::{Ask, Letter, Reply},
    post::Post,
    record::StepWriter,
    role::{Desk, Event, Role},
    wire::{Begin, Measured, Order, Report, Setup, What},
};
use crate::{agenda::Agenda, engine::slab::Slab};
use lab_core::{
    call::{Attempt, Job},
    draw::Draw,
    server::ServerControl,
    time::{Span, Time},
    timeline::{Change, timeline},
};
use std::{collections::HashMap, rc::Weak};
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
    /// An idle station, as `setup` and `begin` say; windows that ended before it begins are not its own. `caller` is told of what
    /// becomes of its attempts at others. Changes of the network act on what it sends, those before it begins too.
    pub(super) fn new(
        setup: &Setup,
        begin: &Begin,
        role: R,
        post: Post,
        caller: &Weak<dyn Caller>,
        steps: Option<StepWriter>,
    ) -> Station<R> {
        let Setup { scenario, seed, .. } = setup;
        let (now, window) = (setup.starts(), scenario.window);
        let mut agenda = Agenda::new();
        let calls = Calls::new(scenario, Draw { seed: *seed }, &begin.ports, caller, &mut agenda);
        let sends = !begin.group.is_empty() || !begin.ports.is_empty();
        let changes = if sends { timeline(&scenario.disturbances) } else { vec![] };
        for ((at, _), number) in changes.iter().zip(0..) {
            agenda.plan(*at, Event::Change(number));
        }
        let mut station = Station {
            clock: begin.clock,
            role,
            out: vec![],
            desk: Desk { agenda, callers: HashMap::new(), reports: vec![], post, calls },
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

    /// When the window under way ends.
    fn window_ends(&self) -> Time {
        Time((self.next_window as u64 + 1) * self.window.0)
    }

    fn plan_window(&mut self) {
        self.desk.agenda.plan(self.window_ends(), Event::WindowEnds);
    }

    fn plan_arrival(&mut self, at: Time, input: R::In) {
        let number = self.arrivals.put(input);
        self.desk.agenda.plan(at, Event::Arrival(number));
    }

    /// Carries `order` out at its time.
    pub(super) fn plan(&mut self, Order { at, what }: Order) {
        let at = match what {
            What::Members { service, view } => {
                (at + self.desk.calls.news_take(service, view.number)).max(self.last)
            }
            What::Control(_) | What::Flush(_) | What::Stop => at,
        };
        self.desk.agenda.plan(at, Event::Order(what));
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

    /// An attempt of its own that was to be sent at `planned` is being sent.
    pub(super) fn sending(&mut self, planned: Time) {
        let now = self.clock.now();
        self.was_late(now, planned);
    }

    /// An attempt of its own has ended on its connection.
    pub(super) fn ended(&mut self, server: u32, job: Job, end: End) {
        let now = self.advance();
        let heard = self.desk.calls.ended(now, server, job, end, &mut self.desk.agenda);
        self.hear(now, heard);
    }

    /// The answer to an attempt of its own is heard, if there is one.
    fn hear(&mut self, now: Time, heard: Option<Heard>) {
        if let Some(Heard { attempt, reply, .. }) = heard {
            self.tell(now, R::answered(attempt, reply));
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
                    self.was_late(now, at);
                    self.step(at, R::woken(wake));
                }
                Event::Arrival(number) => {
                    if let Some(input) = self.arrivals.take(number) {
                        self.step(at, input);
                    }
                }
                Event::Order(what) => self.obey(at, what),
                Event::Leg(leg) => {
                    let heard = self.desk.calls.arrived(at, leg);
                    self.hear(at, heard);
                }
                Event::Change(number) => {
                    let change = &self.changes[number as usize];
                    self.desk.post.change(change);
                    self.desk.calls.change(change);
                }
                Event::WindowEnds => self.close_windows(at),
            }
        }
        now
    }

    /// What was to be done at `planned` is done at `now`.
    fn was_late(&mut self, now: Time, planned: Time) {
        if !self.paused {
            self.lateness.record(now, now.since(planned));
        }
    }

    fn tell(&mut self, now: Time, input: Option<R::In>) {
        if let Some(input) = input {
            self.step(now, input);
        }
    }

    /// Carries an order out. A window that ends at the same instant shows what was before it, as in the simulation.
    fn obey(&mut self, at: Time, what: What) {
        self.close_windows(at);
        match what {
            What::Control(control) => self.control(at, control),
            What::Flush(keys) => self.tell(at, R::flushed(keys)),
            What::Members { view, .. } => self.tell(at, R::members(view)),
            What::Stop => self.stop(at),
        }
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

    /// Closes the windows that ended by `at` and are still open.
    fn close_windows(&mut self, at: Time) {
        while self.window_ends() <= at {
            self.close_window(self.window_ends());
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
        let unconnected = self.desk.calls.unconnected;
        self.desk.reports.push(Report::Stopped { timer: self.lateness.summary(), unconnected });
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
