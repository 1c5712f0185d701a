//! Random draws that depend on what they are for, never on who asked first.
//!
//! A sequential generator couples everything: one more retry shifts every later arrival. Here a draw is a pure function
//! of (seed, stream, call, attempt), so both engines, and every variant under comparison, meet the same arrivals,
//! demands and jitter (common random numbers).

/// A run's source of randomness: the same seed, stream, call and attempt give the same draw in both engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The run's seed.
    pub seed: u64,
}

/// What a draw decides; one stream each.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Stream {
    /// Gap to the next arrival.
    Arrival = 1,
    /// Whether a candidate arrival is kept when the rate varies (thinning).
    Thinning = 2,
    /// How long the bursty arrival process stays in its state.
    Burst = 3,
    /// Work one call asks of a server.
    Demand = 4,
    /// Wait before a retry.
    Backoff = 5,
    /// Replica choice.
    Balance = 6,
    /// Which client instance makes a call.
    Instance = 7,
    /// Whether an error burst hits an attempt.
    Error = 8,
    /// Whether a shed call is let in.
    Shed = 9,
    /// Delay of a request on its way out.
    NetworkOut = 10,
    /// Delay of an answer on its way back.
    NetworkBack = 11,
    /// Which key a call is about.
    Key = 12,
    /// Whether a call reads or writes.
    Operation = 13,
    /// How old an entry is that a cache holds from the beginning.
    Age = 14,
    /// Delay of a message between replicas.
    NetworkPeer = 15,
    /// Which seed a bootstrap sample takes; no run draws from it.
    Resample = 32,
}

impl Draw {
    /// The draw of one of many runs that go on from this one; another `number`, another seed.
    #[must_use]
    pub fn child(self, number: u64) -> Draw {
        Draw { seed: mix(mix(self.seed ^ 0xA076_1D64_78BD_642F).wrapping_add(mix(number))) }
    }

    /// A number in (0, 1) for attempt `attempt` of call `call`. Never 0 and never 1.
    #[inline]
    pub fn unit(self, stream: Stream, call: u64, attempt: u32) -> f64 {
        let bits = self.bits(stream, call, attempt);
        ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// An index in `0..n` (`n` ≥ 1), uniform up to 2⁻³².
    #[inline]
    pub fn index(self, stream: Stream, call: u64, attempt: u32, n: usize) -> usize {
        let high = self.bits(stream, call, attempt) >> 32;
        ((high * n as u64) >> 32) as usize
    }

    #[inline]
    fn bits(self, stream: Stream, call: u64, attempt: u32) -> u64 {
        let key = self.seed.wrapping_mul(0x8CB9_2BA7_2F3D_8DD7)
            ^ (stream as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let word = mix(key ^ call.wrapping_mul(0xD1B5_4A32_D192_ED03));
        mix(word.wrapping_add(u64::from(attempt).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }
}

/// SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014).
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_uniform_and_streams_are_independent() {
        let draw = Draw { seed: 7 };
        let n = 200_000u64;
        let pairs: Vec<(f64, f64)> = (0..n)
            .map(|call| (draw.unit(Stream::Demand, call, 0), draw.unit(Stream::Arrival, call, 0)))
            .collect();
        let mean = |f: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>() / n as f64;
        let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
        // Standard error of a uniform mean: 0.2887 / sqrt(n) = 0.00065.
        assert!((x - 0.5).abs() < 0.003 && (y - 0.5).abs() < 0.003, "{x} {y}");
        let variance = mean(&|p| (p.0 - 0.5) * (p.0 - 0.5));
        assert!((variance - 1.0 / 12.0).abs() < 0.001, "{variance}");
        let covariance = mean(&|p| (p.0 - 0.5) * (p.1 - 0.5));
        assert!(covariance.abs() < 0.001, "{covariance}");
    }

    #[test]
    fn neighbours_in_attempt_and_seed_are_uncorrelated() {
        let n = 100_000u64;
        let covariance = |f: &dyn Fn(u64) -> (f64, f64)| {
            (0..n).map(f).map(|(x, y)| (x - 0.5) * (y - 0.5)).sum::<f64>() / n as f64
        };
        let (a, b) = (Draw { seed: 1 }, Draw { seed: 2 });
        let s = Stream::Backoff;
        assert!(covariance(&|c| (a.unit(s, c, 1), a.unit(s, c, 2))).abs() < 0.0015);
        assert!(covariance(&|c| (a.unit(s, c, 1), b.unit(s, c, 1))).abs() < 0.0015);
        assert!(covariance(&|c| (a.unit(s, c, 1), a.unit(s, c + 1, 1))).abs() < 0.0015);
    }

    #[test]
    fn children_draw_independently_of_each_other_and_of_their_parent() {
        let n = 100_000u64;
        let parent = Draw { seed: 1 };
        let unit = |draw: Draw| draw.unit(Stream::Demand, 3, 0) - 0.5;
        let covariance =
            |f: &dyn Fn(u64) -> (f64, f64)| (0..n).map(f).map(|(x, y)| x * y).sum::<f64>() / n as f64;
        let siblings = covariance(&|k| (unit(parent.child(k)), unit(parent.child(k + 1))));
        let cousins = covariance(&|k| (unit(parent.child(k).child(0)), unit(parent.child(k).child(1))));
        let parents = covariance(&|k| (unit(Draw { seed: k }), unit(Draw { seed: k }.child(k))));
        // Standard error 1/(12·√n) = 0.00026.
        for covariance in [siblings, cousins, parents] {
            assert!(covariance.abs() < 0.0012, "{covariance}");
        }
    }

    #[test]
    fn an_index_stays_below_n() {
        let draw = Draw { seed: 3 };
        let mut seen = [0u32; 7];
        for call in 0..70_000 {
            seen[draw.index(Stream::Balance, call, 1, 7)] += 1;
        }
        assert!(seen.iter().all(|&n| (9_600..10_400).contains(&n)), "{seen:?}");
    }
}
