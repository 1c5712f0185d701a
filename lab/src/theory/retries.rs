//! What retries do to a queue: how far they multiply the load, and where the healthy and the failed state end.
//!
//! The model is one M/M/1 FIFO queue whose clients try again at once after a timeout, while the server also serves the attempts
//! that nobody waits for any more (Bronson et al., HotOS'21, §2.1; Huang et al., OSDI'22). Its fixed point treats attempts as
//! independent, which is good to 10–20 %; in the saturated state it is exact.
//!
//! `attempts` is the number of attempts per call when all fail (R), the first included; with a budget it need not be whole.
//! `theta` is the capacity times the timeout (μT): the jobs served while a client waits.

/// Attempts per call when each fails with probability `failing`, independently: `(1 − p^R)/(1 − p)`.
pub fn attempts_per_call(failing: f64, attempts: u32) -> f64 {
    (0..attempts).map(|k| libm::pow(failing, f64::from(k))).sum()
}

/// The share of calls that succeed within `attempts` attempts, each failing with probability `failing`: `1 − p^R`.
pub fn success(failing: f64, attempts: u32) -> f64 {
    1.0 - libm::pow(failing, f64::from(attempts))
}

/// Attempts at the last of `tiers` tiers per call at the first, when every tier makes up to `attempts`: `R^tiers`.
pub fn attempts_through_tiers(attempts: u32, tiers: u32) -> f64 {
    libm::pow(f64::from(attempts), f64::from(tiers))
}

/// The load, as a share of capacity, whose attempts keep a server busy for the share `busy` in (0, 1] of the time:
/// `g(ρ) = ρ(1 − q)/(1 − q^R)` with `q = e^{−θ(1−ρ)}`, the probability that an attempt is late.
pub fn load_at(busy: f64, attempts: f64, theta: f64) -> f64 {
    let exponent = theta * (1.0 - busy);
    // Where q = 1 the ratio of the two differences is 1/R.
    if exponent < 1e-12 {
        return busy / attempts;
    }
    busy * libm::expm1(-exponent) / libm::expm1(-attempts * exponent)
}

/// The greatest load, as a share of capacity, that has a healthy state: the maximum of [`load_at`]. Beyond it only the failed
/// state is left.
pub fn ceiling(attempts: f64, theta: f64) -> f64 {
    load_at(busiest_healthy(attempts, theta), attempts, theta)
}

/// How busy the server is at the [`ceiling`], found by golden-section search; `load_at` has one maximum in (0, 1].
fn busiest_healthy(attempts: f64, theta: f64) -> f64 {
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..80 {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if load_at(left, attempts, theta) < load_at(right, attempts, theta) {
            low = left
        } else {
            high = right
        }
    }
    (low + high) / 2.0
}

/// How busy the server is in the healthy state at `load` (a share of capacity), retries included; `None` above the ceiling.
pub fn healthy_utilisation(load: f64, attempts: f64, theta: f64) -> Option<f64> {
    let (mut low, mut high) = (0.0, busiest_healthy(attempts, theta));
    if load > load_at(high, attempts, theta) {
        return None;
    }
    // Up to its maximum, `load_at` grows.
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if load_at(middle, attempts, theta) < load { low = middle } else { high = middle }
    }
    Some((low + high) / 2.0)
}

/// Whether some load has both a healthy and a failed state: `(R − 1)θ > 2`.
pub fn bistable(attempts: f64, theta: f64) -> bool {
    (attempts - 1.0) * theta > 2.0
}

/// The load below which the failed state heals by itself: `μ/R`, in calls per second.
pub fn hidden_capacity_per_s(capacity_per_s: f64, attempts: f64) -> f64 {
    capacity_per_s / attempts
}

/// The share of the load's first attempts that a retry budget lets be tried again while everything fails gives R: `1 + b`, at
/// most `max_attempts`.
pub fn attempts_with_budget(max_attempts: f64, retries_per_call: f64) -> f64 {
    max_attempts.min(1.0 + retries_per_call)
}

/// How long a backlog lasts when `attempts_per_s` keep coming: `backlog/(μ − λR)`; infinite where they fill the capacity.
pub fn drain_s(backlog_jobs: f64, capacity_per_s: f64, attempts_per_s: f64) -> f64 {
    if backlog_jobs <= 0.0 {
        0.0
    } else if attempts_per_s < capacity_per_s {
        backlog_jobs / (capacity_per_s - attempts_per_s)
    } else {
        f64::INFINITY
    }
}

