//! `lab presets`: how real clients retry and hedge, and how real systems decide that a replica is gone.
use super::{
    exit::{Exit, Failure, Outcome},
    table::Table,
};
use crate::config::{
    diagnose::suggest,
    preset::{Preset, Tag, of_block},
};
use serde_json::{Value, json};

/// Settings of real clients and managers, with their sources.
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
        None => all().collect(),
        Some(name) => vec![all().find(|p| p.name == name).ok_or_else(|| unknown(name))?],
    };
    if args.json {
        let documents: Vec<Value> = shown.iter().map(|preset| document(preset)).collect();
        println!("{:#}", json!({ "version": 1, "presets": documents }));
    } else if let (Some(_), [preset]) = (&args.name, &shown[..]) {
        print!("{}", describe(preset));
    } else {
        for block in BLOCKS {
            let mut table = Table::new(&["preset", "version", "known", "source"]);
            for p in of_block(block) {
                table.line([p.name.into(), p.version.into(), known(p.tag).into(), p.source.into()]);
            }
            print!("{table}\n  In a config: {block}: {{ preset: NAME }}; fields beside it override it.\n\n");
        }
    }
    Ok(Exit::Done)
}

/// The blocks of a config that can start from a preset.
const BLOCKS: [&str; 3] = ["retry", "hedge", "membership"];

fn all() -> impl Iterator<Item = &'static Preset> {
    BLOCKS.into_iter().flat_map(of_block)
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = all().map(|preset| preset.name).collect();
    let help = suggest(name, &names).map_or(String::new(), |s| format!("\n  help: {s}"));
    Failure::Usage(format!("there is no preset `{name}`{help}\n  presets: {}", names.join(", ")))
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
