//! The folder of one run: windows, latency logs, events.
use super::{Folder, ResultsError, events, windows};
use crate::{
    trace::{ClientTrace, Operation, Trace, interval_log},
    verdict::{Judgement, Summary},
};

/// What is written of one run.
#[derive(Clone, Copy, Debug)]
pub struct RunFiles<'a> {
    /// Its folder's name.
    pub folder: &'a str,
    /// What was measured.
    pub trace: &'a Trace,
    /// What it shows.
    pub judgement: &'a Judgement,
    /// The same in figures.
    pub summary: &'a Summary,
}

/// Writes the files of one run.
///
/// # Errors
/// When one cannot be written.
pub fn write_run(folder: &Folder, run: &RunFiles<'_>) -> Result<(), ResultsError> {
    let RunFiles { folder: name, trace, judgement, summary } = run;
    folder.write(&format!("{name}/windows.csv"), windows::csv(trace))?;
    folder.write(&format!("{name}/events.jsonl"), events::jsonl(trace, judgement, summary))?;
    if !trace.history.is_empty() {
        folder.write(&format!("{name}/history.jsonl"), history(&trace.history))?;
    }
    for client in &trace.clients {
        folder.write(&format!("{name}/{}", log_name(&trace.clients, client)), interval_log(client))?;
    }
    Ok(())
}

/// Operations as JSON lines, in the order in which they were invoked.
fn history(operations: &[Operation]) -> String {
    let line = |operation| serde_json::to_string(operation).expect("an operation is plain data") + "\n";
    operations.iter().map(line).collect()
}

/// One log per client group; a group that is alone needs no name.
fn log_name(all: &[ClientTrace], client: &ClientTrace) -> String {
    if all.len() == 1 { "latency.hlog".into() } else { format!("latency.{}.hlog", client.name) }
}
