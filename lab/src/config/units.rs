//! Quantities as people write them: a number and its unit.
use lab_core::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, marker::PhantomData, str::FromStr};

/// Stands for what could not be read, so that reading can go on and find further mistakes.
pub(super) const POISON: &str = "\u{1}";

/// Longest length of time that a config may ask for: thirty days.
const LONGEST_S: f64 = 30.0 * 24.0 * 3600.0;
/// Highest rate that a config may ask for.
const FASTEST_PER_S: f64 = 1e8;

/// A value that is one word or one number with its unit. The error of [`FromStr`] is a message, and after a line break what
/// may have been meant.
pub(super) trait Quantity: FromStr<Err = String> + fmt::Display {
    /// What an error says is expected, with an example.
    const EXPECTED: &'static str;
    /// Any valid value.
    fn any() -> Self;
}

/// Reads a quantity from a scalar.
pub(super) fn read<'de, T: Quantity, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);
    impl<T: Quantity> de::Visitor<'_> for Text<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(T::EXPECTED)
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            if text == POISON { Ok(T::any()) } else { text.trim().parse().map_err(E::custom) }
        }
    }
    deserializer.deserialize_str(Text(PhantomData))
}

macro_rules! quantity {
    ($name:ident, $expected:literal, $pattern:literal, $any:expr) => {
        impl Quantity for $name {
            const EXPECTED: &'static str = $expected;
            fn any() -> Self {
                $any
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read(deserializer)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $expected })
            }
        }
    };
}
pub(super) use quantity;

/// A length of time such as `250 ms`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duration(pub Span);
quantity!(
    Duration,
    "a length of time such as `250 ms`, `1.5 s` or `2 min`",
    r"^[0-9][0-9_]*(\.[0-9]+)? *(ns|us|µs|ms|s|min|h)$",
    Duration(Span::from_secs(1))
);

/// A length of time, or `none` for no limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit(pub Span);
quantity!(
    Limit,
    "a length of time such as `250 ms`, `1.5 s` or `2 min`, or `none`",
    r"^(none|[0-9][0-9_]*(\.[0-9]+)? *(ns|us|µs|ms|s|min|h))$",
    Limit(Span::FOREVER)
);

/// Events per second, such as `800/s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(pub f64);
quantity!(Rate, "a rate such as `800/s`", r"^[0-9][0-9_]*(\.[0-9]+)? */ *(s|min|h)$", Rate(1.0));

/// A share such as `20 %`, kept as a fraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub f64);
quantity!(Share, "a share such as `20 %`", r"^[0-9][0-9_]*(\.[0-9]+)? *%$", Share(1.0));

/// Splits `250 ms` into number and unit. Fails where there is no number in front.
fn split(text: &str) -> Option<(f64, &str)> {
    let unit_at = text
        .char_indices()
        .find(|&(i, c)| !(c.is_ascii_digit() || matches!(c, '.' | '_') || (i == 0 && matches!(c, '-' | '+'))))
        .map_or(text.len(), |(i, _)| i);
    let number: f64 = text[..unit_at].replace('_', "").parse().ok()?;
    Some((number, text[unit_at..].trim()))
}

fn not(text: &str, expected: &str) -> String {
    format!("expected {expected}, found `{text}`")
}

fn in_range(number: f64, seconds: f64, text: &str) -> Result<Span, String> {
    if number < 0.0 {
        Err(format!("`{text}` is negative; a length of time cannot be"))
    } else if seconds > LONGEST_S {
        Err(format!("`{text}` is too long; 30 days (720 h) is the most"))
    } else if number > 0.0 && seconds < 0.5e-9 {
        Err(format!("`{text}` is less than a nanosecond, the smallest step of time here"))
    } else {
        Ok(Span::from_secs_f64(seconds))
    }
}

