//! What all verbs write in the same way: figures, and who ran what, where and for how long.
use crate::{
    plot::{Figure, ink::Theme},
    results::{FORMAT, Folder, Manifest, ResultsError},
};
use rayon::prelude::*;
use std::time::Instant;

/// Writes figures as SVG and as PNG, light and dark.
pub(super) fn write_figures(folder: &Folder, figures: &[&Figure]) -> Result<(), ResultsError> {
    // Drawing a PNG takes longest, so each is a job of its own.
    let themes = figures.par_iter().flat_map(|figure| [(figure, Theme::Light), (figure, Theme::Dark)]);
    themes
        .map(|(figure, theme)| {
            let name = format!("figures/{}", figure.name);
            match theme {
                Theme::Light => {
                    folder.write(&format!("{name}.svg"), figure.svg())?;
                    folder.write(&format!("{name}.png"), figure.png(theme))
                }
                Theme::Dark => folder.write(&format!("{name}.dark.png"), figure.png(theme)),
            }
        })
        .collect()
}

/// The manifest of a folder without runs.
pub(super) fn manifest(
    study: &'static str,
    (config, title): (&str, &str),
    began: String,
    took_s: f64,
) -> Manifest {
    Manifest {
        format: FORMAT,
        lab: env!("CARGO_PKG_VERSION"),
        study,
        config: config.into(),
        title: title.into(),
        began,
        took_s,
        command: std::env::args().collect(),
        host: host(),
        interrupted: false,
        runs: vec![],
        agreement: vec![],
        expectations: vec![],
    }
}

/// The manifest as text.
pub(super) fn text(manifest: &Manifest) -> String {
    serde_json::to_string_pretty(manifest).expect("a manifest is plain data")
}

/// The host's name and its CPUs.
pub(super) fn host() -> (String, usize) {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    (name.trim().into(), std::thread::available_parallelism().map_or(1, |n| n.get()))
}

#[expect(clippy::disallowed_methods, reason = "how long it took is told and kept in the manifest alone")]
pub(super) fn stopwatch() -> Instant {
    Instant::now()
}
