//! Every shipped experiment shows what it says it shows, and on more seeds than its own.
use lab::{
    engine::sim::sim,
    scenario::{Claim, Plan, Scenario, load},
    theory::hand,
    verdict::{Checked, RunView, expectations, judge_sim},
};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("configs");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|f| f.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    files
}

/// Simulates the experiment and its variants with `seed` and checks what is expected of them.
fn hold(plan: &Plan, seed: u64) -> Vec<Checked> {
    let variants = plan.variants.iter().map(|v| (v.name.as_str(), &v.scenario));
    let runs: Vec<(&str, &Scenario)> = [("baseline", &plan.baseline)].into_iter().chain(variants).collect();
    let done: Vec<_> = runs
        .par_iter()
        .map(|(_, scenario)| {
            let trace = sim(scenario, seed);
            let judgement = judge_sim(scenario, &trace);
            (trace, judgement)
        })
        .collect();
    let views: Vec<RunView<'_>> = runs
        .iter()
        .zip(&done)
        .map(|((variant, scenario), (trace, judgement))| RunView {
            variant,
            engine: "simulated",
            scenario,
            trace,
            judgement,
        })
        .collect();
    expectations(&plan.expect, &views)
}

/// The experiment's own seed and the next two; `LAB_SEEDS=20` tries more.
#[test]
fn every_experiment_shows_what_it_says() {
    let seeds: u64 = std::env::var("LAB_SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(3);
    let only = std::env::var("LAB_CONFIG").unwrap_or_default();
    let mut broken = vec![];
    for file in shipped().into_iter().filter(|f| f.to_string_lossy().contains(&only)) {
        let plan = load(&file, &[]).unwrap_or_else(|e| panic!("{e}"));
        assert!(!plan.expect.is_empty(), "{} expects nothing", plan.name);
        assert!(!plan.variants.is_empty(), "{} has no variants", plan.name);
        for seed in plan.baseline.seed..plan.baseline.seed + seeds {
            let checked = hold(&plan, seed);
            assert_eq!(checked.len(), plan.expect.len(), "every claim of {} is checked", plan.name);
            for claim in checked.iter().filter(|c| !c.held) {
                broken.push(format!("{} seed {seed}: {} but {}", plan.name, claim.text, claim.measured));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The calculations by hand never call safe what the experiment shows to be metastable: where they do not fit they are silent.
#[test]
fn nothing_metastable_is_called_safe_by_hand() {
    let (mut spoken, mut silent) = (0, 0);
    for file in shipped() {
        let plan = load(&file, &[]).unwrap_or_else(|e| panic!("{e}"));
        for expect in &plan.expect {
            let Claim::Verdict { word, .. } = &expect.claim else { continue };
            if word != "metastable" {
                continue;
            }
            let variant = plan.variants.iter().find(|v| v.name == expect.variant);
            let calculated = hand(variant.map_or(&plan.baseline, |v| &v.scenario));
            assert_ne!(calculated.vulnerable(), Some(false), "{}: {}", plan.name, expect.text);
            match calculated.vulnerable() {
                Some(_) => spoken += 1,
                None => silent += 1,
            }
        }
    }
    assert!(spoken >= 3 && silent >= 3, "{spoken} calculated, {silent} not");
}

/// What can be simulated should also be within what two cores carry live.
#[test]
fn live_experiments_stay_within_what_a_small_host_carries() {
    for name in ["retry-storm", "queue-discipline", "slow-replica"] {
        let file = shipped().into_iter().find(|f| f.file_stem().is_some_and(|s| s == name)).unwrap();
        let plan = load(&file, &[]).unwrap_or_else(|e| panic!("{e}"));
        for scenario in plan.variants.iter().map(|v| &v.scenario).chain([&plan.baseline]) {
            assert!(scenario.duration.as_secs_f64() <= 120.0);
            let attempts = f64::from(scenario.clients[0].policy.retry.max_attempts);
            let highest =
                scenario.disturbances.iter().map(|d| scenario.load(0).rate_at(d.from)).fold(0.0, f64::max);
            assert!(highest * attempts <= 5000.0, "{name}: {highest}/s × {attempts}");
        }
    }
}
