//! What calls are about: keys of which some are asked for more often than others, and whether a call reads or writes.
use crate::{
    draw::{Draw, Stream},
    replicate::{Key, Op},
};
use serde::{Deserialize, Serialize};

/// The operations of one client group, as written in a config.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operations {
    /// The share of calls that read, in [0, 1]; the others write.
    pub read_share: f64,
    /// How many keys there are, at least 1. Keys are numbered from 0 in the order of their popularity.
    pub keys: u64,
    /// How calls are spread over the keys.
    pub popularity: Popularity,
}

/// How calls are spread over keys.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Popularity {
    /// Every key alike.
    Uniform,
    /// Key k is asked for in proportion to `(k + 1)^−exponent`.
    Zipf {
        /// The skew, ≥ 0; 0 is uniform. YCSB's default is 0.99 (Cooper et al., SoCC'10).
        exponent: f64,
    },
}

/// [`Operations`], made ready to draw from: an operation depends on the seed and the call's number alone, so a retry is about
/// the same key, and both engines ask the same.
#[derive(Clone, Copy, Debug)]
pub struct OperationSource {
    read_share: f64,
    keys: u64,
    /// `None`: uniform.
    zipf: Option<Zipf>,
}

impl OperationSource {
    /// The source of these operations.
    pub fn new(operations: &Operations) -> OperationSource {
        let keys = operations.keys.max(1);
        let zipf = match operations.popularity {
            Popularity::Zipf { exponent } if exponent > 0.0 => Some(Zipf::new(keys, exponent)),
            Popularity::Zipf { .. } | Popularity::Uniform => None,
        };
        OperationSource { read_share: operations.read_share, keys, zipf }
    }

    /// What `call` asks for.
    #[inline]
    pub fn op(&self, call: u64, draw: Draw) -> Op {
        let key = self.key(call, draw);
        if draw.unit(Stream::Operation, call, 0) < self.read_share { Op::Read(key) } else { Op::Write(key) }
    }

    /// The key of `call`.
    #[inline]
    pub fn key(&self, call: u64, draw: Draw) -> Key {
        match &self.zipf {
            Some(zipf) => zipf.draw(call, draw) - 1,
            None => ((draw.unit(Stream::Key, call, 0) * self.keys as f64) as u64).min(self.keys - 1),
        }
    }
}

/// Zipf's law over the ranks 1, 2, …, n by rejection-inversion (Hörmann and Derflinger, *Rejection-inversion to generate
/// variates from monotone discrete distributions*, ACM TOMACS 6, 1996): exact, without a table, however many keys there are.
///
/// The density `h(x) = x^−exponent` is inverted as if ranks were continuous, rank k standing for `[k − ½, k + ½]`; where
/// the area there is greater than `h(k)`, the surplus is rejected. A rejected draw is made anew under the next attempt number.
#[derive(Clone, Copy, Debug)]
struct Zipf {
    ranks: f64,
    exponent: f64,
    /// The areas from which a point is drawn: from the first rank's left border, moved so that its area is `h(1)` = 1 …
    area_first: f64,
    /// … to the last rank's right border.
    area_last: f64,
    /// This close to its rank, a point is never in the surplus.
    squeeze: f64,
}

impl Zipf {
    fn new(ranks: u64, exponent: f64) -> Zipf {
        let ranks = ranks as f64;
        let mut zipf = Zipf { ranks, exponent, area_first: 0.0, area_last: 0.0, squeeze: 0.0 };
        zipf.area_first = zipf.area(1.5) - 1.0;
        zipf.area_last = zipf.area(ranks + 0.5);
        zipf.squeeze = 2.0 - zipf.inverse(zipf.area(2.5) - zipf.density(2.0));
        zipf
    }

    #[inline]
    fn draw(&self, call: u64, draw: Draw) -> u64 {
        let mut attempt = 0;
        loop {
            let u =
                self.area_last + draw.unit(Stream::Key, call, attempt) * (self.area_first - self.area_last);
            let x = self.inverse(u);
            let rank = libm::floor(x + 0.5).clamp(1.0, self.ranks);
            if rank - x <= self.squeeze || u >= self.area(rank + 0.5) - self.density(rank) {
                return rank as u64;
            }
            attempt += 1;
        }
    }

    /// `x^−exponent`.
    #[inline]
    fn density(&self, x: f64) -> f64 {
        libm::exp(-self.exponent * libm::log(x))
    }

    /// The area under the density from 1 to `x`: `(x^(1−exponent) − 1) / (1 − exponent)`, and `ln x` for exponent 1, written
    /// so that it stays accurate close to 1.
    #[inline]
    fn area(&self, x: f64) -> f64 {
        let log = libm::log(x);
        let z = (1.0 - self.exponent) * log;
        let ratio = if z.abs() > 1e-8 { libm::expm1(z) / z } else { 1.0 + z * 0.5 };
        ratio * log
    }

