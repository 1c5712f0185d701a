//! Commands in documents: where they stand, and how a shell would split them.

/// A command that a document names.
pub(crate) struct Command {
    /// The line on which it stands, or on which its paragraph begins; counted from 1.
    pub(crate) line: usize,
    /// Its words, from `lab` on, without remarks, pipes and redirections.
    pub(crate) words: Vec<String>,
    /// Whether it stands in a block, to be typed as it is. In a sentence it may be a part, with names for what is to be put in.
    pub(crate) whole: bool,
}

/// What a line of code begins with in Markdown, without a fence.
const CODE: &str = "    ";

/// All commands of a Markdown text: the lines of code blocks, and code in sentences, that begin with `lab `.
pub(crate) fn commands(text: &str) -> Vec<Command> {
    let mut found = vec![];
    let mut fenced = false;
    let (mut begins, mut paragraph) = (1, String::new());
    for (line, text) in (1..).zip(text.lines()) {
        let fence = text.trim_start().starts_with("```");
        let block = fenced || text.starts_with(CODE);
        if fence || block || text.trim().is_empty() {
            found.extend(named(&std::mem::take(&mut paragraph), begins));
            begins = line + 1;
        } else {
            paragraph.push_str(text);
            paragraph.push(' ');
        }
        if fence {
            fenced = !fenced;
        } else if block && text.trim_start().starts_with("lab ") {
            found.push(Command { line, words: words(text), whole: true });
        }
    }
    found.extend(named(&paragraph, begins));
    found
}

/// The commands between the back quotes of a paragraph.
fn named(paragraph: &str, line: usize) -> Vec<Command> {
    let spans = paragraph.split('`').skip(1).step_by(2);
    let commands = spans.map(words).filter(|words| words.len() > 1 && words[0] == "lab");
    commands.map(|words| Command { line, words, whole: false }).collect()
}

/// The words of the first command of a line as a shell would split them: quotes hold words together, and what stands behind
/// `#`, `|`, `>` or `&&` is no part of it.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = None;
    for letter in line.trim().chars() {
        match (letter, quoted) {
            ('"' | '\'', None) => quoted = Some(letter),
            (close, Some(open)) if close == open => quoted = None,
            (' ', None) => words.push(String::new()),
            ('#' | '|' | '>', None) if words.last().is_some_and(String::is_empty) => break,
            _ => words.last_mut().expect("there is always one").push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    let until = words.iter().position(|word| word == "&&").unwrap_or(words.len());
    words.truncate(until);
    words
}
