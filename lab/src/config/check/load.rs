//! Workloads, and whether services can carry them before anything goes wrong.
use super::{Checker, join};
use crate::config::{
    recorded,
    service::LawKind,
    units::Rate,
    workload::{Arrivals, Popularity, Workload},
};
use lab_core::time::Span;

impl Checker<'_> {
    pub(super) fn load(&mut self) {
        let e = self.experiment;
        if let Some(workload) = &e.workload {
            self.workload("workload", workload);
            if !e.clients.is_empty() && e.clients.values().all(|c| c.workload.is_some()) {
                self.warn("workload", "every client has a workload of its own, so this one plays no part");
            }
        }
        for (name, client) in &e.clients {
            let path = join("clients", name);
            match &client.workload {
                Some(workload) => {
                    self.workload(&join(&path, "workload"), workload);
                    if client.share.is_some() {
                        let message = "a client with a workload of its own has all of it";
                        self.error(&join(&path, "share"), message);
                    }
                }
                None if e.workload.is_none() => {
                    let help = Some(
                        "name one for the whole experiment (`workload: steady-560`), or one here".into(),
                    );
                    self.error_with(&path, "there is no workload for this client", help);
                }
                None => {}
            }
        }
        self.shares();
        self.capacity();
    }

    fn shares(&mut self) {
        let sharing: Vec<_> = self.experiment.clients.iter().filter(|(_, c)| c.workload.is_none()).collect();
        let sum: f64 = sharing.iter().filter_map(|(_, c)| c.share).map(|s| s.0).sum();
        if sharing.is_empty() || (sum - 1.0).abs() < 1e-9 {
            return;
        }
        let paths: Vec<String> = sharing.iter().map(|(name, _)| format!("clients.{name}.share")).collect();
        if self.sound(&paths.iter().map(String::as_str).collect::<Vec<_>>()) {
            let parts: Vec<String> =
                sharing.iter().filter_map(|(_, c)| c.share).map(|s| s.to_string()).collect();
            let message =
                format!("the shares of the workload, {}, do not add up to 100 %", parts.join(" + "));
            self.error(&paths[0], message);
        }
    }

    fn workload(&mut self, path: &str, workload: &Workload) {
        let recorded = matches!(workload.arrivals, Arrivals::Recorded { .. });
        let stages = &workload.stages.0;
        if workload.rate.is_none() && stages.is_empty() && !recorded {
            let help = Some("add `rate: 560/s`, or `stages`".into());
            self.error_with(path, "the workload has no rate", help);
        }
        let nothing = workload.rate.is_none_or(|r| r.0 == 0.0) && stages.iter().all(|s| s.rate.0 == 0.0);
        if workload.rate.is_some() && nothing && !recorded {
            self.warn(&join(path, "rate"), "no call ever arrives");
        }
        for (index, stage) in stages.iter().enumerate() {
            if stage.lasts.0 == Span::ZERO {
                self.error(&join(path, &format!("stages.{index}.for")), "a stage needs a length");
            }
        }
        self.spread(&join(path, "arrivals"), &workload.arrivals);
        let mix: f64 = workload.mix.values().map(|s| s.0).sum();
        if !workload.mix.is_empty() && (mix - 1.0).abs() > 1e-9 {
            let found = crate::config::units::Share(mix);
            self.error(&join(path, "mix"), format!("the shares add up to {found}, not to 100 %"));
        }
        for kind in workload.mix.keys().filter(|kind| !matches!(kind.as_str(), "read" | "write")) {
            let message = format!("expected `read` or `write`, found `{kind}`");
            self.error(&join(&join(path, "mix"), kind), message);
        }
        if let Some(keys) = &workload.keys {
            if keys.count == 0 {
                self.error(&join(path, "keys.count"), "expected at least 1 key, found 0");
            }
            if let Popularity::Zipf(exponent) = keys.popularity
                && !(0.0..=10.0).contains(&exponent)
            {
                let message = format!("expected a number from 0 to 10, found `{exponent}`");
                self.error(&join(path, "keys.popularity.zipf"), message);
            }
        }
    }

    fn spread(&mut self, path: &str, arrivals: &Arrivals) {
        match arrivals {
            Arrivals::Constant | Arrivals::Poisson => {}
            Arrivals::Bursty { factor, share, mean_burst } => {
                let path = join(path, "bursty");
                if !(1.0..=1e6).contains(factor) {
                    self.error(&join(&path, "factor"), format!("expected a number from 1, found `{factor}`"));
                }
                if share.0 <= 0.0 || share.0 >= 1.0 {
                    let message = format!("expected more than 0 % and less than 100 %, found {share}");
                    self.error(&join(&path, "share"), message);
                }
                if mean_burst.0 < Span(1000) {
                    let message = format!("expected at least 1 us, found {mean_burst}");
                    self.error(&join(&path, "mean_burst"), message);
                }
            }
            Arrivals::Recorded { file } => {
                if let Err(message) = recorded::instants(file) {
                    self.error(&join(path, "recorded.file"), message);
                }
            }
        }
    }

    /// Load above capacity before anything goes wrong leaves nothing to tip over.
    fn capacity(&mut self) {
        let e = self.experiment;
        for (name, service) in &e.services {
            let mean = match &service.service_time.0 {
                LawKind::Constant(mean) | LawKind::Exponential { mean } => mean.0.as_secs_f64(),
                LawKind::Lognormal { median, sigma } => median.0.as_secs_f64() * (sigma * sigma / 2.0).exp(),
                LawKind::Pareto { minimum, shape } => minimum.0.as_secs_f64() * shape / (shape - 1.0),
                LawKind::Recorded { file } => match recorded::lengths(file) {
                    Ok(spans) => spans.iter().map(|s| s.as_secs_f64()).sum::<f64>() / spans.len() as f64,
                    Err(_) => continue,
                },
            };
            let capacity = f64::from(service.replicas) * f64::from(service.workers) / mean;
            let callers = e.clients.iter().filter(|(_, c)| c.calls == *name);
            let mut load = 0.0;
            let mut sound = self.sound(&[&join("services", name), "workload", "clients", "triggers"]);
            for (client, c) in callers {
                sound &=
                    self.sound(&[&format!("clients.{client}.workload"), &format!("clients.{client}.share")]);
                let share = if c.workload.is_some() { 1.0 } else { c.share.map_or(0.0, |s| s.0) };
                load += share
                    * c.workload.as_ref().or(e.workload.as_ref()).map_or(0.0, |w| self.highest_before(w));
            }
            let sound = sound && self.findings.iter().all(|f| f.warning);
            if sound && capacity.is_finite() && load > capacity {
                let message = format!(
                    "the load of {} is above the capacity of {} × {} / {:.3} ms = {} before anything goes wrong",
                    Rate((load * 10.0).round() / 10.0),
                    service.replicas,
                    service.workers,
                    mean * 1e3,
                    Rate((capacity * 10.0).round() / 10.0),
                );
                self.warn(&join("services", name), message);
            }
        }
    }

    /// The highest rate of `workload` before the first trigger.
    fn highest_before(&self, workload: &Workload) -> f64 {
        let e = self.experiment;
        let first = e.triggers.values().map(|t| t.at.0).min().unwrap_or(e.duration.0);
        let mut highest: f64 = 0.0;
        let mut rate = workload.rate.map_or(0.0, |r| r.0);
        let mut begins = Span::ZERO;
        if workload.stages.0.is_empty() {
            return rate;
        }
        for stage in &workload.stages.0 {
            if begins >= first {
                break;
            }
            // A ramp that the trigger interrupts has not reached its end.
            let whole = begins + stage.lasts.0 <= first;
            highest = highest.max(if stage.ramp && !whole { rate } else { stage.rate.0 });
            rate = stage.rate.0;
            begins += stage.lasts.0;
        }
        highest
    }
}
