//! A judgement in the form in which it is kept, compared and shown: seconds, rates, and nothing where nothing was measured.
use super::{Judgement, Phase, Verdict};
use crate::scenario::Scenario;
use lab_core::time::{Span, Time};
use serde::{Deserialize, Serialize};

/// A run's judgement in figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The verdict's word.
    pub verdict: String,
    /// Whether the same seed without the trigger fell as well; only for `metastable`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spontaneous: bool,
    /// Why, in one sentence.
    pub reason: String,
    /// Seconds from the end of the last trigger to health; only for `recovered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_s: Option<f64>,
    /// Seconds that the backlog still needs; only for `draining`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_s: Option<f64>,
    /// When the healthy state ended, in seconds; only for `escaped`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fell_at_s: Option<f64>,
    /// What the service was like after a lever; empty where nobody acted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after_lever: String,
    /// Width of a verdict window, in seconds.
    pub window_s: f64,
    /// Before the first trigger.
    pub before: Rates,
    /// While triggers last.
    pub during: Rates,
    /// The last 20 s before a lever or the end.
    pub after: Rates,
}

/// A phase in figures; `None` where nothing was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Its beginning, in seconds.
    pub from_s: f64,
    /// Its end, in seconds.
    pub until_s: f64,
    /// Calls per second meant to start.
    pub offered_per_s: Option<f64>,
    /// Good calls per second.
    pub goodput_per_s: Option<f64>,
    /// Attempts per call.
    pub amplification: Option<f64>,
    /// Median latency in milliseconds.
    pub p50_ms: Option<f64>,
    /// 99th percentile of latency in milliseconds.
    pub p99_ms: Option<f64>,
}

impl Summary {
    /// The summary of `judgement` of a run of `scenario`.
    pub fn new(scenario: &Scenario, judgement: &Judgement) -> Summary {
        let Judgement { verdict, reason, after_lever, before, during, after, .. } = judgement;
        let seconds = |span: &Span| span.as_secs_f64();
        Summary {
            verdict: verdict.word().into(),
            spontaneous: matches!(verdict, Verdict::Metastable { spontaneous: true }),
            reason: reason.clone(),
            recovery_s: if let Verdict::Recovered { after } = verdict { Some(seconds(after)) } else { None },
            left_s: if let Verdict::Draining { left } = verdict { Some(seconds(left)) } else { None },
            fell_at_s: if let Verdict::Escaped { at } = verdict { Some(at.as_secs_f64()) } else { None },
            after_lever: (*after_lever).into(),
            window_s: scenario.healthy.over.as_secs_f64(),
            before: before.into(),
            during: during.into(),
            after: after.into(),
        }
    }
}

impl From<&Phase> for Rates {
    fn from(phase: &Phase) -> Rates {
        let known = |figure: f64| figure.is_finite().then_some(figure);
        let seconds = |time: Time| time.as_secs_f64();
        Rates {
            from_s: seconds(phase.from),
            until_s: seconds(phase.until),
            offered_per_s: known(phase.offered_per_s),
            goodput_per_s: known(phase.goodput_per_s),
            amplification: known(phase.amplification),
            p50_ms: known(phase.p50_ms),
            p99_ms: known(phase.p99_ms),
        }
    }
}
