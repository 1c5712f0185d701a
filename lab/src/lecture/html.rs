//! Markdown to HTML, with figures inlined.
use crate::plot::{Figure, ink::escape};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html::push_html};

/// The figures of a module, by name.
pub(super) type Figures = [(String, Figure)];

pub(super) fn options() -> Options {
    Options::ENABLE_TABLES
}

/// `markdown` as HTML; `![caption](figure:name)` becomes that figure.
pub(super) fn html(markdown: &str, figures: &Figures) -> String {
    let mut events = vec![];
    let mut parser = Parser::new_ext(markdown, options());
    while let Some(event) = parser.next() {
        match event {
            Event::Start(Tag::Image { dest_url, .. }) if dest_url.starts_with("figure:") => {
                let caption = caption(&mut parser);
                // A figure is a block of its own: the paragraph around it goes.
                if matches!(events.last(), Some(Event::Start(Tag::Paragraph))) {
                    events.pop();
                    let end = parser.next();
                    events.push(inlined(&dest_url, &caption, figures));
                    events.extend(end.filter(|event| *event != Event::End(TagEnd::Paragraph)));
                } else {
                    events.push(inlined(&dest_url, &caption, figures));
                }
            }
            event => events.push(event),
        }
    }
    let mut page = String::new();
    push_html(&mut page, events.into_iter());
    page
}

/// One line of Markdown as HTML, without a paragraph around it.
pub(super) fn inline(markdown: &str) -> String {
    let page = html(markdown, &[]);
    let page = page.trim();
    page.strip_prefix("<p>").and_then(|p| p.strip_suffix("</p>")).unwrap_or(page).to_owned()
}

/// The words of an image, up to its end.
fn caption(parser: &mut Parser<'_>) -> String {
    let mut words = String::new();
    for event in parser.by_ref() {
        match event {
            Event::End(TagEnd::Image) => break,
            Event::Text(text) | Event::Code(text) => words += &text,
            Event::SoftBreak => words.push(' '),
            Event::InlineHtml(_) => {}
            _ => {}
        }
    }
    words
}

fn inlined<'e>(link: &str, caption: &str, figures: &Figures) -> Event<'e> {
    let name = link.trim_start_matches("figure:");
    let found = figures.iter().find(|(known, _)| known == name);
    let svg = found.map_or_else(String::new, |(_, figure)| figure.inline_svg());
    let below = if caption.is_empty() {
        String::new()
    } else {
        format!("<figcaption>{}</figcaption>\n", escape(caption))
    };
    Event::Html(format!("<figure>\n{svg}{below}</figure>\n").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::ink::Ink;

    #[test]
    fn a_figure_stands_in_the_text_without_a_paragraph() {
        let figure = Figure { name: "x".into(), ink: Ink::new(10, 10), caption: "All of it".into() };
        let page = html("Look.\n\n![The *tail*, at 5 s](figure:storm)\n\nSo.\n", &[("storm".into(), figure)]);
        assert!(page.contains("<p>Look.</p>\n<figure>\n<svg"), "{page}");
        assert!(page.contains("<figcaption>The tail, at 5 s</figcaption>\n</figure>\n<p>So.</p>"), "{page}");
        assert_eq!(inline("a **b**"), "a <strong>b</strong>");
    }
}
