//! A cache: how often it has what it is asked for, and what becomes of its fills.
use super::{
    super::{
        canvas::{Canvas, REFERENCE},
        hits::Hits,
        ink::colour,
        over_time::SMALL_HEIGHT,
        place::{Places, name_curves},
        scale::{Scale, round_up},
        words::{rate, seconds},
    },
    Story,
};

impl Story<'_> {
    pub(super) fn hit_rate(&self, canvas: &Canvas, top: f64, hits: &Hits) {
        let panel = self.frame.panel(canvas, top, SMALL_HEIGHT, Scale::Linear(0.0, 100.0), 2);
        let several = self.hits.len() > 1;
        let of = if several { format!(" of {}", hits.service) } else { String::new() };
        let unit = format!("% of the reads{of}, {} windows", seconds(hits.width));
        panel.heading(canvas, "Hit rate", &unit);
        panel.area(canvas, &hits.at, &hits.rate, colour::BLUE, 0.15);
        panel.curve(canvas, &hits.at, &hits.rate, colour::BLUE, 2.0);
        name_curves(canvas, &panel, &[("hits", colour::BLUE, self.end_of(&hits.at, &hits.rate))]);
    }

    pub(super) fn fills(&self, canvas: &Canvas, top: f64, hits: &Hits) {
        let most = hits.begun.iter().chain(&hits.populated).copied().fold(0.0, f64::max);
        let capacity = Some(hits.store_capacity).filter(|c| *c > 0.0 && *c <= most);
        let scale = Scale::Linear(0.0, round_up(most * 1.05, 3));
        let panel = self.frame.panel(canvas, top, SMALL_HEIGHT, scale, 3);
        panel.heading(canvas, "Fills", &format!("per second, {} windows", seconds(hits.width)));
        panel.area(canvas, &hits.at, &hits.populated, colour::GREEN, 0.18);
        let mut places = Places::new(&panel);
        places.avoid(panel.curve(canvas, &hits.at, &hits.begun, colour::ORANGE, 1.75));
        places.avoid(panel.curve(canvas, &hits.at, &hits.populated, colour::GREEN, 2.0));
        if let Some(capacity) = capacity {
            canvas.dashes(panel.x0, panel.x1, panel.py(capacity), colour::MUTED);
            let words = format!("capacity of {} {}", hits.store, rate(capacity));
            places.write_along(canvas, &words, REFERENCE, panel.py(capacity));
        }
        let end = |values: &[f64]| self.end_of(&hits.at, values);
        name_curves(
            canvas,
            &panel,
            &[
                ("begun", colour::ORANGE, end(&hits.begun)),
                ("populated", colour::GREEN, end(&hits.populated)),
            ],
        );
    }
}
