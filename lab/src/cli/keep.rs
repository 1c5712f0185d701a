//! `lab results`: which are there, and away with the old ones.
use super::{
    exit::{Exit, Outcome},
    table::Table,
};
use crate::results::{clean, list};
use clap::Subcommand;
use serde_json::json;
use std::path::PathBuf;

/// List or remove results.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab results list
  lab results clean --keep 3")]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What is there
    #[command(after_help = "Example:\n  lab results list --json")]
    List {
        /// Where results are
        #[arg(long, value_name = "DIR", default_value = "results")]
        results: PathBuf,
        /// Print one JSON document instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Remove all but the newest of each config, and what killed runs left
    #[command(after_help = "Example:\n  lab results clean --keep 3")]
    Clean {
        /// Where results are
        #[arg(long, value_name = "DIR", default_value = "results")]
        results: PathBuf,
        /// How many of each config stay
        #[arg(long, value_name = "N", default_value_t = 1)]
        keep: usize,
    },
}

pub(super) fn results(args: &Args) -> Outcome {
    match &args.what {
        What::List { results, json } => {
            let kept = list(results)?;
            let mut table = Table::new(&["config", "verdict", "size>", "folder"]);
            let mut documents = vec![];
            for one in kept {
                documents.push(json!({
                    "config": one.config, "path": one.path, "bytes": one.bytes, "verdict": one.verdict,
                }));
                let size = format!("{:.1} MB", one.bytes as f64 / 1e6);
                table.line([one.config, one.verdict, size, one.path.display().to_string()]);
            }
            match (json, table.is_empty()) {
                (true, _) => println!("{:#}", json!({ "version": 1, "results": documents })),
                (false, true) => println!("no results in {}", results.display()),
                (false, false) => print!("{table}"),
            }
        }
        What::Clean { results, keep } => {
            let removed = clean(results, *keep)?;
            for path in &removed {
                println!("removed {}", path.display());
            }
            if removed.is_empty() {
                println!("nothing to remove in {}", results.display());
            }
        }
    }
    Ok(Exit::Done)
}
