//! The health of a run as it goes on: when it is down, and when it is up again, by the verdict's own windows.
use crate::{
    engine::sim::Simulation,
    scenario::{ClientGroup, Scenario},
    theory::amplification::timeout_s,
    trace::Cohorts,
    verdict::{IN_A_ROW, State, TAIL, window},
};
use lab_core::time::{Span, Time};

/// Looks at the verdict windows of a run in turn, as soon as each is decided.
#[derive(Clone, Debug)]
pub(super) struct HealthWatch {
    /// The window that is looked at next.
    next: usize,
    /// The last decided ones, as far back as they have one state.
    streak: Option<Streak>,
    /// When the first healthy window began.
    first_healthy: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Streak {
    state: State,
    from: Time,
    until: Time,
    windows: usize,
}

impl HealthWatch {
    /// A watch of the windows that begin at `from` or later.
    pub(super) fn new(simulation: &Simulation, from: Time) -> HealthWatch {
        let grid = grid(simulation);
        let here = grid.index(from);
        let next = if grid.bounds(here).0 < from { here + 1 } else { here };
        HealthWatch { next, streak: None, first_healthy: None }
    }

    /// Looks at what has been decided. The cohorts that it has looked at are forgotten.
    pub(super) fn look(&mut self, scenario: &Scenario, simulation: &mut Simulation) {
        let now = simulation.now();
        loop {
            let bounds = grid(simulation).bounds(self.next);
            if bounds.1 > now {
                break;
            }
            let cohorts = simulation.state().cohorts();
            let nobody = cohorts.clone().all(|c| c.get(self.next).is_none_or(|cohort| cohort.offered == 0));
            let found = window(scenario, cohorts, self.next, bounds, now);
            match found.state {
                // Where no call was meant to start there is nothing to say.
                State::Undecided if nobody => {}
                State::Undecided => break,
                state => self.add(state, bounds),
            }
            self.next += 1;
        }
        simulation.forget(self.next);
    }

    fn add(&mut self, state: State, (from, until): (Time, Time)) {
        if state == State::Healthy {
            self.first_healthy.get_or_insert(from);
        }
        match &mut self.streak {
            Some(streak) if streak.state == state => {
                streak.until = until;
                streak.windows += 1;
            }
            _ => self.streak = Some(Streak { state, from, until, windows: 1 }),
        }
    }

    /// Since when it has failed, if it has for as long as a verdict wants to see.
    pub(super) fn down_since(&self) -> Option<Time> {
        let long = |s: &Streak| s.state == State::Failed && s.until.since(s.from) >= TAIL;
        self.streak.filter(long).map(|s| s.from)
    }

    /// Since when it has been healthy, if it has for as many windows as a verdict wants to see.
    pub(super) fn up_since(&self) -> Option<Time> {
        let long = |s: &Streak| s.state == State::Healthy && s.windows >= IN_A_ROW;
        self.streak.filter(long).map(|s| s.from)
    }

    /// The state of the last decided window.
    pub(super) fn last(&self) -> Option<State> {
        self.streak.map(|s| s.state)
    }

    /// When the first healthy window began.
    pub(super) fn first_healthy(&self) -> Option<Time> {
        self.first_healthy
    }

    /// When the last decided window ended.
    pub(super) fn known_until(&self) -> Option<Time> {
        self.streak.map(|s| s.until)
    }
}

/// Runs from window to window up to `until`, and looks each time; ends early when `done` is said. Whether it was.
pub(super) fn follow(
    scenario: &Scenario,
    simulation: &mut Simulation,
    watch: &mut HealthWatch,
    until: Time,
    mut done: impl FnMut(&HealthWatch) -> bool,
) -> bool {
    while simulation.now() < until {
        simulation.run(next_look(simulation).min(until));
        watch.look(scenario, simulation);
        if done(watch) {
            return true;
        }
    }
    false
}

/// The end of the window that is under way.
pub(super) fn next_look(simulation: &Simulation) -> Time {
    let grid = grid(simulation);
    grid.bounds(grid.index(simulation.now())).1
}

/// The windows of all client groups lie alike.
fn grid<'s>(simulation: &'s Simulation) -> &'s Cohorts {
    simulation.state().cohorts().next().expect("a scenario has a client group")
}

/// The service that a study is about, and the jobs at all its replicas that are as many as it completes within a timeout (μT).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Subject {
    pub(super) service: usize,
    pub(super) jobs_per_timeout: f64,
}

impl Subject {
    /// Of the services that clients call, by way of a cache or directly, the one nearest to its capacity.
    ///
    /// # Errors
    /// Where no client times out: then no queue makes an attempt late.
    pub(super) fn of(scenario: &Scenario) -> Result<Subject, String> {
        let called = |group: &ClientGroup| {
            let service = group.service;
            scenario.services[service].cache.as_ref().map_or(service, |cache| cache.calls)
        };
        let subject = |group: &ClientGroup| {
            let service = called(group);
            let calls = scenario.clients.iter().filter(|other| called(other) == service);
            let rate: f64 = calls.clone().map(|other| other.load.rate_at(Time::ZERO)).sum();
            let timeout_s = calls.map(|other| timeout_s(&other.policy)).fold(f64::INFINITY, f64::min);
            let capacity = scenario.capacity(service);
            (rate / capacity, Subject { service, jobs_per_timeout: capacity * timeout_s })
        };
        let measurable = scenario.clients.iter().map(subject).filter(|(_, s)| s.jobs_per_timeout.is_finite());
        measurable.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, subject)| subject).ok_or_else(|| {
            "no client times out, so no queue makes an attempt late: there is no μT to measure a queue against".into()
        })
    }
}

/// `seconds` after `from`.
pub(super) fn after(from: Time, seconds: f64) -> Time {
    from + Span::from_secs_f64(seconds)
}
