//! Where the points of a figure over variants lie: which variants belong to it, and what stands at its paths in each.
use super::{
    expect::Amount,
    figure::Figure,
    node::{Node, Value},
    overlay::find,
    read::any_of,
};
use lab_core::time::Span;

/// A point of a figure over variants.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The variant; `None`: the experiment itself.
    pub variant: Option<String>,
    /// What stands at `x`: a number, a rate per second, a share in percent, or a length of time in seconds.
    pub x: f64,
    /// The unit of `x`; empty for a number.
    pub unit: &'static str,
    /// What stands at `series`, in a word or two; empty where the figure has one line.
    pub series: String,
}

/// A variant that may belong to a figure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    /// `None`: the experiment itself.
    pub(super) variant: Option<&'a str>,
    /// The paths that it changes.
    pub(super) changes: &'a [(String, String)],
    /// The whole of it, every default filled in.
    pub(super) tree: &'a Node,
}

/// Why a figure has no points: at which of its keys, and what to do.
#[derive(Clone, Debug)]
pub(super) struct NoPoints {
    pub(super) key: &'static str,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: Option<String>,
}

impl NoPoints {
    pub(super) fn new(key: &'static str, message: String, help: Option<String>) -> NoPoints {
        NoPoints { key, message, label: String::new(), help }
    }
}

