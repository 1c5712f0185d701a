//! Numbers, times and lists as a person writes them.
use crate::theory::grouped;
use lab_core::time::Span;

/// A number with thousands separators; three significant digits below a hundred.
pub fn number(v: f64) -> String {
    if !v.is_finite() {
        return "–".into();
    }
    let size = v.abs();
    let decimals = match size {
        s if s >= 99.95 || s == 0.0 => 0,
        s if s >= 9.995 => 1,
        s if s >= 0.9995 => 2,
        s => (2 - libm::floor(libm::log10(s)) as i32).clamp(0, 9) as usize,
    };
    let shown = format!("{size:.decimals$}");
    let (whole, fraction) = shown.split_once('.').unwrap_or((&shown, ""));
    let fraction = fraction.trim_end_matches('0');
    let sign = if v < 0.0 { "−" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", grouped(whole))
}

/// A rate per second: `560/s`.
pub fn rate(per_second: f64) -> String {
    format!("{}/s", number(per_second))
}

/// A length of time, in the unit a person would choose: `250 ms`, `20 s`, `12 min`.
pub fn seconds(s: f64) -> String {
    match s {
        s if s > 0.0 && s < 1e-3 => format!("{} µs", number(s * 1e6)),
        s if s > 0.0 && s < 1.0 => format!("{} ms", number(s * 1e3)),
        s if s >= 600.0 && s % 60.0 == 0.0 => format!("{} min", number(s / 60.0)),
        s if s >= 100.0 => format!("{} s", number(s)),
        s => format!("{} s", number((s * 10.0).round() / 10.0)),
    }
}

/// As [`seconds`]; `none` for a span without end.
pub fn span(span: Span) -> String {
    if span.is_forever() { "none".into() } else { seconds(span.as_secs_f64()) }
}

/// A length of time in front of a noun, with its article: `A 10-second`, `An 8-second`.
pub fn a_long(length: Span) -> String {
    let s = length.as_secs_f64();
    let (count, unit) = match s {
        s if s < 1.0 => (s * 1e3, "millisecond"),
        s if s >= 120.0 && s % 60.0 == 0.0 => (s / 60.0, "minute"),
        s => (s, "second"),
    };
    let shown = number(count);
    let vowel = shown.starts_with('8') || matches!(shown.as_str(), "11" | "18");
    format!("{} {shown}-{unit}", if vowel { "An" } else { "A" })
}

/// `one`, `two`, … up to nine, then figures.
pub fn count(n: usize) -> String {
    const WORDS: [&str; 10] = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    WORDS.get(n).map_or_else(|| n.to_string(), |word| (*word).into())
}

/// `text` with its first letter large.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `text` with its first letter small.
pub fn small(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// `n` things: `1 replica`, `3 replicas`.
pub fn plural(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", number(n as f64), if n == 1 { "" } else { "s" })
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<S: AsRef<str>>(parts: &[S]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.as_ref().into(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well_at_every_size() {
        let shown = [0.0, 0.0123, 0.5, 1.234, 24.0, 99.97, 560.4, 100_000.0, 1_234_567.0, -3.0].map(number);
        assert_eq!(shown, ["0", "0.0123", "0.5", "1.23", "24", "100", "560", "100,000", "1,234,567", "−3"]);
        assert_eq!(number(f64::NAN), "–");
    }

    #[test]
    fn times_have_the_unit_that_fits() {
        assert_eq!([0.0, 0.25, 1.0, 20.04, 1200.0].map(seconds), ["0 s", "250 ms", "1 s", "20 s", "20 min"]);
        assert_eq!(a_long(Span::from_secs(10)), "A 10-second");
        assert_eq!(a_long(Span::from_secs(8)), "An 8-second");
        assert_eq!(a_long(Span::from_millis(500)), "A 500-millisecond");
    }
}
