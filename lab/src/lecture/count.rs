//! Numbers in a line of text, with their units; and results that are counted in words.

/// A number and its unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    /// As written.
    pub(super) text: String,
    /// In seconds, per second, or percent.
    pub(super) value: f64,
    /// The unit of the value; empty for a plain number.
    pub(super) unit: &'static str,
}

/// Equal for equal quantities, however they are written.
pub(super) fn key(number: &Number) -> (String, &'static str) {
    (format!("{:.9e}", number.value), number.unit)
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
pub(super) fn numbers(text: &str) -> Vec<Number> {
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
pub(super) fn counted_in_words(text: &str) -> Vec<String> {
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
}
