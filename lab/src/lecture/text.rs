//! The text of a module, in its parts: goals, what comes before the question, the question, and what comes after it.
use crate::config::{
    ConfigErrors,
    diagnose::Finding,
    node::{Place, Source, Sources},
};
use std::path::Path;

/// A module's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// What it is called.
    pub title: String,
    /// What stands below the title.
    pub lead: Section,
    /// What one can do afterwards.
    pub goals: Section,
    /// The text before the question.
    pub before: Vec<Section>,
    /// The question.
    pub question: Section,
    /// What may be answered.
    pub choices: Vec<Choice>,
    /// What the run shows.
    pub reveal: Section,
    /// Why, and what to do with it.
    pub after: Vec<Section>,
}

/// A headed part of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// Its Markdown.
    pub body: String,
    /// Where the body begins in the file, in bytes.
    pub at: usize,
}

/// One of the answers to choose from.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Its letter.
    pub letter: char,
    /// What it says.
    pub text: String,
    /// Why one is tempted to choose it; empty for the right one.
    pub tempting: String,
}

/// Reads the file `name` and `text` of a module.
pub(super) fn module(name: &Path, text: &str) -> Result<Module, ConfigErrors> {
    let refuse = |at: usize, message: String, help: &str| {
        let sources = Sources(vec![Source { name: name.display().to_string(), text: text.into() }]);
        let end = text[at..].find('\n').map_or(text.len(), |n| at + n);
        let place = Place { source: 0, start: at, end };
        let help = (!help.is_empty()).then(|| help.to_owned());
        ConfigErrors::new(vec![Finding::error(place, message, String::new(), help)], sources)
    };
    let (title, lead, sections) = split(text)
        .ok_or_else(|| refuse(0, "a text begins with its title".into(), "for example `# A spike`"))?;
    let find = |heading: &str| sections.iter().position(|s| s.heading == heading);
    let needed = |heading: &str| {
        let message = format!("the text has no part `## {heading}`");
        find(heading).ok_or_else(|| refuse(0, message, "a text has the parts Goals, Predict and Reveal"))
    };
    let (goals, predict, reveal) = (needed("Goals")?, needed("Predict")?, needed("Reveal")?);
    if goals != 0 || predict == 0 || reveal != predict + 1 {
        let wrong = &sections[if goals != 0 { goals } else { reveal }];
        let message = format!("`## {}` is not in its place", wrong.heading);
        return Err(refuse(wrong.at, message, "Goals come first, and Reveal follows Predict"));
    }
    let (question, choices) = choices(&sections[predict]);
    if choices.len() < 2 {
        let help = "a choice is an item such as `- **a.** Ten seconds.`";
        return Err(refuse(sections[predict].at, "a question has at least two choices".into(), help));
    }
    let mut letters = 'a'..;
    if let Some(wrong) = choices.iter().find(|choice| Some(choice.letter) != letters.next()) {
        let message = format!("choice `{}` is out of order: letters go a, b, c", wrong.letter);
        return Err(refuse(sections[predict].at, message, ""));
    }
    let part = |index: usize| sections[index].clone();
    Ok(Module {
        title,
        lead,
        goals: part(goals),
        before: sections[1..predict].to_vec(),
        question,
        choices,
        reveal: part(reveal),
        after: sections[reveal + 1..].to_vec(),
    })
}

/// The title, what stands below it, and the parts under headings of the second level. `None` without a title.
pub(super) fn split(text: &str) -> Option<(String, Section, Vec<Section>)> {
    let mut title = None;
    let mut sections = vec![Section::default()];
    let (mut at, mut fenced) = (0, false);
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        fenced ^= line.starts_with("```");
        match (line.strip_prefix("# "), line.strip_prefix("## ")) {
            (Some(words), _) if !fenced && title.is_none() => {
                title = Some(words.trim().to_owned());
                sections = vec![Section { at: end, ..Section::default() }];
            }
            (_, Some(words)) if !fenced => {
                sections.push(Section { heading: words.trim().to_owned(), body: String::new(), at: end });
            }
            _ => sections.last_mut()?.body += line,
        }
        at = end;
    }
    let lead = sections.remove(0);
    Some((title?, lead, sections))
}

/// The question and its choices: items `- **a.** text`, each with a quotation of what is tempting about it.
fn choices(predict: &Section) -> (Section, Vec<Choice>) {
    let mut question = Section { body: String::new(), ..predict.clone() };
    let mut choices: Vec<Choice> = vec![];
    for line in predict.body.lines() {
        if let Some((letter, text)) = begins_choice(line) {
            choices.push(Choice { letter, text: text.into(), tempting: String::new() });
            continue;
        }
        let Some(choice) = choices.last_mut() else {
            question.body += line;
            question.body.push('\n');
            continue;
        };
        let line = line.trim();
        let (part, line) = match line.strip_prefix('>') {
            Some(quoted) => (&mut choice.tempting, quoted.trim()),
            None => (&mut choice.text, line),
        };
        if !line.is_empty() {
            let gap = if part.is_empty() { "" } else { " " };
            *part += &format!("{gap}{line}");
        }
    }
    (question, choices)
}

fn begins_choice(line: &str) -> Option<(char, &str)> {
    let (letter, text) = line.strip_prefix("- **")?.split_once(".** ")?;
    let mut letters = letter.chars();
    let letter = letters.next().filter(char::is_ascii_lowercase)?;
    letters.next().is_none().then(|| (letter, text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A spike\n\nTwelve minutes.\n\n## Goals\n\n- See it.\n\n## A story\n\n```\n## no heading\n```\n\n\
                        ## Predict\n\nHow long?\n\n- **a.** Ten seconds,\n  or so.\n  > As long\n  > as the spike.\n- **b.** More.\n\n\
                        ## Reveal\n\n{{ x }}\n\n## Why\n\nBecause.\n";

    #[test]
    fn a_text_falls_into_its_parts() {
        let module = module(Path::new("module.md"), TEXT).expect("a module");
        assert_eq!((module.title.as_str(), module.lead.body.trim()), ("A spike", "Twelve minutes."));
        assert_eq!(module.before.len(), 1);
        assert!(module.before[0].body.contains("## no heading"));
        assert_eq!(module.question.body.trim(), "How long?");
        let a = Choice {
            letter: 'a',
            text: "Ten seconds, or so.".into(),
            tempting: "As long as the spike.".into(),
        };
        assert_eq!(module.choices[0], a);
        assert_eq!((module.choices[1].letter, module.choices[1].tempting.as_str()), ('b', ""));
        assert_eq!(module.after[0].heading, "Why");
        assert!(TEXT[module.reveal.at..].trim_start().starts_with("{{ x }}"));
    }

    #[test]
    fn what_a_text_lacks_is_said_with_its_place() {
        for (from, to, says) in [
            ("# A spike\n", "", "begins with its title"),
            ("## Goals", "## Aims", "no part `## Goals`"),
            ("- **b.** More.", "", "at least two choices"),
            ("- **b.**", "- **c.**", "out of order"),
        ] {
            let error = module(Path::new("module.md"), &TEXT.replace(from, to)).expect_err(says).to_string();
            assert!(error.contains(says) && error.contains("module.md:"), "{error}");
        }
    }
}
