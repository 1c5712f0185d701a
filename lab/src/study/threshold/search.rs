//! Where to look: bisection on the majority, a batch of seeds at a time, then values along the curve that is fitted.
use super::logistic::{Curve, Fit, Share, fit};
use crate::{study::seeds::Ending, verdict::wilson};
use std::ops::Range;

/// Seeds of the first look at a value. More are run only where these leave it open which side it is on.
const FIRST: usize = 8;
/// Bisection ends where the bracket is this part of the range: the curve does the rest.
const FINE: f64 = 1.0 / 128.0;
/// Rounds of placing values along the curve.
const ROUNDS: usize = 3;
/// A share of the fitted curve between these is worth all seeds.
const MIXED: Range<f64> = 0.02..0.98;

/// How one run ended, and its verdict's word.
pub type Run = (Ending, &'static str);

/// A value, and the runs with it: of the first so many seeds, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The value.
    pub value: f64,
    /// How they ended.
    pub runs: Vec<Run>,
}

impl Tried {
    /// How many tipped, of those that ended in a verdict.
    pub fn share(&self) -> Share {
        self.weighted(|_| 1.0)
    }

    /// The same where seed `index` counts `weight(index)` times.
    pub fn weighted(&self, weight: impl Fn(usize) -> f64) -> Share {
        let mut share = Share { value: self.value, tipped: 0.0, runs: 0.0 };
        for (index, (ending, _)) in self.runs.iter().enumerate().filter(|(_, run)| run.0 != Ending::Open) {
            share.runs += weight(index);
            share.tipped += if *ending == Ending::Tipped { weight(index) } else { 0.0 };
        }
        share
    }

    fn mostly_tips(&self) -> bool {
        let Share { tipped, runs, .. } = self.share();
        2.0 * tipped > runs
    }

    /// Whether chance leaves it open which of the two is more frequent.
    fn is_open(&self) -> bool {
        let Share { tipped, runs, .. } = self.share();
        let (low, high) = wilson(tipped as usize, runs as usize);
        !(runs > 0.0 && (low > 0.5 || high < 0.5))
    }
}

/// A search, and what it has tried.
#[derive(Clone, Debug)]
pub struct Search {
    /// The smallest value.
    pub from: f64,
    /// The largest value.
    pub to: f64,
    /// Whether only whole numbers are tried.
    pub whole: bool,
    /// Most seeds of a value.
    pub seeds: usize,
    /// By value.
    pub tried: Vec<Tried>,
}

impl Search {
    /// Looks for the threshold; `run` runs a value with some of the seeds. What was tried is kept where that fails.
    ///
    /// # Errors
    /// Those of `run`.
    pub fn search<E>(
        &mut self,
        run: &mut impl FnMut(f64, Range<usize>) -> Result<Vec<Run>, E>,
    ) -> Result<(), E> {
        let (from, to) = (self.from, self.to);
        for value in [from, to] {
            self.runs(value, FIRST, run)?;
        }
        if self.bracket().is_none() {
            // It may rise and fall again in between.
            for share in [0.5, 0.25, 0.75] {
                self.runs(self.round(from + share * (to - from)), FIRST, run)?;
            }
        }
        let Some(mut bracket) = self.bracket() else {
            for value in [from, to] {
                self.runs(value, self.seeds, run)?;
            }
            return self.along_the_curve(run);
        };
        while bracket.1 - bracket.0 > FINE * (to - from) {
            let middle = self.round(f64::midpoint(bracket.0, bracket.1));
            if middle <= bracket.0 || middle >= bracket.1 {
                break;
            }
            let found = self.until_clear(middle, run)?;
            let (open, tips) = (found.is_open(), found.mostly_tips());
            if open {
                break;
            }
            if tips == self.at(bracket.0).is_some_and(Tried::mostly_tips) {
                bracket.0 = middle;
            } else {
                bracket.1 = middle;
            }
        }
        self.along_the_curve(run)
    }

    /// The first two neighbours that are on different sides.
    fn bracket(&self) -> Option<(f64, f64)> {
        let pair = self.tried.windows(2).find(|pair| pair[0].mostly_tips() != pair[1].mostly_tips())?;
        Some((pair[0].value, pair[1].value))
    }

    /// Runs all seeds where the curve is neither near 0 nor near 1, so that its slope is known as well as its middle.
    fn along_the_curve<E>(
        &mut self,
        run: &mut impl FnMut(f64, Range<usize>) -> Result<Vec<Run>, E>,
    ) -> Result<(), E> {
        for _ in 0..ROUNDS {
            let wanted = match self.fit() {
                Fit::Curve(curve) => self.along(&curve),
                Fit::Step { below, above, .. } => self.around(below, above),
                Fit::Flat { .. } => return Ok(()),
            };
            for value in wanted {
                self.runs(value, self.seeds, run)?;
            }
        }
        Ok(())
    }

    /// The curve through all that was tried.
    pub fn fit(&self) -> Fit {
        fit(&self.tried.iter().map(Tried::share).collect::<Vec<_>>())
    }

