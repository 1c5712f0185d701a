//! Questions of the page and their answers, as JSON.
use crate::{controls::Setup, curves::Curves};
use lab::{
    config::{self, ConfigErrors, Experiment, Loaded},
    engine::sim::sim,
    results::windows_csv,
    scenario::plan::{Plan, plan},
    theory::hand::{Hand, Row, hand},
    verdict::{HealthWindow, Judgement, State, Summary, judge_sim},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::PathBuf;

#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
enum Question {
    /// What can be moved in a config.
    Setup { name: String, config: String },
    /// What becomes of it, with changes `PATH=VALUE`.
    Run { name: String, config: String, set: Vec<String> },
    /// The windows of the same run as `windows.csv`.
    Windows { name: String, config: String, set: Vec<String> },
}

/// The answer to `question`, both as JSON: what was asked for, or `{"error": …}` with the words for a person.
pub fn answer(question: &str) -> String {
    let found =
        serde_json::from_str(question).map_err(|error| format!("not a question of this page: {error}"));
    let found = found.and_then(|question| match question {
        Question::Setup { name, config } => setup(&name, config).map(|found| json!(found)),
        Question::Run { name, config, set } => run(&name, config, &set).map(|found| json!(found)),
        Question::Windows { name, config, set } => {
            windows(&name, config, &set).map(|csv| json!({ "csv": csv }))
        }
    });
    found.unwrap_or_else(|error| json!({ "error": error })).to_string()
}

/// A config of this name, with changes; and all that it asks for.
fn read(name: &str, config: String, set: &[String]) -> Result<(Loaded, Plan), String> {
    let words = |errors: ConfigErrors| errors.to_string();
    let loaded = config::load_text(&format!("{name}.yaml"), config, PathBuf::new(), set).map_err(words)?;
    let plan = plan(PathBuf::from(name), name.into(), loaded.clone()).map_err(words)?;
    Ok((loaded, plan))
}

fn setup(name: &str, config: String) -> Result<Setup, String> {
    let (loaded, plan) = read(name, config, &[])?;
    Setup::new(&loaded, &plan.baseline)
}

/// What the page shows of a run.
#[derive(Serialize)]
struct Shown {
    title: String,
    source: String,
    seed: u64,
    duration_s: f64,
    warmup_s: f64,
    /// What goes wrong and what operators do, in order.
    disturbances: Vec<Stretch>,
    /// The verdict's windows of health.
    health: Vec<Stretch>,
    summary: Summary,
    curves: Curves,
    hand: Hand,
    rows: Vec<Row>,
    warnings: Vec<String>,
    /// The experiment as YAML that runs as it is, and expects this verdict.
    yaml: String,
}

/// Something that lasts from one second to another.
#[derive(Serialize)]
struct Stretch {
    what: String,
    name: String,
    from_s: f64,
    until_s: f64,
}

fn run(name: &str, config: String, set: &[String]) -> Result<Shown, String> {
    let (loaded, plan) = read(name, config, set)?;
    let scenario = &plan.baseline;
    let trace = sim(scenario, scenario.seed);
    let judgement = judge_sim(scenario, &trace);
    let summary = Summary::new(scenario, &judgement);
    let hand = hand(scenario);
    Ok(Shown {
        title: scenario.title.clone(),
        source: scenario.source.clone(),
        seed: scenario.seed,
        duration_s: scenario.duration.as_secs_f64(),
        warmup_s: scenario.warmup.as_secs_f64(),
        disturbances: disturbances(&plan),
        health: health(&judgement),
        yaml: expecting(name, &loaded.experiment, &summary.verdict)?,
        summary,
        curves: Curves::new(scenario, &trace),
        rows: hand.rows(),
        hand,
        warnings: plan.warnings,
    })
}

fn windows(name: &str, config: String, set: &[String]) -> Result<String, String> {
    let (_, plan) = read(name, config, set)?;
    Ok(windows_csv(&sim(&plan.baseline, plan.baseline.seed)))
}

/// The experiment with one expectation, so that whoever runs it elsewhere is told if something else comes out.
fn expecting(name: &str, experiment: &Experiment, verdict: &str) -> Result<String, String> {
    let unchanged = config::to_yaml(experiment).ok_or("the experiment cannot be written as YAML")?;
    let expect = format!("expect=[{{ verdict: {verdict} }}]");
    read(name, unchanged, &[expect]).map(|(loaded, _)| loaded.resolved)
}

fn disturbances(plan: &Plan) -> Vec<Stretch> {
    let of = |what: &str, d: &lab_core::timeline::Disturbance| Stretch {
        what: what.into(),
        name: d.name.clone(),
        from_s: d.from.as_secs_f64(),
        until_s: d.until.min(plan.baseline.end()).as_secs_f64(),
    };
    let triggers = plan.baseline.triggers().map(|d| of("trigger", d));
    triggers.chain(plan.baseline.levers().map(|d| of("lever", d))).collect()
}

fn health(judgement: &Judgement) -> Vec<Stretch> {
    let word = |state| match state {
        State::Healthy => "healthy",
        State::Degraded => "degraded",
        State::Failed => "failed",
        State::Undecided => "undecided",
    };
    let of = |w: &HealthWindow| Stretch {
        what: word(w.state).into(),
        name: String::new(),
        from_s: w.from.as_secs_f64(),
        until_s: w.until.as_secs_f64(),
    };
    judgement.windows.iter().map(of).collect()
}
