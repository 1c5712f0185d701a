//! Recorded data: CSV files whose first column holds lengths of time.
use super::units::Duration;
use lab_core::time::{Span, Time};
use std::path::Path;

/// The lengths of time in the first column of `file`. Empty lines, lines that begin with `#`, and a heading in the first line
/// are passed over.
pub fn lengths(file: &Path) -> Result<Vec<Span>, String> {
    let shown = file.display();
    if !file.is_file() {
        return Err(format!("there is no file `{shown}`"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    let mut spans = vec![];
    for (index, line) in text.lines().enumerate() {
        let cell = line.split(',').next().unwrap_or("").trim().trim_matches('"');
        if cell.is_empty() || cell.starts_with('#') {
            continue;
        }
        match cell.parse::<Duration>() {
            Ok(span) => spans.push(span.0),
            Err(_) if index == 0 && cell.starts_with(char::is_alphabetic) => {}
            Err(message) => {
                let message = message.replace('\n', "; ");
                return Err(format!("{shown}:{}: {message}", index + 1));
            }
        }
    }
    if spans.is_empty() { Err(format!("`{shown}` holds no times")) } else { Ok(spans) }
}

/// The instants in the first column of `file`, in order.
pub fn instants(file: &Path) -> Result<Vec<Time>, String> {
    let times: Vec<Time> = lengths(file)?.into_iter().map(|span| Time::ZERO + span).collect();
    match times.windows(2).find(|pair| pair[1] < pair[0]) {
        Some(pair) => Err(format!(
            "`{}` is not in order of time: {} comes after {}",
            file.display(),
            pair[1].since(Time::ZERO),
            pair[0].since(Time::ZERO)
        )),
        None => Ok(times),
    }
}
