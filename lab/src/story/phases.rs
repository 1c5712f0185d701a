//! The story of a run as a sequence of phases, told from the verdict windows, the triggers and the levers.
use crate::verdict::{RunView, State, Verdict};
use lab_core::{
    time::Time,
    timeline::{Disturbance, Effect},
};
use serde::Serialize;

/// What goes on in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Left out of all statistics.
    Warmup,
    /// Healthy.
    Stable,
    /// Not healthy although nothing has gone wrong yet.
    Unhealthy,
    /// Something goes wrong.
    Trigger,
    /// Failed, and the triggers are gone.
    Metastable,
    /// Failed, and would have without the trigger.
    Spontaneous,
    /// Failed otherwise.
    Failed,
    /// Between healthy and failed.
    Degraded,
    /// Not healthy yet, but it will be.
    Recovering,
    /// Not healthy while a backlog drains.
    Draining,
    /// Between healthy and failed, to and fro.
    Oscillating,
    /// An operator acts.
    Lever,
    /// Healthy again.
    StableAgain,
    /// Not healthy after an operator acted.
    StillDown,
    /// Not judged.
    Undecided,
}

/// One phase of a run.
#[derive(Clone, Debug)]
pub struct Phase {
    /// What goes on.
    pub kind: Kind,
    /// Its beginning, in seconds.
    pub from: f64,
    /// Its end, in seconds.
    pub until: f64,
    /// What to call it, the longest name first.
    pub names: Vec<String>,
}

/// What a phase is to the service; its colour everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    /// Healthy.
    Good,
    /// In between, or on its way.
    Between,
    /// Failed.
    Bad,
    /// Something goes wrong.
    Trigger,
    /// An operator acts.
    Lever,
    /// Nobody judges.
    Unknown,
}

impl Kind {
    /// What it is to the service.
    pub fn mood(self) -> Mood {
        match self {
            Kind::Stable | Kind::StableAgain => Mood::Good,
            Kind::Trigger => Mood::Trigger,
            Kind::Metastable | Kind::Spontaneous | Kind::Failed | Kind::Unhealthy | Kind::StillDown => {
                Mood::Bad
            }
            Kind::Lever => Mood::Lever,
            Kind::Degraded | Kind::Recovering | Kind::Draining | Kind::Oscillating => Mood::Between,
            Kind::Warmup | Kind::Undecided => Mood::Unknown,
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Kind::Warmup => &["warm-up"],
            Kind::Stable => &["stable"],
            Kind::Unhealthy => &["unhealthy before any trigger", "unhealthy"],
            Kind::Trigger => &["trigger"],
            Kind::Metastable => &[
                "metastable: the trigger is gone, the failure stays",
                "metastable: the failure stays",
                "metastable",
            ],
            Kind::Spontaneous => &["metastable, with or without the trigger", "metastable"],
            Kind::Failed => &["failed"],
            Kind::Degraded => &["degraded"],
            Kind::Recovering => &["recovering"],
            Kind::Draining => &["draining the backlog", "draining"],
            Kind::Oscillating => &["oscillating between healthy and failed", "oscillating"],
            Kind::Lever => &["operator acts", "lever"],
            Kind::StableAgain => &["stable again", "stable"],
            Kind::StillDown => &["still down"],
            Kind::Undecided => &["not judged"],
        }
    }
}

/// The phases of `run`, one after the other from its beginning to its end.
pub fn phases(run: &RunView) -> Vec<Phase> {
    let mut phases: Vec<Phase> = vec![];
    let edges = edges(run);
    for pair in edges.windows(2) {
        let middle = Time(pair[0].0 / 2 + pair[1].0 / 2);
        let mut kind = kind(run, middle);
        let broken = phases.iter().any(|p| !matches!(p.kind, Kind::Stable | Kind::Warmup | Kind::Undecided));
        if kind == Kind::Stable && broken && run.judgement.verdict != Verdict::Unaffected {
            kind = Kind::StableAgain;
        }
        let (from, until) = (pair[0].as_secs_f64(), pair[1].as_secs_f64());
        let names = names(run, kind, middle);
        match phases.last_mut() {
            Some(last) if last.kind == kind && last.names == names => last.until = until,
            // Triggers that overlap or follow each other at once are told as one.
            Some(last) if last.kind == kind && kind == Kind::Trigger => {
                (last.until, last.names) = (until, vec!["triggers".into()]);
            }
            _ => phases.push(Phase { kind, from, until, names }),
        }
    }
    phases
}

/// All instants at which a phase may begin or end.
fn edges(run: &RunView) -> Vec<Time> {
    let end = run.trace.end;
    let mut edges = vec![Time::ZERO, Time::ZERO + run.scenario.warmup, end];
    edges.extend(run.scenario.disturbances.iter().flat_map(|d| [d.from, d.until]));
    edges.extend(run.judgement.windows.iter().flat_map(|w| [w.from, w.until]));
    edges.retain(|at| *at <= end);
    edges.sort_unstable();
    edges.dedup();
    edges
}

