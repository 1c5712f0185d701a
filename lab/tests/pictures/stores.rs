//! Figures of replicated stores and caches, and those that a config asks for: what they say is what was measured.

use super::drawing::{labels_are_apart, lines, paths_are_inside, words};
use lab::{
    engine::sim::sim,
    plot::{
        Figure, comparison,
        ink::{Op, colour},
        overlay, timeline, wanted,
    },
    scenario::{Metric, Over, Plan, Scenario, Wanted, load, plan::Point},
    trace::Trace,
    verdict::{Judgement, RunView, judge_sim, measure},
};
use lab_core::time::{Span, Time};
use std::path::Path;

/// A run of one variant, kept alive for views of it.
struct Run {
    variant: String,
    scenario: Scenario,
    trace: Trace,
    judgement: Judgement,
}

impl Run {
    fn new(variant: &str, scenario: &Scenario, seed: u64) -> Run {
        let trace = sim(scenario, seed);
        let judgement = judge_sim(scenario, &trace);
        Run { variant: variant.into(), scenario: scenario.clone(), trace, judgement }
    }

    fn view(&self) -> RunView<'_> {
        let Run { variant, scenario, trace, judgement } = self;
        RunView { variant, engine: "simulated", scenario, trace, judgement }
    }
}

fn shipped(config: &str, set: &[&str]) -> Plan {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../configs/{config}.yaml"));
    let set: Vec<String> = set.iter().map(|s| (*s).to_owned()).collect();
    load(&file, &set).unwrap_or_else(|errors| panic!("{errors}"))
}

