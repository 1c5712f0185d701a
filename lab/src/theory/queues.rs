//! Queues without retries: the formulas that a simulation must reproduce before anything else it says is believed.
//!
//! Rates are per second, times in seconds. Sources: Kleinrock, *Queueing Systems I*, 1975, chapters 3 and 5; Erlang's
//! formulas by the stable recursion of Jagerman, Bell System Technical Journal 53(3), 1974.

/// Mean time in an M/M/1 system, waiting and service: `1/(μ − λ)`; infinite from `λ = μ` on.
pub fn mm1_time_s(arrivals_per_s: f64, service_per_s: f64) -> f64 {
    if arrivals_per_s < service_per_s { 1.0 / (service_per_s - arrivals_per_s) } else { f64::INFINITY }
}

/// The time in a FIFO M/M/1 system that a share `share` in [0, 1) of the customers does not exceed: `−ln(1 − share)/(μ − λ)`.
pub fn mm1_quantile_s(arrivals_per_s: f64, service_per_s: f64, share: f64) -> f64 {
    -libm::log(1.0 - share) * mm1_time_s(arrivals_per_s, service_per_s)
}

/// The share of customers of a FIFO M/M/1 system that need longer than `time_s`: `e^{−(μ−λ)t}`.
pub fn mm1_tail(arrivals_per_s: f64, service_per_s: f64, time_s: f64) -> f64 {
    libm::exp(-(service_per_s - arrivals_per_s).max(0.0) * time_s)
}

/// How fast an M/M/1 queue forgets where it began: `1/(√μ − √λ)²`. Averages need runs that are much longer.
pub fn mm1_relaxation_s(arrivals_per_s: f64, service_per_s: f64) -> f64 {
    let gap = service_per_s.sqrt() - arrivals_per_s.sqrt();
    1.0 / (gap * gap)
}

/// Erlang B: the share of customers that `servers` servers without waiting places lose, at an offered load of `erlangs`
/// (`λ` × mean service time). `B₀ = 1`, `B_k = a·B_{k−1}/(k + a·B_{k−1})`.
pub fn erlang_b(servers: u32, erlangs: f64) -> f64 {
    (1..=servers).fold(1.0, |blocked, k| erlangs * blocked / (f64::from(k) + erlangs * blocked))
}

/// Erlang C: the share of customers of an M/M/c queue that must wait; 1 from `erlangs = servers` on.
pub fn erlang_c(servers: u32, erlangs: f64) -> f64 {
    let utilisation = erlangs / f64::from(servers);
    if utilisation >= 1.0 {
        return 1.0;
    }
    let blocked = erlang_b(servers, erlangs);
    blocked / (1.0 - utilisation * (1.0 - blocked))
}

/// Mean wait, service not included, in an M/M/c queue of `servers` servers that each complete `each_per_s`:
/// `C/(cμ − λ)`; infinite from `λ = cμ` on.
pub fn mmc_wait_s(servers: u32, arrivals_per_s: f64, each_per_s: f64) -> f64 {
    let spare = f64::from(servers) * each_per_s - arrivals_per_s;
    if spare > 0.0 { erlang_c(servers, arrivals_per_s / each_per_s) / spare } else { f64::INFINITY }
}

/// The stationary state of an M/M/1/K queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mm1k {
    /// Share of customers turned away, which is the share of time that the system is full.
    pub lost: f64,
    /// Mean number in the system.
    pub inside: f64,
    /// Completions per second.
    pub throughput_per_s: f64,
}

/// M/M/1 with room for `places` customers, the one in service included: `p_n = (1−ρ)ρⁿ/(1−ρ^{K+1})`. Any load is stable.
pub fn mm1k(arrivals_per_s: f64, service_per_s: f64, places: u32) -> Mm1k {
    let utilisation = arrivals_per_s / service_per_s;
    // Weights relative to the likelier end, so that neither a high nor a low load overflows.
    let weight = |n: u32| {
        let distance = if utilisation <= 1.0 { f64::from(n) } else { f64::from(n) - f64::from(places) };
        libm::pow(utilisation, distance)
    };
    let total: f64 = (0..=places).map(weight).sum();
    let lost = weight(places) / total;
    let inside = (0..=places).map(|n| f64::from(n) * weight(n)).sum::<f64>() / total;
    Mm1k { lost, inside, throughput_per_s: arrivals_per_s * (1.0 - lost) }
}

