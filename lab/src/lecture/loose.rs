//! Numbers of a text that nothing pins: neither measured, nor in a config, nor given with a source. A text that says such a number
//! says it for one version of the lab, on somebody's word.
use super::{
    count::{Number, counted_in_words, key, numbers},
    fill::slots,
    read::Lecture,
    text::{Module, Section},
};
use std::collections::HashSet;

/// A number that hangs loose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loose {
    /// The file's name.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The number, with its unit.
    pub number: String,
}

/// All numbers of the texts of `lecture` that nothing pins.
///
/// Not looked at: placeholders, commands, names of files and modules, headings' time marks. Numbers that a person may write: 0, 1 and 2
/// without a unit, everything that stands in the module's configs outside of `expect`, in the answers' changes, stretches and seeds, and
/// what `given` explains. Words count too: `three of eight` is a measurement.
pub fn loose(lecture: &Lecture) -> Vec<Loose> {
    let known = inputs(lecture);
    let given: Vec<&str> = lecture.answers.file.given.keys().map(String::as_str).collect();
    let mut found = vec![];
    for (name, text) in &lecture.texts {
        let file = name.display().to_string();
        let mut fenced = false;
        for (index, line) in text.lines().enumerate() {
            if line.starts_with("```") {
                fenced = !fenced;
                continue;
            }
            if (fenced || line.starts_with(CODE)) && line.trim_start().starts_with("lab ") {
                continue;
            }
            let bare = bare(line, &given);
            let numbers = numbers(&bare).into_iter().filter(|n| !is_known(n, &known));
            let loose = numbers.map(|n| n.text).chain(counted_in_words(&bare));
            found.extend(loose.map(|number| Loose { file: file.clone(), line: index + 1, number }));
        }
    }
    found
}

/// The commands of a text: lines of code blocks, and code in a line, that begin with `lab `.
pub fn commands(module: &Module) -> Vec<String> {
    let sections = [&module.lead, &module.goals, &module.question, &module.reveal];
    let all = sections.into_iter().chain(&module.before).chain(&module.after);
    all.flat_map(|Section { body, .. }| commands_in(body)).collect()
}

/// The same of any Markdown.
pub fn commands_in(text: &str) -> Vec<String> {
    let mut found = vec![];
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with(CODE) {
            found.extend(line.trim().strip_prefix("lab ").map(|rest| format!("lab {rest}")));
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            found.extend(spans.filter(|span| span.starts_with("lab ")).map(str::to_owned));
        }
    }
    // What stands behind a `#` is a remark.
    let plain = |command: String| command.split(" #").next().unwrap_or("").trim().to_owned();
    found.into_iter().map(plain).collect()
}

/// What a line of code begins with in Markdown, without a fence.
const CODE: &str = "    ";

type Known = HashSet<(String, &'static str)>;

fn is_known(number: &Number, known: &Known) -> bool {
    number.unit.is_empty() && [0.0, 1.0, 2.0].contains(&number.value) || known.contains(&key(number))
}

/// Everything that the author of a text has put into its runs.
fn inputs(lecture: &Lecture) -> Known {
    let file = &lecture.answers.file;
    let mut text = format!("{}\n", file.seeds);
    for answer in &lecture.answers.answers {
        text += &format!("{} {}\n", answer.seeds, answer.set.join(" "));
        text += &answer.answer.over.map_or_else(String::new, |over| format!("{over}\n"));
    }
    for figure in &lecture.answers.figures {
        text += &format!("{}\n", figure.set.join(" "));
    }
    if let Some(stairs) = file.stairs {
        let levels = (0..).map(|n| stairs.from.0 + f64::from(n) * stairs.step.0);
        let levels = levels.take_while(|level| *level <= stairs.to.0).map(|level| format!("{level}/s "));
        text += &format!("{}{} {}\n", levels.collect::<String>(), stairs.step, stairs.dwell);
    }
    for config in lecture.configs() {
        text += &written(&std::fs::read_to_string(config).unwrap_or_default());
    }
    let all = numbers(&text);
    // `140/s` is also `140 calls a second`.
    let rates = all.iter().filter(|n| n.unit == "/s").map(|n| (key(n).0, ""));
    all.iter().map(key).chain(rates).collect()
}

/// A config without its remarks, titles and expectations: what runs.
fn written(config: &str) -> String {
    let mut block = "";
    let mut text = String::new();
    for line in config.lines() {
        let line = line.split(" #").next().unwrap_or("");
        if !line.starts_with([' ', '#']) {
            block = line.split(':').next().unwrap_or("");
        }
        if !line.starts_with('#') && !["title", "source", "expect", "cell"].contains(&block) {
            // `20ms=x`: a change begins after its sign.
            text += &line.replace('=', " ");
            text.push('\n');
        }
    }
    text
}

/// A line without what is no number of the text.
fn bare(line: &str, given: &[&str]) -> String {
    let mut bare = line.replace('\u{a0}', " ");
    for slot in slots(&bare.clone()).into_iter().rev() {
        bare.replace_range(slot.range, "");
    }
    for words in given {
        bare = bare.replace(words, "");
    }
    while let Some(from) = bare.find("](") {
        let until = bare[from..].find(')').map_or(bare.len(), |n| from + n + 1);
        bare.replace_range(from..until, "] ");
    }
    let mut parts: Vec<&str> = bare.split('`').collect();
    for part in parts.iter_mut().skip(1).step_by(2) {
        if part.starts_with("lab ") || part.contains(".yaml") || part.contains('/') && part.contains('-') {
            *part = "";
        }
    }
    let mut bare = parts.join(" ");
    // A heading's time mark, and the number of an item.
    if let Some(heading) = bare.strip_prefix("## ") {
        let (first, rest) = heading.split_once(' ').unwrap_or((heading, ""));
        bare = if first.contains(':') { rest.into() } else { heading.into() };
    }
    let trimmed = bare.trim_start();
    match trimmed.split_once(". ") {
        Some((item, rest)) if item.bytes().all(|b| b.is_ascii_digit()) => rest.into(),
        _ => bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        numbers(text).into_iter().map(|n| n.text).collect()
    }

    #[test]
    fn what_is_expected_of_a_config_is_no_input() {
        let config =
            "title: 9 lives\nrate: 140/s   # 7 of them\nexpect:\n  - { between: [3.8, 4.1] }\nseed: 5\n";
        assert_eq!(texts(&written(config)), ["140/s", "5"]);
    }

    #[test]
    fn placeholders_commands_marks_and_what_is_given_are_bare_of_numbers() {
        let line = "## 3:30 On 2022-02-22 {{ x.range }} `lab run a-7.yaml --seeds 9` [4](figure:p5) and 6 s";
        assert_eq!(texts(&bare(line, &["2022-02-22"])), ["4", "6 s"]);
        assert_eq!(texts(&bare("3. Take 8 of them", &[])), ["8"]);
    }

    #[test]
    fn commands_are_found_in_blocks_and_lines() {
        let text =
            "Run `lab run a.yaml`.\n```\nlab check b.yaml   # first\n  200/s\n```\n\n    lab run c.yaml\n";
        assert_eq!(commands_in(text), ["lab run a.yaml", "lab check b.yaml", "lab run c.yaml"]);
    }
}
