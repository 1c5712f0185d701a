//! Critical slowing down: do variance and autocorrelation rise while the load nears the ceiling, and would it have been of use?
//!
//! Near a threshold a system returns to its state more and more slowly, so its fluctuations grow and resemble their predecessors
//! (Scheffer et al., *Early-warning signals for critical transitions*, Nature 461, 2009). Both are taken in a rolling window of
//! half of the series after its trend is taken out, and their rise is measured by Kendall's τ (Dakos et al., *Methods for detecting
//! early warnings of critical transitions in time series*, PLoS ONE 7, 2012). Whether a rise means anything is judged against
//! runs of the same length in which nothing changes (Boettiger and Hastings, *Quantifying limits to detection of early warning
//! for critical transitions*, J. R. Soc. Interface 9, 2012).
use super::auc::{Auc, auc, kendall};
use crate::{
    engine::sim::sim,
    scenario::Scenario,
    study::{Watch, bootstrap, hysteresis::under, seeds},
    theory::hand,
    trace::Trace,
};
use lab_core::{
    arrival::Stage,
    time::{Span, Time},
};
use serde::Serialize;

/// Samples of a ramp.
const SAMPLES: u64 = 600;
/// Between two values of an indicator; their windows overlap all the same.
const STRIDE: usize = 10;
/// The ramp begins at this share of its end.
const BEGINS: f64 = 0.4;
/// Relaxation times near the ceiling that a ramp lasts at least.
const RELAXATIONS: f64 = 100.0;
/// A share of good calls below this over so many samples ends the series where they begin: then it has fallen.
const FALLEN_BELOW: f64 = 0.5;
const FALLEN_FOR: usize = 20;
/// A rise is of use where it is seen in at least this share of the runs, at a false alarm in twenty.
const USEFUL: f64 = 0.8;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Warning {
    /// The load at the beginning and at the end of the ramp, in calls per second.
    pub load: (f64, f64),
    /// Theory's ceiling, where it knows one.
    pub ceiling_per_s: Option<f64>,
    /// How long the ramp takes, in seconds.
    pub ramp_s: f64,
    /// One sample is the mean over this long, in seconds.
    pub sample_s: f64,
    /// How many runs fell before the ramp's end.
    pub fell: usize,
    /// How many runs.
    pub runs: usize,
    /// Variance and lag-1 autocorrelation.
    pub indicators: Vec<Indicator>,
}

/// One indicator over all runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Indicator {
    /// What it is.
    pub name: &'static str,
    /// For each run its values: the load at the end of the rolling window, and the indicator.
    pub series: Vec<Vec<(f64, f64)>>,
    /// The same in the runs under a constant load, by the time that the ramp would need to that load.
    pub calm: Vec<Vec<(f64, f64)>>,
    /// The median of Kendall's τ over the ramps.
    pub tau: f64,
    /// Its 95 % interval, by drawing the seeds anew.
    pub tau_interval: Option<(f64, f64)>,
    /// The value of τ that one in twenty of the calm runs exceeds.
    pub alarm_above: f64,
    /// The share of ramps whose τ is above that.
    pub seen: f64,
    /// How well τ tells a ramp from a calm run.
    pub auc: Option<Auc>,
    /// Whether it rises: the interval of τ is above zero.
    pub rises: bool,
    /// Whether it would have been of use.
    pub useful: bool,
}

