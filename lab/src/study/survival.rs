//! How long something lasts, from times of which some are only known to be longer: runs end before everything has happened.
use serde::Serialize;

/// The two-sided 95 % point of the standard normal distribution.
pub const Z95: f64 = 1.959_963_984_540_054;

/// How long one run was watched, in seconds, and whether it ended with what was waited for; else it is right-censored.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Life {
    /// Seconds from the beginning to the event, or to the end of the watch.
    pub seconds: f64,
    /// Whether the event came.
    pub ended: bool,
}

/// A survival curve by the product-limit estimator (Kaplan and Meier, *Nonparametric estimation from incomplete observations*,
/// JASA 53, 1958): steps at the times of events.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Survival {
    /// One for each time at which events came, in order.
    pub steps: Vec<Step>,
    /// The longest time that any run was watched, in seconds.
    pub watched_s: f64,
}

/// The curve from one event on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Seconds.
    pub at_s: f64,
    /// Runs watched until then.
    pub at_risk: usize,
    /// Events at that time.
    pub events: usize,
    /// Share that lasts longer.
    pub share: f64,
    /// 95 % confidence interval of it, pointwise: Greenwood's variance on the scale of log(−log S), so that it stays in [0, 1] (Kalbfleisch
    /// and Prentice, *The Statistical Analysis of Failure Time Data*, §1.4).
    pub interval: (f64, f64),
}

/// An estimate with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// From here …
    pub low: f64,
    /// … to here; infinite where the data leave it open.
    pub high: f64,
}

impl Survival {
    /// The curve of `lives`.
    pub fn new(lives: &[Life]) -> Survival {
        let mut lives = lives.to_vec();
        lives.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let mut steps: Vec<Step> = vec![];
        let (mut share, mut greenwood) = (1.0, 0.0);
        let mut at_risk = lives.len();
        // Who is censored at the very time of an event was at risk.
        for same in lives.chunk_by(|a, b| a.seconds == b.seconds) {
            let events = same.iter().filter(|life| life.ended).count();
            if events > 0 {
                let (n, d) = (at_risk as f64, events as f64);
                share *= 1.0 - d / n;
                greenwood += d / (n * (n - d));
                let interval = log_log(share, greenwood);
                steps.push(Step { at_s: same[0].seconds, at_risk, events, share, interval });
            }
            at_risk -= same.len();
        }
        Survival { steps, watched_s: lives.last().map_or(0.0, |life| life.seconds) }
    }

    /// The time that half of the lives reach, where the curve gets there. Its interval holds the times at which the curve's interval
    /// holds one half (Brookmeyer and Crowley, *A confidence interval for the median survival time*, Biometrics 38, 1982).
    pub fn median(&self) -> Option<Estimate> {
        let first = |below: fn(&Step) -> f64| self.steps.iter().find(|s| below(s) <= 0.5).map(|s| s.at_s);
        let value = first(|s| s.share)?;
        let low = first(|s| s.interval.0).unwrap_or(0.0);
        let high = first(|s| s.interval.1).unwrap_or(f64::INFINITY);
        Some(Estimate { value, low, high })
    }

    /// The mean of min(life, `until_s`): the area under the curve, with its interval from the variance of Klein and Moeschberger,
    /// *Survival Analysis*, §4.5. It needs no assumption beyond the time that was watched.
    pub fn restricted_mean(&self, until_s: f64) -> Estimate {
        let mut area = vec![];
        let (mut from, mut share) = (0.0, 1.0);
        for step in self.steps.iter().take_while(|s| s.at_s < until_s) {
            area.push((step.at_s - from) * share);
            (from, share) = (step.at_s, step.share);
        }
        let mut beyond = (until_s - from) * share;
        let mut variance = 0.0;
        for (step, before) in self.steps.iter().zip(&area).rev() {
            let (n, d) = (step.at_risk as f64, step.events as f64);
            if n > d {
                variance += beyond * beyond * d / (n * (n - d));
            }
            beyond += before;
        }
        // Reversed, the last step's area was added last; what is left is the mean.
        let half = Z95 * variance.sqrt();
        Estimate { value: beyond, low: (beyond - half).max(0.0), high: (beyond + half).min(until_s) }
    }
}

fn log_log(share: f64, greenwood: f64) -> (f64, f64) {
    if share <= 0.0 || share >= 1.0 {
        // At the last event of all, Greenwood's variance is none.
        return (share, share);
    }
    let log = libm::log(share);
    let factor = libm::exp(Z95 * greenwood.sqrt() / -log);
    (libm::pow(share, factor), libm::pow(share, 1.0 / factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} against {expected}");
    }

    /// Remission times under 6-MP (Freireich et al., 1963), with the estimates and Greenwood errors of Kalbfleisch and Prentice, table 1.2.
    fn remissions() -> Vec<Life> {
        let life = |(seconds, ended)| Life { seconds, ended };
        let ended = [6.0, 6.0, 6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0].map(|t| (t, true));
        let open = [6.0, 9.0, 10.0, 11.0, 17.0, 19.0, 20.0, 25.0, 32.0, 32.0, 34.0, 35.0].map(|t| (t, false));
        ended.into_iter().chain(open).map(life).collect()
    }

    #[test]
    fn the_curve_is_that_of_the_textbook() {
        let survival = Survival::new(&remissions());
        let expected = [
            (6.0, 21, 0.8571),
            (7.0, 17, 0.8067),
            (10.0, 15, 0.7529),
            (13.0, 12, 0.6902),
            (16.0, 11, 0.6275),
            (22.0, 7, 0.5378),
            (23.0, 6, 0.4482),
        ];
        assert_eq!(survival.steps.len(), expected.len());
        for (step, (at, risk, share)) in survival.steps.iter().zip(expected) {
            assert_eq!((step.at_s, step.at_risk), (at, risk));
            close(step.share, share, 5e-5);
        }
        // By hand: the Greenwood sum at 10 is 3/(21·18) + 1/(17·16) + 1/(15·14) = 0.016375.
        let factor = libm::exp(1.959964 * 0.016375f64.sqrt() / 0.28382);
        close(survival.steps[2].interval.0, libm::pow(0.75294, factor), 1e-4);
        close(survival.steps[2].interval.1, libm::pow(0.75294, 1.0 / factor), 1e-4);
        let median = survival.median().expect("half are over at 23");
        assert_eq!(median.value, 23.0);
        assert!(median.low == 13.0 && median.high == f64::INFINITY, "{median:?}");
    }

    #[test]
    fn the_restricted_mean_is_the_area() {
        let survival = Survival::new(&remissions());
        // By hand: 6 + .8571 + 3·.8067 + 3·.7529 + 3·.6902 + 6·.6275 + .5378 + 12·.4482 = 23.29.
        let mean = survival.restricted_mean(35.0);
        close(mean.value, 23.288, 5e-3);
        assert!(mean.low < 20.0 && mean.high > 26.0, "{mean:?}");
        // Without censoring it is the mean.
        let all = [2.0, 4.0, 9.0].map(|seconds| Life { seconds, ended: true });
        close(Survival::new(&all).restricted_mean(20.0).value, 5.0, 1e-12);
        assert_eq!(Survival::new(&[]).restricted_mean(10.0).value, 10.0);
    }
}
