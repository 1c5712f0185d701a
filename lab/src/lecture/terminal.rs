//! Markdown for a terminal: paragraphs wrapped, tables set, figures by their captions.
use super::html::options;
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

/// Columns of text.
const WIDTH: usize = 88;

/// `markdown` as plain text.
pub fn plain(markdown: &str) -> String {
    let mut writer = Writer::default();
    for event in Parser::new_ext(markdown, options()) {
        writer.take(event);
    }
    writer.text
}

#[derive(Default)]
struct Writer {
    text: String,
    /// The paragraph, cell or caption under way.
    words: String,
    /// What every line begins with, and what the first one does.
    indent: String,
    mark: String,
    /// The numbers of the lists around; `None` for one with dots.
    lists: Vec<Option<u64>>,
    rows: Vec<Vec<String>>,
    code: bool,
    image: bool,
}

impl Writer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) if self.code => {
                for line in text.lines() {
                    self.text += format!("{}    {line}", self.indent).trim_end();
                    self.text.push('\n');
                }
            }
            Event::Text(text) => self.words += &text,
            Event::Code(text) => self.words += &format!("`{text}`"),
            Event::SoftBreak | Event::HardBreak => self.words.push(' '),
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Rule => self.text += "\n",
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::CodeBlock(_) => {
                self.gap();
                self.code = true;
            }
            Tag::List(first) => {
                self.paragraph();
                if self.lists.is_empty() {
                    self.gap();
                }
                self.lists.push(first);
            }
            Tag::Item => {
                self.mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".into(),
                };
                let deep = " ".repeat(self.mark.len());
                self.mark = format!("{}{}", self.indent, self.mark);
                self.indent += &deep;
            }
            Tag::BlockQuote(_) => {
                self.gap();
                self.indent += "  ";
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(vec![]),
            Tag::Paragraph if self.mark.is_empty() => self.gap(),
            Tag::Heading { .. } => self.gap(),
            Tag::Image { .. } => {
                self.image = true;
                self.words += "[figure: ";
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::CodeBlock => self.code = false,
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::Item => {
                self.paragraph();
                let deep = self.indent.len()
                    - self.lists.last().map_or(2, |l| l.map_or(2, |n| n.to_string().len() + 2));
                self.indent.truncate(deep);
            }
            TagEnd::BlockQuote(_) => {
                self.paragraph();
                self.indent.truncate(self.indent.len() - 2);
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.words);
                self.rows.last_mut().into_iter().for_each(|row| row.push(cell.clone()));
            }
            TagEnd::Table => self.table(),
            TagEnd::Heading(HeadingLevel::H3) => {
                self.words = self.words.to_uppercase();
                self.paragraph();
            }
            TagEnd::Image => {
                self.image = false;
                self.words.push(']');
            }
            TagEnd::Paragraph | TagEnd::Heading(_) => self.paragraph(),
            _ => {}
        }
    }

    /// An empty line, unless there is one.
    fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn paragraph(&mut self) {
        let words = std::mem::take(&mut self.words);
        if words.trim().is_empty() {
            return;
        }
        let mark = std::mem::take(&mut self.mark);
        let first = if mark.is_empty() { self.indent.clone() } else { mark };
        let mut line = first;
        let mut empty = true;
        for word in words.split([' ', '\n']).filter(|word| !word.is_empty()) {
            if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.text += &format!("{}\n", line.trim_end());
                line = self.indent.clone();
                empty = true;
            }
            line += if empty { "" } else { " " };
            line += word;
            empty = false;
        }
        self.text += &format!("{}\n", line.trim_end());
    }

    fn table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        self.gap();
        for row in &rows {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())));
            let line = cells.collect::<Vec<_>>().join("  ");
            self.text += &format!("{}{}\n", self.indent, line.trim_end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_reads_well_in_a_terminal() {
        let text = "One **two**\nthree.\n\n- first\n  goes on\n- second `x`\n\n| a | bb |\n|---|---|\n| ccc | d |\n\n```\nlab run x.yaml\n```\n\n\
                    ![The tail](figure:storm)\n";
        let said = plain(text);
        assert_eq!(
            said,
            "One two three.\n\n- first goes on\n- second `x`\n\na    bb\nccc  d\n\n    lab run x.yaml\n\n[figure: The tail]\n"
        );
        let long = plain(&"word ".repeat(40));
        assert!(long.lines().count() == 3 && long.lines().all(|line| line.len() <= WIDTH), "{long}");
    }
}
