//! Figures that a config asks for, beside those that every experiment gets.
use super::{
    Experiment,
    expect::{Metric, Stretch},
    workload::Stages,
};
use lab_core::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One figure: a metric over the variants (`metric` and `x`), or over the load as it goes up and down again (`loop`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// A quantity, a point for the experiment and for each variant that changes nothing but what stands at `x` and `series`.
    /// Over several seeds: the median, and a bar from the smallest to the largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// The stretch of time over which the metric is taken. Left out: from the end of the warm-up to the end of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Stretch>,
    /// With `metric`: the dotted path of what the horizontal axis is, such as `services.store.replicas`. It may address anything
    /// that `lab check --resolved` prints, if it is a number, a rate, a share or a length of time.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub x: String,
    /// With `metric`: the dotted path of what tells the lines apart, such as `services.store.replication`. Left out: one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub series: String,
    /// A quantity against the offered load, in a run whose workload has stages that rise and fall: one point for each stage
    /// with a constant rate, taken over the stage's second half, and a line for each way.
    #[serde(default, rename = "loop", skip_serializing_if = "Option::is_none")]
    pub looped: Option<Metric>,
    /// With `loop`: which variant. Left out: the experiment itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

/// What a loop is told that has none to draw.
pub(super) const NO_LOOP: &str =
    "a loop needs a workload with stages of constant rates that rise and fall again within the run";

/// Whether a workload of `experiment` has stages that make a loop.
pub(super) fn has_a_loop(experiment: &Experiment) -> bool {
    let own = experiment.clients.values().filter_map(|client| client.workload.as_ref());
    let mut all = experiment.workload.iter().chain(own);
    all.any(|workload| rises_and_falls(&workload.stages, experiment.duration.0))
}

/// Whether a rate lies between two smaller ones, all of them constant and within a run of `duration`.
fn rises_and_falls(stages: &Stages, duration: Span) -> bool {
    let mut begins = Span::ZERO;
    let mut rates = vec![];
    for stage in &stages.0 {
        if begins < duration && !stage.ramp {
            rates.push(stage.rate.0);
        }
        begins += stage.lasts.0;
    }
    let lower = |rates: &[f64], top: f64| rates.iter().any(|rate| *rate < top);
    (0..rates.len()).any(|i| lower(&rates[..i], rates[i]) && lower(&rates[i + 1..], rates[i]))
}
