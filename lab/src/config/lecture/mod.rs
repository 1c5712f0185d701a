//! Numbers and figures of a lecture's text: what a run must have shown, in the words of `expect`. A file `answers.yaml` beside the
//! text.
mod check;
mod load;

pub use load::{LoadedAnswer, LoadedAnswers, LoadedPicture, load_answers, load_answers_text};

use super::{
    expect::{AfterLever, Amount, Bounds, Metric, Stretch, Word},
    units::{Duration, Rate},
};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// What a lecture's text rests on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Version of this language; there is only 1.
    #[serde(default = "one")]
    pub version: u32,
    /// The letter of the right prediction.
    pub right: String,
    /// The config that answers are about, as seen from this file, where they name none.
    pub config: String,
    /// How many seeds, from the config's first one on, where an answer does not say.
    #[serde(default = "five")]
    pub seeds: u32,
    /// Numbers of the text that are neither measured nor in a config, each with where it comes from.
    #[serde(default)]
    pub given: IndexMap<String, String>,
    /// Loads up and down, for answers and figures about hysteresis.
    #[serde(default)]
    pub stairs: Option<Stairs>,
    /// The numbers, by name.
    #[serde(default)]
    pub answers: IndexMap<String, Answer>,
    /// The figures, by name.
    #[serde(default)]
    pub figures: IndexMap<String, Picture>,
}

fn one() -> u32 {
    1
}

fn five() -> u32 {
    5
}

/// One number: where it comes from, and what it must be.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The config, as seen from this file.
    #[serde(default)]
    pub config: String,
    /// Which variant. Left out: the experiment itself.
    #[serde(default)]
    pub variant: String,
    /// Changes to the experiment: dotted paths and new values.
    #[serde(default)]
    pub set: IndexMap<String, serde_yaml::Value>,
    /// How many seeds.
    #[serde(default)]
    pub seeds: Option<u32>,
    /// The verdict, on every seed; with `between`, the share of the seeds that have it.
    #[serde(default)]
    pub verdict: Option<Word>,
    /// With `verdict: recovered`: the number is the recovery time, with these limits.
    #[serde(default)]
    pub recovery_time: Option<Bounds>,
    /// What the service was like after an operator acted, on every seed; with `between`, the share of the seeds.
    #[serde(default)]
    pub after_lever: Option<AfterLever>,
    /// A quantity.
    #[serde(default)]
    pub metric: Option<Metric>,
    /// The stretch of time over which the metric is taken. Left out: from the end of the warm-up to the end of the run.
    #[serde(default)]
    pub over: Option<Stretch>,
    /// A calculation instead of a run.
    #[serde(default)]
    pub by_hand: Option<ByHand>,
    /// A level of the load, as it goes up and down.
    #[serde(default)]
    pub hysteresis: Option<Turn>,
    /// Its smallest and its largest allowed value, on every seed, with its unit. Of a word, the smallest and the largest share of seeds.
    #[serde(default)]
    pub between: Option<(Amount, Amount)>,
}

/// What a person calculates before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByHand {
    /// Completions per second that the service is capable of.
    Capacity,
    /// Offered load over capacity.
    Utilisation,
    /// Attempts per second when every attempt fails.
    AttemptRate,
    /// The load below which the failed state heals by itself.
    HiddenCapacity,
    /// The load above which no healthy state is left.
    Ceiling,
    /// Jobs that are served within a timeout.
    JobsPerTimeout,
    /// Jobs in the queues when the last trigger ends, as a fluid.
    Backlog,
    /// How long that backlog needs to drain.
    Drain,
    /// How long the healthy state lives with no trigger, on average.
    Lifetime,
    /// How many wait on average, in one queue without retries: Erlang's formula.
    MeanQueue,
    /// How long the healthy state lasts, on average, in the Markov chain of queue and orbit.
    ChainLifetime,
    /// How long the failed state lasts, on average, in that chain.
    ChainRecovery,
}

/// A turn of the service as the load goes up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// The level at which it falls.
    Falls,
    /// The level at which it is up again.
    Heals,
}

/// Loads up and down.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stairs {
    /// The lowest load.
    pub from: Rate,
    /// The highest load.
    pub to: Rate,
    /// From one to the next.
    pub step: Rate,
    /// How long each lasts.
    pub dwell: Duration,
}

/// A figure of the text, of the first seed where it is of one run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// Which kind.
    pub draw: Kind,
    /// The config, as seen from this file; for a phase map, the sweep.
    #[serde(default)]
    pub config: String,
    /// Which variant. Left out: the experiment itself.
    #[serde(default)]
    pub variant: String,
    /// Of a comparison, which variants, `baseline` being the experiment itself. Left out: all.
    #[serde(default)]
    pub variants: Vec<String>,
    /// Changes to the experiment: dotted paths and new values.
    #[serde(default)]
    pub set: IndexMap<String, serde_yaml::Value>,
    /// Which figure of those that the config asks for, from 1.
    #[serde(default = "one")]
    pub number: u32,
}

/// A kind of figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One run over time.
    Timeline,
    /// Goodput of several variants.
    Comparison,
    /// Latency by percentile.
    Percentiles,
    /// One that the config asks for, over the answers' seeds.
    Asked,
    /// Goodput as the load goes up and down, over the answers' seeds.
    Loops,
    /// Where the queue and the outstanding retries drift.
    Drift,
    /// Healthy and failed states by load.
    Bifurcation,
    /// The share of metastable runs at every point of a sweep.
    PhaseMap,
}
