//! The verdict of one run.
//!
//! The order of the questions is the order of their strength: was it measured at all, was the service healthy before anything
//! happened, how did it end, and if it ended badly: is the load too high, does a backlog still drain, was there a trigger?
use super::{
    HealthWindow, Judgement, State, TAIL, Verdict,
    backlog::{self, Trend},
    case::{Case, mean_good},
    load::Pressure,
    phase,
    words::{at, percent, seconds, signed, tenths, whole},
};
use crate::{engine::sim::sim, scenario::Scenario, trace::Trace};
use lab_core::time::{Span, Time};

/// Failed for this many times as long as the largest backlog needs to drain: then it is not the backlog.
const DRAINS: f64 = 3.0;

/// Judges one run. `undisturbed` is the same seed without triggers and levers, in simulation: with it, a metastable run in
/// which that one fell as well is called spontaneous. Without it, that stays open (`spontaneous: false`).
pub fn judge(scenario: &Scenario, trace: &Trace, undisturbed: Option<&Trace>) -> Judgement {
    let case = Case::new(scenario, trace);
    let (mut verdict, mut reason) = case.verdict();
    if let (Verdict::Metastable { spontaneous }, Some(twin)) = (&mut verdict, undisturbed) {
        let calm = scenario.undisturbed();
        *spontaneous = Case::until(&calm, twin, case.horizon).failed_at_end();
        reason += match spontaneous {
            true => "; the same seed without the trigger fell as well",
            false => "; the same seed without the trigger stays up",
        };
    }
    Judgement {
        verdict,
        reason,
        after_lever: case.after_lever(),
        before: phase::before(scenario, trace, case.horizon),
        during: phase::during(scenario, trace, case.horizon),
        after: phase::after(scenario, trace, case.horizon),
        windows: case.all,
    }
}

/// Judges a simulated run, and simulates the same seed undisturbed where the verdict asks for it.
pub fn judge_sim(scenario: &Scenario, trace: &Trace) -> Judgement {
    let judgement = judge(scenario, trace, None);
    if !matches!(judgement.verdict, Verdict::Metastable { .. }) {
        return judgement;
    }
    judge(scenario, trace, Some(&sim(&scenario.undisturbed(), trace.seed)))
}

type Finding = (Verdict, String);

