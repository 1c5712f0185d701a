//! The speaker's slides and notes. A slide is a part under a heading with its time mark; what is quoted is on it, and the rest is
//! for the speaker.
use super::text::split;

/// Slides and notes of a module.
#[derive(Clone, Debug, PartialEq)]
pub struct Notes {
    /// What to have ready, in Markdown.
    pub before: String,
    /// The slides.
    pub slides: Vec<Slide>,
}

/// One slide.
#[derive(Clone, Debug, PartialEq)]
pub struct Slide {
    /// When it is shown, such as `3:30`.
    pub at: String,
    /// Its title; it may be empty.
    pub title: String,
    /// What is on it, in Markdown.
    pub shown: String,
    /// What is said, in Markdown.
    pub said: String,
}

/// Reads the notes `text`.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(super) fn notes(text: &str) -> Result<Notes, String> {
    let (_, lead, parts) = split(text).ok_or("the notes begin with their title, such as `# Notes`")?;
    let mut slides: Vec<Slide> = vec![];
    for part in parts {
        let (at, title) = part.heading.split_once(' ').unwrap_or((&part.heading, ""));
        let seconds = seconds(at).ok_or_else(|| {
            format!("`## {}` has no time mark in front, such as `## 3:30 The question`", part.heading)
        })?;
        if slides.last().is_some_and(|last| self::seconds(&last.at) > Some(seconds)) {
            return Err(format!("`## {}` comes before the slide in front of it", part.heading));
        }
        let quoted = |line: &&str| line.starts_with('>');
        let shown: Vec<&str> =
            part.body.lines().filter(quoted).map(|l| l[1..].strip_prefix(' ').unwrap_or(&l[1..])).collect();
        let said: Vec<&str> = part.body.lines().filter(|line| !quoted(line)).collect();
        slides.push(Slide {
            at: at.into(),
            title: title.trim().into(),
            shown: shown.join("\n"),
            said: said.join("\n").trim().into(),
        });
    }
    if slides.is_empty() {
        return Err("there is no slide: a heading such as `## 0:00 A question` begins one".into());
    }
    Ok(Notes { before: lead.body.trim().into(), slides })
}

fn seconds(mark: &str) -> Option<u32> {
    let (minutes, seconds) = mark.split_once(':')?;
    let (minutes, seconds): (u32, u32) = (minutes.parse().ok()?, seconds.parse().ok()?);
    (seconds < 60).then_some(60 * minutes + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_shown_and_the_rest_is_said() {
        let text = "# Notes\n\nOpen the page.\n\n## 0:00 A spike\n\n> Ten seconds.\n>\n> **And then?**\n\nAsk, and wait.\n";
        let found = notes(text).expect("notes");
        assert_eq!(found.before, "Open the page.");
        assert_eq!(found.slides[0].shown, "Ten seconds.\n\n**And then?**");
        assert_eq!((found.slides[0].at.as_str(), found.slides[0].said.as_str()), ("0:00", "Ask, and wait."));
        for (text, says) in [
            ("# Notes\n", "no slide"),
            ("# Notes\n## A spike\n", "no time mark"),
            ("# Notes\n## 3:00 A\n## 2:59 B\n", "comes before"),
        ] {
            assert!(notes(text).expect_err(says).contains(says));
        }
    }
}