/// Mean wait, service not included, in an M/G/1 queue (Pollaczek–Khinchine): `ρ(1 + c²)/(2(1−ρ))·E[S]`, where `c²` is the squared
/// coefficient of variation of the service time. FIFO, LIFO and random order share this mean, not the tail.
pub fn mg1_wait_s(arrivals_per_s: f64, service_mean_s: f64, squared_variation: f64) -> f64 {
    let utilisation = arrivals_per_s * service_mean_s;
    if utilisation >= 1.0 {
        return f64::INFINITY;
    }
    utilisation * (1.0 + squared_variation) / (2.0 * (1.0 - utilisation)) * service_mean_s
}

/// `P(N ≤ most)` of a Poisson variable of mean `mean`: the probability that a server of rate μ completes no more than `most` jobs
/// within a time t, with `mean = μt`; also the probability that the sum of `most + 1` exponential services exceeds t.
pub fn poisson_at_most(mean: f64, most: u32) -> f64 {
    let term = |n: u32| {
        let n = f64::from(n);
        libm::exp(n * libm::log(mean) - mean - libm::lgamma(n + 1.0))
    };
    // Each tail is added up from its own side of the mean, where the terms fall.
    if f64::from(most) <= mean {
        let mut sum = 0.0;
        let mut next = term(most);
        for n in (0..=most).rev() {
            sum += next;
            next *= f64::from(n) / mean;
            if next < sum * 1e-17 {
                break;
            }
        }
        sum
    } else {
        let mut above = 0.0;
        let mut next = term(most + 1);
        for n in most + 2.. {
            above += next;
            next *= mean / f64::from(n);
            if next <= above * 1e-17 {
                break;
            }
        }
        1.0 - above
    }
}

/// Throughput of `servers` or threads that contend: Gunther's universal scalability law
/// `X(N) = γN/(1 + σ(N−1) + κN(N−1))` (*Guerrilla Capacity Planning*, 2007), with γ jobs per second of one, contention σ and coherency κ.
pub fn usl_throughput_per_s(servers: f64, alone_per_s: f64, contention: f64, coherency: f64) -> f64 {
    alone_per_s * servers / (1.0 + contention * (servers - 1.0) + coherency * servers * (servers - 1.0))
}

/// The number of servers at which [`usl_throughput_per_s`] is greatest, `√((1−σ)/κ)`; infinite without coherency.
pub fn usl_peak(contention: f64, coherency: f64) -> f64 {
    ((1.0 - contention) / coherency).sqrt()
}

/// An upper bound of the mean wait in a GI/G/1 queue: `λ(σ_a² + σ_s²)/(2(1−ρ))`, where σ² are the variances of the gaps between
/// arrivals and of the service times (Kingman, Journal of the Royal Statistical Society B 24(2), 1962). It says nothing from below.
pub fn kingman_bound_s(
    arrivals_per_s: f64,
    gap_squared_variation: f64,
    service_mean_s: f64,
    service_squared_variation: f64,
) -> f64 {
    let utilisation = arrivals_per_s * service_mean_s;
    if utilisation >= 1.0 {
        return f64::INFINITY;
    }
    let gaps = gap_squared_variation / (arrivals_per_s * arrivals_per_s);
    let services = service_squared_variation * service_mean_s * service_mean_s;
    arrivals_per_s * (gaps + services) / (2.0 * (1.0 - utilisation))
}