    /// Values along a curve; instead of one that is near to a tried one, that.
    fn along(&self, curve: &Curve) -> Vec<f64> {
        let near = curve.width() / 16.0;
        let value = |share: f64| {
            let wanted = self.round(curve.value_at(share).clamp(self.from, self.to));
            let known = self.tried.iter().map(|t| t.value).find(|v| (v - wanted).abs() <= near);
            known.unwrap_or(wanted)
        };
        let mixed = self.tried.iter().map(|t| t.value).filter(|v| MIXED.contains(&curve.at(*v)));
        mixed.chain([0.1, 0.25, 0.5, 0.75, 0.9].map(value)).collect()
    }

    /// Values that could turn a step into a curve: between its two sides, or beside the one value at which both happen.
    fn around(&self, below: f64, above: f64) -> Vec<f64> {
        if above > below {
            return vec![below, above, self.round(f64::midpoint(below, above))];
        }
        let at = self.tried.partition_point(|t| t.value < below);
        let neighbours =
            [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(|i| self.tried.get(i));
        let between = neighbours.map(|t| self.round(f64::midpoint(t.value, below)));
        std::iter::once(below).chain(between).collect()
    }

    /// Runs `value` with more and more seeds until it is clear which side it is on.
    fn until_clear<E>(
        &mut self,
        value: f64,
        run: &mut impl FnMut(f64, Range<usize>) -> Result<Vec<Run>, E>,
    ) -> Result<&Tried, E> {
        let mut seeds = FIRST.min(self.seeds);
        self.runs(value, seeds, run)?;
        while seeds < self.seeds && self.at(value).is_some_and(Tried::is_open) {
            seeds = (2 * seeds).min(self.seeds);
            self.runs(value, seeds, run)?;
        }
        Ok(self.at(value).expect("it was run"))
    }

    /// Makes sure that the first `seeds` seeds have been run with `value`.
    fn runs<E>(
        &mut self,
        value: f64,
        seeds: usize,
        run: &mut impl FnMut(f64, Range<usize>) -> Result<Vec<Run>, E>,
    ) -> Result<(), E> {
        let seeds = seeds.min(self.seeds);
        let done = self.at(value).map_or(0, |tried| tried.runs.len());
        if done >= seeds {
            return Ok(());
        }
        let more = run(value, done..seeds)?;
        let at = self.tried.partition_point(|t| t.value < value);
        match self.tried.get_mut(at) {
            Some(tried) if tried.value == value => tried.runs.extend(more),
            _ => self.tried.insert(at, Tried { value, runs: more }),
        }
        Ok(())
    }

    fn at(&self, value: f64) -> Option<&Tried> {
        self.tried.iter().find(|t| t.value == value)
    }

    /// A value that can be written in a few digits.
    fn round(&self, value: f64) -> f64 {
        if self.whole {
            return value.round();
        }
        let digits = 3 - libm::floor(libm::log10(self.to - self.from)) as i32;
        // By way of text, so that the number is the one that its shortest decimal stands for.
        let rounded = match digits {
            0.. => format!("{value:.*}", digits as usize).parse().unwrap_or(value),
            _ => value.round(),
        };
        rounded.clamp(self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn search(whole: bool, tips: impl Fn(f64, usize) -> bool) -> (Search, usize) {
        let mut search = Search { from: 1.0, to: 5.0, whole, seeds: 40, tried: vec![] };
        let mut runs = 0;
        let mut run = |value: f64, seeds: Range<usize>| {
            runs += seeds.len();
            let one = |seed| {
                if tips(value, seed) { (Ending::Tipped, "metastable") } else { (Ending::Stood, "recovered") }
            };
            Ok::<_, Infallible>(seeds.map(one).collect())
        };
        search.search(&mut run).unwrap_or_else(|never| match never {});
        (search, runs)
    }

    #[test]
    fn a_step_is_found_between_two_near_values() {
        let (search, runs) = search(false, |value, _| value > 3.217);
        let Fit::Step { below, above, rises } = search.fit() else { panic!("a step: {search:?}") };
        assert!(rises && below <= 3.217 && above > 3.217 && above - below < 0.02, "{below} {above}");
        assert!(runs < 400, "{runs}");
    }

    #[test]
    fn whole_numbers_stay_whole_and_a_falling_step_is_seen() {
        let (search, _) = search(true, |value, _| value < 3.5);
        assert_eq!(search.fit(), Fit::Step { below: 3.0, above: 4.0, rises: false });
        assert!(search.tried.iter().all(|t| t.value.fract() == 0.0));
    }

    #[test]
    fn a_range_without_a_threshold_is_looked_at_in_five_places_and_left() {
        for all in [false, true] {
            let (search, runs) = search(false, |_, _| all);
            assert_eq!(search.fit(), Fit::Flat { all });
            assert_eq!((search.tried.len(), runs), (5, 2 * 40 + 3 * 8));
        }
    }

    /// It tips in the middle of the range only: the rise is found, and what comes after it is among what was tried.
    #[test]
    fn a_hump_is_not_taken_for_nothing() {
        let (search, _) = search(false, |value, _| (2.0..4.0).contains(&value));
        assert!(search.tried.iter().any(|t| (t.value - 2.0).abs() < 0.1 && t.runs.len() >= 8), "{search:?}");
    }
}
