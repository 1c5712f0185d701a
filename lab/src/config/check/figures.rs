//! The figures that a config asks for.
use super::{Checker, join};
use crate::config::{figure::Figure, workload::Stages};
use lab_core::time::Span;

impl Checker<'_> {
    pub(super) fn figures(&mut self) {
        for (index, figure) in self.experiment.figures.iter().enumerate() {
            let path = format!("figures.{index}");
            match (figure.metric, figure.looped) {
                (Some(_), None) => self.over_variants(&path, figure),
                (None, Some(_)) => self.a_loop(&path, figure),
                (Some(_), Some(_)) => {
                    self.error(&path, "`metric` and `loop` are two figures: give each a line of its own")
                }
                // A quantity that could not be read is one all the same.
                (None, None) if !self.sound(&[&join(&path, "metric"), &join(&path, "loop")]) => {}
                (None, None) => {
                    self.error(&path, "there is nothing to draw: add `metric` with `x`, or `loop`")
                }
            }
        }
    }

    /// Where its points lie is found when all variants are known.
    fn over_variants(&mut self, path: &str, figure: &Figure) {
        if !figure.variant.is_empty() {
            self.error(
                &join(path, "variant"),
                "`variant` belongs to a `loop`; a metric is drawn over all variants",
            );
        }
        if figure.x.is_empty() {
            let help = Some("add, for example, `x: services.store.replicas`".into());
            self.error_with(path, "a metric over variants needs an `x`", help);
        } else if figure.x == figure.series {
            self.error(&join(path, "series"), "`x` and `series` are the same");
        }
        self.within_the_run(&join(path, "over"), figure.over);
    }

    fn a_loop(&mut self, path: &str, figure: &Figure) {
        for (key, written) in [
            ("x", !figure.x.is_empty()),
            ("series", !figure.series.is_empty()),
            ("over", figure.over.is_some()),
        ] {
            if written {
                let message = format!("`{key}` belongs to a `metric`; a loop is drawn over the offered load");
                self.error(&join(path, key), message);
            }
        }
        if !figure.variant.is_empty() {
            let names: Vec<&str> = self.experiment.variants.keys().map(String::as_str).collect();
            self.must_be_one_of(&join(path, "variant"), "variant", &figure.variant, &names);
        }
        let e = self.experiment;
        let own = e.clients.values().filter_map(|client| client.workload.as_ref());
        let mut all = e.workload.iter().chain(own);
        let sound = self.sound(&["workload", "clients", "duration"]);
        if sound && !all.any(|workload| rises_and_falls(&workload.stages, e.duration.0)) {
            let help = Some("`stages: [{ for: 30 s, rate: 200/s }, { for: 30 s, rate: 400/s }, { for: 30 s, rate: 200/s }]`".into());
            let message = "a loop needs a workload with stages of constant rates that rise and fall again within the run";
            self.error_with(&join(path, "loop"), message, help);
        }
    }
}

/// Whether a rate lies between two smaller ones, all of them constant and within a run of `duration`.
fn rises_and_falls(stages: &Stages, duration: Span) -> bool {
    let mut begins = Span::ZERO;
    let mut rates = vec![];
    for stage in &stages.0 {
        if begins < duration && !stage.ramp {
            rates.push(stage.rate.0);
        }
        begins += stage.lasts.0;
    }
    let lower = |rates: &[f64], top: f64| rates.iter().any(|rate| *rate < top);
    (0..rates.len()).any(|i| lower(&rates[..i], rates[i]) && lower(&rates[i + 1..], rates[i]))
}
