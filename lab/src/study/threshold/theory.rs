//! Where theory puts the threshold: the backlog that the triggers leave, as a fluid, is as much as is served within a timeout.
use crate::{study::axis::Axis, theory::hand};
use serde::Serialize;

/// Steps of the bisection; each halves the bracket.
const STEPS: usize = 24;
/// Values that are looked at before it.
const LOOK: usize = 17;

/// What theory says of an axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Theory {
    /// The value at which the fluid backlog is μT; `None` where there is none in the range.
    pub value: Option<f64>,
    /// What it rests on, or why there is none.
    pub why: String,
}

/// The threshold between `from` and `to` by [`crate::theory::fluid`]: from there on more than μT jobs wait when the triggers
/// end, in a service that is vulnerable, so that all that come next are late.
pub(super) fn threshold(axis: &Axis, from: f64, to: f64) -> Theory {
    let mut why = String::from("none of the values in this range makes the backlog as large as μT");
    // Above 0 where the failed state outlasts the triggers.
    let mut excess = |value: f64| -> f64 {
        let Ok(scenario) = axis.scenario(value) else { return f64::NAN };
        let hand = hand(&scenario);
        if let (true, Some(beyond)) = (hand.services.is_empty(), hand.beyond.first()) {
            why = format!("{} is not calculated: {}", beyond.service, beyond.why);
        }
        let of =
            hand.services.iter().filter(|s| s.vulnerable).map(|s| s.backlog_jobs / s.jobs_per_timeout - 1.0);
        of.fold(-1.0, f64::max)
    };
    let look = |n: usize| from + (to - from) * n as f64 / (LOOK - 1) as f64;
    let looked: Vec<(f64, f64)> =
        (0..LOOK).map(|n| (look(n), excess(look(n)))).filter(|(_, e)| e.is_finite()).collect();
    let Some(pair) = looked.windows(2).find(|pair| (pair[0].1 > 0.0) != (pair[1].1 > 0.0)) else {
        if looked.iter().all(|(_, excess)| *excess > 0.0) && !looked.is_empty() {
            why = "at every value in this range the backlog is larger than μT".into();
        }
        return Theory { value: None, why };
    };
    let (mut low, mut high) = (pair[0], pair[1].0);
    for _ in 0..STEPS {
        let middle = f64::midpoint(low.0, high);
        let found = excess(middle);
        if (found > 0.0) == (low.1 > 0.0) { low = (middle, found) } else { high = middle }
    }
    let why = "from here on the fluid backlog at the triggers' end is more than μT, what is served within a timeout".into();
    Theory { value: Some(f64::midpoint(low.0, high)), why }
}