fn written(text: &str) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("written.yaml");
    std::fs::write(&file, text).unwrap();
    load(&file, &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

fn baseline(plan: &Plan) -> Run {
    Run::new("baseline", &plan.baseline, 1)
}

fn variant(plan: &Plan, name: &str) -> Run {
    Run::new(name, &plan.variants.iter().find(|v| v.name == name).unwrap().scenario, 1)
}

fn all(plan: &Plan, seed: u64) -> Vec<Run> {
    let variants = plan.variants.iter().map(|v| Run::new(&v.name, &v.scenario, seed));
    [Run::new("baseline", &plan.baseline, seed)].into_iter().chain(variants).collect()
}

/// The figure of `run` over time, which keeps to what every figure must.
fn told(run: &Run) -> Figure {
    let figure = timeline(&run.view());
    labels_are_apart(&figure);
    paths_are_inside(&figure);
    figure
}

fn has(figure: &Figure, word: &str) -> bool {
    figure.ink.labels().any(|label| label.text.contains(word))
}

/// The middle of the label that says `word`, the first one below `above`.
fn height_of(figure: &Figure, word: &str, above: f32) -> f32 {
    let found = figure.ink.labels().find(|label| label.text == word && label.at.1 > above);
    let bounds = found.unwrap_or_else(|| panic!("{word} in {:?}", words(figure))).bounds();
    // Below the baseline there is room for descenders, which a number has not.
    f32::midpoint(bounds.y0, bounds.y1 - 0.2 * 12.0)
}

#[test]
fn a_group_is_told_by_who_is_busy_and_who_is_a_member() {
    let run = baseline(&shipped("failover-load-shift", &["duration=100 s"]));
    let figure = told(&run);
    for expected in ["Busy", "Members", "replica 0", "replica 3", "grey: not in the view", "health checks"] {
        assert!(has(&figure, expected), "{expected} in {:?}", words(&figure));
    }
    assert!(!has(&figure, "Lag") && !has(&figure, "blue:"), "{:?}", words(&figure));
    // The steps of the line of members are those of the windows, by their ends.
    let steps = lines(&figure, colour::BLUE, 2.0);
    let members = steps.iter().find(|line| line[0].1 > height_of(&figure, "Members", 0.0)).unwrap();
    let (full, empty) = (members[0].1, height_of(&figure, "0", members[0].1));
    let (left, right) = (members[0].0, members[members.len() - 1].0);
    let group = &run.trace.groups[0];
    let replicas = f64::from(run.scenario.services[0].replicas);
    for (index, window) in group.windows.iter().enumerate() {
        let at = run.trace.bounds(index).1.as_secs_f64() / run.trace.end.as_secs_f64();
        let x = left + (right - left) * at as f32 - 0.01;
        let step = members.windows(2).rfind(|pair| pair[0].0 <= x && pair[0].1 == pair[1].1).unwrap();
        let shown = f64::from((empty - step[0].1) / (empty - full)) * replicas;
        let near = (shown - window.members as f64).abs() < 0.1;
        let next = group.windows.get(index + 1).is_some_and(|next| next.view > window.view);
        assert!(near || next, "{shown} members in window {index}: {window:?}");
    }
}

#[test]
fn the_views_that_figures_read_from_the_events_are_those_of_the_windows() {
    for run in [
        baseline(&shipped("failover-load-shift", &[])),
        baseline(&shipped("four-protocols", &["triggers.spike.do={ crash: { replicas: [0] } }"])),
    ] {
        let service = &run.scenario.services[0];
        let views = run.trace.views(&service.name, service.replicas);
        assert!(views.len() > 2, "{} changes of view", views.len() - 1);
        for (index, window) in run.trace.groups[0].windows.iter().enumerate() {
            let end = run.trace.bounds(index).1;
            let in_force = views.iter().rfind(|(from, _)| *from <= end).unwrap();
            let found =
                (in_force.1.number, in_force.1.members.len() as u64, in_force.1.learners.len() as u64);
            let at_the_edge = in_force.0 == end;
            assert!(
                at_the_edge || found == (window.view, window.members, window.learners),
                "{found:?} in window {index}: {window:?}"
            );
        }
    }
}

#[test]
fn replicas_are_named_by_their_roles_and_crowds_by_their_extremes() {
    let plan = shipped("four-protocols", &["duration=60 s"]);
    let primary = told(&baseline(&plan));
    assert!(
        has(&primary, "blue: the primary") && has(&primary, "primary/backup (ack majority, reads leader)")
    );
    assert!(!has(&primary, "Members"), "nobody left: {:?}", words(&primary));
    let chain = told(&variant(&plan, "chain"));
    assert!(has(&chain, "blue: the head; purple: the tail") && has(&chain, "chain replication"));
    let crowd = told(&baseline(&shipped(
        "failover-load-shift",
        &["services.front.replicas=9", "workload.rate=1260/s"],
    )));
    assert!(
        has(&crowd, "busiest") && has(&crowd, "idlest") && !words(&crowd).contains(&"replica 0".into()),
        "{:?}",
        words(&crowd)
    );
}

#[test]
fn a_dead_leader_is_told_where_it_falls_and_where_it_comes_back() {
    let crash = "triggers.spike={ at: 30 s, for: 10 s, do: { crash: { replicas: [0] } } }";
    let figure =
        told(&baseline(&shipped("four-protocols", &["duration=80 s", "workload.rate=300/s", crash])));
    for expected in ["replica 0 out, 1 is primary", "replica 0 in"] {
        assert!(has(&figure, expected), "{expected} in {:?}", words(&figure));
    }
    // A crashed replica is behind by all writes for a moment; that is no lag to tell. One that stays behind is.
    assert!(!has(&figure, "Lag"));
    let mut behind = baseline(&shipped("four-protocols", &["duration=60 s"]));
    assert!(!has(&told(&behind), "Lag"));
    behind.trace.groups[0].windows.iter_mut().skip(60).for_each(|window| window.lag = 5000);
    assert!(has(&told(&behind), "Lag") && has(&told(&behind), "writes that the member furthest behind"));
}

#[test]
fn a_cache_is_told_by_its_hit_rate_and_by_fills_that_fill_nothing() {
    let plan = shipped("cache-flush", &["duration=120 s"]);
    let run = baseline(&plan);
    let figure = told(&run);
    for expected in
        ["Hit rate", "Fills", "begun", "populated", "capacity of store 200/s", "cache of 8,000 keys"]
    {
        assert!(has(&figure, expected), "{expected} in {:?}", words(&figure));
    }
    let top = height_of(&figure, "Hit rate", 0.0);
    let (hundred, none) = (height_of(&figure, "100", top), height_of(&figure, "0", top));
    let curve = lines(&figure, colour::BLUE, 2.0);
    let curve = curve.iter().find(|line| line[0].1 > top).unwrap();
    let windows = &run.trace.caches[0].windows;
    for ((_, y), window) in curve.iter().zip(windows) {
        let shown = f64::from((none - y) / (none - hundred));
        let measured = window.hits as f64 / (window.hits + window.misses) as f64;
        assert!((shown - measured).abs() < 0.02, "{shown} shown, {measured} measured");
    }
    let runs = [run, variant(&plan, "short_queue")];
    let compared = comparison(&runs.iter().map(Run::view).collect::<Vec<_>>());
    labels_are_apart(&compared);
    for run in &runs {
        let windows =
            &run.trace.caches[0].windows[run.trace.within(Time::from_secs_f64(114.0), run.trace.end)];
        let rates = windows.iter().map(|w| 100.0 * w.hits as f64 / (w.hits + w.misses) as f64);
        let said = format!("hit rate {:.0} %", rates.sum::<f64>() / windows.len() as f64);
        assert!(has(&compared, &said), "{said} in {:?}", words(&compared));
    }
    let calm = told(&Run::new("calm", &plan.baseline.undisturbed(), 1));
    assert!(has(&calm, "Hit rate") && !has(&calm, "Fills"), "what is begun is populated");
}

#[test]
fn simulation_and_live_run_are_compared_in_what_matters() {
    let cache = baseline(&shipped("cache-flush", &["duration=60 s"]));
    let group = baseline(&shipped("failover-load-shift", &["duration=60 s"]));
    for (run, expected) in [(&cache, vec!["Hit rate", "store"]), (&group, vec!["Members", "replica 3"])] {
        let figure = overlay(&run.view(), &run.view());
        labels_are_apart(&figure);
        paths_are_inside(&figure);
        for word in expected {
            assert!(has(&figure, word), "{word} in {:?}", words(&figure));
        }
    }
}

/// The centres of the dots of each colour, from left to right.
fn dots(figure: &Figure, colour: lab::plot::ink::Colour) -> Vec<(f32, f32)> {
    let dot = |op: &Op| match op {
        Op::Dot { centre, paint, .. } if paint.rgb == colour.light => Some(*centre),
        _ => None,
    };
    figure.ink.ops.iter().filter_map(dot).collect()
}

#[test]
fn a_figure_over_variants_has_a_point_for_each_and_shows_what_was_measured() {
    let plan = shipped("craq-reads", &["duration=21 s", "warmup=1 s"]);
    let runs: Vec<Run> = [1, 2].iter().flat_map(|seed| all(&plan, *seed)).collect();
    let views: Vec<RunView> = runs.iter().map(Run::view).collect();
    let figures: Vec<Figure> = plan.figures.iter().filter_map(|figure| wanted(figure, &views)).collect();
    assert_eq!(figures.len(), 2);
    figures.iter().for_each(labels_are_apart);
    figures.iter().for_each(paths_are_inside);
    let replicas = &figures[0];
    assert_eq!(replicas.name, "goodput-over-services.store.replicas");
    assert_eq!(words(replicas)[0], "Goodput grows 2.3-fold with craq and stays the same with chain");
    assert!(has(replicas, "replicas from 3 to 7, over the last 20 s"), "{:?}", words(replicas));
    let (craq, chain) = (dots(replicas, colour::BLUE), dots(replicas, colour::ORANGE));
    assert_eq!((craq.len(), chain.len()), (3, 3));
    let zero = height_of(replicas, "0", 0.0);
    let scale = (zero - height_of(replicas, "1,000", 0.0)) / 1000.0;
    for (dot, variant) in craq.iter().zip(["baseline", "craq_5", "craq_7"]) {
        let last = Over::Last(Span::from_secs(20));
        let own = views.iter().filter(|view| view.variant == variant);
        let values: Vec<f64> = own.map(|view| measure(view.trace, Metric::Goodput, last)).collect();
        let (shown, median) = (f64::from((zero - dot.1) / scale), f64::midpoint(values[0], values[1]));
        assert!((shown - median).abs() < 10.0, "{variant}: {shown} shown, {values:?} measured");
    }
    // Two seeds differ: a bar goes through the point.
    let bars = lines(&figures[1], colour::BLUE, 1.25);
    let upright = bars.iter().filter(|bar| bar[0].0 == bar[1].0).count();
    assert!(upright >= 3, "{upright} bars");
    assert_eq!((dots(&figures[1], colour::BLUE).len(), dots(&figures[1], colour::ORANGE).len()), (5, 5));
}

#[test]
fn a_single_line_needs_no_name() {
    let plan = shipped("craq-reads", &["duration=21 s", "warmup=1 s"]);
    let Wanted::OverVariants { metric, over, x, points } = &plan.figures[0] else {
        panic!("it is one over variants")
    };
    let craq: Vec<Point> = points.iter().filter(|p| p.series == "craq").cloned().collect();
    assert_eq!(craq.iter().map(|p| p.x).collect::<Vec<_>>(), [3.0, 5.0, 7.0]);
    let unnamed = craq.into_iter().map(|p| Point { series: String::new(), ..p }).collect();
    let only = Wanted::OverVariants { metric: *metric, over: *over, x: x.clone(), points: unnamed };
    let runs = [baseline(&plan), variant(&plan, "craq_5"), variant(&plan, "craq_7")];
    let figure = wanted(&only, &runs.iter().map(Run::view).collect::<Vec<_>>()).unwrap();
    labels_are_apart(&figure);
    assert_eq!(words(&figure)[0], "Goodput grows 2.3-fold");
    assert!(words(&figure).iter().all(|word| !word.is_empty()));
    assert_eq!(wanted(&only, &[]), None, "what did not run has no figure");
}

/// A load that goes up in steps and comes down again, with retries, up to `top` calls per second; the capacity is 800/s.
fn up_and_down(top: u64) -> Plan {
    let up: Vec<u64> = (1..=top / 80).map(|n| n * 80).collect();
    let way: Vec<u64> = up.iter().chain(up.iter().rev().skip(1)).copied().collect();
    let stages: Vec<String> = way.iter().map(|rate| format!("{{ for: 16 s, rate: {rate}/s }}")).collect();
    // A ramp leads to the first step; it has no load of its own.
    written(&format!(
        "workload: {{ rate: 1/s, stages: [{{ for: 4 s, rate: 80/s, ramp: true }}, {}] }}\nduration: {} s\n\
         services: {{ store: {{ replicas: 3, workers: 8, service_time: {{ exponential: {{ mean: 30 ms }} }}, \
         queue: {{ capacity: 1000 }} }} }}\n\
         clients: {{ web: {{ calls: store, per_try_timeout: 1 s, retry: {{ max_attempts: 4, retry_on: [timeout, rejected], \
         backoff: {{ initial: 50 ms, multiplier: 1, max: 1 s, jitter: none }} }} }} }}\nfigures: [{{ loop: goodput }}]\n",
        stages.join(", "),
        4 + 16 * way.len()
    ))
}

fn loop_of(plan: &Plan) -> Figure {
    let run = baseline(plan);
    let figure = wanted(&plan.figures[0], &[run.view()]).unwrap();
    labels_are_apart(&figure);
    paths_are_inside(&figure);
    figure
}

#[test]
fn a_loop_goes_up_one_way_and_comes_down_another() {
    let figure = loop_of(&up_and_down(880));
    assert!(words(&figure)[0].starts_with("Same load, two outcomes: at "), "{:?}", words(&figure));
    for expected in
        ["both outcomes seen", "load going up", "load going down", "capacity 800/s", "history decides"]
    {
        assert!(has(&figure, expected), "{expected} in {:?}", words(&figure));
    }
    assert!(has(&figure, "capacity ÷ 4 attempts: 200/s") && has(&figure, "load in 21 steps"));
    let (up, down) = (lines(&figure, colour::BLUE, 2.25), lines(&figure, colour::RED, 2.25));
    assert_eq!((up[0].len(), down[0].len()), (11, 11), "one point for each step, the top one twice");
    assert_eq!(up[0].last(), down[0].first());
    // At 400/s, in the middle of both ways, all is well on one of them and nothing on the other.
    let (zero, full) = (height_of(&figure, "0", 0.0), height_of(&figure, "400", 0.0));
    let shown = |y: f32| (zero - y) / (zero - full) * 400.0;
    let (going_up, coming_down) = (shown(up[0][4].1), shown(down[0][6].1));
    assert!((going_up - 400.0).abs() < 30.0 && coming_down < 20.0, "{going_up} and {coming_down}");
}

#[test]
fn a_load_that_does_no_harm_comes_back_the_way_it_went() {
    let figure = loop_of(&up_and_down(480));
    assert_eq!(words(&figure)[0], "Goodput comes back the way it went");
    assert!(!has(&figure, "both outcomes seen") && !has(&figure, "history decides"));
}
