//! A question with the answers of all levels.
use crate::study::axis::Unit;
use serde::Serialize;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The smallest trigger that tips.
    Threshold,
    /// The load below which the failed state heals by itself.
    Hidden,
    /// How long it takes to heal once the load has fallen well below that.
    Recovery,
    /// Between the load at which the healthy state ends and the hidden capacity.
    Width,
    /// How long the healthy state lives unaided.
    Lifetime,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Closed forms.
    Formula,
    /// The Markov chain of queue and orbit.
    Chain,
    /// Delay equations.
    Fluid,
    /// Simulations.
    Simulated,
    /// The live service.
    Live,
}

/// One level's answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The value; `None` where there is none, or only a range.
    pub value: Option<f64>,
    /// Where it lies: a 95 % interval of the simulation, a bracket of live runs, a bound of the chain. An infinite end is open.
    pub interval: Option<(f64, f64)>,
    /// What it rests on, or why there is none.
    pub note: String,
}

/// A question with its answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What is asked.
    pub question: Question,
    /// Of what, where that has to be said.
    pub what: Option<String>,
    /// The unit of all values.
    pub unit: Unit,
    /// By formula.
    pub formula: Answer,
    /// By the Markov chain.
    pub chain: Answer,
    /// By the fluid.
    pub fluid: Answer,
    /// By simulation.
    pub simulated: Answer,
    /// By live runs.
    pub live: Answer,
}

impl Answer {
    /// No answer, and why.
    pub fn none(why: &str) -> Answer {
        Answer { value: None, interval: None, note: why.into() }
    }

    /// A value alone.
    pub fn of(value: f64, note: impl Into<String>) -> Answer {
        Answer { value: Some(value), interval: None, note: note.into() }
    }

    /// Not less than this.
    pub fn at_least(value: f64, note: impl Into<String>) -> Answer {
        Answer { value: None, interval: Some((value, f64::INFINITY)), note: note.into() }
    }

    /// Where the answer lies: its interval, or its value alone.
    pub fn range(&self) -> Option<(f64, f64)> {
        self.interval.or(self.value.map(|value| (value, value)))
    }
}

impl Question {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Question::Threshold => "smallest trigger that tips",
            Question::Hidden => "hidden capacity",
            Question::Recovery => "recovery time",
            Question::Width => "width of the loop",
            Question::Lifetime => "lifetime of the healthy state",
        }
    }

    /// The factor within which theory is promised to be right. The fluid of the threshold and the drain of a recovery leave out chance,
    /// and the chain draws afresh at every attempt what a call draws once; the fixed point of the ceiling is good to 10 to 20 %; a
    /// passage time of the healthy state to a factor of 3; the hidden capacity is exact but for a step of the staircase.
    pub fn promised(self) -> f64 {
        match self {
            Question::Hidden => 1.1,
            Question::Threshold | Question::Recovery | Question::Width => 1.2,
            Question::Lifetime => 3.0,
        }
    }
}

impl Level {
    /// All of them, from theory to the real thing.
    pub const ALL: [Level; 5] = [Level::Formula, Level::Chain, Level::Fluid, Level::Simulated, Level::Live];
    /// Those that run nothing.
    pub const THEORY: [Level; 3] = [Level::Formula, Level::Chain, Level::Fluid];

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Level::Formula => "formula",
            Level::Chain => "chain",
            Level::Fluid => "fluid",
            Level::Simulated => "simulated",
            Level::Live => "live",
        }
    }
}

impl Row {
    /// A question that nobody has answered, with the reason.
    pub fn unasked(question: Question, unit: Unit, why: &str) -> Row {
        let none = || Answer::none(why);
        let (formula, chain, fluid, simulated, live) = (none(), none(), none(), none(), none());
        Row { question, what: None, unit, formula, chain, fluid, simulated, live }
    }

    /// The answer of a level.
    pub fn answer(&self, level: Level) -> &Answer {
        match level {
            Level::Formula => &self.formula,
            Level::Chain => &self.chain,
            Level::Fluid => &self.fluid,
            Level::Simulated => &self.simulated,
            Level::Live => &self.live,
        }
    }

    /// A level's value over the simulation's; `None` where one of them is missing.
    pub fn distance(&self, level: Level) -> Option<f64> {
        Some(self.answer(level).value? / self.simulated.value.filter(|v| *v != 0.0)?)
    }

    /// Whether a level agrees with the simulation: theory where it lies as close to the simulation's interval as it is promised to, live
    /// runs where the two ranges meet. `None` where there is nothing to compare.
    pub fn agrees(&self, level: Level) -> Option<bool> {
        let promised = match level {
            Level::Simulated => return None,
            Level::Live => 1.0,
            Level::Formula | Level::Chain | Level::Fluid => self.question.promised(),
        };
        let ((low, high), (from, to)) = (self.simulated.range()?, self.answer(level).range()?);
        Some(low / promised <= to && from <= high * promised)
    }

    /// The levels that do not agree with the simulation.
    pub fn differing(&self) -> impl Iterator<Item = Level> {
        Level::ALL.into_iter().filter(|level| self.agrees(*level) == Some(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(value: Option<f64>, interval: Option<(f64, f64)>) -> Answer {
        Answer { value, interval, note: String::new() }
    }

    fn row(simulated: Answer) -> Row {
        Row { simulated, ..Row::unasked(Question::Threshold, Unit::Number, "") }
    }

    #[test]
    fn theory_agrees_within_what_is_promised_of_the_interval() {
        let simulated = || answer(Some(10.0), Some((9.0, 11.0)));
        for (value, agrees) in [(10.0, true), (13.1, true), (13.3, false), (7.6, true), (7.4, false)] {
            let said = || Answer::of(value, "");
            let row = Row { formula: said(), chain: said(), fluid: said(), ..row(simulated()) };
            for level in Level::THEORY {
                assert_eq!(row.agrees(level), Some(agrees), "{value}");
                assert_eq!(row.distance(level), Some(value / 10.0));
            }
            assert_eq!(row.differing().count(), if agrees { 0 } else { 3 });
        }
        let none = row(simulated());
        assert!(Level::ALL.iter().all(|level| none.agrees(*level).is_none()));
        assert_eq!(none.distance(Level::Chain), None);
    }

    #[test]
    fn an_open_interval_is_a_bound() {
        let of = |formula| Row { formula, ..row(Answer::at_least(1000.0, "")) }.agrees(Level::Formula);
        let values = [1e9, 900.0, 100.0].map(|value| of(Answer::of(value, "")));
        assert_eq!(values, [Some(true), Some(true), Some(false)]);
        // A bound of theory is met by all that is not well below it.
        let of = |value| {
            Row { chain: Answer::at_least(value, ""), ..row(answer(Some(10.0), Some((9.0, 11.0)))) }
                .agrees(Level::Chain)
        };
        assert_eq!([of(1.0), of(13.0), of(14.0)], [Some(true), Some(true), Some(false)]);
    }

    #[test]
    fn live_agrees_where_the_ranges_meet() {
        let of = |live| {
            let row = row(answer(Some(1.5), Some((1.4, 1.6))));
            Row { live: answer(None, Some(live)), ..row }.agrees(Level::Live)
        };
        assert_eq!((of((1.2, 1.5)), of((1.6, 2.0)), of((1.7, 2.0))), (Some(true), Some(true), Some(false)));
    }
}
