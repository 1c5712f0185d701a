//! The committor as a smooth function of a few coordinates, and how much of it they leave unexplained.
use super::Point;
use crate::study::survival::{Estimate, Z95};
use serde::Serialize;

/// A logistic curve through the shares of branches that tipped: `logit P = b₀ + b₁x₁ + …`, by maximum likelihood.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// b₀, b₁, …; of the coordinates in their own units.
    pub coefficients: Vec<f64>,
    /// Where P is one half, for a single coordinate; the interval allows for states that differ by more than counting noise.
    pub half_at: Option<Estimate>,
    /// The standard deviation of P among states near the separatrix that have the same coordinates, counting noise taken off: what the
    /// coordinates do not say. Near 0 they tell the fate as well as the whole state does. `None` where fewer than six states are near.
    pub spread: Option<f64>,
    /// States that are near: P between 10 % and 90 % by the fit.
    pub near: usize,
}

/// Rounds of Newton's method.
const ROUNDS: usize = 60;
/// A trace of a prior that keeps the slope finite where the fates are separated completely, on coordinates scaled to 1.
const RIDGE: f64 = 1e-3;

impl Fit {
    /// The fit of `points` by the coordinates that `of` takes. `None` where all have one fate.
    pub(super) fn new(points: &[Point], of: impl Fn(&Point) -> Vec<f64>) -> Option<Fit> {
        let decided = points.iter().filter(|p| p.tipped + p.held > 0);
        let rows: Vec<(Vec<f64>, f64, f64)> =
            decided.map(|p| (of(p), p.tipped as f64, (p.tipped + p.held) as f64)).collect();
        let (hits, all) = rows.iter().fold((0.0, 0.0), |(h, n), row| (h + row.1, n + row.2));
        if hits == 0.0 || hits == all {
            return None;
        }
        // Centred and scaled, so that Newton's method is at home whatever the units.
        let dimensions = rows[0].0.len();
        let count = rows.len() as f64;
        let column = |k: usize| rows.iter().map(move |row| row.0[k]);
        let centre: Vec<f64> = (0..dimensions).map(|k| column(k).sum::<f64>() / count).collect();
        let scale =
            |k: usize| (column(k).map(|x| (x - centre[k]) * (x - centre[k])).sum::<f64>() / count).sqrt();
        let scale: Vec<f64> = (0..dimensions).map(|k| scale(k).max(1e-9)).collect();
        let scaled = |x: &[f64]| -> Vec<f64> {
            let each = x.iter().zip(&centre).zip(&scale).map(|((x, c), s)| (x - c) / s);
            std::iter::once(1.0).chain(each).collect()
        };
        let design: Vec<(Vec<f64>, f64, f64)> = rows.iter().map(|(x, k, n)| (scaled(x), *k, *n)).collect();
        let (beta, covariance) = newton(&design)?;

        let p = |x: &[f64]| logistic(x.iter().zip(&beta).map(|(x, b)| x * b).sum());
        let (mut pearson, mut excess, mut near) = (0.0, 0.0, 0);
        for (x, k, n) in &design {
            let f = p(x);
            let noise = f * (1.0 - f) / n;
            let off = (k / n - f) * (k / n - f);
            pearson += off / noise.max(1e-12);
            if (0.1..=0.9).contains(&f) {
                near += 1;
                excess += off - noise;
            }
        }
        let freedom = (design.len() - 1).saturating_sub(dimensions).max(1) as f64;
        let inflation = (pearson / freedom).max(1.0);
        let half_at = (dimensions == 1).then(|| {
            // The delta method for −b₀/b₁.
            let at = -beta[0] / beta[1];
            let (a, b) = (-1.0 / beta[1], -at / beta[1]);
            let variance =
                a * a * covariance[0][0] + 2.0 * a * b * covariance[0][1] + b * b * covariance[1][1];
            let half = Z95 * (inflation * variance.max(0.0)).sqrt();
            let back = |z: f64| centre[0] + scale[0] * z;
            Estimate { value: back(at), low: back(at - half), high: back(at + half) }
        });
        let slopes: Vec<f64> = (0..dimensions).map(|k| beta[k + 1] / scale[k]).collect();
        let constant = beta[0] - slopes.iter().zip(&centre).map(|(b, c)| b * c).sum::<f64>();
        Some(Fit {
            coefficients: std::iter::once(constant).chain(slopes).collect(),
            half_at,
            spread: (near >= 6).then(|| (excess / near as f64).max(0.0).sqrt()),
            near,
        })
    }

