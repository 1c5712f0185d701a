//! Do two runs of one experiment agree? Mostly the simulated and the live one.
use super::Summary;
use serde::Serialize;

/// One line of the agreement table. The two sides are called by what they mostly are; [`agreement`] compares any two.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What is compared.
    pub quantity: &'static str,
    /// Its unit; empty for words and ratios.
    pub unit: &'static str,
    /// The first run's, mostly the simulated one's.
    pub sim: Value,
    /// The second run's, mostly the live one's.
    pub live: Value,
    /// How far the second is from the first, as shown: `+1.2 %`, `+10 s`; empty for words.
    pub difference: String,
    /// How far it may be.
    pub tolerance: String,
    /// Whether it is inside; `None` where neither was measured.
    pub agrees: Option<bool>,
}

/// A compared quantity.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A word.
    Word(String),
    /// A figure; `None` where nothing was measured.
    Figure(Option<f64>),
}

/// How far two figures may be apart.
#[derive(Clone, Copy, Debug)]
enum Tolerance {
    /// A share of the first.
    Share(f64),
    /// A share of this figure, whatever the first is: for rates that may be zero.
    Of(f64, f64, &'static str),
    /// So many units.
    Absolute(f64),
}

/// Compares two runs. Tolerances: goodput before the trigger 2 %, later 5 % of the offered load; amplification 5 %; latency 15 %;
/// recovery one verdict window.
pub fn agreement(sim: &Summary, live: &Summary) -> Vec<Row> {
    let offered = |s: &super::Rates| s.offered_per_s.unwrap_or(0.0);
    let of = |rates: &super::Rates| Tolerance::Of(0.05, offered(rates), "the load");
    let mut rows = vec![words(&sim.verdict, &live.verdict)];
    let mut row = |quantity, unit, a, b, tolerance| rows.push(figures(quantity, unit, (a, b), tolerance));
    let (a, b) = (&sim.before, &live.before);
    row("goodput before", "/s", a.goodput_per_s, b.goodput_per_s, Tolerance::Share(0.02));
    row("goodput during", "/s", sim.during.goodput_per_s, live.during.goodput_per_s, of(&sim.during));
    row("goodput after", "/s", sim.after.goodput_per_s, live.after.goodput_per_s, of(&sim.after));
    row("amplification after", "", sim.after.amplification, live.after.amplification, Tolerance::Share(0.05));
    row("p50 before", "ms", a.p50_ms, b.p50_ms, Tolerance::Share(0.15));
    row("p99 before", "ms", a.p99_ms, b.p99_ms, Tolerance::Share(0.15));
    row("recovery", "s", sim.recovery_s, live.recovery_s, Tolerance::Absolute(sim.window_s));
    rows
}

fn words(sim: &str, live: &str) -> Row {
    Row {
        quantity: "verdict",
        unit: "",
        sim: Value::Word(sim.into()),
        live: Value::Word(live.into()),
        difference: String::new(),
        tolerance: "the same".into(),
        agrees: Some(sim == live),
    }
}

fn figures(
    quantity: &'static str,
    unit: &'static str,
    (sim, live): (Option<f64>, Option<f64>),
    tolerance: Tolerance,
) -> Row {
    let both = sim.zip(live);
    Row {
        quantity,
        unit,
        sim: Value::Figure(sim),
        live: Value::Figure(live),
        difference: both.map_or(String::new(), |(a, b)| tolerance.difference(a, b, unit)),
        tolerance: tolerance.words(unit),
        agrees: match (sim, live) {
            (None, None) => None,
            (Some(a), Some(b)) => Some(tolerance.admits(a, b)),
            _ => Some(false),
        },
    }
}

impl Tolerance {
    fn admits(self, a: f64, b: f64) -> bool {
        let most = match self {
            Tolerance::Share(share) => share * a.abs(),
            Tolerance::Of(share, whole, _) => share * whole,
            Tolerance::Absolute(units) => units,
        };
        (b - a).abs() <= most
    }

    fn difference(self, a: f64, b: f64, unit: &str) -> String {
        match self {
            Tolerance::Share(_) if a != 0.0 => format!("{:+.1} %", (b - a) / a * 100.0),
            Tolerance::Of(_, whole, _) if whole > 0.0 => format!("{:+.1} % of it", (b - a) / whole * 100.0),
            _ => format!("{:+.1} {unit}", b - a).trim_end().into(),
        }
    }

    fn words(self, unit: &str) -> String {
        match self {
            Tolerance::Share(share) => format!("{:.0} %", share * 100.0),
            Tolerance::Of(share, _, whole) => format!("{:.0} % of {whole}", share * 100.0),
            Tolerance::Absolute(units) => format!("{units} {unit}"),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Word(word) => f.pad(word),
            Value::Figure(None) => f.pad("–"),
            Value::Figure(Some(figure)) if *figure != 0.0 && figure.abs() < 20.0 => {
                f.pad(&format!("{figure:.2}"))
            }
            Value::Figure(Some(figure)) => f.pad(&format!("{figure:.0}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerances_admit_what_they_say() {
        assert!(Tolerance::Share(0.02).admits(560.0, 571.0));
        assert!(!Tolerance::Share(0.02).admits(560.0, 572.0));
        assert!(Tolerance::Of(0.05, 560.0, "the load").admits(0.0, 28.0));
        assert!(!Tolerance::Of(0.05, 560.0, "the load").admits(0.0, 29.0));
        assert_eq!(Tolerance::Share(0.02).difference(500.0, 505.0, "/s"), "+1.0 %");
        assert_eq!(Tolerance::Absolute(10.0).difference(20.0, 30.0, "s"), "+10.0 s");
    }

    #[test]
    fn what_only_one_run_shows_is_a_disagreement() {
        let row = |a, b| figures("recovery", "s", (a, b), Tolerance::Absolute(10.0)).agrees;
        assert_eq!(row(None, None), None);
        assert_eq!(row(Some(0.0), None), Some(false));
        assert_eq!(row(Some(0.0), Some(10.0)), Some(true));
    }
}
