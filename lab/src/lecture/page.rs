//! A module as a page to read: the question before the answer, and at the end every number with where it comes from.
use super::{
    fill::{As, fill},
    html::{Figures, html, inline},
    measured::{Found, Measured, Numbers},
    read::Lecture,
    text::{Choice, Section},
};
use crate::plot::ink::{Theme, css_variables, escape, face_css};

/// The page of `lecture`.
pub(super) fn page(lecture: &Lecture, numbers: &Numbers, figures: &Figures) -> String {
    let module = &lecture.module;
    let body = |section: &Section| html(&fill(&section.body, numbers, As::Html), figures);
    let part = |section: &Section| {
        format!("<section>\n<h2>{}</h2>\n{}</section>\n", escape(&section.heading), body(section))
    };
    let choice = |choice: &Choice| {
        let right = lecture.answers.file.right.starts_with(choice.letter);
        let said =
            if right { "This is what happens.".into() } else { fill(&choice.tempting, numbers, As::Html) };
        let (mark, class) = if right { ("Yes.", "good") } else { ("No.", "bad") };
        format!(
            "<details class=\"choice\" name=\"choice\"><summary><b>{}</b> {}</summary><p><span class=\"{class}\">{mark}</span> {}</p></details>\n",
            choice.letter,
            inline(&fill(&choice.text, numbers, As::Html)),
            inline(&said)
        )
    };
    let number = lecture.volume.number;
    let content = [
        format!(
            "<header>\n<p class=\"kicker\"><a href=\"index.html\">Lectures</a> · module {number} · <a href=\"{}-slides.html\">slides</a></p>\n\
             <h1>{}</h1>\n{}</header>\n",
            lecture.volume.name,
            escape(&module.title),
            body(&module.lead)
        ),
        format!(
            "<section class=\"goals\">\n<h2>When you are through, you can</h2>\n{}</section>\n",
            body(&module.goals)
        ),
        module.before.iter().map(part).collect(),
        format!(
            "<section class=\"predict\">\n<h2>Predict</h2>\n{}<p class=\"note\">Write it down first. Then open your choice.</p>\n{}</section>\n",
            body(&module.question),
            module.choices.iter().map(choice).collect::<String>()
        ),
        format!(
            "<details class=\"reveal\" id=\"reveal\">\n<summary>What the run shows</summary>\n<section>\n{}</section>\n{}</details>\n",
            body(&module.reveal),
            module.after.iter().map(part).collect::<String>()
        ),
        table(numbers),
        configs(lecture),
        format!(
            "<footer><span><b>lab</b> {}</span> <span>every number was measured when this page was built</span></footer>\n",
            env!("CARGO_PKG_VERSION")
        ),
    ];
    document(&format!("{number}. {}", module.title), &content.concat(), include_str!("page.css"), SCRIPT)
}

/// Whoever has chosen sees the rest; and on paper everything is open.
const SCRIPT: &str = "\
document.querySelectorAll('.choice').forEach(c=>c.addEventListener('toggle',()=>{if(c.open)document.getElementById('reveal').classList.add('chosen')}));
addEventListener('beforeprint',()=>document.querySelectorAll('details').forEach(d=>{d.removeAttribute('name');d.open=true}));
";

/// A whole file that asks for nothing outside of itself.
pub(super) fn document(title: &str, content: &str, style: &str, script: &str) -> String {
    let (light, dark) = (css_variables(Theme::Light), css_variables(Theme::Dark));
    let script = if script.is_empty() { String::new() } else { format!("<script>\n{script}</script>\n") };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; font-src data:; img-src data:\">\n<title>{title}</title>\n<style>\n{faces}:root{{{light}}}\n\
         @media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{style}</style>\n</head>\n\
         <body>\n<main>\n{content}</main>\n{script}</body>\n</html>\n",
        title = escape(title),
        faces = face_css(),
    )
}

/// Every number of the module, measured and allowed.
fn table(numbers: &Numbers) -> String {
    let row = |m: &Measured| {
        let range = match m.found {
            Found::Numbers(_) if m.seeds > 1 => m.range(),
            _ => String::new(),
        };
        let seeds = if m.seeds == 0 { "by hand".into() } else { m.seeds.to_string() };
        let held = if m.held { "" } else { " <span class=\"bad\">outside</span>" };
        let cells =
            [&m.of, &m.shown(), &range, &seeds, &m.allowed].map(|cell| format!("<td>{}</td>", escape(cell)));
        format!("<tr>{}{held}</tr>\n", cells.concat())
    };
    let rows: String = numbers.0.iter().map(row).collect();
    format!(
        "<section>\n<h2>The numbers of this page</h2>\n<details>\n<summary>{} numbers: what was run, what came out, what must come out</summary>\n\
         <div class=\"scroll\"><table><thead><tr><th></th><th>median</th><th>over the seeds</th><th>seeds</th><th>must be</th></tr></thead>\n\
         <tbody>{rows}</tbody></table></div>\n</details>\n</section>\n",
        numbers.0.len()
    )
}

/// What was run, every key of it.
fn configs(lecture: &Lecture) -> String {
    let shown = |file: &std::path::Path| {
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let text = std::fs::read_to_string(file).unwrap_or_default();
        format!("<details>\n<summary>{}</summary>\n<pre>{}</pre>\n</details>\n", escape(&name), escape(&text))
    };
    let all: String = lecture.configs().into_iter().map(shown).collect();
    format!("<section>\n<h2>What was run</h2>\n{all}</section>\n")
}
