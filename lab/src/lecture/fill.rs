//! Places in a text where a measured number goes: `{{ name }}`, its median; `{{ name.range }}`, from the smallest to the largest of the
//! seeds; `{{ name.seeds }}`, how many those are.
use super::measured::{Measured, Numbers};
use crate::plot::ink::escape;
use std::ops::Range;

/// What a text is filled in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// A terminal.
    Plain,
    /// A page, on which a number says where it comes from.
    Html,
}

/// A place for a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot<'t> {
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// The name of the answer.
    pub(super) name: &'t str,
    /// Which part of it; empty for the number itself.
    pub(super) part: &'t str,
}

/// The parts of an answer that a text can name.
pub(super) const PARTS: [&str; 3] = ["", "range", "seeds"];

/// All places of `text`, in order. What is not closed is no place.
pub(super) fn slots(text: &str) -> Vec<Slot<'_>> {
    let mut found = vec![];
    let mut at = 0;
    while let Some(open) = text[at..].find("{{").map(|n| at + n) {
        let Some(close) = text[open..].find("}}").map(|n| open + n) else { break };
        let inner = text[open + 2..close].trim();
        let (name, part) = inner.split_once('.').unwrap_or((inner, ""));
        found.push(Slot { range: open..close + 2, name, part });
        at = close + 2;
    }
    found
}

/// The names of the figures that `text` shows, each with where it stands: `![caption](figure:name)`.
pub(super) fn figures(text: &str) -> Vec<(Range<usize>, &str)> {
    const MARK: &str = "](figure:";
    let name = |(at, _): (usize, &str)| {
        let start = at + MARK.len();
        let end = start + text[start..].find(')')?;
        Some((start..end, &text[start..end]))
    };
    text.match_indices(MARK).filter_map(name).collect()
}

/// `text` with its numbers. Reading a module has seen to it that all are there.
pub fn fill(text: &str, numbers: &Numbers, how: As) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut at = 0;
    for slot in slots(text) {
        filled += &text[at..slot.range.start];
        at = slot.range.end;
        if let Some(measured) = numbers.get(slot.name) {
            filled += &number(measured, slot.part, how);
        }
    }
    filled + &text[at..]
}

fn number(measured: &Measured, part: &str, how: As) -> String {
    let said = match part {
        "range" => measured.range(),
        "seeds" => measured.seeds.to_string(),
        _ => measured.shown(),
    };
    match how {
        // A number and its unit stay together.
        As::Plain => said.replace(' ', "\u{a0}"),
        As::Html => {
            let origin = escape(&measured.origin());
            format!("<abbr title=\"{origin}\">{}</abbr>", escape(&said).replace(' ', "\u{a0}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_figures_are_found() {
        let text = "Down for {{ time }} ({{time.range}}). {{ open\n![All of it.](figure:storm)\n";
        let found: Vec<(&str, &str)> = slots(text).iter().map(|s| (s.name, s.part)).collect();
        assert_eq!(found, [("time", ""), ("time", "range")]);
        assert_eq!(figures(text)[0].1, "storm");
    }
}
