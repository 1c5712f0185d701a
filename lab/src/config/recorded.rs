//! Recorded data: CSV files whose first column holds lengths of time.
use super::units::Duration;
use lab_core::time::{Span, Time};
use std::path::{Path, PathBuf};

/// The lengths of time in the first column of `file`. Empty lines, lines that begin with `#`, and a heading in the first line
/// are passed over.
pub fn lengths(file: &Path) -> Result<Vec<Span>, String> {
    Ok(read(file)?.into_iter().map(|(_, span)| span).collect())
}

/// The instants in the first column of `file`, in order.
pub fn instants(file: &Path) -> Result<Vec<Time>, String> {
    let read = read(file)?;
    if let Some(pair) = read.windows(2).find(|pair| pair[1].1 < pair[0].1) {
        let ((_, before), (line, after)) = (pair[0], pair[1]);
        let shown = shown(file);
        return Err(format!("{shown}:{line}: {after} comes after {before}; arrivals stand in order of time"));
    }
    Ok(read.into_iter().map(|(_, span)| Time::ZERO + span).collect())
}

/// The lengths of time in the first column of `file`, each with the number of its line.
fn read(file: &Path) -> Result<Vec<(usize, Span)>, String> {
    let shown = shown(file);
    if file.is_dir() {
        return Err(format!("`{shown}` is a folder, not a CSV file"));
    }
    if !file.is_file() {
        return Err(format!("there is no file `{shown}`"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    let mut spans = vec![];
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let cell = line.split(',').next().unwrap_or("").trim().trim_matches('"');
        // A heading has no digits, so that a slip in the first time is none.
        let heading = index == 0 && !cell.contains(|c: char| c.is_ascii_digit());
        if cell.is_empty() || cell.starts_with('#') || heading {
            continue;
        }
        match cell.parse::<Duration>() {
            Ok(span) => spans.push((index + 1, span.0)),
            Err(message) => {
                let message = message.replace('\n', "; ");
                return Err(format!("{shown}:{}: {message}", index + 1));
            }
        }
    }
    if spans.is_empty() {
        return Err(format!(
            "`{shown}` holds no times; there must be one per line in its first column, such as `12 ms`"
        ));
    }
    Ok(spans)
}

/// The path of `file` as seen from the working folder, if it lies there.
fn shown(file: &Path) -> String {
    let here = std::env::current_dir().ok();
    let inside: Option<PathBuf> = here.and_then(|here| file.strip_prefix(here).ok().map(Path::to_owned));
    inside.unwrap_or_else(|| file.to_owned()).display().to_string()
}
