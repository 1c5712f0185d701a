//! Over which values a threshold is looked for.
use crate::{
    config::ConfigErrors,
    scenario::Scenario,
    study::axis::{Axis, Unit},
};

/// How often an upper end that nobody gave is doubled until something tips.
const DOUBLINGS: usize = 4;

/// The ends of a range; what is left open follows from what stands in the config.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Range {
    /// The smallest value.
    pub from: Option<f64>,
    /// The largest one.
    pub to: Option<f64>,
}

impl Range {
    /// Both ends. `tips` says whether a value tips most of a few runs, or nothing where it cannot be run.
    ///
    /// # Errors
    /// Where the range is empty, or the config does not allow an end.
    pub(super) fn ends(
        self,
        axis: &Axis,
        base: &Scenario,
        mut tips: impl FnMut(f64) -> Option<bool>,
    ) -> Result<(f64, f64), ConfigErrors> {
        // A factor of one changes nothing; of all else, little is a twentieth.
        let harmless = if axis.path.ends_with(".factor") { 1.0 } else { axis.now / 20.0 };
        let harmless = if axis.whole { harmless.ceil() } else { harmless };
        let from = self.from.unwrap_or(harmless.min(axis.now));
        let most = match axis.unit {
            Unit::Percent => 100.0,
            // Beyond the capacity everything is overloaded, trigger or not.
            Unit::Rate => capacity(base).max(from),
            _ => f64::INFINITY,
        };
        let mut to = self.to.unwrap_or((2.0 * axis.now).max(2.0 * from).min(most));
        if from >= to {
            let (from, to) = (axis.shown(from), axis.shown(to));
            let help = "give both --from and --to, the smaller one first".to_owned();
            return Err(ConfigErrors::plain(format!("the range from {from} to {to} is empty"), Some(help)));
        }
        axis.scenario(from)?;
        axis.scenario(to)?;
        if self.to.is_none() {
            for _ in 0..DOUBLINGS {
                let wider = 2.0 * to;
                if wider > most || tips(to) != Some(false) || axis.scenario(wider).is_err() {
                    break;
                }
                to = wider;
            }
        }
        Ok((from, to))
    }
}

/// The capacity of the service that the first client group calls; without end where it has none.
fn capacity(scenario: &Scenario) -> f64 {
    let capacity = scenario.capacity(scenario.clients[0].service);
    if capacity.is_finite() && capacity > 0.0 { capacity } else { f64::INFINITY }
}
