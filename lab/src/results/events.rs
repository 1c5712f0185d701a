//! `events.jsonl`: triggers, levers, changes of health, and the verdict, one JSON object per line in order of time.
use crate::{
    trace::Trace,
    verdict::{Judgement, State, Summary},
};
use lab_core::time::Time;
use serde_json::{Value, json};

/// The events of a run as JSON lines.
pub(super) fn jsonl(trace: &Trace, judgement: &Judgement, summary: &Summary) -> String {
    let mut events: Vec<(Time, Value)> = trace
        .events
        .iter()
        .map(|e| (e.at, json!({ "at_s": e.at.as_secs_f64(), "kind": e.kind, "subject": e.subject })))
        .collect();
    events.extend(health(judgement));
    events.sort_by_key(|(at, _)| *at);
    let mut verdict = json!({ "at_s": trace.end.as_secs_f64(), "kind": "verdict" });
    verdict["summary"] = json!(summary);
    let lines = events.into_iter().map(|(_, event)| event).chain([verdict]);
    lines.map(|line| format!("{line}\n")).collect()
}

/// The windows in which the state of health changes.
fn health(judgement: &Judgement) -> impl Iterator<Item = (Time, Value)> {
    let mut before = None;
    judgement.windows.iter().filter(move |w| before.replace(w.state) != Some(w.state)).map(|w| {
        let good = w.good.is_finite().then_some(w.good);
        let event =
            json!({ "at_s": w.from.as_secs_f64(), "kind": "health", "subject": word(w.state), "good": good });
        (w.from, event)
    })
}

fn word(state: State) -> &'static str {
    match state {
        State::Healthy => "healthy",
        State::Degraded => "degraded",
        State::Failed => "failed",
        State::Undecided => "undecided",
    }
}
