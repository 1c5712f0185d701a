//! Replicas that form a group: how busy each is, who is a member, and how far the last one is behind.
use super::{
    super::{
        busy::Busy,
        canvas::{Canvas, REFERENCE},
        group::Group,
        ink::colour,
        over_time::SMALL_HEIGHT,
        panel::Panel,
        place::{Places, name_curves},
        rows,
        scale::{Scale, round_up},
        words::{plural, seconds},
    },
    Story,
};

/// More changes of view than this are ticks, not lines with words.
const TOLD_MAX: usize = 8;

impl Story<'_> {
    pub(super) fn busy(&self, canvas: &Canvas, top: f64, busy: &Busy) {
        let panels = self.frame.rows(busy, top);
        for (panel, row) in panels.iter().zip(&busy.rows) {
            self.frame.shade(canvas, panel);
            panel.grid(canvas, &self.frame.ticks(), &[]);
            rows::fill(canvas, panel, busy, row, 0.62);
            rows::name(canvas, panel, busy, row, busy.at_end(row, self.run.trace.end.as_secs_f64()));
        }
        if let Some(first) = panels.first() {
            first.heading(canvas, "Busy", &rows::meaning(busy));
        }
    }

    pub(super) fn members(&self, canvas: &Canvas, top: f64, group: &Group) {
        let most = f64::from(group.replicas);
        let panel = self.frame.panel(canvas, top, SMALL_HEIGHT, Scale::Linear(0.0, most * 1.12), 3);
        let marks = group.marks();
        let told = marks.len() <= TOLD_MAX;
        let ticks = if told { "" } else { ", a tick for each" };
        let unit = format!(
            "replicas in the view{}; {}{ticks}",
            of(self, group),
            plural(marks.len() as u64, "change")
        );
        panel.heading(canvas, "Members", &unit);
        let end = self.run.trace.end.as_secs_f64();
        let mut places = Places::new(&panel);
        let (at, members) = group.steps(end);
        places.avoid(panel.curve(canvas, &at, &members, colour::BLUE, 2.0));
        places.avoid(
            marks.iter().map(|(at, _)| vec![(panel.px(*at), panel.y0), (panel.px(*at), panel.y1)]).collect(),
        );
        for (at, words) in &marks {
            mark(canvas, &panel, &mut places, *at, words, told);
        }
        name_curves(canvas, &panel, &[("members", colour::BLUE, group.members_at_end() as f64)]);
    }

    pub(super) fn lag(&self, canvas: &Canvas, top: f64, group: &Group) {
        let most = group.lag.iter().copied().filter(|v| v.is_finite()).fold(1.0, f64::max);
        let scale = Scale::Linear(0.0, round_up(most * 1.05, 3));
        let panel = self.frame.panel(canvas, top, SMALL_HEIGHT, scale, 3);
        let unit = format!(
            "writes that the member furthest behind does not know{}, {} windows",
            of(self, group),
            seconds(group.width)
        );
        panel.heading(canvas, "Lag", &unit);
        panel.area(canvas, &group.at, &group.lag, colour::PURPLE, 0.18);
        panel.curve(canvas, &group.at, &group.lag, colour::PURPLE, 1.75);
    }
}

/// Which service it is, where there are several.
fn of(story: &Story, group: &Group) -> String {
    if story.run.scenario.services.len() > 1 { format!(" of {}", group.service) } else { String::new() }
}

/// A change of view: a thin line with its words, or a tick where there are many.
fn mark(canvas: &Canvas, panel: &Panel, places: &mut Places, at: f64, words: &str, told: bool) {
    let x = panel.px(at);
    if !told {
        canvas.line(&[(x, panel.y1 - 5.0), (x, panel.y1)], colour::INK, 1.0);
        return;
    }
    canvas.pale_line(&[(x, panel.y0), (x, panel.y1)], colour::MUTED, 1.0, 0.6);
    let length = REFERENCE.width(words);
    let heights = [0.62, 0.42, 0.22, 0.8].map(|share| panel.y0 + (panel.y1 - panel.y0) * share);
    let candidates: Vec<_> = heights.iter().flat_map(|y| [(x + 5.0, *y), (x - 5.0 - length, *y)]).collect();
    places.write(canvas, words, REFERENCE, &candidates);
}
