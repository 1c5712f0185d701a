//! A logistic curve through shares: `P(x) = 1/(1 + e^{−(x − middle)/scale})`, by maximum likelihood.

/// A value, and how many of the runs with it tipped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Where.
    pub value: f64,
    /// How many tipped.
    pub tipped: f64,
    /// Of how many.
    pub runs: f64,
}

/// A logistic curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    /// Where half of the runs tip.
    pub middle: f64,
    /// How flat it is; negative where a larger value tips fewer. Zero: a step.
    pub scale: f64,
}

/// What the shares say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fit {
    /// Both outcomes overlap: the likelihood has a maximum.
    Curve(Curve),
    /// One value separates those that tip from those that do not: it lies between these two (where they are equal, at that
    /// value both happen), and the likelihood has no maximum: a steeper curve is always likelier.
    Step {
        /// The last value on the lower side.
        below: f64,
        /// The first one on the upper side.
        above: f64,
        /// Whether those above tip.
        rises: bool,
    },
    /// All tip, or none.
    Flat {
        /// Which of the two.
        all: bool,
    },
}

impl Curve {
    /// The share that tips at `value`.
    pub fn at(&self, value: f64) -> f64 {
        match self.scale {
            0.0 => f64::from(value >= self.middle),
            scale => 1.0 / (1.0 + libm::exp(-(value - self.middle) / scale)),
        }
    }

    /// Where the share is `share`, in (0, 1).
    pub fn value_at(&self, share: f64) -> f64 {
        self.middle + self.scale * libm::log(share / (1.0 - share))
    }

    /// From the value at which a tenth tips to the one at which nine tenths do: `2·ln 9·scale`.
    pub fn width(&self) -> f64 {
        2.0 * libm::log(9.0) * self.scale.abs()
    }
}

impl Fit {
    /// The curve, or the step that it has become; `None` where nothing changes.
    pub fn curve(&self) -> Option<Curve> {
        match *self {
            Fit::Curve(curve) => Some(curve),
            Fit::Step { below, above, .. } => Some(Curve { middle: f64::midpoint(below, above), scale: 0.0 }),
            Fit::Flat { .. } => None,
        }
    }
}

