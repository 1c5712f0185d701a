//! What the windows of a run show, before anyone asks why: how it began, how it ended, when it fell and when it rose.
use super::{
    HealthWindow, State, TAIL, backlog, health,
    load::{self, Pressure},
};
use crate::{scenario::Scenario, trace::Trace};
use lab_core::time::{Span, Time};

/// So many healthy windows in a row count as health.
pub(crate) const IN_A_ROW: usize = 3;

/// What the verdict is made from.
pub(super) struct Case<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) trace: &'a Trace,
    /// The verdict is of the time before this: the first lever or the end of the run.
    pub(super) horizon: Time,
    /// All windows of the run.
    pub(super) all: Vec<HealthWindow>,
    /// Those before the horizon of which the state is known.
    pub(super) decided: Vec<HealthWindow>,
    pub(super) has_trigger: bool,
}

impl<'a> Case<'a> {
    pub(super) fn new(scenario: &'a Scenario, trace: &'a Trace) -> Case<'a> {
        Case::until(scenario, trace, scenario.first_lever())
    }

    pub(super) fn until(scenario: &'a Scenario, trace: &'a Trace, horizon: Time) -> Case<'a> {
        let all = health::windows(scenario, trace);
        let decided = all.iter().filter(|w| w.until <= horizon && w.state != State::Undecided);
        let has_trigger = scenario.triggers().next().is_some();
        Case { scenario, trace, horizon, decided: decided.copied().collect(), all, has_trigger }
    }

    /// The windows before the first trigger; with no trigger, the first three.
    pub(super) fn before(&self) -> &[HealthWindow] {
        let first = self.scenario.first_trigger();
        let count = match self.has_trigger {
            true => self.decided.iter().take_while(|w| w.until <= first).count(),
            false => self.decided.len().min(IN_A_ROW),
        };
        &self.decided[..count]
    }

    /// The windows after the last trigger, or all if there is none.
    pub(super) fn after(&self) -> &[HealthWindow] {
        let over = self.scenario.triggers_over();
        let count = self.decided.iter().take_while(|w| w.from < over).count();
        &self.decided[count..]
    }

    /// The windows of the last 20 s.
    pub(super) fn tail(&self) -> &[HealthWindow] {
        let begin = self.tail_begins();
        let after = self.after();
        &after[after.iter().take_while(|w| w.until <= begin).count()..]
    }

    pub(super) fn tail_begins(&self) -> Time {
        Time(self.horizon.0.saturating_sub(TAIL.0)).max(self.scenario.triggers_over())
    }

    pub(super) fn failed_at_end(&self) -> bool {
        let tail = self.tail();
        !tail.is_empty() && tail.iter().all(|w| w.state == State::Failed)
    }

    /// Whether it goes up and down after the triggers, with an end that is no longer than what came before.
    pub(super) fn swings(&self) -> bool {
        let mut runs: Vec<(State, Span)> = vec![];
        let extremes = self.after().iter().filter(|w| w.state != State::Degraded);
        for window in extremes {
            let length = window.until.since(window.from);
            match runs.last_mut() {
                Some((state, sum)) if *state == window.state => *sum += length,
                _ => runs.push((window.state, length)),
            }
        }
        let Some(((state, last), earlier)) = runs.split_last() else { return false };
        let longest = earlier.iter().filter(|(s, _)| s == state).map(|(_, length)| length.0).max();
        runs.len() >= 4 && longest.is_some_and(|longest| last.0 <= 2 * longest)
    }

    /// When the failed stretch at the end began, at the earliest with the first trigger's end.
    pub(super) fn down_since(&self) -> Time {
        let failed = self.decided.iter().rev().take_while(|w| w.state != State::Healthy);
        let trigger = self.scenario.first_trigger();
        // A window in which the trigger begins says nothing about the time before it.
        failed.last().map_or(self.horizon, |w| if w.until > trigger { w.from.max(trigger) } else { w.from })
    }

    /// The start of the first healthy stretch after the last failed window or, where it ended failed, after the trigger: three
    /// windows long, or as many as are left.
    pub(super) fn recovery(&self) -> Option<Time> {
        let after = self.after();
        let ended_well = after.last()?.state == State::Healthy;
        let skip = match ended_well {
            true => after.iter().rposition(|w| w.state == State::Failed).map_or(0, |last| last + 1),
            false if self.failed_at_end() => 0,
            false => return None,
        };
        // Without a trigger, the healthy beginning is no recovery.
        let skip = if self.has_trigger {
            skip
        } else {
            skip.max(after.iter().rposition(|w| w.state != State::Healthy).map_or(0, |last| last + 1))
        };
        let healthy_from = |i: usize| {
            let rest = &after[i..];
            let enough = rest.len() >= IN_A_ROW || ended_well;
            enough && rest.iter().take(IN_A_ROW).all(|w| w.state == State::Healthy)
        };
        (skip..after.len()).find(|&i| healthy_from(i)).map(|i| after[i].from)
    }

    /// How the service was at the end of the run, after an operator acted; empty where nobody did.
    pub(super) fn after_lever(&self) -> &'static str {
        let Some(released) = self.scenario.levers().map(|d| d.until).max() else { return "" };
        let end = self.trace.end;
        // A lever that is held to the end is judged with it.
        let from = if released.0 + self.scenario.healthy.over.0 <= end.0 { released } else { self.horizon };
        let rest = self.all.iter().filter(|w| w.from >= from && w.state != State::Undecided);
        let rest: Vec<State> = rest.map(|w| w.state).collect();
        let last = &rest[rest.len().saturating_sub(IN_A_ROW)..];
        match last {
            [] => "undecided",
            all if all.iter().all(|s| *s == State::Healthy) => "recovered",
            all if all.iter().rev().take(2).all(|s| *s == State::Failed) => "failed",
            _ => "degraded",
        }
    }

    pub(super) fn pressure(&self, from: Time) -> Option<Pressure> {
        load::pressure(self.scenario, self.trace, from, self.horizon)
    }

    /// The mean backlog before the first trigger; 0 where nothing was measured.
    pub(super) fn normal_backlog(&self) -> f64 {
        let windows = self.trace.within(Time::ZERO + self.scenario.warmup, self.scenario.first_trigger());
        if !self.has_trigger || windows.is_empty() {
            return 0.0;
        }
        let count = windows.len() as f64;
        windows.map(|w| backlog::backlog(self.trace, w)).sum::<f64>() / count
    }
}

/// The mean share of good calls.
pub(super) fn mean_good(windows: &[HealthWindow]) -> f64 {
    windows.iter().map(|w| w.good).sum::<f64>() / windows.len() as f64
}
