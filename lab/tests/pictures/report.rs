//! The report page: complete, self-contained, and safe to put anything into.
use lab::{
    engine::sim::sim,
    plot::{Figure, comparison, finding, percentiles, timeline},
    report::{
        AgreementRow, ExpectationRow, FitnessRow, HandRow, Number, Picture, ReportInput, VerdictRow, html,
    },
    scenario::{Scenario, sample::queueing},
    verdict::{RunView, judge_sim},
};
use lab_core::{
    call::{Outcome, OutcomeSet},
    retry::{Backoff, Retry},
    time::{Span, Time},
    timeline::{Disturbance, Effect, Role},
};

fn storm() -> Scenario {
    let mut scenario = queueing(560.0, 8, Span::from_millis(30), Span::from_secs(120));
    scenario.services[0].replicas = 3;
    let policy = &mut scenario.clients[0].policy;
    policy.per_try_timeout = Span::from_secs(1);
    let backoff = Backoff { initial: Span::from_millis(50), max: Span::from_millis(50), ..Backoff::none() };
    let retry_on = OutcomeSet::of(&[Outcome::Timeout, Outcome::Rejected]);
    policy.retry = Retry { max_attempts: 4, retry_on, backoff, ..Retry::none() };
    scenario.disturbances.push(Disturbance {
        name: "spike".into(),
        role: Role::Trigger,
        from: Time::from_secs_f64(40.0),
        until: Time::from_secs_f64(50.0),
        effect: Effect::LoadSpike { clients: vec![0], factor: 2.0 },
    });
    scenario
}

fn picture(figure: &Figure) -> Option<Picture> {
    Some(Picture { svg: figure.inline_svg(), caption: figure.caption.clone() })
}

fn number(value: &str, label: &str, beside: &str) -> Number {
    Number { value: value.into(), label: label.into(), beside: beside.into() }
}

/// A report of two simulated runs, with a row in every table.
fn report() -> ReportInput {
    let baseline = storm();
    let mut variant = storm();
    variant.clients[0].policy.retry.max_attempts = 1;
    let traces = [sim(&baseline, 1), sim(&variant, 1)];
    let judgements = [judge_sim(&baseline, &traces[0]), judge_sim(&variant, &traces[1])];
    let view = |variant, scenario, index: usize| RunView {
        variant,
        engine: "simulated",
        scenario,
        trace: &traces[index],
        judgement: &judgements[index],
    };
    let runs = [view("baseline", &baseline, 0), view("no_retries", &variant, 1)];
    let row = |run: &RunView, change: &str, recovery: &str| VerdictRow {
        variant: run.variant.into(),
        change: change.into(),
        engine: run.engine.into(),
        verdict: run.judgement.verdict.word().into(),
        recovery: recovery.into(),
        goodput: format!("{:.0}/s", run.judgement.after.goodput_per_s),
        amplification: format!("{:.2}", run.judgement.after.amplification),
        seeds: String::new(),
    };
    let hand = |label: &str, formula: &str, value: &str, measured: &str| HandRow {
        label: label.into(),
        formula: formula.into(),
        value: value.into(),
        measured: measured.into(),
    };
    ReportInput {
        title: "A ten-second spike that never ends".into(),
        source: "HotOS'21 §2.1; OSDI'22 Fig. 1".into(),
        verdict: finding(&runs[0]),
        verdict_word: judgements[0].verdict.word().into(),
        reason: judgements[0].reason.clone(),
        numbers: vec![
            number("0/s", "goodput at the end", "560/s before the trigger"),
            number("4.0", "attempts per call at the end", "1.0 before the trigger"),
            number("4.15 s", "median latency at the end", "22 ms before the trigger"),
            number("never", "recovery", "without retries: after 20 s"),
        ],
        timeline: picture(&timeline(&runs[0])),
        hand: vec![
            hand("capacity", "3 × 8 / 30 ms", "800/s", "799/s"),
            hand("load", "560 / 800", "ρ = 0.70", "0.70"),
            hand("load with retries", "4 × 560/s ≥ 800/s", "2,240/s: vulnerable", "2,238/s"),
        ],
        hand_notes: vec!["The hand calculation knows no randomness.".into()],
        verdicts: vec![
            row(&runs[0], "", ""),
            row(&runs[1], "clients.web.retry.max_attempts: 1", "after 20 s"),
        ],
        comparison: picture(&comparison(&runs)),
        agreement: vec![AgreementRow {
            quantity: "p99 before".into(),
            simulated: "138 ms".into(),
            live: "141 ms".into(),
            difference: "+2 %".into(),
            agrees: true,
        }],
        percentiles: picture(&percentiles(&runs[0])),
        expectations: vec![ExpectationRow {
            expected: "verdict: metastable".into(),
            found: "metastable".into(),
            held: true,
        }],
        fitness: vec![FitnessRow {
            check: "send lateness p99".into(),
            measured: "0.2 ms".into(),
            limit: "1 ms".into(),
            fit: true,
        }],
        config: "title: \"<script>alert('no')</script> & more\"\nworkload:\n  rate: 560/s\n".into(),
        commands: vec!["lab run configs/retry-storm.yaml --engine both".into()],
        made_by: vec![("metastable-lab".into(), "0.1.0".into()), ("seed".into(), "1".into())],
        ..ReportInput::default()
    }
}

#[test]
fn the_page_shows_everything_and_asks_for_nothing() {
    let page = html(&report());
    std::fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html"), &page).unwrap();
    for expected in [
        "<h1>A 10-second load spike breaks the service for good</h1>",
        "class=\"bad verdict\">metastable</span>",
        "class=\"good verdict\">recovered</span>",
        "<b>4.15 s</b>",
        "3 × 8 / 30 ms",
        "clients.web.retry.max_attempts: 1",
        "lab run configs/retry-storm.yaml --engine both",
    ] {
        assert!(page.contains(expected), "{expected} is missing");
    }
    assert_eq!(page.matches("<svg").count(), 3);
    assert_eq!(page.matches("@font-face").count(), 3, "fonts once for the page, not once a figure");
    let addresses = page.matches("http").count() - page.matches("http-equiv").count();
    assert_eq!(addresses, page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
    // Before the body there are fonts in base 64, in which any three letters may come together.
    assert!(!page.split_once("<body>").unwrap().1.contains("NaN"));
}

#[test]
fn what_people_write_stays_text() {
    let page = html(&report());
    assert!(
        page.contains("&lt;script&gt;alert('no')&lt;/script&gt; &amp; more") && !page.contains("<script")
    );
}

#[test]
fn parts_without_content_are_left_away() {
    let page = html(&ReportInput { title: "Nothing yet".into(), ..ReportInput::default() });
    for absent in ["<h2", "<table", "<figure", "<footer", "<details"] {
        assert!(!page.contains(absent), "{absent} in an empty report");
    }
}