/// Ramps the load towards the ceiling, with `count` seeds. `None` where the load has no known end to go to.
pub fn warning(scenario: &Scenario, count: usize, watch: &Watch<'_>) -> Option<Warning> {
    let ramp = Ramp::new(scenario)?;
    let numbers = seeds::seeds(scenario, count);
    let (rising, calm) = (ramp.scenario(scenario, ramp.to), ramp.scenario(scenario, ramp.from));
    let jobs: Vec<(bool, u64)> =
        [true, false].iter().flat_map(|r| numbers.iter().map(|s| (*r, *s))).collect();
    let series = |&(rises, seed): &(bool, u64)| queue(&sim(if rises { &rising } else { &calm }, seed));
    let made: Vec<Option<Vec<f64>>> = seeds::all(&jobs, watch, series);
    let (ramps, calms) = made.split_at(count);
    let (ramps, calms): (Vec<&Vec<f64>>, Vec<&Vec<f64>>) =
        (ramps.iter().flatten().collect(), calms.iter().flatten().collect());
    let indicator = |name, of: fn(&[f64]) -> f64| ramp.indicator(name, of, &ramps, &calms);
    Some(Warning {
        load: (ramp.from, ramp.to),
        ceiling_per_s: ramp.ceiling,
        ramp_s: ramp.lasts.as_secs_f64(),
        sample_s: ramp.lasts.as_secs_f64() / SAMPLES as f64,
        fell: ramps.iter().filter(|s| s.len() < SAMPLES as usize).count(),
        runs: ramps.len(),
        indicators: vec![indicator("variance", variance), indicator("autocorrelation", autocorrelation)],
    })
}

/// A load that grows steadily.
struct Ramp {
    from: f64,
    to: f64,
    lasts: Span,
    ceiling: Option<f64>,
}

impl Ramp {
    fn new(scenario: &Scenario) -> Option<Ramp> {
        let capacity = scenario.capacity(scenario.clients[0].service);
        if !(capacity.is_finite() && capacity > 0.0) {
            return None;
        }
        let all = hand(&scenario.undisturbed()).services;
        let service = all.first().filter(|s| s.attempts_when_failing > 1.0);
        let ceiling = service.map(|s| s.ceiling_per_s.min(capacity));
        let to = ceiling.unwrap_or(capacity);
        let replicas = service.map_or(1.0, |s| s.jobs_per_timeout / s.jobs_per_timeout_and_replica);
        let replicas = if replicas.is_finite() { replicas } else { 1.0 };
        // At 95 % of the ceiling: at a ceiling that is the capacity itself it would last for ever.
        let relaxation = crate::theory::queues::mm1_relaxation_s(0.95 * to / replicas, capacity / replicas);
        let service_s = replicas / capacity;
        let lasts = (RELAXATIONS * relaxation).max(4.0 * SAMPLES as f64 * service_s);
        let sample = Span::from_millis((lasts * 1e3 / SAMPLES as f64).ceil() as u64);
        Some(Ramp { from: BEGINS * to, to, lasts: Span(sample.0 * SAMPLES), ceiling })
    }

    fn scenario(&self, scenario: &Scenario, end_rate: f64) -> Scenario {
        let until = Time::ZERO + self.lasts;
        let stages = [
            Stage { from: Time::ZERO, until, rate: self.from, end_rate },
            Stage { from: until, until: Time::NEVER, rate: end_rate, end_rate },
        ];
        let mut ramped = under(scenario, &stages);
        ramped.duration = self.lasts;
        ramped.warmup = Span::ZERO;
        ramped.window = Span(self.lasts.0 / SAMPLES);
        ramped
    }

    /// The load at sample `index` of the ramp.
    fn load(&self, index: usize) -> f64 {
        self.from + (self.to - self.from) * (index as f64 + 1.0) / SAMPLES as f64
    }

    fn indicator(
        &self,
        name: &'static str,
        of: fn(&[f64]) -> f64,
        ramps: &[&Vec<f64>],
        calms: &[&Vec<f64>],
    ) -> Indicator {
        let series: Vec<Vec<(f64, f64)>> = ramps.iter().map(|s| self.rolling(s, s.len() / 2, of)).collect();
        // A calm run is cut where the ramp of its seed fell: the same length, the same window.
        let lengths = ramps.iter().map(|s| s.len());
        let calm: Vec<Vec<(f64, f64)>> = calms
            .iter()
            .zip(lengths)
            .map(|(s, n)| self.rolling(&s[..n.min(s.len())], n.min(s.len()) / 2, of))
            .collect();
        let tau = |all: &[Vec<(f64, f64)>]| -> Vec<f64> {
            all.iter()
                .map(|s| kendall(&s.iter().map(|p| p.1).collect::<Vec<_>>()))
                .filter(|t| t.is_finite())
                .collect()
        };
        let (taus, null) = (tau(&series), tau(&calm));
        let tau_interval = bootstrap::median_interval(&taus);
        let mut sorted = null.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let alarm_above = if sorted.is_empty() { f64::NAN } else { bootstrap::quantile(&sorted, 0.95) };
        let seen = taus.iter().filter(|t| **t > alarm_above).count() as f64 / taus.len().max(1) as f64;
        Indicator {
            name,
            tau: bootstrap::median(&taus),
            rises: tau_interval.is_some_and(|(low, _)| low > 0.0),
            tau_interval,
            alarm_above,
            seen,
            auc: auc(&taus, &null),
            useful: seen >= USEFUL,
            series,
            calm,
        }
    }

