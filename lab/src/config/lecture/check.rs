//! What is well-formed in an `answers.yaml` and cannot be meant.
use super::{Answer, Answers, ByHand, Kind};
use crate::config::{
    diagnose::Finding,
    expect::{Amount, Word},
    node::Node,
};

/// Everything that is wrong with `file`, which was read from `root`.
pub(super) fn check(file: &Answers, root: &Node) -> Vec<Finding> {
    let mut checker = Checker { file, root, findings: vec![] };
    checker.whole();
    for (name, answer) in &file.answers {
        checker.name("answers", name);
        checker.answer(name, answer);
    }
    for (name, picture) in &file.figures {
        checker.name("figures", name);
        if picture.draw == Kind::Loops && file.stairs.is_none() {
            checker.error(&["figures", name], NO_STAIRS.into(), Some(STAIRS.into()));
        }
        if !picture.variants.is_empty() && picture.draw != Kind::Comparison {
            checker.error(
                &["figures", name, "variants"],
                "only a comparison is of several variants".into(),
                None,
            );
        }
    }
    checker.findings
}

const NO_STAIRS: &str = "a loop needs the loads that it goes through";
const STAIRS: &str =
    "for example `stairs: { from: 20/s, to: 220/s, step: 20/s, dwell: 30 s }` at the top of the file";

struct Checker<'a> {
    file: &'a Answers,
    root: &'a Node,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    /// Reports at the keys `steps` deep, or at the block around them.
    fn error(&mut self, steps: &[&str], message: String, help: Option<String>) {
        let (mut node, mut place) = (self.root, self.root.place);
        for step in steps {
            let Some(entry) = node.entry(step) else { break };
            place = if entry.value.text().is_some() { entry.value.place } else { entry.key.place };
            node = &entry.value;
        }
        let mut finding = Finding::error(place, message, String::new(), help);
        finding.path = steps.join(".");
        self.findings.push(finding);
    }

    fn whole(&mut self) {
        let file = self.file;
        if file.version != 1 {
            let message = format!("version {} of the language is not known; there is only 1", file.version);
            self.error(&["version"], message, None);
        }
        if file.seeds == 0 {
            self.error(&["seeds"], "at least one seed must be run".into(), None);
        }
        let mut letters = file.right.chars();
        if !matches!((letters.next(), letters.next()), (Some('a'..='z'), None)) {
            let message = format!("expected the letter of an option, found `{}`", file.right);
            self.error(&["right"], message, Some("for example `right: b`".into()));
        }
        if let Some(stairs) = file.stairs
            && (stairs.step.0 <= 0.0 || stairs.to.0 <= stairs.from.0 + stairs.step.0)
        {
            self.error(&["stairs"], "this staircase has fewer than three levels".into(), None);
        }
    }

    /// A name is a word, so that a text can say it.
    fn name(&mut self, block: &str, name: &str) {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(word) {
            let message = format!("`{name}` is not a name; lower-case letters, digits and `_` make one");
            self.error(&[block, name], message, None);
        }
    }

    fn answer(&mut self, name: &str, answer: &Answer) {
        let at = ["answers", name];
        let kinds = [
            answer.verdict.is_some(),
            answer.after_lever.is_some(),
            answer.metric.is_some(),
            answer.by_hand.is_some(),
            answer.hysteresis.is_some(),
        ];
        let allowed = "`verdict`, `after_lever`, `metric`, `by_hand` or `hysteresis`";
        match kinds.iter().filter(|kind| **kind).count() {
            1 => {}
            0 => return self.error(&at, format!("nothing is asked here: add {allowed}"), None),
            _ => {
                return self.error(
                    &at,
                    format!("this asks several things: one of {allowed} makes an answer"),
                    None,
                );
            }
        }
        if answer.seeds == Some(0) {
            self.error(&["answers", name, "seeds"], "at least one seed must be run".into(), None);
        }
        if answer.recovery_time.is_some() && answer.verdict != Some(Word::Recovered) {
            let message = "only with `verdict: recovered` is there a recovery time".into();
            self.error(&["answers", name, "recovery_time"], message, None);
        }
        if answer.over.is_some() && answer.metric.is_none() {
            self.error(&["answers", name, "over"], "`over` belongs to a `metric`".into(), None);
        }
        if answer.hysteresis.is_some() && self.file.stairs.is_none() {
            self.error(&at, NO_STAIRS.into(), Some(STAIRS.into()));
        }
        self.limits(name, answer);
    }

    fn limits(&mut self, name: &str, answer: &Answer) {
        let words = answer.verdict.is_some() || answer.after_lever.is_some();
        let Some((low, high)) = answer.between else {
            if !words {
                let help = Some("add, for example, `between: [3.8, 4.1]`".into());
                self.error(&["answers", name], "this number needs its limits".into(), help);
            }
            return;
        };
        let at = ["answers", name, "between"];
        if answer.recovery_time.is_some() {
            return self.error(&at, "the limits of a recovery time are in it".into(), None);
        }
        match (value(answer, low), value(answer, high)) {
            (Ok(least), Ok(most)) if least > most => {
                let help = Some(format!("did you mean `[{high}, {low}]`?"));
                self.error(&at, format!("{low} is more than {high}"), help);
            }
            (Ok(_), Ok(_)) => {}
            (Err(unit), _) | (_, Err(unit)) => {
                self.error(&at, format!("this number is {unit}; found `[{low}, {high}]`"), None);
            }
        }
    }
}

