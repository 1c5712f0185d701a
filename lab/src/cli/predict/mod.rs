//! `lab predict`: what formulas, a Markov chain and a fluid say of a config, side by side.
mod files;

use super::{
    exit::{Exit, Outcome},
    table::Table,
    writing::stopwatch,
};
use crate::{
    results::{Folder, now},
    scenario::plan::{Plan, load},
    study::portrait::portraits,
    theory::{Cell, Prediction, Predictions, predict as predictions},
};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What theory says before anything runs: formulas, a Markov chain and a fluid, side by side.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab predict configs/drift-picture.yaml
  lab predict configs/retry-storm.yaml --set workload.rate=400/s
  lab predict configs/retry-storm.yaml --json --no-figures")]
pub(super) struct Args {
    /// Config file
    #[arg(value_name = "CONFIG")]
    config: PathBuf,
    /// Change the experiment: a dotted path and its new value, in YAML
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Where results go
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Print the table alone: no simulations, no figures, no results folder
    #[arg(long)]
    no_figures: bool,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Outcome {
    let ((began, time), clock) = (now(), stopwatch());
    let plan = load(&args.config, &args.set)?;
    for warning in &plan.warnings {
        eprintln!("{warning}\n");
    }
    let predictions = predictions(&plan.baseline);
    let mut document = document(&plan, &predictions);
    let mut text = tell(&plan, &predictions);
    if !args.no_figures && !predictions.services.is_empty() {
        let folder = Folder::create(&args.results, &plan.name, &time)?;
        let portraits = portraits(&plan.baseline, &predictions);
        let path = files::write(folder, &plan, &predictions, &portraits, &document, (began, clock))?;
        document["folder"] = json!(path);
        text += &format!("  figures: {}\n", path.join("figures").display());
    }
    match args.json {
        true => println!("{document:#}"),
        false => print!("{text}"),
    }
    Ok(Exit::Done)
}

fn tell(plan: &Plan, predictions: &Predictions) -> String {
    let mut text = format!("{} · {}\n", plan.name, plan.baseline.title);
    for prediction in &predictions.services {
        text += &of_service(prediction);
    }
    for beyond in &predictions.beyond {
        text += &format!("\n  {} is not predicted. {}\n", beyond.service, beyond.why);
    }
    text + "\n"
}

fn of_service(prediction: &Prediction) -> String {
    let mut table = Table::new(&[&prediction.service, "formula", "chain", "fluid", "assumption"]);
    for line in &prediction.questions {
        let [formula, chain, fluid] = [&line.formula, &line.chain, &line.fluid].map(|cell| cell.text());
        table.line([line.question.clone(), formula, chain, fluid, line.assumption.clone()]);
    }
    let mut text = format!("\n{table}\n  {}\n", prediction.hand.why);
    match &prediction.chain {
        Ok(solved) => {
            for assumption in &solved.fitted.assumptions {
                text += &format!("    chain: {assumption}\n");
            }
        }
        Err(unfit) => text += &format!("    no chain: {}\n", unfit.why),
    }
    for caveat in &prediction.hand.caveats {
        text += &format!("    note: {caveat}\n");
    }
    text
}

fn document(plan: &Plan, predictions: &Predictions) -> Value {
    let services = predictions.services.iter().map(|prediction| {
        let questions = prediction.questions.iter().map(|line| {
            let cell = |cell: &Cell| json!({ "text": cell.text(), "answer": cell });
            json!({
                "question": line.question,
                "formula": cell(&line.formula),
                "chain": cell(&line.chain),
                "fluid": cell(&line.fluid),
                "assumption": line.assumption,
            })
        });
        let mut service = json!(prediction);
        service["questions"] = questions.collect();
        service
    });
    json!({
        "version": 1,
        "config": plan.name,
        "title": plan.baseline.title,
        "services": services.collect::<Vec<_>>(),
        "beyond": predictions.beyond,
        "warnings": plan.warnings,
    })
}
