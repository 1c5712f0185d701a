//! What stands above the panels: the finding, the setting and the verdict's word.
use super::{
    canvas::{Canvas, LEFT_TOP, RIGHT_TOP, SUBTITLE, TITLE, Type},
    ink::{Colour, Face, colour},
};
use crate::verdict::Verdict;

const LEFT: f64 = 16.0;
const TOP: f64 = 17.0;
const TITLE_STEP: f64 = 25.0;
const SUBTITLE_STEP: f64 = 18.0;

/// A title and a subtitle, broken into lines that fit, and a word at the right edge.
#[derive(Clone, Debug)]
pub(super) struct Header {
    title: Vec<String>,
    subtitle: Vec<String>,
    word: Option<(&'static str, Colour)>,
    right: f64,
}

/// How a verdict's word looks.
fn word_in(colour: Colour) -> Type {
    Type { em: 15.0, face: Face::SemiBold, colour }
}

impl Header {
    /// For a figure of `width` pixels.
    pub(super) fn new(title: &str, subtitle: &str, verdict: Option<&Verdict>, width: f64) -> Header {
        let word = verdict.map(|verdict| (verdict.word(), verdict_colour(verdict)));
        let right = width - LEFT;
        let taken = word.map_or(0.0, |(word, colour)| word_in(colour).width(word) + 24.0);
        Header {
            title: wrap(title, TITLE, right - LEFT - taken),
            subtitle: wrap_phrases(subtitle, SUBTITLE, right - LEFT),
            word,
            right,
        }
    }

    /// Where the header ends.
    pub(super) fn bottom(&self) -> f64 {
        let lines = |lines: &[String], step: f64| lines.len() as f64 * step;
        TOP + lines(&self.title, TITLE_STEP) + lines(&self.subtitle, SUBTITLE_STEP)
    }

    pub(super) fn draw(&self, canvas: &Canvas) {
        let mut y = TOP;
        if let Some((word, colour)) = self.word {
            canvas.text(word, word_in(colour), (self.right, y + 2.0), RIGHT_TOP);
        }
        for line in &self.title {
            canvas.text(line, TITLE, (LEFT, y), LEFT_TOP);
            y += TITLE_STEP;
        }
        for line in &self.subtitle {
            canvas.text(line, SUBTITLE, (LEFT, y + 2.0), LEFT_TOP);
            y += SUBTITLE_STEP;
        }
    }
}

/// The colour of a verdict's word. The word says it too.
pub(super) fn verdict_colour(verdict: &Verdict) -> Colour {
    match verdict {
        Verdict::Unaffected | Verdict::Recovered { .. } => colour::GREEN,
        Verdict::Metastable { .. } | Verdict::Escaped { .. } | Verdict::Overloaded => colour::RED,
        Verdict::Draining { .. } | Verdict::Degraded | Verdict::Oscillating => colour::PURPLE,
        Verdict::Undecided => colour::MUTED,
    }
}

/// As [`wrap`], but broken between the phrases that semicolons separate, into lines of about equal length, where that takes
/// no more lines.
fn wrap_phrases(text: &str, kind: Type, width: f64) -> Vec<String> {
    let most = wrap(text, kind, width).len();
    let narrower = (0..).map(|step| width - 10.0 * f64::from(step)).take_while(|width| *width > 0.0);
    let fits = narrower.map_while(|width| phrases(text, kind, width).filter(|lines| lines.len() <= most));
    fits.last().unwrap_or_else(|| wrap(text, kind, width))
}

/// `text` in lines of whole phrases; `None` where a phrase is longer than a line.
fn phrases(text: &str, kind: Type, width: f64) -> Option<Vec<String>> {
    let mut lines: Vec<String> = vec![];
    for phrase in text.split_inclusive("; ") {
        let joined = lines.last().map(|line| format!("{line}{phrase}"));
        match joined {
            Some(joined) if kind.width(joined.trim_end()) <= width => {
                lines.pop();
                lines.push(joined);
            }
            _ if kind.width(phrase.trim_end()) > width => return None,
            _ => lines.push(phrase.into()),
        }
    }
    Some(lines.iter().map(|line| line.trim_end().to_owned()).collect())
}

/// `text` in lines of at most `width` pixels, broken between words; a word that is too long for a line is broken too.
pub(super) fn wrap(text: &str, kind: Type, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let joined = lines.last().map(|line| format!("{line} {word}"));
        match joined {
            Some(joined) if kind.width(&joined) <= width => {
                lines.pop();
                lines.push(joined);
            }
            _ => lines.extend(pieces(word, kind, width)),
        }
    }
    lines
}

fn pieces(word: &str, kind: Type, width: f64) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for letter in word.chars() {
        if let Some(piece) = pieces.last_mut() {
            piece.push(letter);
            if kind.width(piece) > width && piece.chars().count() > 1 {
                piece.pop();
                pieces.push(letter.into());
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_lose_nothing() {
        let text =
            "clients time out at 1 s and make up to 4 attempts; averyveryverylongwordthatfitsnowhere indeed";
        let lines = wrap(text, SUBTITLE, 120.0);
        assert!(lines.iter().all(|line| SUBTITLE.width(line) <= 120.0), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
    }

    #[test]
    fn lines_end_with_a_phrase_where_that_takes_no_more_of_them() {
        let text = "3 replicas × 8 workers, capacity 800/s; clients make up to 4 attempts; simulated, seed 1";
        let lines = wrap_phrases(text, SUBTITLE, SUBTITLE.width(text) - 20.0);
        assert_eq!(
            lines,
            ["3 replicas × 8 workers, capacity 800/s;", "clients make up to 4 attempts; simulated, seed 1"]
        );
        assert_eq!(wrap_phrases(text, SUBTITLE, SUBTITLE.width(text) + 1.0), [text]);
        assert_eq!(
            wrap_phrases("one phrase alone", SUBTITLE, 50.0),
            wrap("one phrase alone", SUBTITLE, 50.0)
        );
    }
}