impl FromStr for Duration {
    type Err = String;
    fn from_str(text: &str) -> Result<Duration, String> {
        let (number, unit) = split(text).ok_or_else(|| not(text, Duration::EXPECTED))?;
        let scale = match unit {
            "ns" => 1e9,
            "us" | "µs" | "μs" => 1e6,
            "ms" => 1e3,
            "s" => 1.0,
            "min" => 1.0 / 60.0,
            "h" => 1.0 / 3600.0,
            "" => return Err(format!("`{text}` has no unit\nwrite `{text} ms` or `{text} s`")),
            _ => {
                let meant = match unit.to_lowercase().as_str() {
                    "m" => Some("min"),
                    "sec" | "secs" | "second" | "seconds" => Some("s"),
                    "msec" | "millis" | "milliseconds" => Some("ms"),
                    "minute" | "minutes" | "mins" => Some("min"),
                    "hour" | "hours" => Some("h"),
                    lower => ["ns", "us", "ms", "s", "min", "h"].into_iter().find(|u| *u == lower),
                };
                let help = meant.map_or(String::new(), |m| format!("\ndid you mean `{number} {m}`?"));
                return Err(format!(
                    "`{unit}` is not a unit of time; allowed are `ns`, `us`, `ms`, `s`, `min` and `h`{help}"
                ));
            }
        };
        // A division, because 1e9, 1e6 and 1e3 are exact and their inverses are not.
        in_range(number, number / scale, text).map(Duration)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Limit {
    type Err = String;
    fn from_str(text: &str) -> Result<Limit, String> {
        if text == "none" {
            return Ok(Limit(Span::FOREVER));
        }
        if split(text).is_none() {
            return Err(not(text, Limit::EXPECTED));
        }
        text.parse::<Duration>().map(|d| Limit(d.0))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Rate {
    type Err = String;
    fn from_str(text: &str) -> Result<Rate, String> {
        let (number, unit) = split(text).ok_or_else(|| not(text, Rate::EXPECTED))?;
        let per = match unit.strip_prefix('/').map(str::trim) {
            Some("s") => 1.0,
            Some("min") => 60.0,
            Some("h") => 3600.0,
            _ if unit.is_empty() => return Err(format!("`{text}` has no unit\ndid you mean `{text}/s`?")),
            _ => {
                return Err(format!(
                    "`{unit}` is not a unit of rate; allowed are `/s`, `/min` and `/h`\ndid you mean `{number}/s`?"
                ));
            }
        };
        if number < 0.0 {
            return Err(format!("`{text}` is negative; a rate cannot be"));
        }
        if number / per > FASTEST_PER_S {
            return Err(format!("`{text}` is too much; {FASTEST_PER_S}/s is the most"));
        }
        Ok(Rate(number / per))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl FromStr for Share {
    type Err = String;
    fn from_str(text: &str) -> Result<Share, String> {
        let (number, unit) = split(text).ok_or_else(|| not(text, Share::EXPECTED))?;
        match unit {
            "%" => {}
            "" if number <= 1.0 => {
                return Err(format!("`{text}` has no unit\ndid you mean `{} %`?", percent(number)));
            }
            "" => return Err(format!("`{text}` has no unit\ndid you mean `{text} %`?")),
            _ => return Err(not(text, Share::EXPECTED)),
        }
        if number < 0.0 {
            return Err(format!("`{text}` is negative; a share cannot be"));
        }
        // Scaling the decimal text instead of dividing rounds once, so that `99.9 %` is the same number as 0.999.
        format!("{number}e-2").parse().map(Share).map_err(|_| not(text, Share::EXPECTED))
    }
}

/// A fraction in percent, by its shortest decimal.
fn percent(fraction: f64) -> f64 {
    format!("{fraction}e2").parse().unwrap_or(fraction * 100.0)
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", percent(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_need_a_unit_and_take_decimals() {
        let ns = |text: &str| text.parse::<Duration>().map(|d| d.0.0);
        assert_eq!(ns("250 ms"), Ok(250_000_000));
        assert_eq!(ns("250ms"), Ok(250_000_000));
        assert_eq!(ns("1.5 s"), Ok(1_500_000_000));
        assert_eq!(ns("2 min"), Ok(120_000_000_000));
        assert_eq!(ns("0.1 ms"), Ok(100_000));
        assert_eq!(ns("0 s"), Ok(0));
        assert_eq!(ns("30").unwrap_err(), "`30` has no unit\nwrite `30 ms` or `30 s`");
        assert!(ns("5 m").unwrap_err().contains("did you mean `5 min`?"));
        assert!(ns("-5 s").unwrap_err().contains("negative"));
        assert!(ns("1000 h").unwrap_err().contains("30 days"));
        assert!(ns("soon").is_err() && ns("").is_err() && ns(".").is_err() && ns("1e3 s").is_err());
    }

    #[test]
    fn rates_and_shares_name_the_likely_meaning_of_a_bare_number() {
        assert_eq!("800/s".parse(), Ok(Rate(800.0)));
        assert_eq!("60 / min".parse(), Ok(Rate(1.0)));
        assert!("800".parse::<Rate>().unwrap_err().contains("did you mean `800/s`?"));
        assert_eq!("99.9 %".parse(), Ok(Share(0.999)));
        assert!("0.2".parse::<Share>().unwrap_err().contains("did you mean `20 %`?"));
        assert!("20".parse::<Share>().unwrap_err().contains("did you mean `20 %`?"));
    }

    /// What is written into results must read back as the very same number.
    #[test]
    fn quantities_survive_being_written_and_read() {
        for ns in [1, 999, 100_000, 30_000_000, 1_234_567_891, 86_400_000_000_000] {
            let span = Duration(Span(ns));
            assert_eq!(span.to_string().parse(), Ok(span));
        }
        for fraction in [0.1, 0.999, 1.0 / 3.0, 0.07, 2.0, 1.0 / 7.0] {
            let share = Share(fraction);
            assert_eq!(share.to_string().parse(), Ok(share), "{share}");
        }
        assert_eq!(Limit(Span::FOREVER).to_string().parse(), Ok(Limit(Span::FOREVER)));
    }
}
