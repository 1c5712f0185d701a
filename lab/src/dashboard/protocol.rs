//! What the page is told, as it is written in JSON; see `docs/DASHBOARD.md`.
use serde::Serialize;

/// The version of the protocol.
pub(super) const VERSION: u32 = 1;

/// Said once, when someone begins to watch.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Hello {
    pub version: u32,
    pub config: String,
    pub title: String,
    /// `simulated`, `live` or `replay`.
    pub engine: &'static str,
    pub seed: u64,
    pub window_s: f64,
    pub can: Can,
    pub speeds: &'static [f64],
    pub class: bool,
    /// Whether levers ask for a token.
    pub token_needed: bool,
    pub service: Watched,
    pub lines: Lines,
    pub healthy: Healthy,
    /// The run's end; `None` if it goes on.
    pub duration_s: Option<f64>,
    pub levers: Vec<Lever>,
    pub cards: Vec<Card>,
}

/// What can be done to the run.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Can {
    pub press: bool,
    pub pace: bool,
    pub rewind: bool,
}

/// The service that is watched.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Watched {
    pub name: String,
    pub replicas: u32,
    pub workers: u32,
}

/// What is drawn as a line. `None` where no formula fits.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Lines {
    pub capacity_per_s: f64,
    pub hidden_capacity_per_s: Option<f64>,
    pub timeout_ms: Option<f64>,
    pub jobs_per_timeout: Option<f64>,
}

/// What healthy means.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Healthy {
    pub good: f64,
    pub over_s: f64,
}

/// Something that can be pressed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Lever {
    pub id: String,
    pub key: char,
    /// `trigger` or `lever`.
    pub role: &'static str,
    pub label: String,
    pub help: String,
    pub arguments: Vec<Argument>,
}

/// A number that belongs to it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Argument {
    pub name: &'static str,
    pub label: &'static str,
    pub unit: &'static str,
    /// Where it is left out.
    pub value: Option<f64>,
    pub min: f64,
    pub max: f64,
    pub step: f64,
    /// Whether it may be null: to the end.
    pub optional: bool,
}

/// A question for a class, asked before a lever is pressed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Card {
    pub id: &'static str,
    pub lever: String,
    pub question: String,
    pub options: [&'static str; 3],
    pub answer_after_s: f64,
    pub metric: &'static str,
}

/// What has happened since the last frame.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Frame<'s> {
    pub t_s: f64,
    pub speed: f64,
    pub paused: bool,
    /// A replay is at its end.
    pub ended: bool,
    pub windows: Vec<Window>,
    pub now: Option<Gauges>,
    pub status: &'s Status,
    pub marks: &'s [Mark],
}

/// One window, all client groups together, and the watched service. Percentiles are those of the group that has most calls in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Window {
    pub from_s: f64,
    pub until_s: f64,
    pub offered_per_s: f64,
    pub attempts_per_s: f64,
    pub good_per_s: f64,
    pub failed_per_s: f64,
    pub shed_per_s: f64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub queue: f64,
    pub in_progress: f64,
    pub replicas: Vec<Replica>,
    pub members: Option<u64>,
    pub lag: Option<u64>,
    pub hit_share: Option<f64>,
}

/// One replica in a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Replica {
    pub queue: f64,
    pub busy: f64,
    pub completed: u64,
}

/// How it is at this instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Gauges {
    pub queue: usize,
    pub in_progress: usize,
    pub retrying: usize,
}

/// How the service is, in words and in four numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Status {
    /// By the rates of the last seconds: `healthy`, `degraded`, `failed`, or `undecided` while there are none.
    pub word: &'static str,
    /// The verdict on what the last triggers did; `None` before the first one and while one is on.
    pub verdict: Option<String>,
    pub sentence: String,
    pub offered_per_s: f64,
    pub goodput_per_s: f64,
    pub amplification: Option<f64>,
    pub queue: f64,
    pub trigger_over_s: Option<f64>,
    pub after_lever: Option<String>,
}

/// A trigger or lever, over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Mark {
    pub name: String,
    /// Which lever was pressed; empty for what the config itself brings.
    pub lever: String,
    pub role: &'static str,
    pub label: String,
    pub from_s: f64,
    /// `None`: it is held.
    pub until_s: Option<f64>,
}
