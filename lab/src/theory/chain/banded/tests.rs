//! Chains against dense solutions and known closed forms.
use super::*;

fn close(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs() + 1e-300, "{found} against {expected}");
}

/// A chain of 30 states with transitions of up to 4, their rates spread over six powers of ten.
fn ragged() -> Banded {
    let mut chain = Banded::new(30, 4);
    let mut seed = 12_345_u64;
    for from in 0..30_usize {
        for to in from.saturating_sub(4)..(from + 5).min(30) {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let unit = (seed >> 11) as f64 / (1_u64 << 53) as f64;
            if from != to && (unit < 0.7 || from.abs_diff(to) == 1) {
                chain.add(from, to, libm::pow(10.0, 6.0 * unit - 3.0));
            }
        }
    }
    chain
}

/// The solution of a dense system by elimination with the largest pivots.
fn dense(mut rows: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for k in 0..n {
        let pivot = (k..n).max_by(|a, b| rows[*a][k].abs().total_cmp(&rows[*b][k].abs())).expect("rows");
        rows.swap(k, pivot);
        right.swap(k, pivot);
        for i in k + 1..n {
            let factor = rows[i][k] / rows[k][k];
            let pivot = rows[k].clone();
            rows[i].iter_mut().zip(&pivot).skip(k).for_each(|(entry, above)| *entry -= factor * above);
            right[i] -= factor * right[k];
        }
    }
    for k in (0..n).rev() {
        let rest: f64 = (k + 1..n).map(|j| rows[k][j] * right[j]).sum();
        right[k] = (right[k] - rest) / rows[k][k];
    }
    right
}

/// The generator, densely.
fn generator(chain: &Banded) -> Vec<Vec<f64>> {
    let n = chain.len();
    let mut rows = vec![vec![0.0; n]; n];
    for (from, row) in rows.iter_mut().enumerate() {
        for to in chain.near(from).filter(|to| *to != from) {
            row[to] = chain.rate(from, to);
            row[from] -= chain.rate(from, to);
        }
    }
    rows
}

#[test]
fn long_run_shares_are_those_of_the_dense_solution() {
    let chain = ragged();
    let q = generator(&chain);
    let n = chain.len();
    // π Q = 0, with the last equation replaced by Σ π = 1.
    let equation = |j: usize| (0..n).map(|i| if j + 1 == n { 1.0 } else { q[i][j] }).collect::<Vec<f64>>();
    let right = (0..n).map(|j| f64::from(u8::from(j + 1 == n))).collect();
    let expected = dense((0..n).map(equation).collect(), right);
    for (found, expected) in chain.stationary().iter().zip(expected) {
        close(*found, expected, 1e-9);
    }
}

#[test]
fn times_and_probabilities_are_those_of_the_dense_solution() {
    let chain = ragged();
    let q = generator(&chain);
    let n = chain.len();
    let goal = |state: usize| state == 7 || state > 25;
    let other = |state: usize| state == 0;
    // −Q x = source on the states outside of a set, x = 0 in it.
    let solve = |set: &dyn Fn(usize) -> bool, source: Vec<f64>| {
        let row = |i: usize| {
            (0..n).map(|j| if set(i) { f64::from(u8::from(i == j)) } else { -q[i][j] }).collect::<Vec<f64>>()
        };
        let right = (0..n).map(|i| if set(i) { 0.0 } else { source[i] }).collect();
        dense((0..n).map(row).collect(), right)
    };
    let means = solve(&goal, vec![1.0; n]);
    let moments = solve(&goal, means.iter().map(|mean| 2.0 * mean).collect());
    for (state, found) in chain.hitting(goal).iter().enumerate().filter(|(state, _)| !goal(*state)) {
        close(found.mean_s, means[state], 1e-9);
        let variance = moments[state] - means[state] * means[state];
        let found = found.deviation_s;
        assert!((found * found - variance).abs() <= 1e-9 * moments[state], "{found}² against {variance}");
    }
    let into = |i: usize| chain.near(i).filter(|j| goal(*j)).map(|j| chain.rate(i, j)).sum();
    let either = |state: usize| goal(state) || other(state);
    let expected = solve(&either, (0..n).map(into).collect());
    for (state, found) in chain.reaches_first(goal, other).iter().enumerate() {
        let expected = if goal(state) { 1.0 } else { expected[state] };
        assert!((found - expected).abs() < 1e-9, "{found} against {expected}");
    }
}

/// The same limit, by watching a discretised chain that is put back to scale whenever it loses something.
#[test]
fn the_lasting_part_looks_as_after_a_long_time_inside() {
    let mut chain = Banded::new(12, 1);
    for n in 0..11 {
        chain.add(n, n + 1, 3.0);
        chain.add(n + 1, n, 5.0);
    }
    let found = chain.quasi_stationary(|state| state < 8).expect("it lasts");
    let mut shares = vec![1.0 / 8.0; 8];
    let mut lost = 0.0;
    for _ in 0..20_000 {
        let step = |state: usize| {
            let from = |other: usize, rate: f64| shares.get(other).map_or(0.0, |share| share * rate / 10.0);
            let leaves = 3.0 + if state > 0 { 5.0 } else { 0.0 };
            let below = if state > 0 { from(state - 1, 3.0) } else { 0.0 };
            below + from(state + 1, 5.0) + shares[state] * (1.0 - leaves / 10.0)
        };
        let next: Vec<f64> = (0..8).map(step).collect();
        let kept: f64 = next.iter().sum();
        lost = (1.0 - kept) * 10.0;
        shares = next.iter().map(|share| share / kept).collect();
    }
    close(found.exit_per_s, lost, 1e-6);
    for (found, expected) in found.distribution.iter().zip(&shares) {
        close(*found, *expected, 1e-6);
    }
    assert!(found.distribution[8..].iter().all(|share| *share == 0.0));
}

/// The eigenvalues of a bounded M/M/1 queue are known: `λ + μ − 2√(λμ)·cos(kπ/K)` with K states.
#[test]
fn relaxation_is_the_known_eigenvalue() {
    for (arrivals, service, states) in [(9.5_f64, 10.0, 100), (7.0, 10.0, 40), (12.0, 10.0, 60)] {
        let mut chain = Banded::new(states, 1);
        for n in 0..states - 1 {
            chain.add(n, n + 1, arrivals);
            chain.add(n + 1, n, service);
        }
        let angle = std::f64::consts::PI / states as f64;
        let expected = arrivals + service - 2.0 * (arrivals * service).sqrt() * libm::cos(angle);
        close(chain.relaxation_per_s().expect("a real eigenvalue"), expected, 1e-5);
    }
}

/// Two parts that hardly ever change places, further apart than floating point can tell from 1.
#[test]
fn nothing_is_lost_between_parts_that_hardly_meet() {
    let mut chain = Banded::new(3, 1);
    chain.add(0, 1, 1e-30);
    chain.add(1, 0, 1.0);
    chain.add(1, 2, 1.0);
    chain.add(2, 1, 1e-40);
    close(chain.stationary()[0], 1e-10, 1e-9);
    close(chain.hitting(|s| s == 2)[0].mean_s, 2e30, 1e-12);
    close(chain.hitting(|s| s == 0)[2].mean_s, 2e40, 1e-12);
    close(chain.relaxation_per_s().expect("a real eigenvalue"), 0.5e-30, 1e-6);
}