impl Case<'_> {
    fn verdict(&self) -> Finding {
        let over = self.scenario.triggers_over();
        if self.trace.end < self.horizon {
            return undecided(format!("the run was interrupted at {}", at(self.trace.end)));
        }
        if self.decided.is_empty() {
            return undecided("not one whole window of health was measured after the warm-up".into());
        }
        if self.has_trigger && over >= self.horizon {
            return undecided(format!(
                "the triggers last until {}: nothing was measured after them",
                at(over)
            ));
        }
        if let Some(finding) = self.unhealthy_before() {
            return finding;
        }
        if self.tail().is_empty() {
            return self.nothing_over();
        }
        if self.failed_at_end() && !self.swings() {
            return self.fell();
        }
        self.stands()
    }

    fn unhealthy_before(&self) -> Option<Finding> {
        let before = self.before();
        let (first, last) = (before.first()?, before.last()?);
        let good = mean_good(before);
        let healthy_first = first.state == State::Healthy;
        let wanted = self.scenario.healthy.good;
        let fell_early = self.has_trigger && last.state == State::Failed;
        let began_badly = good < wanted && (self.has_trigger || !healthy_first);
        if !fell_early && !began_badly {
            return None;
        }
        if fell_early && healthy_first && self.failed_at_end() {
            // Whether it escaped, drains or is overloaded is asked as if there were no trigger.
            return Some(self.fell());
        }
        let when = if self.has_trigger { "before the first trigger" } else { "from the beginning" };
        let load = self.pressure(Time::ZERO + self.scenario.warmup).map_or(String::new(), |p| {
            let (calls, capacity) = (whole(p.offered_per_s), whole(p.capacity_per_s));
            match self.named(&p) {
                None => format!("; {calls} calls/s meet a capacity of {capacity}/s"),
                Some(service) => {
                    let attempts = whole(p.attempts_per_s);
                    format!("; {calls} calls/s are {attempts} attempts/s at `{service}`, whose capacity is {capacity}/s")
                }
            }
        });
        let reason = format!(
            "{when} only {} of the calls were good, healthy is {}{load}",
            percent(good),
            percent(wanted)
        );
        Some((Verdict::Overloaded, reason))
    }

    /// No call of the last 20 s is decided: the calls wait for answers that may still come.
    fn nothing_over(&self) -> Finding {
        if let Some(p) = self.pressure(self.tail_begins()).filter(|p| p.overload) {
            return (Verdict::Overloaded, self.overload(&p));
        }
        undecided("too many calls of the last 20 s are not over: run longer, or give calls a deadline".into())
    }

    /// Failed over the last 20 s.
    fn fell(&self) -> Finding {
        let over = self.scenario.triggers_over();
        let down = self.down_since();
        let tail = self.tail_begins();
        let pressure = self.pressure(tail);
        if let Some(p) = pressure.filter(|p| p.overload) {
            return (Verdict::Overloaded, self.overload(&p));
        }
        if self.has_trigger && self.horizon.since(over) < TAIL {
            let rest = self.horizon.since(over);
            return undecided(format!(
                "{rest} after the last trigger are too short to tell, 20 s are needed"
            ));
        }
        // The end of the time it was down says more about what comes than its beginning; but where attempts come slower than
        // the service can work, one law holds for all of it, and the longer the surer.
        let half = Time(down.0 + self.horizon.since(down).0 / 2).min(tail).max(down);
        let slower = pressure.is_some_and(|p| p.lasting_per_s < p.capacity_per_s);
        let stretch = if slower { down.max(over).min(tail) } else { half };
        let trend = backlog::trend(self.trace, stretch, self.horizon);
        if let Some(finding) = trend.and_then(|t| self.drains(&t)) {
            return finding;
        }
        if let Some(finding) = pressure.and_then(|p| self.may_drain(&p, down)) {
            return finding;
        }
        let facts = self.facts(pressure, trend);
        if !self.has_trigger || down < self.scenario.first_trigger() {
            let reason = format!("healthy at first, fell at {} with no trigger; {facts}", at(down));
            return (Verdict::Escaped { at: down }, reason);
        }
        if self.recovery().is_some_and(|healed| healed < down) {
            let reason =
                format!("had recovered from the trigger, fell again at {} without one; {facts}", at(down));
            return (Verdict::Escaped { at: down }, reason);
        }
        if self.before().is_empty() {
            return undecided(
                "no whole window lies between warm-up and first trigger to show it healthy".into(),
            );
        }
        let reason = format!("{} after the last trigger ended, {facts}", self.horizon.since(over));
        (Verdict::Metastable { spontaneous: false }, reason)
    }

    fn drains(&self, trend: &Trend) -> Option<Finding> {
        if !trend.falls() {
            return None;
        }
        let normal = self.normal_backlog().min(trend.last);
        let left = Span::from_secs_f64(trend.seconds_to(normal));
        let reason = format!(
            "still failed at the end, but the backlog of {} falls by {}/s (± {}): about {} more",
            whole(trend.last),
            tenths(-trend.slope_per_s),
            tenths(trend.error_per_s),
            seconds(left)
        );
        Some((Verdict::Draining { left }, reason))
    }

    /// Attempts come slower than the service can work: unless it was down much longer than a drain takes, nobody can say.
    fn may_drain(&self, pressure: &Pressure, down: Time) -> Option<Finding> {
        let spare = pressure.capacity_per_s - pressure.lasting_per_s;
        let from = down.max(self.scenario.triggers_over());
        let most = self.trace.within(from, self.horizon).map(|w| backlog::backlog(self.trace, w));
        let most = most.fold(0.0, f64::max);
        let was = self.horizon.since(from);
        if spare <= 0.0 || was.as_secs_f64() > DRAINS * most / spare {
            return None;
        }
        Some(undecided(format!(
            "failed at the end, but {} attempts/s are less than the capacity of {}/s{}: a backlog of {} needs {} \
             to drain, and only {} have passed",
            whole(pressure.lasting_per_s),
            whole(pressure.capacity_per_s),
            self.named(pressure).map_or(String::new(), |service| format!(" of `{service}`")),
            whole(most),
            seconds(Span::from_secs_f64(most / spare)),
            seconds(was)
        )))
    }

    /// The name of the service under pressure, where it is one of several.
    fn named(&self, pressure: &Pressure) -> Option<&str> {
        let services = &self.scenario.services;
        (services.len() > 1).then(|| services[pressure.service].name.as_str())
    }

    fn overload(&self, p: &Pressure) -> String {
        format!(
            "the load alone is beyond the capacity{}: {} calls/s meet {}/s, with no trigger at work",
            self.named(p).map_or(String::new(), |service| format!(" of `{service}`")),
            whole(p.sure_per_s),
            whole(p.capacity_per_s)
        )
    }

    fn facts(&self, pressure: Option<Pressure>, trend: Option<Trend>) -> String {
        let good = percent(mean_good(self.tail()));
        let load = pressure.map_or(String::new(), |p| {
            let capacity = whole(p.capacity_per_s);
            let meet = match self.named(&p) {
                None => format!(", the capacity is {capacity}/s"),
                Some(service) => format!(" at `{service}`, whose capacity is {capacity}/s"),
            };
            let (calls, attempts) = (whole(p.offered_per_s), whole(p.attempts_per_s));
            format!(": {calls} calls/s have become {attempts} attempts/s{meet}")
        });
        let backlog = trend.map_or(String::new(), |t| {
            format!(", and the backlog of {} does not drain ({}/s)", whole(t.last), signed(t.slope_per_s))
        });
        format!("{good} of the calls are good{load}{backlog}")
    }

    /// Not failed at the end.
    fn stands(&self) -> Finding {
        let first = self.scenario.first_trigger();
        let watched = self.decided.iter().filter(|w| !self.has_trigger || w.until > first);
        let watched: Vec<&HealthWindow> = watched.collect();
        if watched.iter().all(|w| w.state == State::Healthy) {
            let least = watched.iter().map(|w| w.good).fold(f64::INFINITY, f64::min);
            return (
                Verdict::Unaffected,
                format!("at least {} of the calls were good in every window", percent(least)),
            );
        }
        if self.swings() {
            let failed = self.after().iter().filter(|w| w.state == State::Failed).count();
            let reason = format!(
                "swings between healthy and failed: {failed} of {} windows failed",
                self.after().len()
            );
            return (Verdict::Oscillating, reason);
        }
        let good = percent(mean_good(self.tail()));
        let Some(since) = self.recovery() else {
            return (
                Verdict::Degraded,
                format!("{good} of the calls are good at the end, between failed and healthy"),
            );
        };
        if self.has_trigger {
            let after = since.since(self.scenario.triggers_over());
            let reason = format!(
                "healthy again {} after the last trigger ended; {good} of the calls are good at the end",
                seconds(after)
            );
            return (Verdict::Recovered { after }, reason);
        }
        let fell = watched.iter().find(|w| w.state != State::Healthy).map_or(since, |w| w.from);
        let after = since.since(fell);
        let reason =
            format!("unhealthy from {} with no trigger, healthy again after {}", at(fell), seconds(after));
        (Verdict::Recovered { after }, reason)
    }
}

fn undecided(reason: String) -> Finding {
    (Verdict::Undecided, reason)
}
