//! The figures that a config asks for.
use super::{Checker, join};
use crate::config::figure::{Figure, NO_LOOP, has_a_loop};

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
        let sound = self.sound(&["workload", "clients", "duration"]);
        if sound && figure.variant.is_empty() && !has_a_loop(self.experiment) {
            let stage = |rate: u32| format!("{{ for: 30 s, rate: {rate}/s }}");
            let help =
                Some(format!("for example `stages: [{}, {}, {}]`", stage(200), stage(400), stage(200)));
            self.error_with(&join(path, "loop"), NO_LOOP, help);
        }
    }
}
