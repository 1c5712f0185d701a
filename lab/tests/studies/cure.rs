//! `lab cure` against the published cures of a full queue: K = 200, μ = 10, R = 4.
use super::drawing::{labels_are_apart, paths_are_inside, words};
use lab::{
    engine::sim::sim,
    plot,
    scenario::load,
    study::{
        Watch,
        cure::{Lever, cure, natural_time},
    },
    verdict::judge,
};
use lab_core::time::{Span, Time};
use std::{fs, path::Path};

/// Letting in 2.1/s for 60 s fails and for 120 s works (formula: 125 s); 1.4/s for 30 s fails and for 60 s works (45 s); 2.8/s
/// never works. And what is proposed does in a config what it did here.
#[test]
fn the_published_sheds_come_out_and_a_proposal_can_be_pasted() {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
    let plan = load(&configs.join("hysteresis.yaml"), &[]).expect("a valid config");
    let at = natural_time(&plan.baseline);
    assert_eq!(at, Time::ZERO + Span::from_secs(180));
    let found =
        cure(&plan.baseline, at, Span::from_secs(300), 20, &Watch::ALONE).expect("a failed state stands");
    assert!((found.state.backlog_jobs - 200.0).abs() < 5.0, "{:?}", found.state);
    let shed = |admit: f64, lasts_s: f64| {
        let cell = found.shed.iter().find(|s| s.admit == admit && s.lasts_s == lasts_s);
        let cell = cell.unwrap_or_else(|| panic!("{admit} for {lasts_s} s is tried"));
        (cell.recovered, cell.runs)
    };
    assert_eq!(shed(0.3, 60.0).0, 0);
    assert_eq!(shed(0.3, 120.0), (3, 3));
    assert_eq!(shed(0.2, 30.0).0, 0);
    assert_eq!(shed(0.2, 60.0), (3, 3));
    assert_eq!(shed(0.4, 300.0).0, 0);
    assert!((found.state.formula_s(0.3).expect("known") - 125.0).abs() < 4.0);
    assert!(found.proposals.iter().any(|p| p.what.contains("shallowest")), "{:?}", found.proposals);
    assert!(found.proposals.windows(2).all(|pair| pair[0].lost <= pair[1].lost));
    for proposal in &found.proposals {
        assert!(
            proposal.recovered * 20 >= proposal.runs * 19 && proposal.runs == found.seeds.len(),
            "{proposal:?}"
        );
        assert!(proposal.lost >= 0.0, "{proposal:?}");
        if let [(Lever::ShedLoad(admit), lasts)] = proposal.action.pulls[..] {
            let turned_away = 7.0 * (1.0 - admit) * lasts.0.as_secs_f64();
            assert!(proposal.lost > 0.85 * turned_away, "{proposal:?}: {turned_away} are turned away alone");
        }
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("cured.yaml");
        let text = fs::read_to_string(configs.join("hysteresis.yaml")).expect("readable");
        let text = text.replace("variants:\n", &format!("{}\nvariants:\n", proposal.yaml));
        fs::write(&file, text).expect("writable");
        // As long after the release as the study looks.
        let set = [format!("duration={} s", 180 + proposal.action.lasts().as_secs_f64() as u64 + 120)];
        let cured = load(&file, &set).unwrap_or_else(|error| panic!("{}\n{error}", proposal.yaml)).baseline;
        let recovers = |seed: &&u64| judge(&cured, &sim(&cured, **seed), None).after_lever == "recovered";
        assert_eq!(found.seeds.iter().filter(recovers).count(), proposal.recovered, "{}", proposal.yaml);
    }
    let figure = plot::cure(&found, &plan.baseline).expect("sheds were tried");
    labels_are_apart(&figure);
    paths_are_inside(&figure);
    let said = words(&figure).join(" ");
    assert!(
        said.contains("never helps") && said.contains("by formula") && said.contains("shallowest"),
        "{said}"
    );
    let early = cure(&plan.baseline.undisturbed(), at, Span::from_secs(60), 4, &Watch::ALONE);
    assert!(early.expect_err("nothing has failed").to_string().contains("nothing to cure"));
}
