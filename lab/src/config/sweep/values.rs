//! The values of an axis, as nodes that know where they were written.
use super::{Axis, Range, Spacing};
use crate::config::{
    expect::Amount,
    node::{Node, Value},
    units::{Duration, Rate, Share},
};
use lab_core::time::Span;

/// More values on one axis are refused.
pub(super) const MOST: u32 = 10_000;

/// The values of `axis`, which is written at `node`; or what is wrong with them: at which key, and why.
pub(super) fn values(axis: &Axis, node: &Node) -> Result<Vec<Node>, (&'static str, String)> {
    match (axis, &node.value) {
        (Axis::Values(_), Value::List(items)) => Ok(items.clone()),
        (Axis::Range(range), _) => {
            let texts = range.texts()?;
            Ok(texts.iter().map(|text| Node::word(text, node.place)).collect())
        }
        // What could not be read has been reported.
        _ => Ok(vec![]),
    }
}

impl Range {
    fn texts(&self) -> Result<Vec<String>, (&'static str, String)> {
        let (from, to) = (size(self.from), size(self.to));
        if std::mem::discriminant(&self.from) != std::mem::discriminant(&self.to) {
            return Err(("to", format!("`{}` and `{}` are not of one kind", self.from, self.to)));
        }
        if !(2..=MOST).contains(&self.steps) {
            return Err(("steps", format!("expected 2 to {MOST} steps, found {}", self.steps)));
        }
        if from == to {
            return Err(("to", format!("from `{}` to `{}` there is nothing between", self.from, self.to)));
        }
        if self.scale == Spacing::Log && (from <= 0.0 || to <= 0.0) {
            return Err(("from", "equal ratios need values above zero".into()));
        }
        let last = f64::from(self.steps - 1);
        let at = |step: u32| match (step, self.scale) {
            (0, _) => from,
            (step, _) if step + 1 == self.steps => to,
            (step, Spacing::Linear) => from + (to - from) * f64::from(step) / last,
            (step, Spacing::Log) => from * libm::pow(to / from, f64::from(step) / last),
        };
        Ok((0..self.steps).map(|step| like(self.from, at(step)).to_string()).collect())
    }
}

fn size(amount: Amount) -> f64 {
    match amount {
        Amount::Number(number) => number,
        Amount::Rate(rate) => rate.0,
        Amount::Share(share) => share.0,
        Amount::Duration(length) => length.0.as_secs_f64(),
    }
}

/// `size` in the unit of `other`.
fn like(other: Amount, size: f64) -> Amount {
    match other {
        Amount::Number(_) => Amount::Number(size),
        Amount::Rate(_) => Amount::Rate(Rate(size)),
        Amount::Share(_) => Amount::Share(Share(size)),
        Amount::Duration(_) => Amount::Duration(Duration(Span::from_secs_f64(size))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, to: &str, steps: u32, scale: Spacing) -> Range {
        Range { from: from.parse().expect("an amount"), to: to.parse().expect("an amount"), steps, scale }
    }

    #[test]
    fn steps_are_equal_and_keep_their_unit() {
        let linear = range("200/s", "780/s", 30, Spacing::Linear).texts().expect("a range");
        assert_eq!((linear.len(), linear[0].as_str(), linear[1].as_str()), (30, "200/s", "220/s"));
        assert_eq!(linear[29], "780/s");
        let log = range("100 ms", "10 s", 3, Spacing::Log).texts().expect("a range");
        assert_eq!(log, ["100 ms", "1 s", "10 s"]);
        assert_eq!(range("1", "4", 4, Spacing::Linear).texts().expect("a range"), ["1", "2", "3", "4"]);
    }

    #[test]
    fn what_is_no_range_is_told_at_its_key() {
        for (range, key) in [
            (range("1 s", "5/s", 3, Spacing::Linear), "to"),
            (range("1 s", "1 s", 3, Spacing::Linear), "to"),
            (range("1 s", "2 s", 1, Spacing::Linear), "steps"),
            (range("0 s", "2 s", 3, Spacing::Log), "from"),
        ] {
            assert_eq!(range.texts().expect_err("no range").0, key);
        }
    }
}