/// How long load must be shed to `admitted_per_s` calls to empty a backlog whose clients go on retrying: `K/(μ − λ'R)`.
/// Infinite from `λ' = μ/R` on: such shedding never helps.
pub fn cure_s(backlog_jobs: f64, capacity_per_s: f64, admitted_per_s: f64, attempts: f64) -> f64 {
    drain_s(backlog_jobs, capacity_per_s, admitted_per_s * attempts)
}

/// Lifetime of the healthy state: the mean time in which an empty M/M/1 queue grows to `jobs` (about μT, where every attempt
/// is late): `n/(λ−μ) + μ/(λ−μ)²·[(μ/λ)^n − 1]` (Kleinrock I, §2.5, passage times of birth–death chains). Right within a factor
/// of 3, because retries begin before all attempts are late.
pub fn lifetime_s(arrivals_per_s: f64, service_per_s: f64, jobs: f64) -> f64 {
    let drift = arrivals_per_s - service_per_s;
    if drift.abs() < 1e-9 * service_per_s {
        return jobs * (jobs + 1.0) / (2.0 * service_per_s);
    }
    let growth = libm::expm1(jobs * libm::log(service_per_s / arrivals_per_s));
    jobs / drift + service_per_s / (drift * drift) * growth
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} against {expected}");
    }

    #[test]
    fn the_ceiling_matches_the_published_values() {
        for (theta, ceilings) in [
            (5.0, [0.5853, 0.5507, 0.5452]),
            (10.0, [0.7047, 0.6947, 0.6937]),
            (20.0, [0.8107, 0.8081, 0.8080]),
        ] {
            for (attempts, expected) in (2..).zip(ceilings) {
                close(ceiling(f64::from(attempts), theta), expected, 6e-5);
            }
        }
    }

    #[test]
    fn the_failed_state_ends_at_the_hidden_capacity() {
        close(load_at(1.0, 4.0, 20.0), 0.25, 1e-12);
        close(load_at(1.0 - 1e-9, 4.0, 20.0), 0.25, 1e-6);
        close(hidden_capacity_per_s(10.0, 4.0), 2.5, 1e-12);
    }

    /// Two states need a maximum of `load_at` inside (0, 1), and that is what (R − 1)θ > 2 says.
    #[test]
    fn bistability_is_a_maximum_below_full_utilisation() {
        for (attempts, theta) in
            [(2.0, 1.9), (2.0, 2.1), (3.0, 0.9), (3.0, 1.1), (4.0, 20.0), (1.1, 19.0), (1.1, 21.0)]
        {
            let inside = ceiling(attempts, theta) > load_at(1.0, attempts, theta) * (1.0 + 1e-6);
            assert_eq!(inside, bistable(attempts, theta), "R = {attempts}, θ = {theta}");
        }
    }

    #[test]
    fn the_healthy_state_is_a_root_of_the_fixed_point() {
        let busy = healthy_utilisation(0.7, 4.0, 20.0).expect("below the ceiling of 0.808");
        assert!(busy > 0.7 && busy < 0.8, "{busy}");
        close(load_at(busy, 4.0, 20.0), 0.7, 1e-9);
        assert_eq!(healthy_utilisation(0.85, 4.0, 20.0), None);
    }

    #[test]
    fn lifetimes_match_the_published_values() {
        close(lifetime_s(7.0, 10.0, 20.0), 1385.0, 0.5);
        close(lifetime_s(8.0, 10.0, 20.0), 204.0, 0.5);
        // At λ = μ both neighbours of the removable singularity agree.
        close(lifetime_s(10.0, 10.0, 20.0), lifetime_s(10.0 + 1e-4, 10.0, 20.0), 0.1);
    }

    #[test]
    fn the_cure_is_the_drain_of_the_amplified_load() {
        close(cure_s(200.0, 10.0, 2.1, 4.0), 125.0, 1e-9);
        close(cure_s(200.0, 10.0, 1.4, 4.0), 45.0, 0.5);
        assert_eq!(cure_s(200.0, 10.0, 2.8, 4.0), f64::INFINITY);
    }

    #[test]
    fn independent_failures_multiply_attempts_as_published() {
        close(attempts_per_call(0.5, 3), 1.75, 1e-12);
        close(attempts_per_call(0.9, 3), 2.71, 1e-12);
        close(attempts_per_call(1.0, 4), 4.0, 1e-12);
        close(success(0.1, 3), 0.999, 1e-12);
        close(attempts_through_tiers(4, 3), 64.0, 1e-9);
        close(attempts_with_budget(4.0, 0.1), 1.1, 1e-12);
        close(attempts_with_budget(3.0, 5.0), 3.0, 1e-12);
    }
}
