//! A module as slides: one idea on each, in type that the last row can read. Arrow keys move, `n` shows what is said to a slide, and on
//! paper it stands below it.
use super::{
    fill::{As, fill},
    html::{Figures, html, inline},
    measured::Numbers,
    notes::Slide,
    page::document,
    read::Lecture,
};
use crate::plot::ink::escape;

/// The slides of `lecture`.
pub(super) fn deck(lecture: &Lecture, numbers: &Numbers, figures: &Figures) -> String {
    let title = &lecture.module.title;
    let first = format!(
        "<section class=\"slide first\"><div class=\"face\"><p class=\"kicker\">Module {}</p><h1>{}</h1></div>\n\
         <aside>{}</aside></section>\n",
        lecture.volume.number,
        escape(title),
        html(&fill(&lecture.notes.before, numbers, As::Html), figures)
    );
    let slides = lecture.notes.slides.iter().map(|slide| one(slide, numbers, figures));
    let content = std::iter::once(first).chain(slides).collect::<String>();
    let bar = "<nav><span id=\"place\"></span><span>← → move · n notes · p print</span></nav>\n";
    document(title, &(content + bar), include_str!("deck.css"), include_str!("deck.js"))
}

fn one(slide: &Slide, numbers: &Numbers, figures: &Figures) -> String {
    let shown = html(&fill(&slide.shown, numbers, As::Html), figures);
    let said = html(&fill(&slide.said, numbers, As::Html), figures);
    let title = match slide.title.as_str() {
        "" => String::new(),
        title => format!("<h2>{}</h2>\n", inline(&fill(title, numbers, As::Html))),
    };
    let class = if shown.contains("<figure>") { "slide picture" } else { "slide" };
    format!(
        "<section class=\"{class}\"><div class=\"face\">{title}{shown}</div>\n<aside><b>{}</b>{said}</aside></section>\n",
        escape(&slide.at)
    )
}