    /// The indicator of every window of `width` samples, with the load at its end.
    fn rolling(&self, series: &[f64], width: usize, of: fn(&[f64]) -> f64) -> Vec<(f64, f64)> {
        if width < 20 {
            return vec![];
        }
        let ends = (width..=series.len()).step_by(STRIDE);
        ends.map(|end| (self.load(end - 1), of(&flattened(&series[end - width..end])))).collect()
    }
}

/// The queue in every window until the service falls: attempts that wait, all replicas together.
fn queue(trace: &Trace) -> Vec<f64> {
    let calls: Vec<(u64, u64)> =
        (0..trace.len()).map(|w| trace.client_sum(w)).map(|w| (w.offered, w.good)).collect();
    // A few calls may all go wrong by chance: those of many windows do not.
    let fallen = |calls: &[(u64, u64)]| {
        let (offered, good) = calls.iter().fold((0, 0), |(offered, good), w| (offered + w.0, good + w.1));
        offered > 0 && (good as f64) < FALLEN_BELOW * offered as f64
    };
    let end = calls.windows(FALLEN_FOR).position(fallen).unwrap_or(trace.len());
    let at =
        |window: usize| trace.servers.iter().filter_map(|s| s.windows.get(window)).map(|w| w.queue).sum();
    (0..end).map(at).collect()
}

/// The series less the straight line through it.
fn flattened(series: &[f64]) -> Vec<f64> {
    let n = series.len() as f64;
    let (middle, mean) = ((n - 1.0) / 2.0, series.iter().sum::<f64>() / n);
    let (up, across) = series.iter().enumerate().fold((0.0, 0.0), |(up, across), (index, value)| {
        let x = index as f64 - middle;
        (up + x * (value - mean), across + x * x)
    });
    let slope = up / across;
    series.iter().enumerate().map(|(i, value)| value - mean - slope * (i as f64 - middle)).collect()
}

fn variance(flat: &[f64]) -> f64 {
    flat.iter().map(|v| v * v).sum::<f64>() / (flat.len() as f64 - 2.0)
}

fn autocorrelation(flat: &[f64]) -> f64 {
    let squares: f64 = flat.iter().map(|v| v * v).sum();
    if squares == 0.0 { f64::NAN } else { flat.windows(2).map(|p| p[0] * p[1]).sum::<f64>() / squares }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::draw::{Draw, Stream};

    fn noise(seed: u64, n: u64, keeps: f64) -> Vec<f64> {
        let unit = |i| Draw { seed }.unit(Stream::Demand, i, 0) - 0.5;
        let series = (0..n).scan(0.0, |last, i| {
            *last = keeps * *last + unit(i);
            Some(*last)
        });
        series.collect()
    }

    /// An autoregressive series has variance 1/12/(1 − a²) and lag-1 autocorrelation a, trend or no trend.
    #[test]
    fn indicators_are_those_of_the_series_without_its_trend() {
        for keeps in [0.0, 0.5, 0.8] {
            let tilted: Vec<f64> =
                noise(3, 4000, keeps).iter().enumerate().map(|(i, v)| v + 0.01 * i as f64).collect();
            let flat = flattened(&tilted);
            assert!((autocorrelation(&flat) - keeps).abs() < 0.05, "{keeps}: {}", autocorrelation(&flat));
            let expected = 1.0 / 12.0 / (1.0 - keeps * keeps);
            assert!((variance(&flat) / expected - 1.0).abs() < 0.15, "{keeps}: {}", variance(&flat));
        }
    }
}
