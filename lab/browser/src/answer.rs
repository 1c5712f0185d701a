//! Questions of the page and their answers, as JSON.
use crate::{controls::Setup, curves::Curves};
use lab::{
    config::{self, ConfigErrors, Experiment, Loaded},
    engine::sim::sim,
    results::windows_csv,
    scenario::{
        Scenario,
        plan::{Plan, plan},
    },
    story::{
        finding::finding,
        phases::{Mood, Phase, phases},
        setting::setting,
    },
    theory::hand::{Hand, Row, hand as calculate},
    verdict::{RunView, Summary, judge_sim},
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
    /// What came out, in one sentence.
    finding: String,
    /// What was run, in one line.
    setting: String,
    title: String,
    seed: u64,
    duration_s: f64,
    warmup_s: f64,
    /// When the first trigger begins and the last one ends; nothing without one.
    trigger_s: Option<(f64, f64)>,
    phases: Vec<Stretch>,
    summary: Summary,
    curves: Curves,
    hand: Hand,
    /// Whether a failed state can stay at loads between hidden and full capacity, wherever the load is now.
    two_states: bool,
    rows: Vec<Row>,
    warnings: Vec<String>,
    /// The experiment as YAML that runs as it is, and expects this verdict.
    yaml: String,
}

/// A phase of the run.
#[derive(Serialize)]
struct Stretch {
    mood: Mood,
    /// What to call it, the longest name first.
    names: Vec<String>,
    from_s: f64,
    until_s: f64,
}

fn run(name: &str, config: String, set: &[String]) -> Result<Shown, String> {
    let (loaded, plan) = read(name, config, set)?;
    let scenario = &plan.baseline;
    let trace = sim(scenario, scenario.seed);
    let judgement = judge_sim(scenario, &trace);
    let view =
        RunView { variant: "baseline", engine: "simulated", scenario, trace: &trace, judgement: &judgement };
    let summary = Summary::new(scenario, &judgement);
    let hand = calculate(scenario);
    let triggers = (scenario.first_trigger(), scenario.triggers_over());
    let stretch = |Phase { kind, from, until, names }| Stretch {
        mood: kind.mood(),
        names,
        from_s: from,
        until_s: until,
    };
    Ok(Shown {
        finding: finding(&view),
        setting: setting(&view),
        title: scenario.title.clone(),
        seed: scenario.seed,
        duration_s: scenario.duration.as_secs_f64(),
        warmup_s: scenario.warmup.as_secs_f64(),
        trigger_s: scenario.triggers().next().map(|_| (triggers.0.as_secs_f64(), triggers.1.as_secs_f64())),
        phases: phases(&view).into_iter().map(stretch).collect(),
        yaml: expecting(name, &loaded.experiment, &summary.verdict)?,
        summary,
        curves: Curves::new(&view),
        rows: hand.rows(),
        two_states: two_states(scenario, &hand),
        hand,
        warnings: plan.warnings,
    })
}

/// Asks the calculations about a load halfway between hidden and full capacity.
fn two_states(scenario: &Scenario, hand: &Hand) -> bool {
    let [service] = &hand.services[..] else { return false };
    let halfway = f64::midpoint(service.hidden_capacity_per_s, service.capacity_per_s);
    let factor = halfway / service.offered_per_s;
    let mut there = scenario.clone();
    for stage in there.clients.iter_mut().flat_map(|client| &mut client.load.stages) {
        stage.rate *= factor;
        stage.end_rate *= factor;
    }
    factor.is_finite() && calculate(&there).vulnerable() == Some(true)
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
