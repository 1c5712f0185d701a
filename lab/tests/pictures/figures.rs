//! Figures must not lie, and must be readable, whatever the run: checked over a wide range of scenarios.

use super::drawing::{labels_are_apart, lines, paths_are_inside, words};
use lab::{
    engine::sim::sim,
    plot::{
        Figure, comparison,
        ink::{Theme, colour},
        overlay, percentiles, timeline,
    },
    scenario::{Scenario, sample::queueing},
    trace::Trace,
    verdict::{Judgement, RunView, Verdict, judge_sim},
};
use lab_core::{
    call::{Outcome, OutcomeSet},
    retry::{Backoff, Retry},
    time::{Span, Time},
    timeline::{Disturbance, Effect, Replicas, Role},
};
use std::sync::LazyLock;

/// A run with its judgement, kept alive for views of it.
#[derive(Clone)]
struct Case {
    variant: &'static str,
    engine: &'static str,
    scenario: Scenario,
    trace: Trace,
    judgement: Judgement,
}

impl Case {
    fn new(variant: &'static str, scenario: Scenario) -> Case {
        let trace = sim(&scenario, scenario.seed);
        let judgement = judge_sim(&scenario, &trace);
        Case { variant, engine: "simulated", scenario, trace, judgement }
    }

    /// The same with another verdict: figures must stay readable whatever is claimed.
    fn called(mut self, variant: &'static str, verdict: Verdict) -> Case {
        (self.variant, self.judgement.verdict) = (variant, verdict);
        self
    }

    fn view(&self) -> RunView<'_> {
        let Case { variant, engine, scenario, trace, judgement } = self;
        RunView { variant, engine, scenario, trace, judgement }
    }
}

fn disturbance(role: Role, from: f64, length: f64, effect: Effect) -> Disturbance {
    let (from, until) = (Time::from_secs_f64(from), Time::from_secs_f64(from + length));
    Disturbance { name: "one".into(), role, from, until, effect }
}

fn spike(from: f64, length: f64, factor: f64) -> Disturbance {
    disturbance(Role::Trigger, from, length, Effect::LoadSpike { clients: vec![0], factor })
}

fn retries(max_attempts: u32) -> Retry {
    let backoff = Backoff { initial: Span::from_millis(50), max: Span::from_secs(1), ..Backoff::none() };
    let retry_on = OutcomeSet::of(&[Outcome::Timeout, Outcome::Rejected, Outcome::Reset]);
    Retry { max_attempts, retry_on, backoff, ..Retry::none() }
}

/// 3 replicas of 8 workers, a timeout of a second and four attempts; load is 0.7 of what the service can do.
fn storm(scale: f64, duration: u64, triggers: Vec<Disturbance>) -> Scenario {
    let service = Span::from_secs_f64(0.030 / scale);
    let mut scenario = queueing(560.0 * scale, 8, service, Span::from_secs(duration));
    scenario.services[0].replicas = 3;
    scenario.clients[0].policy.per_try_timeout = Span::from_secs(1);
    scenario.clients[0].policy.retry = retries(4);
    scenario.warmup = Span::from_secs(duration / 20);
    scenario.disturbances = triggers;
    scenario
}

fn short_queue(mut scenario: Scenario) -> Scenario {
    scenario.services[0].policy.capacity = 66;
    scenario
}

fn spiked() -> Scenario {
    storm(1.0, 120, vec![spike(40.0, 10.0, 2.0)])
}

fn collapse() -> Case {
    Case::new("baseline", spiked())
}

fn shedding(admit: f64) -> Scenario {
    let mut scenario = storm(1.0, 200, vec![spike(40.0, 10.0, 2.0)]);
    scenario.services[0].policy.capacity = 1000;
    let shed = Effect::ShedLoad { clients: vec![0], admit };
    scenario.disturbances.push(disturbance(Role::Lever, 90.0, 30.0, shed));
    scenario
}

fn two_triggers() -> Scenario {
    let slow = Effect::SlowDown { replicas: Replicas { service: 0, which: vec![0, 1] }, factor: 1.5 };
    let second = disturbance(Role::Trigger, 70.0, 4.0, slow);
    short_queue(storm(1.0, 120, vec![spike(30.0, 5.0, 2.0), second]))
}

/// A service that takes its time, over eleven hours, with a trigger that is too short to be seen at that scale.
fn hours() -> Scenario {
    let mut scenario = storm(0.01, 40_000, vec![spike(10_000.0, 10.0, 40.0)]);
    scenario.clients[0].policy.per_try_timeout = Span::from_secs(60);
    scenario.healthy.over = Span::from_secs(400);
    scenario
}