fn active(at: Time) -> impl Fn(&&Disturbance) -> bool {
    move |d| d.from <= at && at < d.until
}

fn kind(run: &RunView, at: Time) -> Kind {
    let scenario = run.scenario;
    if scenario.levers().any(|d| active(at)(&d)) {
        return Kind::Lever;
    }
    if scenario.triggers().any(|d| active(at)(&d)) {
        return Kind::Trigger;
    }
    if at < Time::ZERO + scenario.warmup {
        return Kind::Warmup;
    }
    match state(run, at) {
        State::Healthy if run.judgement.verdict == Verdict::Oscillating && at > scenario.triggers_over() => {
            Kind::Oscillating
        }
        State::Healthy => Kind::Stable,
        State::Undecided => Kind::Undecided,
        state => broken(run, at, state),
    }
}

/// What to call a stretch that is not healthy and in which nobody disturbs the service.
fn broken(run: &RunView, at: Time, state: State) -> Kind {
    let scenario = run.scenario;
    if at >= scenario.first_lever() {
        return Kind::StillDown;
    }
    let over = at >= scenario.triggers_over();
    match run.judgement.verdict {
        Verdict::Escaped { .. } => Kind::Failed,
        Verdict::Overloaded if at < scenario.first_trigger() => Kind::Unhealthy,
        Verdict::Metastable { spontaneous: true } => Kind::Spontaneous,
        Verdict::Metastable { .. } if over => Kind::Metastable,
        Verdict::Draining { .. } if over => Kind::Draining,
        Verdict::Oscillating if over => Kind::Oscillating,
        Verdict::Recovered { .. } => Kind::Recovering,
        _ if state == State::Failed => Kind::Failed,
        _ => Kind::Degraded,
    }
}

/// The state of the verdict window at `at`. Before the first trigger, a window that reaches into it says nothing of what
/// was before, so the window before it speaks for that stretch.
fn state(run: &RunView, at: Time) -> State {
    let first_trigger = run.scenario.first_trigger();
    let windows = &run.judgement.windows;
    if at < first_trigger {
        let undisturbed = windows.iter().filter(|w| w.until <= first_trigger);
        return undisturbed.take_while(|w| w.from <= at).last().map_or(State::Undecided, |w| w.state);
    }
    let Some(index) = windows.iter().position(|w| w.from <= at && at < w.until) else {
        return State::Undecided;
    };
    let before = index.checked_sub(1).map(|before| windows[before].state);
    match windows[index] {
        // Calls are still open, but good ones end before bad ones: where most of those that are over are bad, it stays failed.
        w if w.state == State::Undecided && before == Some(State::Failed) && w.good < 0.5 => State::Failed,
        w => w.state,
    }
}

fn names(run: &RunView, kind: Kind, at: Time) -> Vec<String> {
    let general = || kind.names().iter().map(|name| (*name).to_owned());
    let scenario = run.scenario;
    match kind {
        Kind::Trigger => {
            let own =
                scenario.triggers().filter(active(at)).map(|d| format!("trigger: {}", effect(&d.effect)));
            let own: Vec<String> = own.collect();
            // Where triggers overlap, the plain word covers them all.
            if own.len() == 1 { own.into_iter().chain(general()).collect() } else { general().collect() }
        }
        Kind::Lever => scenario
            .levers()
            .find(active(at))
            .map_or_else(|| general().collect(), |d| vec![effect(&d.effect), "lever".to_owned()]),
        Kind::Metastable if scenario.triggers().count() > 1 => {
            let mut names = vec!["metastable: the triggers are gone, the failure stays".to_owned()];
            names.extend(general().skip(1));
            names
        }
        Kind::Failed if matches!(run.judgement.verdict, Verdict::Escaped { .. }) => {
            vec!["failed, and no trigger was needed".into(), "failed".into()]
        }
        _ => general().collect(),
    }
}

/// What a disturbance does, in two words or three.
pub fn effect(effect: &Effect) -> String {
    use super::words::{number, span};
    match effect {
        Effect::LoadSpike { factor, .. } => format!("load × {}", number(*factor)),
        Effect::SlowDown { factor, .. } => format!("work × {}", number(*factor)),
        Effect::Pause { .. } => "pause".into(),
        Effect::Crash { .. } => "crash".into(),
        Effect::ErrorBurst { share, .. } => format!("{} % errors", number(share * 100.0)),
        Effect::CacheFlush { .. } => "cache flushed".into(),
        Effect::Partition { .. } => "partition".into(),
        Effect::Manager { .. } => "no manager".into(),
        Effect::NetworkDelay { extra, .. } => format!("delay + {}", span(*extra)),
        Effect::ShedLoad { .. } => "load shed".into(),
        Effect::RetriesOff { .. } => "retries off".into(),
        Effect::QueueFlush { .. } => "queues flushed".into(),
        Effect::Set { settings } => match &settings[..] {
            [one] => super::change::label(one),
            _ => "other settings".into(),
        },
    }
}