/// What a look-aside cache that answers the share `hits` in [0, 1) of all reads lets a store of `store_per_s` carry: `C/(1−h)`. The store
/// alone, which is what is left when the cache is empty, carries C: the hidden capacity.
pub fn behind_cache_per_s(store_per_s: f64, hits: f64) -> f64 {
    store_per_s / (1.0 - hits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found} against {expected}");
    }

    #[test]
    fn erlang_c_and_the_wait_match_the_published_table() {
        for (servers, arrivals, waits, wait_s) in
            [(2, 15.0, 0.642857, 0.128571), (4, 30.0, 0.509434, 0.050943), (10, 90.0, 0.668732, 0.066873)]
        {
            close(erlang_c(servers, arrivals / 10.0), waits, 5e-7);
            close(mmc_wait_s(servers, arrivals, 10.0), wait_s, 5e-7);
        }
    }

    #[test]
    fn one_server_is_the_special_case_of_many() {
        close(erlang_c(1, 0.7), 0.7, 1e-12);
        close(mmc_wait_s(1, 7.0, 10.0) + 0.1, mm1_time_s(7.0, 10.0), 1e-12);
        close(mg1_wait_s(7.0, 0.1, 1.0), mmc_wait_s(1, 7.0, 10.0), 1e-12);
        assert_eq!(mmc_wait_s(2, 20.0, 10.0), f64::INFINITY);
        assert_eq!(mg1_wait_s(11.0, 0.1, 1.0), f64::INFINITY);
    }

    #[test]
    fn mm1_has_its_textbook_values() {
        close(mm1_quantile_s(9.0, 10.0, 0.99), 100f64.ln(), 1e-12);
        close(mm1_tail(9.0, 10.0, mm1_quantile_s(9.0, 10.0, 0.99)), 0.01, 1e-12);
        // λ = 9.5, μ = 10 relaxes in 156 s.
        close(mm1_relaxation_s(9.5, 10.0), 156.0, 0.5);
    }

    #[test]
    fn a_bounded_queue_loses_what_the_formula_says() {
        let queue = mm1k(9.0, 10.0, 10);
        close(queue.lost, 0.050_813_7, 5e-8);
        close(queue.inside, 3.969_44, 5e-6);
        close(queue.throughput_per_s, 8.542_68, 5e-6);
        // States 0..99 at ρ = 0.95.
        close(mm1k(9.5, 10.0, 99).inside, 18.404, 5e-4);
        // At ρ = 1 every state is as likely as every other; far above, the queue is always full.
        close(mm1k(10.0, 10.0, 10).inside, 5.0, 1e-12);
        close(mm1k(1e4, 10.0, 1000).throughput_per_s, 10.0, 1e-9);
    }

    #[test]
    fn the_wait_grows_with_the_variation_of_the_service_time() {
        close(mg1_wait_s(8.0, 0.1, 0.0), 0.2, 1e-12);
        close(mg1_wait_s(8.0, 0.1, 1.0), 0.4, 1e-12);
        close(mg1_wait_s(8.0, 0.1, 3.0), 0.8, 1e-12);
    }

    #[test]
    fn poisson_tails_are_exact_on_both_sides_of_the_mean() {
        close(poisson_at_most(2.0, 0), libm::exp(-2.0), 1e-15);
        close(poisson_at_most(2.0, 2), 5.0 * libm::exp(-2.0), 1e-14);
        close(poisson_at_most(0.5, 30), 1.0, 1e-15);
        // P(Poisson(20) ≤ 9) and P(Poisson(100) ≤ 70), to the digits of the tables.
        close(poisson_at_most(20.0, 9), 0.004_995_4, 5e-8);
        close(poisson_at_most(100.0, 70), 0.000_971_0, 5e-7);
        // Far out a difference from 1 would have no figures left.
        let far = poisson_at_most(1000.0, 100);
        assert!(far > 0.0 && far < 1e-200, "{far}");
        let both: f64 = poisson_at_most(30.0, 30) - poisson_at_most(30.0, 29);
        close(both, libm::exp(30.0 * libm::log(30.0) - 30.0 - libm::lgamma(31.0)), 1e-13);
    }

    #[test]
    fn contention_gives_throughput_a_peak() {
        let peak = usl_peak(0.02, 0.0005);
        close(peak, 44.27, 5e-3);
        let at = |n| usl_throughput_per_s(n, 100.0, 0.02, 0.0005);
        close(at(1.0), 100.0, 1e-12);
        close(at(32.0), 100.0 * 32.0 / (1.0 + 0.02 * 31.0 + 0.0005 * 32.0 * 31.0), 1e-9);
        assert!(at(peak) > at(peak - 1.0) && at(peak) > at(peak + 1.0));
        assert_eq!(usl_peak(0.02, 0.0), f64::INFINITY);
    }

    /// The bound holds for M/M/1 and for D/M/1, whose mean wait is known: `s/(μ(1−s))` with `s = e^{−μ(1−s)/λ}`.
    #[test]
    fn waits_stay_below_kingmans_bound() {
        for arrivals in [2.0, 7.0, 9.5] {
            assert!(mg1_wait_s(arrivals, 0.1, 1.0) <= kingman_bound_s(arrivals, 1.0, 0.1, 1.0));
            let root = (0..10_000).fold(0.5, |s, _| libm::exp(-10.0 * (1.0 - s) / arrivals));
            let wait = root / (10.0 * (1.0 - root));
            let bound = kingman_bound_s(arrivals, 0.0, 0.1, 1.0);
            assert!(wait <= bound, "{wait} above {bound} at {arrivals}/s");
        }
        // In heavy traffic both come together.
        close(kingman_bound_s(9.99, 1.0, 0.1, 1.0) / mg1_wait_s(9.99, 0.1, 1.0), 1.0, 2e-3);
        assert_eq!(kingman_bound_s(10.0, 1.0, 0.1, 1.0), f64::INFINITY);
    }

    #[test]
    fn a_cache_multiplies_what_its_store_carries() {
        close(behind_cache_per_s(100.0, 0.9), 1000.0, 1e-9);
        close(behind_cache_per_s(100.0, 0.0), 100.0, 1e-12);
    }
}
