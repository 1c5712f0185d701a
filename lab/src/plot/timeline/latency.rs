//! How long calls take, and how many attempts wait.
use super::{
    super::{
        canvas::{Canvas, REFERENCE},
        ink::colour,
        over_time::LATENCY_HEIGHT,
        place::{Places, name_curves},
        scale::{Scale, log_around, round_up},
        series::{Latency, gap},
        setting::turned_away_ms,
        words::{number, seconds},
    },
    QUEUE_HEIGHT, Story,
};
use crate::verdict::RunView;

impl Story<'_> {
    pub(super) fn latency(&self, canvas: &Canvas, top: f64) {
        let l = &self.latency;
        let group = &self.run.scenario.clients[0];
        let limits = [("timeout", group.policy.per_try_timeout), ("deadline", group.policy.deadline)];
        let limits: Vec<(&str, f64)> = limits
            .into_iter()
            .filter(|(_, span)| !span.is_forever())
            .map(|(name, span)| (name, span.as_millis_f64()))
            .collect();
        let floor = turned_away_ms(self.run.scenario);
        let panel = self.frame.panel(canvas, top, LATENCY_HEIGHT, latency_axis(l, &limits, floor), 4);
        let of =
            if self.run.scenario.clients.len() > 1 { format!(" of {}", group.name) } else { String::new() };
        let below =
            if l.p50.iter().any(|v| *v < floor) { "; below the axis: turned away at once" } else { "" };
        let unit = format!(
            "ms, log scale; intended start to final answer or failure{of}, {} windows{below}{}",
            seconds(l.width),
            gap(l)
        );
        panel.heading(canvas, "Latency", &unit);
        let mut places = Places::new(&panel);
        for (_, ms) in &limits {
            canvas.dashes(panel.x0, panel.x1, panel.py(*ms), colour::MUTED);
        }
        let curves = [
            ("p99.9", &l.p999, colour::PURPLE, 1.25),
            ("p99", &l.p99, colour::RED, 1.5),
            ("p50", &l.p50, colour::BLUE, 2.0),
        ];
        let mut names = vec![];
        for (name, values, colour, width) in curves {
            places.avoid(panel.curve(canvas, &l.at, values, colour, width));
            names.push((name, colour, self.end_of(&l.at, values)));
        }
        for (name, ms) in &limits {
            places.write_along(canvas, &format!("{name} {}", seconds(ms / 1e3)), REFERENCE, panel.py(*ms));
        }
        name_curves(canvas, &panel, &names);
    }

    pub(super) fn queue(&self, canvas: &Canvas, top: f64) {
        let r = &self.rates;
        let deepest = r.queue.iter().copied().fold(0.0, f64::max);
        let limit = queue_limit(self.run);
        let shown = limit.filter(|limit| *limit <= deepest.max(1.0) * 4.0);
        let most = round_up(shown.map_or(deepest * 1.05, |limit| limit.max(deepest) * 1.1), 3).max(1.0);
        let panel = self.frame.panel(canvas, top, QUEUE_HEIGHT, Scale::Linear(0.0, most), 3);
        let bound = match limit {
            None => "attempts waiting, all replicas; no limit".into(),
            Some(limit) if shown.is_none() => {
                format!("attempts waiting, all replicas; the limit is {}", number(limit))
            }
            Some(_) => "attempts waiting, all replicas".to_owned(),
        };
        panel.heading(canvas, "Queue depth", &bound);
        panel.area(canvas, &r.at, &r.queue, colour::SLATE, 0.20);
        let mut places = Places::new(&panel);
        places.avoid(panel.curve(canvas, &r.at, &r.queue, colour::SLATE, 1.75));
        if let Some(limit) = shown {
            canvas.dashes(panel.x0, panel.x1, panel.py(limit), colour::MUTED);
            places.write_along(canvas, &format!("queue limit {}", number(limit)), REFERENCE, panel.py(limit));
        }
        self.frame.axis(canvas, &panel);
    }
}

/// Waiting places of all replicas of all services; `None` where one of them is unbounded.
fn queue_limit(run: &RunView) -> Option<f64> {
    let services = &run.scenario.services;
    let bounded = services.iter().all(|s| s.policy.capacity != usize::MAX);
    bounded.then(|| services.iter().map(|s| s.policy.capacity as f64 * f64::from(s.replicas)).sum())
}

/// An axis for all percentiles from `floor` on, and for the limits.
fn latency_axis(latency: &Latency, limits: &[(&str, f64)], floor: f64) -> Scale {
    let values = || {
        let all = [&latency.p50, &latency.p99, &latency.p999].into_iter().flatten().copied();
        all.filter(|v| *v >= floor)
    };
    let mut low = values().fold(f64::INFINITY, f64::min);
    let mut high = values().fold(f64::NEG_INFINITY, f64::max);
    for (_, limit) in limits {
        low = low.min(*limit);
        high = high.max(*limit);
    }
    log_around(low, high)
}
