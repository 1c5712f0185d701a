//! An answer, as a number for machines and as words for people.
use crate::theory::{Passage, hand};
use serde::Serialize;

/// What one method says to one question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Yes or no.
    Says(bool),
    /// A figure in its unit. Infinite: never, or no bound.
    Value(f64, Unit),
    /// A random time.
    Time(Passage),
    /// A random time whose mean is not below this one's.
    TimeAtLeast(Passage),
    /// The share of the load to let in, and for how many seconds.
    Shed {
        /// The share, in (0, 1).
        admit: f64,
        /// How long, in seconds, on average.
        for_s: f64,
    },
    /// Why the method does not answer.
    Silent(String),
}

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Per second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// Jobs, all replicas together.
    Jobs,
    /// A factor on the load.
    Factor,
}

impl Cell {
    /// No answer, for this reason.
    pub(super) fn silent(why: &str) -> Cell {
        Cell::Silent(why.into())
    }

    /// For people.
    pub fn text(&self) -> String {
        match self {
            Cell::Says(true) => "yes".into(),
            Cell::Says(false) => "no".into(),
            Cell::Value(value, unit) => unit.text(*value),
            Cell::Time(passage) => time(*passage),
            Cell::TimeAtLeast(passage) => at_least(hand::seconds(passage.mean_s)),
            Cell::Shed { admit, for_s } => {
                format!("to {} % for {}", hand::figure(100.0 * admit), hand::seconds(*for_s))
            }
            Cell::Silent(why) => format!("– {why}"),
        }
    }
}

/// `more than 100 years` is a bound already.
fn at_least(text: String) -> String {
    if text == "never" || text.starts_with("more") { text } else { format!("≥ {text}") }
}

/// The mean and, where the two are told to the same figures, the deviation.
fn time(passage: Passage) -> String {
    let (mean, deviation) = (hand::seconds(passage.mean_s), hand::seconds(passage.deviation_s));
    match (mean.split_once(' '), deviation.split_once(' ')) {
        (Some((number, unit)), Some((spread, same))) if unit == same && number != "more" => {
            format!("{number} ± {spread} {unit}")
        }
        _ => mean,
    }
}

impl Unit {
    fn text(self, value: f64) -> String {
        match self {
            Unit::PerSecond => hand::rate(value),
            Unit::Seconds => hand::seconds(value),
            Unit::Jobs => hand::jobs(value),
            Unit::Factor => format!("× {}", hand::figure(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_read_as_a_person_would_say_them() {
        let passage = |mean_s, deviation_s| Passage { mean_s, deviation_s };
        for (cell, text) in [
            (Cell::Says(true), "yes"),
            (Cell::Value(2.5, Unit::PerSecond), "2.5/s"),
            (Cell::Value(f64::INFINITY, Unit::Seconds), "never"),
            (Cell::Value(1.57, Unit::Factor), "× 1.57"),
            (Cell::TimeAtLeast(passage(2000.0, 9.0)), "≥ 2,000 s"),
            (Cell::TimeAtLeast(passage(1e20, 9.0)), "more than 100 years"),
            (Cell::Time(passage(91.2, 18.4)), "91.2 ± 18.4 s"),
            (Cell::Time(passage(1e20, 1e20)), "more than 100 years"),
            (Cell::Shed { admit: 0.125, for_s: 45.0 }, "to 12.5 % for 45 s"),
            (Cell::silent("an input"), "– an input"),
        ] {
            assert_eq!(cell.text(), text);
        }
    }
}