/// The points of `figure`, which is one over variants.
pub(super) fn points(figure: &Figure, candidates: &[Candidate<'_>]) -> Result<Vec<Point>, NoPoints> {
    let paths: Vec<&str> =
        [&figure.x, &figure.series].into_iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
    let members: Vec<&Candidate<'_>> = candidates
        .iter()
        .filter(|candidate| {
            candidate.changes.iter().all(|(changed, _)| paths.iter().any(|p| touch(changed, p)))
        })
        .collect();
    let words = if figure.series.is_empty() {
        vec![String::new(); members.len()]
    } else {
        let values: Result<Vec<&Node>, NoPoints> =
            members.iter().map(|member| value("series", member, &figure.series)).collect();
        labels(&figure.series, &values?)
    };
    let mut points: Vec<Point> = vec![];
    for (member, series) in members.iter().zip(words) {
        let (x, unit) = number(member, value("x", member, &figure.x)?, &figure.x)?;
        // The same experiment under two names is one point.
        if points.iter().all(|known| (known.x, &known.series) != (x, &series)) {
            points.push(Point { variant: member.variant.map(str::to_owned), x, unit, series });
        }
    }
    varies(figure, &points, paths.len() > 1)?;
    Ok(points)
}

/// Whether a change at one of the paths is one of the other: they are the same, or one is a block that holds the other.
fn touch(one: &str, other: &str) -> bool {
    let holds = |block: &str, inner: &str| {
        inner.strip_prefix(block).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    holds(one, other) || holds(other, one)
}

fn value<'a>(key: &'static str, member: &Candidate<'a>, path: &str) -> Result<&'a Node, NoPoints> {
    find(member.tree, path).map_err(|nowhere| {
        // What may have been meant is known where there are keys to choose from.
        let help = nowhere.help.filter(|_| !nowhere.label.is_empty());
        NoPoints { key, message: nowhere.message + &of(member), label: nowhere.label, help }
    })
}

fn of(member: &Candidate<'_>) -> String {
    member.variant.map_or_else(String::new, |name| format!(" (variant `{name}`)"))
}

/// The number that a value is on an axis, and its unit; `None` if it is no number.
pub(super) fn on_axis(node: &Node) -> Option<(f64, &'static str)> {
    match node.text()?.parse().ok()? {
        Amount::Number(number) => Some((number, "")),
        Amount::Rate(rate) => Some((rate.0, "per second")),
        Amount::Share(share) => Some((share.0 * 100.0, "%")),
        Amount::Duration(length) => (length.0 < Span::FOREVER).then(|| (length.0.as_secs_f64(), "s")),
    }
}

fn number(member: &Candidate<'_>, node: &Node, path: &str) -> Result<(f64, &'static str), NoPoints> {
    match on_axis(node) {
        Some(found) => Ok(found),
        None => {
            let found = node.one_line();
            let message =
                format!("`{path}` is `{found}`{}, which is no number to put on an axis", of(member));
            let keys: Vec<String> =
                node.entries().iter().filter_map(|e| e.key.text()).map(|k| format!("{path}.{k}")).collect();
            let help = match keys.is_empty() {
                true => Some(
                    "an axis needs a number, a rate, a share or a length of time; words can be `series`"
                        .into(),
                ),
                false => Some(format!("a path of one value is {}", any_of(&keys))),
            };
            Err(NoPoints::new("x", message, help))
        }
    }
}

fn varies(figure: &Figure, points: &[Point], several: bool) -> Result<(), NoPoints> {
    let drawn = format!(
        "a figure takes the experiment and every variant that changes nothing but {}",
        if several { "`x` and `series`" } else { "`x`" }
    );
    if points.iter().all(|point| point.x == points[0].x) {
        let message =
            format!("`{}` is the same in all that this figure takes, so there is no line to draw", figure.x);
        return Err(NoPoints::new("x", message, Some(drawn)));
    }
    if several && points.iter().all(|point| point.series == points[0].series) {
        let message = format!("`{}` is the same in all that this figure takes", figure.series);
        return Err(NoPoints::new("series", message, Some(drawn)));
    }
    Ok(())
}

/// A word for each value: that of the choice where it tells them apart, else the whole value.
pub(super) fn labels(path: &str, values: &[&Node]) -> Vec<String> {
    let short = |node: &Node| match &node.value {
        Value::Map(entries) if entries.len() == 1 => entries[0].key.one_line(),
        _ => node.one_line(),
    };
    let whole: Vec<String> = values.iter().map(|node| node.one_line()).collect();
    let name = path.rsplit('.').next().unwrap_or(path).replace('_', " ");
    let word = |(index, node): (usize, &&Node)| {
        let same = |other: usize| short(values[other]) == short(node) && whole[other] != whole[index];
        let word = match (0..values.len()).any(same) {
            true => plain(&whole[index]),
            false => short(node).replace('_', " "),
        };
        // A number alone does not say what it is of.
        if word.starts_with(|c: char| c.is_ascii_digit()) { format!("{name} {word}") } else { word }
    };
    values.iter().enumerate().map(word).collect()
}

/// A choice with its settings, without YAML's signs: `craq, reads eventual`.
fn plain(value: &str) -> String {
    let words = value.trim_start_matches("{ ").replace(": { ", ", ").replace(" }", "");
    words.replace(": ", " ").replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse::parse;

    #[test]
    fn a_choice_is_named_by_its_word_unless_two_share_it() {
        let named = |values: &[&str]| {
            let nodes: Vec<Node> =
                values.iter().map(|v| parse(v, 0).unwrap_or_else(|_| panic!("{v}")).0).collect();
            labels("services.store.retry_after", &nodes.iter().collect::<Vec<_>>())
        };
        assert_eq!(named(&["chain", "{ primary_backup: { ack: all } }"]), ["chain", "primary backup"]);
        assert_eq!(
            named(&["{ craq: { reads: strong } }", "{ craq: { reads: eventual } }"]),
            ["craq, reads strong", "craq, reads eventual"]
        );
        assert_eq!(named(&["10 ms", "none"]), ["retry after 10 ms", "none"]);
    }

    #[test]
    fn a_change_belongs_to_a_path_or_to_a_block_that_holds_it() {
        assert!(touch("workload.mix", "workload.mix.write") && touch("workload.mix.write", "workload.mix"));
        assert!(!touch("workload.mix", "workload.mixture") && !touch("workload.rate", "workload.mix"));
    }
}
