//! The tables of a report.
use super::{AgreementRow, ExpectationRow, FitnessRow, HandRow, VerdictRow};
use crate::plot::ink::escape;

/// A table with these headings; cells are ready HTML. Columns that are empty in every row are left away.
fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let kept: Vec<usize> =
        (0..headings.len()).filter(|column| rows.iter().any(|row| !row[*column].is_empty())).collect();
    let cells = |tag: &str, cell: &dyn Fn(usize) -> String| -> String {
        kept.iter().map(|column| format!("<{tag}>{}</{tag}>", cell(*column))).collect()
    };
    let head = cells("th", &|column| headings[column].to_owned());
    let body: String =
        rows.iter().map(|row| format!("<tr>{}</tr>\n", cells("td", &|column| row[column].clone()))).collect();
    format!(
        "<div class=\"scroll\"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n"
    )
}

/// A word for a person and a mark for the eye.
fn mark(good: bool, yes: &str, no: &str) -> String {
    let (class, sign, word) = if good { ("good", "✓", yes) } else { ("bad", "✗", no) };
    format!("<span class=\"{class}\">{sign} {word}</span>")
}

/// A verdict's word in its colour.
pub(super) fn verdict_word(word: &str) -> String {
    let class = match word {
        "unaffected" | "recovered" => "good",
        "metastable" | "escaped" | "overloaded" => "bad",
        "" | "undecided" => "unsure",
        _ => "between",
    };
    format!("<span class=\"{class} verdict\">{}</span>", escape(word))
}

pub(super) fn hand(rows: &[HandRow]) -> String {
    let rows: Vec<_> = rows
        .iter()
        .map(|r| [&r.label, &r.formula, &r.value, &r.measured].map(|cell| escape(cell)).to_vec())
        .collect();
    table(&["", "calculation", "by hand", "measured"], &rows)
}

pub(super) fn verdicts(rows: &[VerdictRow]) -> String {
    let row = |r: &VerdictRow| {
        let mut cells: Vec<String> = [&r.variant, &r.change, &r.engine].map(|cell| escape(cell)).to_vec();
        cells.push(verdict_word(&r.verdict));
        cells.extend([&r.recovery, &r.goodput, &r.amplification, &r.seeds].map(|cell| escape(cell)));
        cells
    };
    let headings = [
        "variant",
        "change",
        "engine",
        "verdict",
        "recovery",
        "goodput at the end",
        "attempts per call",
        "seeds",
    ];
    table(&headings, &rows.iter().map(row).collect::<Vec<_>>())
}

pub(super) fn agreement(rows: &[AgreementRow]) -> String {
    let row = |r: &AgreementRow| {
        let mut cells: Vec<String> =
            [&r.quantity, &r.simulated, &r.live, &r.difference].map(|cell| escape(cell)).to_vec();
        cells.push(mark(r.agrees, "agree", "differ"));
        cells
    };
    table(&["", "simulated", "live", "difference", ""], &rows.iter().map(row).collect::<Vec<_>>())
}

pub(super) fn expectations(rows: &[ExpectationRow]) -> String {
    let row = |r: &ExpectationRow| {
        vec![escape(&r.expected), escape(&r.found), mark(r.held, "held", "did not hold")]
    };
    table(&["expected", "found", ""], &rows.iter().map(row).collect::<Vec<_>>())
}

pub(super) fn fitness(rows: &[FitnessRow]) -> String {
    let row = |r: &FitnessRow| {
        vec![escape(&r.check), escape(&r.measured), escape(&r.limit), mark(r.fit, "fit", "unfit")]
    };
    table(&["check", "measured", "limit", ""], &rows.iter().map(row).collect::<Vec<_>>())
}