fn host_bound() -> Case {
    let mut case = collapse();
    (case.engine, case.trace.host_bound) = ("live", (55..70).chain([90]).collect());
    case
}

fn two_groups() -> Scenario {
    let mut scenario = storm(1.0, 60, vec![spike(20.0, 5.0, 3.0), spike(22.0, 5.0, 1.5)]);
    let mut second = scenario.clients[0].clone();
    second.name = "a-client-group-with-a-rather-long-name".into();
    scenario.clients[0].policy.deadline = Span::from_millis(1100);
    scenario.clients.push(second);
    scenario
}

/// Runs from quiet to huge, short to long, with every kind of verdict.
static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let quiet = || storm(1.0, 120, vec![]);
    let blip = Scenario { warmup: Span::ZERO, ..storm(1.0, 120, vec![spike(40.0, 0.2, 5.0)]) };
    let single = |mut scenario: Scenario| {
        scenario.clients[0].policy.retry.max_attempts = 1;
        scenario
    };
    let case = Case::new;
    vec![
        collapse(),
        case("short_queue", short_queue(spiked())),
        case("no_retries", single(spiked())),
        case("shed", shedding(0.1)),
        host_bound(),
        case("late_shed", shedding(0.9)),
        case("two", two_triggers()),
        case("eleven-hours", hours()),
        case("a-variant-with-a-name-that-goes-on-for-quite-a-while", two_groups()),
        case("quiet", quiet()),
        case("blip", blip),
        case("tiny", storm(24.0 / 560.0, 120, vec![spike(40.0, 10.0, 10.0)])),
        case("huge", storm(100_000.0 / 560.0, 10, vec![spike(4.0, 1.0, 2.0)])),
        case("overloaded", storm(1.0, 10, vec![spike(3.0, 1.0, 2.0)])),
        case("undecided", storm(1.0, 3, vec![])),
        case("", quiet()).called("escape", Verdict::Escaped { at: Time::from_secs_f64(63.0) }),
        case("", single(spiked())).called("draining", Verdict::Draining { left: Span::from_secs(75) }),
        case("", short_queue(spiked())).called("swings", Verdict::Oscillating),
        case("", two_triggers()).called("degraded", Verdict::Degraded),
        case("", spiked()).called("alone", Verdict::Metastable { spontaneous: true }),
    ]
});

fn figures() -> Vec<Figure> {
    let views: Vec<RunView> = CASES.iter().map(Case::view).collect();
    let mut figures = vec![comparison(&views[..1]), comparison(&views[..4]), comparison(&views)];
    for (index, view) in views.iter().enumerate() {
        let next = &views[(index + 1) % views.len()];
        figures.extend([timeline(view), percentiles(view), overlay(view, next)]);
    }
    figures
}

/// Writes every figure where a person can look at it.
#[test]
fn every_figure_can_be_written() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures");
    std::fs::create_dir_all(&folder).unwrap();
    for (index, figure) in figures().iter().enumerate() {
        let write = |ending: &str, bytes: &[u8]| {
            let file = folder.join(format!("{index:02}-{}.{ending}", figure.name));
            std::fs::write(file, bytes).unwrap();
        };
        write("svg", figure.svg().as_bytes());
        // Pixels cost most of the time: the first figures show what the others would.
        if index < 9 {
            write("light.png", &figure.png(Theme::Light));
            write("dark.png", &figure.png(Theme::Dark));
        }
    }
}

#[test]
fn no_label_leaves_the_canvas_or_covers_another() {
    figures().iter().for_each(labels_are_apart);
}

#[test]
fn every_path_is_made_of_numbers_inside_the_canvas() {
    figures().iter().for_each(paths_are_inside);
}

#[test]
fn title_and_phases_say_what_the_verdict_says() {
    let said = |case: &Case| {
        let words = words(&timeline(&case.view()));
        let verdict = case.judgement.verdict.word();
        assert!(words.iter().any(|w| w == verdict), "{verdict} is not in {words:?}");
        words
    };
    let words = said(&collapse());
    assert_eq!(words[1], "A 10-second load spike breaks the service for good");
    assert!(words.iter().any(|w| w == "metastable: the trigger is gone, the failure stays"), "{words:?}");
    let words = said(&Case::new("baseline", short_queue(spiked())));
    assert_eq!(words[1], "The service recovers as soon as a 10-second load spike is over");
    assert!(words.iter().any(|w| w == "stable again") && !words.iter().any(|w| w.contains("metastable")));
    let words = said(&Case::new("shed", shedding(0.1)));
    assert_eq!(words[1], "A 10-second load spike breaks the service for good, until load is shed");
    let words = said(&Case::new("late_shed", shedding(0.9)));
    assert_eq!(words[1], "A 10-second load spike breaks the service for good, even after load is shed");
    for case in CASES.iter() {
        said(case);
    }
}

