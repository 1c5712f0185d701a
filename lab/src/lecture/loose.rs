//! Numbers of a text that nothing pins: neither measured, nor in a config, nor given with a source. A text that says such a number
//! says it for one version of the lab, on somebody's word.
use super::{
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

/// A number and its unit.
#[derive(Clone, Debug, PartialEq)]
struct Number {
    text: String,
    /// In units of the lab: seconds, per second, percent.
    value: f64,
    unit: &'static str,
}

type Known = HashSet<(String, &'static str)>;

fn key(number: &Number) -> (String, &'static str) {
    (format!("{:.9e}", number.value), number.unit)
}

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

const UNITS: [(&str, f64, &str); 8] = [
    ("/s", 1.0, "/s"),
    ("/min", 1.0 / 60.0, "/s"),
    ("ms", 1e-3, "s"),
    ("min", 60.0, "s"),
    ("s", 1.0, "s"),
    ("h", 3600.0, "s"),
    ("%", 1.0, "%"),
    ("times", 1.0, ""),
];

/// The numbers of `text`. Digits that belong to a word (`p99`, `M/M/4`, `HotOS'21`, `§2.1`) and numbers of modules are none.
fn numbers(text: &str) -> Vec<Number> {
    let letters: Vec<char> = text.chars().collect();
    let mut found = vec![];
    let mut at = 0;
    while at < letters.len() {
        let before = if at == 0 { ' ' } else { letters[at - 1] };
        if !letters[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        let digit = |i: usize| letters.get(i).is_some_and(char::is_ascii_digit);
        while digit(at) || letters.get(at).is_some_and(|c| ".,_".contains(*c)) && digit(at + 1) {
            at += 1;
        }
        let kendall = before == '/' && start > 1 && letters[start - 2].is_ascii_uppercase();
        if before.is_alphanumeric() || "'’§_".contains(before) || kendall || of_modules(&letters[..start])
        {
            while letters.get(at).is_some_and(|c| c.is_alphanumeric()) {
                at += 1;
            }
            continue;
        }
        let digits: String = letters[start..at].iter().filter(|c| !",_".contains(**c)).collect();
        let mut rest: String = letters[at..].iter().take(7).collect();
        let gap = rest.starts_with(' ');
        rest = rest.trim_start_matches(' ').into();
        let unit = UNITS.iter().find(|(unit, ..)| {
            let follows = rest.strip_prefix(unit).map(|more| more.chars().next());
            follows.is_some_and(|next| !next.is_some_and(char::is_alphanumeric))
        });
        if unit.is_none() && !gap && rest.starts_with(char::is_alphabetic) {
            continue;
        }
        let (unit, scale, kind) = unit.copied().unwrap_or(("", 1.0, ""));
        let space = if gap && !unit.is_empty() { " " } else { "" };
        let shown: String = letters[start..at].iter().collect();
        let value = digits.parse::<f64>().unwrap_or(f64::NAN) * scale;
        found.push(Number { text: format!("{shown}{space}{unit}"), value, unit: kind });
    }
    found
}

/// Whether a list of modules goes on after `before`: `modules 3, 4 and `.
fn of_modules(before: &[char]) -> bool {
    let text: String = before.iter().collect::<String>().to_lowercase();
    let Some(at) = text.rfind("module") else { return false };
    let between = text[at + "module".len()..].trim_start_matches('s');
    between.starts_with(' ')
        && between
            .split([' ', ','])
            .all(|w| ["", "and", "to", "or"].contains(&w) || w.bytes().all(|b| b.is_ascii_digit()))
}

const WORDS: [&str; 13] = [
    "none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];

/// Results in words: `three of eight`, `on four seeds`.
fn counted_in_words(text: &str) -> Vec<String> {
    let word = |w: &str| w.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let words: Vec<String> = text.split_whitespace().map(word).filter(|w| w != "the").collect();
    let is_number = |w: &String| WORDS.contains(&w.as_str());
    let said = |w: &[String]| match w {
        // "One of the two" tells a story.
        [first, of, all] => of == "of" && first != "one" && is_number(first) && is_number(all),
        _ => false,
    };
    let seeds = |w: &[String]| match w {
        [on, count, what] => {
            ["on", "in", "over"].contains(&on.as_str())
                && is_number(count)
                && ["seeds", "runs"].contains(&what.as_str())
        }
        _ => false,
    };
    words.windows(3).filter(|w| said(w) || seeds(w)).map(|w| w.join(" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        numbers(text).into_iter().map(|n| n.text).collect()
    }

    #[test]
    fn numbers_are_found_with_their_units_and_names_are_not() {
        assert_eq!(texts("from 36.7 s to 1,480 s at 140/s, 98 %"), ["36.7 s", "1,480 s", "140/s", "98 %"]);
        assert_eq!(texts("p99 and 5xx of an M/M/4 (HotOS'21 §2.1), as in modules 3, 4 and 9: 12"), ["12"]);
        let same = |a: &str, b: &str| assert_eq!(key(&numbers(a)[0]), key(&numbers(b)[0]), "{a} {b}");
        same("250 ms", "0.25 s");
        same("2 min", "120 s");
        same("60/min", "1/s");
    }

    #[test]
    fn results_in_words_are_seen_and_stories_are_not() {
        assert_eq!(counted_in_words("It fell on three of the eight seeds."), ["three of eight"]);
        assert_eq!(counted_in_words("in four runs"), ["in four runs"]);
        assert!(counted_in_words("one of them, four workers, ten seconds, all seeds").is_empty());
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
