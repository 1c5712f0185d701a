//! What a config expects, and of whom.
use super::{Checker, join};
use crate::config::expect::{Expectation, Stretch, Word};

impl Checker<'_> {
    pub(super) fn expectations(&mut self) {
        for (index, expectation) in self.experiment.expect.iter().enumerate() {
            self.expectation(&format!("expect.{index}"), expectation);
        }
    }

    fn expectation(&mut self, path: &str, expected: &Expectation) {
        if !expected.variant.is_empty() {
            let names: Vec<String> = self.experiment.variants.keys().cloned().collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.must_be_one_of(&join(path, "variant"), "variant", &expected.variant, &names);
        }
        let claims = [expected.verdict.is_some(), expected.after_lever.is_some(), expected.metric.is_some()];
        match claims.iter().filter(|c| **c).count() {
            1 => {}
            // A claim that could not be read is a claim all the same.
            0 if !self.sound(&[
                &join(path, "verdict"),
                &join(path, "after_lever"),
                &join(path, "metric"),
            ]) => {}
            0 => self.error(path, "nothing is expected here: add `verdict`, `after_lever` or `metric`"),
            _ => self.error(path, "this expects several things: give each a line of its own"),
        }
        if expected.recovery_time.is_some() && expected.verdict != Some(Word::Recovered) {
            self.error(
                &join(path, "recovery_time"),
                "only with `verdict: recovered` is there a recovery time",
            );
        }
        if let Some(bounds) = expected.recovery_time
            && let (Some(least), Some(most)) = (bounds.at_least, bounds.at_most)
            && least.0 > most.0
        {
            self.error(
                &join(path, "recovery_time"),
                format!("no time is at least {least} and at most {most}"),
            );
        }
        self.metric(path, expected);
    }

    fn metric(&mut self, path: &str, expected: &Expectation) {
        let between = join(path, "between");
        let Some(metric) = expected.metric else {
            if (expected.between.is_some() || expected.over.is_some()) && self.sound(&[&join(path, "metric")])
            {
                self.error(path, "`between` and `over` belong to a `metric`");
            }
            return;
        };
        let Some((low, high)) = expected.between else {
            let help = Some("add, for example, `between: [3.8, 4.1]`".into());
            self.error_with(path, "a metric needs its limits", help);
            return;
        };
        match (metric.value(low), metric.value(high)) {
            (Ok(least), Ok(most)) if least > most => {
                self.error_with(
                    &between,
                    format!("{low} is more than {high}"),
                    Some(format!("did you mean `[{high}, {low}]`?")),
                );
            }
            (Ok(_), Ok(_)) => {}
            (Err(unit), _) | (_, Err(unit)) => {
                self.error(&between, format!("this metric is {unit}; found `[{low}, {high}]`"));
            }
        }
        self.within_the_run(&join(path, "over"), expected.over);
    }

    pub(super) fn within_the_run(&mut self, path: &str, over: Option<Stretch>) {
        let duration = self.experiment.duration;
        let beyond = match over {
            Some(Stretch::Last(length)) => length.0 > duration.0,
            Some(Stretch::Between(_, until)) => until.0 > duration.0,
            None => false,
        };
        if beyond && self.sound(&["duration"]) {
            self.error(path, format!("this reaches beyond a run of {duration}"));
        }
    }
}
