//! What one cell gives: a run, judged, and what is kept of it.
use crate::{
    engine::sim::sim,
    scenario::Scenario,
    trace::{Trace, latency_histogram},
    verdict::{Summary, judge},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer as _, V2DeflateSerializer},
};
use serde::{Deserialize, Serialize};

/// What is kept of a cell. The rates are those of the last 20 s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The verdict's word.
    pub verdict: String,
    /// Seconds from the end of the last trigger to health; only for `recovered`.
    pub recovery_s: Option<f64>,
    /// Calls per second meant to start.
    pub offered_per_s: Option<f64>,
    /// Good calls per second.
    pub goodput_per_s: Option<f64>,
    /// Attempts per call.
    pub amplification: Option<f64>,
    /// Latencies of the calls meant to start after the last trigger and before any lever, in microseconds: a histogram in
    /// HdrHistogram's compressed format V2, in base 64.
    pub latency: String,
    /// Of a live run: what made the host unfit for it; nothing if it was fit. `None` for a simulated one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfit: Option<Vec<String>>,
}

/// Simulates `scenario` with `seed` and judges it. Whether the same seed falls without its triggers, too, is not asked: a map's
/// colour needs no second run of every cell.
pub fn simulate(scenario: &Scenario, seed: u64) -> Found {
    Found::of(scenario, &sim(scenario, seed), None)
}

/// All client groups' latencies after the triggers, in one histogram.
fn after_triggers(trace: &Trace) -> Histogram<u64> {
    let mut all = latency_histogram(3);
    for client in &trace.clients {
        all.add(&client.latency.after).expect("histograms of the same bounds can be added");
    }
    all
}

fn encode(histogram: &Histogram<u64>) -> String {
    let mut bytes = vec![];
    V2DeflateSerializer::new().serialize(histogram, &mut bytes).expect("writing to memory does not fail");
    STANDARD.encode(bytes)
}

impl Found {
    /// What is kept of a run, which was live if something is said of the host.
    pub(super) fn of(scenario: &Scenario, trace: &Trace, unfit: Option<Vec<String>>) -> Found {
        let summary = Summary::new(scenario, &judge(scenario, trace, None));
        Found {
            verdict: summary.verdict,
            recovery_s: summary.recovery_s,
            offered_per_s: summary.after.offered_per_s,
            goodput_per_s: summary.after.goodput_per_s,
            amplification: summary.after.amplification,
            latency: encode(&after_triggers(trace)),
            unfit,
        }
    }

    /// Whether it counts: a live run on a host that was unfit does not.
    pub fn is_fit(&self) -> bool {
        self.unfit.as_ref().is_none_or(Vec::is_empty)
    }

    /// Adds the latencies to `pool`; the reason, if they cannot be read.
    pub(super) fn pool_latency(&self, pool: &mut Histogram<u64>) -> Result<(), String> {
        let bytes = STANDARD.decode(&self.latency).map_err(|e| e.to_string())?;
        let histogram: Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.as_slice()).map_err(|e| e.to_string())?;
        pool.add(histogram).map_err(|e| e.to_string())
    }

    /// Whether the verdict says that the service fell and stays down.
    pub fn is_metastable(&self) -> bool {
        self.verdict == "metastable"
    }

    /// Whether the run was too short, or began too badly, to say anything.
    pub fn is_inconclusive(&self) -> bool {
        ["draining", "overloaded", "undecided"].contains(&self.verdict.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of 16 histograms, written and read, is the histogram of all values, in every percentile and count.
    #[test]
    fn pooled_histograms_are_the_histogram_of_all() {
        let value = |n: u64| 200 + (n * n * 2_654_435_761) % (1 + 700_000 * (n % 16));
        let mut single = latency_histogram(3);
        let mut pool = latency_histogram(3);
        for part in 0..16 {
            let mut histogram = latency_histogram(3);
            for n in (0..20_000).filter(|n| n % 16 == part) {
                single.record(value(n)).expect("in range");
                histogram.record(value(n)).expect("in range");
            }
            let found = Found {
                verdict: "recovered".into(),
                recovery_s: None,
                offered_per_s: None,
                goodput_per_s: None,
                amplification: None,
                latency: encode(&histogram),
                unfit: None,
            };
            let found: Found =
                serde_json::from_str(&serde_json::to_string(&found).expect("plain data")).expect("the same");
            found.pool_latency(&mut pool).expect("readable");
        }
        assert_eq!(pool, single);
        for quantile in [0.5, 0.9, 0.99, 0.999, 1.0] {
            assert_eq!(pool.value_at_quantile(quantile), single.value_at_quantile(quantile));
        }
    }
}
