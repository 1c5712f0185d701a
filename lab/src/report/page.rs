//! The page itself.
use super::{Number, Picture, ReportInput, tables};
use crate::plot::ink::{Theme, css_variables, escape, face_css};

/// The report as one HTML file. It asks for nothing outside of itself.
pub fn html(report: &ReportInput) -> String {
    let title = escape(&report.title);
    let (light, dark) = (css_variables(Theme::Light), css_variables(Theme::Dark));
    let sections: String = [
        head(report),
        numbers(&report.numbers),
        picture(report.timeline.as_ref()),
        section("By hand, and measured", &(rows(&report.hand, tables::hand) + &notes(&report.hand_notes))),
        section(
            "Variants",
            &(rows(&report.verdicts, tables::verdicts)
                + &picture(report.comparison.as_ref())
                + &pictures(&report.wanted)),
        ),
        section("What was expected", &rows(&report.expectations, tables::expectations)),
        section(
            "Simulation and live run",
            &(rows(&report.agreement, tables::agreement) + &picture(report.overlay.as_ref())),
        ),
        section("Was the host fit for the live run?", &rows(&report.fitness, tables::fitness)),
        section("Latency", &picture(report.percentiles.as_ref())),
        section("More figures", &pictures(&report.more)),
        section("Effective config", &folded("every value, the decided ones too", &report.config)),
        section("Run it again", &commands(&report.commands)),
        foot(report),
    ]
    .concat();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         font-src data:; img-src data:\">\n<title>{title}</title>\n<style>\n{faces}:root{{{light}}}\n\
         @media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{style}</style>\n</head>\n\
         <body>\n<main>\n{sections}</main>\n</body>\n</html>\n",
        faces = face_css(),
        style = include_str!("style.css"),
    )
}

fn head(report: &ReportInput) -> String {
    let ReportInput { title, source, verdict, verdict_word, reason, .. } = report;
    let word = if verdict_word.is_empty() { String::new() } else { tables::verdict_word(verdict_word) };
    let source = paragraph("source", source);
    format!(
        "<header>\n<p class=\"kicker\">{} {word}</p>\n<h1>{}</h1>\n{}{source}</header>\n",
        escape(title),
        escape(verdict),
        paragraph("reason", reason)
    )
}

fn paragraph(class: &str, words: &str) -> String {
    if words.is_empty() { String::new() } else { format!("<p class=\"{class}\">{}</p>\n", escape(words)) }
}

fn numbers(numbers: &[Number]) -> String {
    if numbers.is_empty() {
        return String::new();
    }
    let number = |n: &Number| {
        let (value, label, beside) = (escape(&n.value), escape(&n.label), escape(&n.beside));
        format!("<div><b>{value}</b><span>{label}</span><small>{beside}</small></div>\n")
    };
    format!("<div class=\"numbers\">\n{}</div>\n", numbers.iter().map(number).collect::<String>())
}

/// A figure with its caption; nothing where there is none.
fn picture(picture: Option<&Picture>) -> String {
    picture.map_or_else(String::new, |Picture { svg, caption }| {
        format!("<figure>\n{svg}<figcaption>{}</figcaption>\n</figure>\n", escape(caption))
    })
}

fn pictures(pictures: &[Picture]) -> String {
    pictures.iter().map(|one| picture(Some(one))).collect()
}

/// The table of `rows`; nothing where there are none.
fn rows<R>(rows: &[R], table: impl Fn(&[R]) -> String) -> String {
    if rows.is_empty() { String::new() } else { table(rows) }
}

fn notes(notes: &[String]) -> String {
    notes.iter().map(|note| paragraph("note", note)).collect()
}

/// A headed part of the page; nothing where it has no content.
fn section(heading: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!("<section>\n<h2>{heading}</h2>\n{content}</section>\n")
}

fn folded(summary: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!("<details>\n<summary>{summary}</summary>\n<pre>{}</pre>\n</details>\n", escape(content))
}

fn commands(commands: &[String]) -> String {
    if commands.is_empty() {
        return String::new();
    }
    format!("<pre>{}</pre>\n", escape(&commands.join("\n")))
}

fn foot(report: &ReportInput) -> String {
    let item = |(name, value): &(String, String)| {
        format!("<span><b>{}</b> {}</span>\n", escape(name), escape(value))
    };
    let items: String = report.made_by.iter().map(item).collect();
    if items.is_empty() { items } else { format!("<footer>\n{items}</footer>\n") }
}
