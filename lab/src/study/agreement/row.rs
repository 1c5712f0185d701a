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

/// One level's answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The value; `None` where there is none, or only a range.
    pub value: Option<f64>,
    /// Where it lies: a 95 % interval of the simulation, a bracket of live runs. An infinite end is open.
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
    pub theory: Answer,
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

    /// The factor within which the formula is promised to be right. The fluid of the threshold and the drain of a recovery leave
    /// out chance; the fixed point of the ceiling is good to 10 to 20 %; a passage time of the healthy state to a factor of 3;
    /// the hidden capacity is exact but for a step of the staircase.
    pub fn promised(self) -> f64 {
        match self {
            Question::Hidden => 1.1,
            Question::Threshold | Question::Recovery | Question::Width => 1.2,
            Question::Lifetime => 3.0,
        }
    }
}

impl Row {
    /// A question that nobody could answer.
    pub fn unasked(question: Question, why: &str) -> Row {
        let none = || Answer::none(why);
        Row { question, what: None, unit: Unit::Rate, theory: none(), simulated: none(), live: none() }
    }

    /// Theory's value over the simulation's; `None` where one of them is missing.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.theory.value? / self.simulated.value.filter(|v| *v != 0.0)?)
    }

    /// Whether theory lies as close to the simulation's interval as it is promised to.
    pub fn theory_agrees(&self) -> Option<bool> {
        let (low, high) = self.simulated.range()?;
        let promised = self.question.promised();
        let value = self.theory.value?;
        Some(low / promised <= value && value <= high * promised)
    }

    /// Whether live and simulated answers overlap.
    pub fn live_agrees(&self) -> Option<bool> {
        let ((a, b), (c, d)) = (self.simulated.range()?, self.live.range()?);
        Some(a <= d && c <= b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(value: Option<f64>, interval: Option<(f64, f64)>) -> Answer {
        Answer { value, interval, note: String::new() }
    }

    fn row(theory: Answer, simulated: Answer, live: Answer) -> Row {
        Row { question: Question::Threshold, what: None, unit: Unit::Number, theory, simulated, live }
    }

    #[test]
    fn theory_agrees_within_what_is_promised_of_the_interval() {
        let simulated = || answer(Some(10.0), Some((9.0, 11.0)));
        for (value, agrees) in [(10.0, true), (13.1, true), (13.3, false), (7.6, true), (7.4, false)] {
            let row = row(answer(Some(value), None), simulated(), Answer::none(""));
            assert_eq!(row.theory_agrees(), Some(agrees), "{value}");
        }
        let none = row(Answer::none(""), simulated(), Answer::none(""));
        assert_eq!((none.theory_agrees(), none.live_agrees(), none.ratio()), (None, None, None));
    }

    #[test]
    fn an_open_interval_is_a_bound() {
        let longer = || answer(None, Some((1000.0, f64::INFINITY)));
        let of = |value| row(answer(Some(value), None), longer(), Answer::none("")).theory_agrees();
        assert_eq!((of(1e9), of(900.0), of(100.0)), (Some(true), Some(true), Some(false)));
    }

    #[test]
    fn live_agrees_where_the_ranges_meet() {
        let of = |live| {
            row(Answer::none(""), answer(Some(1.5), Some((1.4, 1.6))), answer(None, Some(live))).live_agrees()
        };
        assert_eq!((of((1.2, 1.5)), of((1.6, 2.0)), of((1.7, 2.0))), (Some(true), Some(true), Some(false)));
    }
}
