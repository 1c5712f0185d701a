//! `lab presets`: retry policies of real clients.
use super::{
    exit::{Exit, Failure, Outcome},
    table::Table,
};
use crate::config::{
    diagnose::suggest,
    preset::{PRESETS, Preset, Tag, find, names},
};
use serde_json::{Value, json};

/// Retry policies of real clients, with their sources.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab presets
  lab presets aws-standard-2.1")]
pub(super) struct Args {
    /// Show all of one preset
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn presets(args: &Args) -> Outcome {
    let shown: Vec<&Preset> = match &args.name {
        None => PRESETS.iter().collect(),
        Some(name) => vec![find(name).ok_or_else(|| unknown(name))?],
    };
    if args.json {
        let documents: Vec<Value> = shown.iter().map(|preset| document(preset)).collect();
        println!("{:#}", json!({ "version": 1, "presets": documents }));
    } else if let (Some(_), [preset]) = (&args.name, &shown[..]) {
        print!("{}", describe(preset));
    } else {
        let mut table = Table::new(&["preset", "version", "known", "source"]);
        for p in shown {
            table.line([p.name.into(), p.version.into(), known(p.tag).into(), p.source.into()]);
        }
        print!("{table}\n  In a config: retry: {{ preset: NAME }}; fields beside it override it.\n");
    }
    Ok(Exit::Done)
}

fn unknown(name: &str) -> Failure {
    let help = suggest(name, &names()).map_or(String::new(), |s| format!("\n  help: {s}"));
    Failure::Usage(format!("there is no preset `{name}`{help}\n  presets: {}", names().join(", ")))
}

fn describe(preset: &Preset) -> String {
    let Preset { name, version, source, tag, about, yaml } = preset;
    let indented: String = yaml.lines().map(|line| format!("    {line}\n")).collect();
    format!("{name} ({version})\n\n  {about}\n\n{indented}\n  source: {source} ({})\n", known(*tag))
}

fn known(tag: Tag) -> &'static str {
    match tag {
        Tag::V => "read in the source",
        Tag::S => "quoted",
        Tag::E => "documented example",
        Tag::U => "unverified",
    }
}

fn document(preset: &Preset) -> Value {
    let Preset { name, version, source, tag, about, yaml } = preset;
    json!({ "name": name, "version": version, "source": source, "known": known(*tag), "about": about, "retry": yaml })
}