    /// The `x` for which the area is `u`.
    #[inline]
    fn inverse(&self, u: f64) -> f64 {
        // Below −1 only by rounding.
        let z = (u * (1.0 - self.exponent)).max(-1.0);
        let ratio = if z.abs() > 1e-8 { libm::log1p(z) / z } else { 1.0 - z * 0.5 };
        libm::exp(ratio * u)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAW: Draw = Draw { seed: 17 };

    fn source(keys: u64, popularity: Popularity) -> OperationSource {
        OperationSource::new(&Operations { read_share: 1.0, keys, popularity })
    }

    fn zipf(keys: u64, exponent: f64) -> OperationSource {
        source(keys, Popularity::Zipf { exponent })
    }

    /// Pearson's statistic of `draws` draws against the exact probabilities, ranks pooled so that each pool expects at least
    /// 20, in standard deviations from its mean: with f degrees of freedom it has mean f and variance 2f.
    fn deviation(source: &OperationSource, keys: u64, exponent: f64, draws: u64) -> f64 {
        let mut seen = vec![0u64; keys as usize];
        for call in 0..draws {
            seen[source.key(call, DRAW) as usize] += 1;
        }
        let weight = |k: usize| libm::pow(k as f64 + 1.0, -exponent);
        let total: f64 = (0..keys as usize).map(weight).sum();
        let (mut statistic, mut pools) = (0.0, 0.0);
        let (mut expected, mut counted) = (0.0, 0.0);
        for (k, &count) in seen.iter().enumerate() {
            expected += weight(k) / total * draws as f64;
            counted += count as f64;
            if expected >= 20.0 {
                statistic += (counted - expected) * (counted - expected) / expected;
                pools += 1.0;
                (expected, counted) = (0.0, 0.0);
            }
        }
        let freedom: f64 = pools - 1.0;
        (statistic - freedom) / libm::sqrt(2.0 * freedom)
    }

    #[test]
    fn keys_have_their_exact_probabilities() {
        for exponent in [0.0, 0.5, 0.99, 1.0, 1.2, 2.0] {
            for keys in [2, 10, 1_000, 20_000] {
                let deviation = deviation(&zipf(keys, exponent), keys, exponent, 400_000);
                assert!(deviation.abs() < 4.0, "{keys} keys, exponent {exponent}: {deviation}");
            }
        }
        assert!(deviation(&source(1_000, Popularity::Uniform), 1_000, 0.0, 400_000).abs() < 4.0);
    }

    /// The tail of a large law, by the share of draws that fall in the last nine tenths of the ranks.
    #[test]
    fn ten_million_keys_need_no_table_and_keep_their_tail() {
        let keys = 10_000_000u64;
        let (draws, border) = (200_000u64, keys / 10);
        let source = zipf(keys, 0.99);
        let beyond = (0..draws).filter(|&call| source.key(call, DRAW) >= border).count() as f64;
        // Sums by the midpoint rule above 1000, where it is accurate to 1e-8.
        let sum = |to: u64| {
            let head: f64 = (1..=1_000).map(|k| libm::pow(k as f64, -0.99)).sum();
            let power = |x: f64| libm::pow(x, 0.01) / 0.01;
            head + power(to as f64 + 0.5) - power(1_000.5)
        };
        let share = 1.0 - sum(border) / sum(keys);
        let spread = libm::sqrt(draws as f64 * share * (1.0 - share));
        assert!(
            (beyond - draws as f64 * share).abs() < 4.0 * spread,
            "{beyond} of {draws}, expected {share}"
        );
    }

    #[test]
    fn one_key_is_always_the_same() {
        for popularity in [Popularity::Uniform, Popularity::Zipf { exponent: 1.0 }] {
            assert!((0..1_000).all(|call| source(1, popularity).key(call, DRAW) == 0));
        }
    }

    #[test]
    fn reads_have_their_share_and_do_not_depend_on_the_key() {
        let popularity = Popularity::Zipf { exponent: 0.99 };
        let source = OperationSource::new(&Operations { read_share: 0.9, keys: 100, popularity });
        let reads = |hot: bool| {
            let of: Vec<Op> =
                (0..200_000).map(|call| source.op(call, DRAW)).filter(|op| (op.key() == 0) == hot).collect();
            of.iter().filter(|op| matches!(op, Op::Read(_))).count() as f64 / of.len() as f64
        };
        // Key 0 gets about 38,000 draws: standard error 0.0015.
        assert!((reads(true) - 0.9).abs() < 0.006 && (reads(false) - 0.9).abs() < 0.004);
        let all = |read_share| OperationSource::new(&Operations { read_share, keys: 100, popularity });
        assert!((0..1_000).all(|call| matches!(all(1.0).op(call, DRAW), Op::Read(_))));
        assert!((0..1_000).all(|call| matches!(all(0.0).op(call, DRAW), Op::Write(_))));
    }
}
