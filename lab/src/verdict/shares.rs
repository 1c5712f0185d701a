//! Verdicts over several seeds: one seed proves nothing near a threshold.
use serde::Serialize;

/// The share of each verdict over the seeds of one variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shares {
    /// How many runs.
    pub runs: usize,
    /// Each verdict's word and how often it came, the most frequent first.
    pub verdicts: Vec<(String, usize)>,
    /// Share of metastable runs.
    pub p_metastable: f64,
    /// 95 % confidence interval of it.
    pub interval: (f64, f64),
}

/// Counts the verdicts' words.
pub fn shares<'a>(words: impl IntoIterator<Item = &'a str>) -> Shares {
    let mut verdicts: Vec<(String, usize)> = vec![];
    for word in words {
        match verdicts.iter_mut().find(|(known, _)| known == word) {
            Some((_, count)) => *count += 1,
            None => verdicts.push((word.into(), 1)),
        }
    }
    verdicts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let runs = verdicts.iter().map(|(_, count)| count).sum();
    let metastable = verdicts.iter().find(|(word, _)| word == "metastable").map_or(0, |(_, count)| *count);
    let p_metastable = metastable as f64 / runs as f64;
    Shares { runs, verdicts, p_metastable, interval: wilson(metastable, runs) }
}

/// Wilson's score interval for `hits` of `runs` at 95 % (Wilson, *Probable inference*, JASA 22, 1927).
pub fn wilson(hits: usize, runs: usize) -> (f64, f64) {
    let (z, n) = (1.959_964, runs as f64);
    let p = hits as f64 / n;
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    // At the ends the two terms cancel, but for their rounding.
    let low = if hits == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if hits == runs { 1.0 } else { (centre + half).min(1.0) };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from Newcombe, *Two-sided confidence intervals for the single proportion*, Stat. Med. 17, 1998, method 3.
    #[test]
    fn the_interval_is_wilsons() {
        for (hits, runs, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let (a, b) = wilson(hits, runs);
            assert!((a - low).abs() < 1e-4 && (b - high).abs() < 1e-4, "{hits}/{runs}: {a} {b}");
        }
    }

    #[test]
    fn shares_are_counted() {
        let shares = shares(["metastable", "recovered", "metastable", "escaped"]);
        assert_eq!(shares.verdicts[0], ("metastable".into(), 2));
        assert_eq!((shares.runs, shares.p_metastable), (4, 0.5));
    }
}