/// The most likely curve. Whether there is one is decided first: only where the values of those that tip and of those that do not
/// overlap (Albert and Anderson, *On the existence of maximum likelihood estimates in logistic regression models*, Biometrika
/// 71, 1984).
pub fn fit(shares: &[Share]) -> Fit {
    let of = |kept: fn(&Share) -> bool| {
        let values = shares.iter().filter(|s| kept(s)).map(|s| s.value);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (tips, stands) = (of(|s| s.tipped > 0.0), of(|s| s.tipped < s.runs));
    if tips.0 > tips.1 || stands.0 > stands.1 {
        return Fit::Flat { all: stands.0 > stands.1 };
    }
    if tips.0 >= stands.1 && tips.1 > stands.0 {
        return Fit::Step { below: stands.1, above: tips.0, rises: true };
    }
    if stands.0 >= tips.1 && stands.1 > tips.0 {
        return Fit::Step { below: tips.1, above: stands.0, rises: false };
    }
    newton(shares)
}

/// Newton's method on `ln L` of intercept and slope, with values centred and scaled so that it is well conditioned.
fn newton(shares: &[Share]) -> Fit {
    let runs: f64 = shares.iter().map(|s| s.runs).sum();
    let centre = shares.iter().map(|s| s.runs * s.value).sum::<f64>() / runs;
    let spread =
        (shares.iter().map(|s| s.runs * (s.value - centre) * (s.value - centre)).sum::<f64>() / runs).sqrt();
    if spread == 0.0 {
        // One value with both outcomes.
        return Fit::Step { below: centre, above: centre, rises: true };
    }
    let at = |share: &Share| (share.value - centre) / spread;
    let likelihood =
        |a: f64, b: f64| -> f64 { shares.iter().map(|s| log_likelihood(s, a + b * at(s))).sum() };
    let (mut a, mut b) = (0.0, 0.0);
    let mut best = likelihood(a, b);
    for _ in 0..100 {
        let (mut ga, mut gb, mut haa, mut hab, mut hbb) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for share in shares {
            let x = at(share);
            let p = 1.0 / (1.0 + libm::exp(-(a + b * x)));
            let (off, weight) = (share.tipped - share.runs * p, share.runs * p * (1.0 - p));
            ga += off;
            gb += off * x;
            haa += weight;
            hab += weight * x;
            hbb += weight * x * x;
        }
        let determinant = haa * hbb - hab * hab;
        let (da, db) = ((hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant);
        if !(da.is_finite() && db.is_finite()) {
            break;
        }
        // The likelihood is concave: a step that overshoots is halved until it does not.
        let mut length = 1.0;
        while likelihood(a + length * da, b + length * db) < best && length > 1e-6 {
            length /= 2.0;
        }
        (a, b) = (a + length * da, b + length * db);
        best = likelihood(a, b);
        if (length * da).abs() + (length * db).abs() < 1e-10 {
            break;
        }
    }
    if b == 0.0 {
        let tipped: f64 = shares.iter().map(|s| s.tipped).sum();
        return Fit::Flat { all: 2.0 * tipped > runs };
    }
    Fit::Curve(Curve { middle: centre - spread * a / b, scale: spread / b })
}

/// `ln L` of one share at the log odds `odds`, without its constant.
fn log_likelihood(share: &Share, odds: f64) -> f64 {
    // ln(1 + e^x) without overflow.
    let soft = odds.max(0.0) + libm::log1p(libm::exp(-odds.abs()));
    share.tipped * odds - share.runs * soft
}

/// The deviance of the shares from a curve: twice the log likelihood that is missing to a perfect fit.
pub fn deviance(shares: &[Share], curve: &Curve) -> f64 {
    let of = |share: &Share| {
        let p = curve.at(share.value).clamp(1e-12, 1.0 - 1e-12);
        let part =
            |count: f64, expected: f64| if count > 0.0 { count * libm::log(count / expected) } else { 0.0 };
        part(share.tipped, share.runs * p) + part(share.runs - share.tipped, share.runs * (1.0 - p))
    };
    2.0 * shares.iter().map(of).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(of: &[(f64, f64, f64)]) -> Vec<Share> {
        of.iter().map(|&(value, tipped, runs)| Share { value, tipped, runs }).collect()
    }

    /// Shares that lie on a curve give that curve back.
    #[test]
    fn exact_shares_give_their_curve() {
        for (middle, scale) in [(3.0, 0.4), (150.0, 7.0), (-2.0, -0.5)] {
            let curve = Curve { middle, scale };
            let on = |k: f64| Share {
                value: middle + k * scale,
                tipped: 1e4 * curve.at(middle + k * scale),
                runs: 1e4,
            };
            let Fit::Curve(found) = fit(&[-3.0, -1.5, 0.5, 1.0, 2.5].map(on)) else { panic!("a curve") };
            assert!((found.middle - middle).abs() < 1e-6 * middle.abs(), "{found:?}");
            assert!((found.scale - scale).abs() < 1e-6 * scale.abs(), "{found:?}");
            assert!(deviance(&[-1.0, 0.0, 1.0].map(on), &curve).abs() < 1e-6);
            assert!((found.width() - 4.394_449 * scale.abs()).abs() < 1e-4 * scale.abs());
            assert!((curve.at(curve.value_at(0.9)) - 0.9).abs() < 1e-12);
        }
    }

    /// Two parameters meet two shares.
    #[test]
    fn two_shares_are_met_exactly() {
        let Fit::Curve(curve) = fit(&shares(&[(1.0, 2.0, 10.0), (2.0, 7.0, 10.0)])) else {
            panic!("a curve")
        };
        assert!((curve.at(1.0) - 0.2).abs() < 1e-9 && (curve.at(2.0) - 0.7).abs() < 1e-9, "{curve:?}");
    }

    #[test]
    fn what_has_no_most_likely_curve_is_said() {
        let step = |of: &[(f64, f64, f64)]| fit(&shares(of));
        let rises = Fit::Step { below: 2.0, above: 3.0, rises: true };
        assert_eq!(step(&[(1.0, 0.0, 5.0), (2.0, 0.0, 5.0), (3.0, 5.0, 5.0)]), rises);
        assert_eq!(
            step(&[(1.0, 5.0, 5.0), (2.0, 0.0, 5.0)]),
            Fit::Step { below: 1.0, above: 2.0, rises: false }
        );
        // Both outcomes at one value only: the curve has become a step there.
        let at_two = Fit::Step { below: 2.0, above: 2.0, rises: true };
        assert_eq!(step(&[(1.0, 0.0, 5.0), (2.0, 3.0, 5.0), (3.0, 5.0, 5.0)]), at_two);
        assert_eq!(step(&[(1.0, 0.0, 5.0), (2.0, 0.0, 5.0)]), Fit::Flat { all: false });
        assert_eq!(step(&[(1.0, 5.0, 5.0), (2.0, 5.0, 5.0)]), Fit::Flat { all: true });
    }
}
