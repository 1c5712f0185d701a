//! `lab check`: what a config resolves to, and what can be computed by hand.
use super::{
    exit::{Exit, Failure, Outcome},
    table::Table,
};
use crate::{
    scenario::plan::{Plan, load},
    theory::hand::{Hand, hand},
};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Explain configs without running them: hand calculations, and whether they are vulnerable.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab check configs/retry-storm.yaml
  lab check configs/*.yaml --json")]
pub(super) struct Args {
    /// Config files
    #[arg(required = true, value_name = "CONFIG")]
    configs: Vec<PathBuf>,
    /// Change the experiment: a dotted path and its new value, in YAML
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Print the whole resolved experiment, too
    #[arg(long)]
    resolved: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn check(args: &Args) -> Outcome {
    let mut errors = vec![];
    let mut documents = vec![];
    for file in &args.configs {
        match load(file, &args.set) {
            Err(error) => errors.push(error.to_string()),
            Ok(plan) if args.json => documents.push(document(&plan)),
            Ok(plan) => print!("{}", explain(&plan, args.resolved)),
        }
    }
    if args.json && errors.is_empty() {
        println!("{:#}", json!({ "version": 1, "experiments": documents }));
    }
    if errors.is_empty() { Ok(Exit::Done) } else { Err(Failure::Config(errors.join("\n\n"))) }
}

fn explain(plan: &Plan, resolved: bool) -> String {
    let calculated = hand(&plan.baseline);
    let mut text = format!("{} · {}\n\n", plan.name, plan.baseline.title);
    if !calculated.services.is_empty() {
        text += &hand_table(&calculated);
    }
    for service in &calculated.services {
        let can = if service.vulnerable {
            "vulnerable: a failure can outlast its trigger"
        } else {
            "not vulnerable: no failure outlasts its trigger by retries"
        };
        text += &format!("\n  {} is {can}. {}\n", service.service, service.why);
        for caveat in &service.caveats {
            text += &format!("    note: {caveat}\n");
        }
    }
    for beyond in &calculated.beyond {
        text += &format!("\n  {} is not calculated. {}\n", beyond.service, beyond.why);
    }
    if calculated.shortest_run() > plan.baseline.duration {
        text += &format!(
            "\n  The run of {} is too short to tell a drain from a failed state: that takes {:.0} s.\n",
            plan.baseline.duration, calculated.shortest_run_s
        );
    }
    text += &variants(plan);
    for line in plan.warnings.iter().chain(&plan.notes) {
        text += &format!("\n  {line}\n");
    }
    if resolved {
        text += &format!("\n{}", plan.resolved);
    }
    text + "\n"
}

fn hand_table(hand: &Hand) -> String {
    let mut table = Table::new(&["", "by hand", ">"]);
    for row in hand.rows() {
        table.line([row.label, row.formula, row.value]);
    }
    table.to_string()
}

fn variants(plan: &Plan) -> String {
    if plan.variants.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["variant", "vulnerable", "drain>", "changes"]);
    for variant in &plan.variants {
        let calculated = hand(&variant.scenario);
        let drain = calculated.services.iter().map(|s| s.drain_s).fold(0.0, f64::max);
        let changes: Vec<String> =
            variant.change.iter().map(|(path, value)| format!("{path}: {value}")).collect();
        table.line([
            variant.name.clone(),
            match calculated.vulnerable() {
                Some(true) => "yes".into(),
                Some(false) => "no".into(),
                None => "not calculated".into(),
            },
            match drain {
                _ if calculated.services.is_empty() => "–".into(),
                s if s.is_finite() => format!("{s:.0} s"),
                _ => "never".into(),
            },
            changes.join(", "),
        ]);
    }
    format!("\n{table}")
}

fn document(plan: &Plan) -> Value {
    let of = |name: &str, scenario| {
        let calculated = hand(scenario);
        json!({ "variant": name, "vulnerable": calculated.vulnerable(), "hand": calculated })
    };
    let variants = plan.variants.iter().map(|variant| of(&variant.name, &variant.scenario));
    json!({
        "config": plan.name,
        "title": plan.baseline.title,
        "experiments": std::iter::once(of("baseline", &plan.baseline)).chain(variants).collect::<Vec<_>>(),
        "warnings": plan.warnings,
        "notes": plan.notes,
        "resolved": plan.resolved,
    })
}
