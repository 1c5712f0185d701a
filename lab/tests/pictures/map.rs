//! Phase maps must not lie, and must be readable, wherever the boundary lies.

use super::drawing::{labels_are_apart, lines, paths_are_inside, words};
use lab::{
    plot::{
        Figure,
        ink::{Colour, Theme},
        phase_maps,
    },
    scenario::load_grid,
    sweep::{Merged, Plan, PointResult, Store, merge},
    verdict::shares,
};
use std::{fs, path::Path};

/// The plan of a sweep, and its points with nothing found.
fn empty(file: &Path) -> (Plan, Merged) {
    let plan = Plan::new(load_grid(file).unwrap_or_else(|errors| panic!("{errors}")));
    let merged = merge(&plan, &Store::default()).expect("nothing to read");
    (plan, merged)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder above")
}

fn shipped(name: &str) -> (Plan, Merged) {
    empty(&root().join("configs/sweeps").join(name))
}

/// Twenty runs at every point, of which so many are metastable, and the others end with `word`.
fn fill(merged: &mut Merged, word: &str, metastable: impl Fn(&PointResult) -> usize) {
    for point in &mut merged.points {
        let hits = metastable(point);
        point.shares = shares((0..20).map(|run| if run < hits { "metastable" } else { word }));
        point.inconclusive = if ["overloaded", "undecided"].contains(&word) { 20 - hits } else { 0 };
    }
    merged.cells = 20 * merged.points.len();
    merged.missing = 0;
}

/// How much more work the trigger leaves than is served within a timeout, by the fluid.
fn excess(point: &PointResult) -> f64 {
    let theory = point.theory.expect("a service that the formulas fit");
    if theory.vulnerable { theory.backlog_jobs / theory.jobs_per_timeout } else { 0.0 }
}

/// From none to all of twenty runs, as the excess grows from `low` to twice that.
fn slope(low: f64) -> impl Fn(&PointResult) -> usize {
    move |point| ((excess(point) / low - 1.0) * 20.0).clamp(0.0, 20.0) as usize
}

fn is_sound(figure: &Figure) {
    labels_are_apart(figure);
    paths_are_inside(figure);
    assert!(!figure.png(Theme::Light).is_empty() && !figure.png(Theme::Dark).is_empty());
    assert!(figure.svg().contains(&figure.caption));
}

#[test]
fn a_map_is_readable_wherever_its_boundary_lies() {
    let (plan, mut merged) = shipped("load-by-spike.yaml");
    let draw = |merged: &Merged| phase_maps(&plan.grid, merged).remove(0);
    for low in [0.05, 0.3, 1.0, 3.0, 12.0] {
        fill(&mut merged, "recovered", slope(low));
        is_sound(&draw(&merged));
    }
    for (word, hits) in [("recovered", 0), ("recovered", 20), ("undecided", 0), ("overloaded", 3)] {
        fill(&mut merged, word, |_| hits);
        let figure = draw(&merged);
        is_sound(&figure);
        let said = words(&figure);
        assert_eq!(said.contains(&"METASTABLE".into()), hits == 20, "{said:?}");
        assert_eq!(said.contains(&"undecided".into()), word != "recovered", "{said:?}");
    }
    // A draft in which most points have not been run.
    let (_, nothing) = shipped("load-by-spike.yaml");
    is_sound(&draw(&nothing));
}

#[test]
fn a_map_says_what_theory_says_and_where() {
    let (plan, mut merged) = shipped("load-by-spike.yaml");
    fill(&mut merged, "recovered", slope(0.8));
    let figure = phase_maps(&plan.grid, &merged).remove(0);
    let said = words(&figure).join("\n");
    for word in [
        "hidden capacity",
        "μ/R = 200/s",
        "ceiling",
        "fluid model",
        "queue after the spike = μT",
        "METASTABLE",
        "recovers",
    ] {
        assert!(said.contains(word), "{word} is missing in\n{said}");
    }
    assert!(figure.caption.contains("tips the service"), "{}", figure.caption);
    // Theory's line lies at its load: a third of the panel is a third of its axis.
    let label = figure.ink.labels().find(|label| label.text == "μ/R = 200/s").expect("there");
    let tick = |text: &str| figure.ink.labels().find(|l| l.text == text).expect("a mark").at.0;
    assert!((label.at.0 - tick("200")).abs() < 1.0, "{} {}", label.at.0, tick("200"));
}

/// The boundary is drawn where the points say it is: between the last row with fewer and the first with more than half.
#[test]
fn the_boundary_lies_between_the_points_that_it_parts() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("grid.yaml");
    let base = root().join("configs/retry-storm.yaml");
    let text = format!(
        "base: {}\naxes:\n  workload.rate: {{ from: 100/s, to: 500/s, steps: 5 }}\n  \
         triggers.spike.for: {{ from: 1 s, to: 5 s, steps: 5 }}\nmap: {{ x: workload.rate, y: triggers.spike.for }}\n",
        base.display()
    );
    fs::write(&file, text).expect("writable");
    let (plan, mut merged) = empty(&file);
    let long = |point: &PointResult| ["4 s", "5 s"].contains(&point.at["triggers.spike.for"].as_str());
    fill(&mut merged, "recovered", |point| if long(point) { 20 } else { 0 });
    let figure = phase_maps(&plan.grid, &merged).remove(0);
    is_sound(&figure);
    let mark = |text: &str| figure.ink.labels().find(|l| l.text == text).expect("a mark").bounds();
    let middle = |text: &str| f32::midpoint(mark(text).y0, mark(text).y1);
    let between = f32::midpoint(middle("3"), middle("4"));
    let white = Colour { name: "", light: (0xff, 0xff, 0xfe), dark: (0xff, 0xff, 0xfe) };
    let half = lines(&figure, white, 2.25);
    let flat = |line: &Vec<(f32, f32)>| line.len() > 5 && line.iter().all(|at| (at.1 - between).abs() < 2.0);
    assert!(half.iter().any(flat), "no line at {between}: {half:?}");
}

#[test]
fn every_setting_gets_a_line_with_its_name() {
    let (plan, mut merged) = shipped("timeout-boundary.yaml");
    for low in [0.1, 0.8, 4.0] {
        fill(&mut merged, "recovered", slope(low));
        let figure = phase_maps(&plan.grid, &merged).remove(0);
        is_sound(&figure);
        let said = words(&figure).join("\n");
        for word in ["per try timeout 500 ms", "per try timeout 1 s", "per try timeout 2 s"] {
            assert!(said.contains(word), "{word} is missing in\n{said}");
        }
        assert!(
            figure.caption.contains("The longer the per try timeout, the longer the spike"),
            "{}",
            figure.caption
        );
    }
    // Lines that fall on one another move nothing.
    fill(&mut merged, "recovered", |point| if point.at["triggers.spike.for"] == "10 s" { 20 } else { 0 });
    let figure = phase_maps(&plan.grid, &merged).remove(0);
    is_sound(&figure);
    assert!(figure.caption.contains("hardly moves the boundary"), "{}", figure.caption);
}