#[test]
fn goodput_reaches_zero_and_stays_there_to_the_end() {
    let case = collapse();
    let figure = timeline(&case.view());
    let goodput = lines(&figure, colour::GREEN, 2.0);
    assert_eq!(goodput.len(), 1, "one line without gaps");
    let (last_x, last_y) = goodput[0][goodput[0].len() - 1];
    let zero = figure.ink.labels().find(|label| label.text == "0").unwrap().bounds();
    let zero = f32::midpoint(zero.y0, zero.y1 - 0.2 * 12.0);
    assert!((last_y - zero).abs() < 1.0, "goodput ends at {last_y}, zero is at {zero}");
    let attempts = lines(&figure, colour::ORANGE, 1.75);
    assert_eq!(last_x, attempts[attempts.len() - 1].last().unwrap().0, "it ends where the others end");
    let broken = figure.ink.labels().any(|label| label.text.starts_with("metastable:"));
    assert!(broken && goodput[0].iter().filter(|p| p.1 == last_y).count() > 60);
}

#[test]
fn a_peak_beyond_the_axis_is_cut_and_its_height_written() {
    let case = collapse();
    let figure = timeline(&case.view());
    let attempts = lines(&figure, colour::ORANGE, 1.75);
    assert_eq!(attempts.len(), 2, "cut where it leaves the panel and where it comes back");
    let (out, back) = (*attempts[0].last().unwrap(), attempts[1][0]);
    assert!(out.1 == back.1 && out.0 < back.0, "no line runs along the edge: {out:?} {back:?}");
    let highest = (0..case.trace.len()).map(|i| case.trace.client_sum(i).attempts).max().unwrap();
    let thousands = format!("↑ peak {},{:03}/s", highest / 1000, highest % 1000);
    assert!(words(&figure).contains(&thousands), "{thousands} in {:?}", words(&figure));
}

#[test]
fn the_comparison_names_every_run_its_verdict_and_its_recovery_time() {
    let cases = [collapse(), Case::new("no_retries", CASES[2].scenario.clone())];
    let views: Vec<RunView> = cases.iter().map(Case::view).collect();
    let figure = comparison(&views);
    let words = words(&figure);
    for expected in ["Of two runs, one recovers and one stays down", "baseline", "metastable", "no_retries"] {
        assert!(words.iter().any(|w| w == expected), "{expected} in {words:?}");
    }
    let Verdict::Recovered { after } = cases[1].judgement.verdict else { panic!("it recovers") };
    assert!(words.contains(&format!("after {after}")), "{words:?}");
}

#[test]
fn windows_that_the_host_could_not_carry_are_marked() {
    let (calm, bound) = (timeline(&collapse().view()), timeline(&host_bound().view()));
    assert!(words(&bound).iter().any(|w| w.contains("the host could not keep up")));
    let hatches =
        |figure: &Figure| lines(figure, colour::MUTED, 1.0).iter().filter(|l| l[0].1 != l[1].1).count();
    assert!(hatches(&calm) == 0 && hatches(&bound) > 20);
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let (first, second) = (collapse(), collapse());
    let (first, second) = (timeline(&first.view()), timeline(&second.view()));
    assert_eq!(first.svg(), second.svg());
    assert_eq!(first.png(Theme::Dark), second.png(Theme::Dark));
    assert_ne!(first.png(Theme::Dark), first.png(Theme::Light));
}

#[test]
fn an_svg_needs_nothing_from_outside() {
    let figure = timeline(&collapse().view());
    let (alone, outlined) = (figure.svg(), figure.outlined_svg());
    assert!(alone.contains("data:font/woff2;base64,") && alone.contains("prefers-color-scheme:dark"));
    assert!(!outlined.contains("<text") && !outlined.contains("<style"));
    for svg in [alone, outlined] {
        let addresses = svg.matches("http").count();
        assert_eq!(addresses, 1, "the name space of SVG and no other address");
    }
}
