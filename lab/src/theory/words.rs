//! Figures as a person writes them.

/// The number `shown` with a comma after every thousand: `-12345.6` becomes `-12,345.6`.
pub fn grouped(shown: &str) -> String {
    let digits = shown.find(|c: char| c.is_ascii_digit()).unwrap_or(shown.len());
    let (sign, rest) = shown.split_at(digits);
    let whole = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (whole, fraction) = rest.split_at(whole);
    let mut text = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart_and_nothing_else_is() {
        let shown = ["0", "999", "1000", "12345", "1234567", "-12345.678", "+1422.0", "-0.5", "inf", "NaN"];
        let grouped = shown.map(grouped);
        assert_eq!(
            grouped,
            ["0", "999", "1,000", "12,345", "1,234,567", "-12,345.678", "+1,422.0", "-0.5", "inf", "NaN"]
        );
    }
}
