//! What is well-formed in an `exercise.yaml` and cannot be meant.
use super::{Exercise, Limits, Test, differ::within};
use crate::config::{
    diagnose::Finding,
    expect::{Amount, Word},
    node::Node,
    overlay::find,
};

/// Everything that is wrong with `exercise`, which was read from `root`.
pub(super) fn check(exercise: &Exercise, root: &Node) -> Vec<Finding> {
    let mut checker = Checker { exercise, root, findings: vec![] };
    checker.whole();
    for (index, test) in exercise.tests.iter().enumerate() {
        checker.test(&format!("tests.{index}"), test);
    }
    checker.answers();
    checker.findings
}

struct Checker<'a> {
    exercise: &'a Exercise,
    root: &'a Node,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    /// Reports at `path`, or at the block around it.
    fn error(&mut self, path: &str, message: impl Into<String>, help: Option<&str>) {
        let ends = (1..=path.len()).rev().filter(|end| path[*end..].starts_with('.') || *end == path.len());
        let place = ends.filter_map(|end| find(self.root, &path[..end]).ok()).next();
        let place = place.map_or(self.root.place, |node| node.place);
        let mut finding = Finding::error(place, message.into(), String::new(), help.map(str::to_owned));
        finding.path = path.into();
        self.findings.push(finding);
    }

    fn whole(&mut self) {
        let e = self.exercise;
        if e.version != 1 {
            let message = format!("version {} of the language is not known; there is only 1", e.version);
            self.error("version", message, None);
        }
        if e.minutes == 0 {
            self.error("minutes", "nothing is done in no time", None);
        }
        if e.seeds == 0 {
            self.error("seeds", "at least one seed must be run", None);
        }
        if e.may_change.is_empty() {
            let help = Some("for example `may_change: [clients.web.retry]`");
            self.error("may_change", "nothing may be changed, so there is nothing to do", help);
        }
        if e.tests.iter().all(|test| test.points == 0) {
            self.error("tests", "there are no points to get", None);
        }
    }

    fn test(&mut self, path: &str, test: &Test) {
        let at = |key: &str| format!("{path}.{key}");
        if test.name.trim().is_empty() {
            self.error(&at("name"), "a test needs a name", None);
        }
        let claims = [test.verdict.is_some(), test.after_lever.is_some(), test.metric.is_some()];
        match claims.iter().filter(|claim| **claim).count() {
            0 if test.recovery_time.is_some() || !test.limits.is_empty() => {}
            0 => {
                let help = Some("add `verdict`, `recovery_time`, `after_lever`, `metric` or `limits`");
                self.error(path, "nothing is tested here", help);
            }
            1 => {}
            _ => self.error(path, "this tests several things: give each a line of its own", None),
        }
        let other = test.after_lever.is_some() || test.metric.is_some();
        if test.recovery_time.is_some() && (other || test.verdict.is_some_and(|w| w != Word::Recovered)) {
            let message = "a time to recover stands alone, or with `verdict: recovered`";
            self.error(&at("recovery_time"), message, None);
        }
        let bounds = test.bounds();
        match test.metric {
            None if test.over.is_none() && bounds == NONE => {}
            None => self.error(path, "`over`, `at_least` and `at_most` belong to a `metric`", None),
            Some(metric) => {
                self.limits(path, bounds);
                let limits = [("at_least", bounds.at_least), ("at_most", bounds.at_most)];
                for (key, limit) in limits.into_iter().filter_map(|(key, limit)| Some((key, limit?))) {
                    if let Err(unit) = metric.value(limit) {
                        self.error(&at(key), format!("this metric is {unit}; found `{limit}`"), None);
                    }
                }
            }
        }
        for (limited, limits) in &test.limits {
            let here = at("limits");
            self.limits(&here, *limits);
            if !self.exercise.may_change.iter().any(|free| within(limited, free)) {
                let message = format!("`{limited}` may not be changed, so a limit of it tests nothing");
                self.error(&here, message, None);
            }
        }
        for changed in test.set.keys() {
            if let Some(free) = self.exercise.may_change.iter().find(|f| within(changed, f) && *f != changed)
            {
                let message = format!("`{changed}` lies in `{free}`, which an answer may have replaced");
                self.error(&at("set"), message, None);
            }
        }
        if !test.set.is_empty() && !test.runs() {
            self.error(&at("set"), "nothing is run here, so there is nothing to change", None);
        }
    }

    fn limits(&mut self, path: &str, limits: Limits) {
        match (limits.at_least, limits.at_most) {
            (None, None) => {
                let help = Some("add `at_least` or `at_most`");
                self.error(path, "what has no limits is always met", help);
            }
            (Some(low), Some(high)) if std::mem::discriminant(&low) != std::mem::discriminant(&high) => {
                self.error(path, format!("`{low}` and `{high}` are not of one kind"), None);
            }
            (Some(low), Some(high)) if size(low) > size(high) => {
                self.error(path, format!("nothing is at least {low} and at most {high}"), None);
            }
            _ => {}
        }
    }

    fn answers(&mut self) {
        let all = self.exercise.points();
        for (file, points) in &self.exercise.answers {
            if *points > all {
                let message = format!("`{file}` cannot get {points} of {all} points");
                self.error("answers", message, None);
            }
        }
    }
}

const NONE: Limits = Limits { at_least: None, at_most: None };

/// The number of an amount, in the unit of its kind.
pub(super) fn size(amount: Amount) -> f64 {
    match amount {
        Amount::Number(number) => number,
        Amount::Rate(rate) => rate.0,
        Amount::Share(share) => share.0,
        Amount::Duration(length) => length.0.as_secs_f64(),
    }
}