    /// The fitted probability at these coordinates.
    pub fn p(&self, coordinates: &[f64]) -> f64 {
        let slopes = self.coefficients[1..].iter().zip(coordinates);
        logistic(self.coefficients[0] + slopes.map(|(b, x)| b * x).sum::<f64>())
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// The coefficients, and the inverse of the information matrix.
fn newton(design: &[(Vec<f64>, f64, f64)]) -> Option<(Vec<f64>, Vec<Vec<f64>>)> {
    let m = design[0].0.len();
    let mut beta = vec![0.0; m];
    let mut covariance = None;
    for _ in 0..ROUNDS {
        let mut gradient: Vec<f64> = beta.iter().map(|b| -RIDGE * b).collect();
        let mut information = vec![vec![0.0; m]; m];
        for (k, row) in information.iter_mut().enumerate() {
            row[k] = RIDGE;
        }
        for (x, hits, n) in design {
            let f = logistic(x.iter().zip(&beta).map(|(x, b)| x * b).sum());
            for ((slope, row), xi) in gradient.iter_mut().zip(&mut information).zip(x) {
                *slope += xi * (hits - n * f);
                for (cell, xj) in row.iter_mut().zip(x) {
                    *cell += xi * xj * n * f * (1.0 - f);
                }
            }
        }
        let inverse = inverse(information)?;
        let step: Vec<f64> =
            inverse.iter().map(|row| row.iter().zip(&gradient).map(|(a, g)| a * g).sum()).collect();
        let longest = step.iter().fold(0.0, |most: f64, s: &f64| most.max(s.abs()));
        // A step that is too long would leave where the likelihood is curved.
        let damped = if longest > 2.0 { 2.0 / longest } else { 1.0 };
        for (b, s) in beta.iter_mut().zip(&step) {
            *b += damped * s;
        }
        covariance = Some(inverse);
        if longest < 1e-10 {
            break;
        }
    }
    covariance.map(|covariance| (beta, covariance))
}

/// By Gauss and Jordan's elimination with pivots; `None` for a singular matrix.
fn inverse(mut a: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let m = a.len();
    let mut b: Vec<Vec<f64>> =
        (0..m).map(|i| (0..m).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for column in 0..m {
        let pivot = (column..m).max_by(|&i, &j| a[i][column].abs().total_cmp(&a[j][column].abs()))?;
        if a[pivot][column].abs() < 1e-300 {
            return None;
        }
        a.swap(column, pivot);
        b.swap(column, pivot);
        let by = a[column][column];
        for j in 0..m {
            a[column][j] /= by;
            b[column][j] /= by;
        }
        for row in (0..m).filter(|&row| row != column) {
            let factor = a[row][column];
            for j in 0..m {
                a[row][j] -= factor * a[column][j];
                b[row][j] -= factor * b[column][j];
            }
        }
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::{super::Route, *};
    use lab_core::draw::{Draw, Stream};

    fn point(jobs: usize, retrying: usize, tipped: usize, of: usize) -> Point {
        let p = Estimate { value: 0.0, low: 0.0, high: 1.0 };
        let (run, at_s, route) = (1, 0.0, Route::Pushed);
        Point {
            run,
            at_s,
            route,
            jobs,
            in_progress: jobs,
            retrying,
            late: 0,
            tipped,
            held: of - tipped,
            undecided: 0,
            p,
        }
    }

    /// States whose fate hangs on jobs and retries: a fit by both finds the law and leaves no spread, one by the jobs alone does leave one.
    #[test]
    fn a_coordinate_that_is_missing_shows_as_spread() {
        let draw = Draw { seed: 5 };
        let law = |jobs: f64, retrying: f64| logistic(-6.0 + 0.2 * jobs + 0.4 * retrying);
        let points: Vec<Point> = (0..200u32)
            .map(|n| {
                let (jobs, retrying) = (5 + (n % 20) as usize, (n / 20) as usize);
                let p = law(jobs as f64, retrying as f64);
                let hits = (0..100).filter(|&k| draw.unit(Stream::Demand, k, n) < p).count();
                point(jobs, retrying, hits, 100)
            })
            .collect();
        let both = Fit::new(&points, |p| vec![p.jobs as f64, p.retrying as f64]).expect("two fates");
        for (found, expected) in both.coefficients.iter().zip([-6.0, 0.2, 0.4]) {
            assert!((found / expected - 1.0).abs() < 0.1, "{found} against {expected}");
        }
        let alone = Fit::new(&points, |p| vec![p.jobs as f64]).expect("two fates");
        let (alone, both) = (alone.spread.expect("many near"), both.spread.expect("many near"));
        assert!(both < 0.03 && alone > 0.15, "{both} and {alone}");
    }

    #[test]
    fn the_half_way_point_is_found_even_where_fates_are_separated() {
        let points: Vec<Point> = (0..10).map(|n| point(10 * n, 0, if n < 5 { 0 } else { 20 }, 20)).collect();
        let fit = Fit::new(&points, |p| vec![p.jobs as f64]).expect("two fates");
        let half = fit.half_at.expect("one coordinate");
        assert!((40.0..50.0).contains(&half.value) && half.low < half.value, "{half:?}");
        assert!(fit.p(&[0.0]) < 0.01 && fit.p(&[90.0]) > 0.99);
        assert_eq!(Fit::new(&points[..5], |p| vec![p.jobs as f64]), None);
    }
}