/// `amount` in the unit of `answer`: a rate per second, a share as a fraction, metrics in theirs, all other lengths of time in seconds.
///
/// # Errors
/// What the unit is, with an example, where it is another one.
pub(super) fn value(answer: &Answer, amount: Amount) -> Result<f64, &'static str> {
    if let Some(metric) = answer.metric {
        return metric.value(amount);
    }
    let rate = answer.hysteresis.is_some();
    match (answer.by_hand, amount) {
        (None, Amount::Rate(per_s)) if rate => Ok(per_s.0),
        (None, _) if rate => Err(A_RATE),
        (None, Amount::Share(share)) => Ok(share.0),
        (None, _) => Err(A_SHARE),
        (Some(by_hand), amount) => calculated(by_hand, amount),
    }
}

const A_RATE: &str = "a rate such as `500/s`";
const A_SHARE: &str = "a share such as `5 %`";

fn calculated(by_hand: ByHand, amount: Amount) -> Result<f64, &'static str> {
    use ByHand::*;
    match (by_hand, amount) {
        (Capacity | AttemptRate | HiddenCapacity | Ceiling, Amount::Rate(per_s)) => Ok(per_s.0),
        (Capacity | AttemptRate | HiddenCapacity | Ceiling, _) => Err(A_RATE),
        (Utilisation, Amount::Share(share)) => Ok(share.0),
        (Utilisation, _) => Err(A_SHARE),
        (JobsPerTimeout | Backlog | MeanQueue, Amount::Number(jobs)) => Ok(jobs),
        (JobsPerTimeout | Backlog | MeanQueue, _) => Err("a plain number such as `50`"),
        (Drain | Lifetime | ChainLifetime | ChainRecovery, Amount::Duration(time)) => {
            Ok(time.0.as_secs_f64())
        }
        (Drain | Lifetime | ChainLifetime | ChainRecovery, _) => Err("a length of time such as `80 s`"),
    }
}

impl Answer {
    /// The limits in the unit of the number; everything, where it has none.
    pub fn limits(&self) -> (f64, f64) {
        let Some((low, high)) = self.between else { return (f64::NEG_INFINITY, f64::INFINITY) };
        let of = |amount, otherwise| value(self, amount).unwrap_or(otherwise);
        (of(low, f64::NEG_INFINITY), of(high, f64::INFINITY))
    }
}
