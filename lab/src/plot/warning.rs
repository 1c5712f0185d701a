//! Early warning: variance and autocorrelation of the queue while the load nears the ceiling.
use super::{
    Figure,
    canvas::{AXIS_NAME, At, CENTRE_TOP, Canvas, REFERENCE, draw, name_in},
    header::Header,
    ink::{Colour, colour},
    panel::Panel,
    place::Places,
    scale::{Scale, log_around},
    setting::scene,
    stem,
    words::{capital, number, rate, seconds},
};
use crate::{
    scenario::Scenario,
    study::{
        bootstrap::median,
        signals::{Indicator, Warning},
    },
};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 40.0;
const HEIGHT: f64 = 190.0;
const BETWEEN: f64 = 50.0;

type Series = [Vec<(f64, f64)>];

/// The figure of `found`. `None` where no indicator has a value.
pub fn warning(found: &Warning, scenario: &Scenario) -> Option<Figure> {
    let has = |i: &&Indicator| i.series.iter().flatten().any(|p| p.1.is_finite());
    let indicators: Vec<&Indicator> = found.indicators.iter().filter(has).collect();
    let loads = indicators.first()?.series.iter().flatten().map(|p| p.0);
    let (low, high) = (loads.clone().fold(f64::INFINITY, f64::min), loads.fold(0.0, f64::max));
    let title = title(found);
    let subtitle = format!(
        "queue depth in a rolling window of half the series, its trend taken out; {} ramps from {} to {} in {}, single ones pale; \
         {}; simulated",
        found.runs,
        number(found.load.0),
        rate(found.load.1),
        seconds(found.ramp_s.round()),
        scene(scenario)
    );
    let header = Header::new(&title, &subtitle, None, WIDTH);
    let top = header.bottom() + 40.0;
    let reach = found.ceiling_per_s.unwrap_or(high).max(high);
    let x = Scale::Linear(low, reach + (reach - low) * 0.03);
    let panels = indicators.iter().enumerate().map(|(index, indicator)| {
        let y0 = top + index as f64 * (HEIGHT + BETWEEN);
        Panel { x0: LEFT, y0, x1: RIGHT, y1: y0 + HEIGHT, x, y: axis(indicator) }
    });
    let panels: Vec<Panel> = panels.collect();
    let bottom = panels.last()?.y1;
    let ink = draw(WIDTH, bottom + 62.0, |canvas| {
        header.draw(canvas);
        for (panel, indicator) in panels.iter().zip(&indicators) {
            one(canvas, panel, indicator, found);
        }
        if let Some(lowest) = panels.last() {
            let marks = lowest.x.ticks(6).into_iter().map(|v| (v, number(v)));
            lowest.lower_axis(canvas, &marks.collect::<Vec<_>>());
        }
        let below = (f64::midpoint(LEFT, RIGHT), bottom + 31.0);
        canvas.text("offered load at the end of the window (per second)", AXIS_NAME, below, CENTRE_TOP);
    });
    let caption = format!("{title}. {}", said(found));
    Some(Figure { name: stem(&["early-warning"]), ink, caption })
}

fn axis(indicator: &Indicator) -> Scale {
    let values =
        || indicator.series.iter().chain(&indicator.calm).flatten().map(|p| p.1).filter(|v| v.is_finite());
    match indicator.name {
        "variance" => {
            let positive = values().filter(|v| *v > 0.0);
            log_around(positive.clone().fold(f64::INFINITY, f64::min), positive.fold(0.0, f64::max))
        }
        _ => Scale::Linear(values().fold(0.0, f64::min).min(0.0), 1.0),
    }
}

fn one(canvas: &Canvas, panel: &Panel, indicator: &Indicator, found: &Warning) {
    let (across, up) = (panel.x.ticks(6), panel.y.ticks(4));
    panel.grid(canvas, &across, &up);
    panel.left_axis(canvas, &up);
    let verdict = format!(
        "Kendall's τ {:.2}; seen on {} % of ramps at a false alarm in twenty",
        indicator.tau,
        number((100.0 * indicator.seen).round())
    );
    let name = if indicator.name == "variance" {
        "Variance of the queue"
    } else {
        "Lag-1 autocorrelation of the queue"
    };
    panel.heading(canvas, name, &verdict);
    let mut places = Places::new(panel);
    if let Some(ceiling) = found.ceiling_per_s {
        let x = panel.px(ceiling);
        canvas.dashed((x, panel.y0), (x, panel.y1), colour::MUTED);
        places.avoid(vec![vec![(x, panel.y0), (x, panel.y1)]]);
        let words = format!("ceiling {}", rate(ceiling));
        let length = REFERENCE.width(&words);
        let heights = [6.0, 24.0, HEIGHT - 22.0].map(|dy| panel.y0 + dy);
        let candidates: Vec<At> = heights.iter().map(|y| (x - 6.0 - length, *y)).collect();
        places.write(canvas, &words, REFERENCE, &candidates);
    }
    for (series, tint, words) in
        [(&indicator.calm, colour::SLATE, "constant load"), (&indicator.series, colour::BLUE, "load rises")]
    {
        for run in series.iter().take(30) {
            curve(canvas, panel, run, tint, (0.9, 0.16));
        }
        let middle = medians(series);
        let drawn = curve(canvas, panel, &middle, tint, (2.25, 1.0));
        if let Some(end) = drawn.iter().flatten().nth(drawn.iter().map(Vec::len).sum::<usize>() / 2) {
            let length = name_in(tint).width(words);
            let candidates = [-22.0, 8.0, -36.0, 22.0].map(|dy| (end.0 - length / 2.0, end.1 + dy));
            places.avoid(drawn.clone());
            places.write(canvas, words, name_in(tint), &candidates);
        }
    }
}

fn curve(canvas: &Canvas, panel: &Panel, run: &[(f64, f64)], tint: Colour, pen: (f64, f64)) -> Vec<Vec<At>> {
    let (at, values): (Vec<f64>, Vec<f64>) = run.iter().copied().unzip();
    panel.pale_curve(canvas, &at, &values, tint, pen)
}

/// The median over the runs at each load; where fewer than half of them are left it ends.
fn medians(series: &Series) -> Vec<(f64, f64)> {
    let mut loads: Vec<f64> = series.iter().flatten().map(|p| p.0).collect();
    loads.sort_unstable_by(f64::total_cmp);
    loads.dedup();
    let at = |load: f64| {
        let there = series.iter().filter_map(|run| run.iter().find(|p| p.0 == load).map(|p| p.1));
        let there: Vec<f64> = there.filter(|v| v.is_finite()).collect();
        (2 * there.len() >= series.len()).then(|| (load, median(&there)))
    };
    loads.into_iter().filter_map(at).collect()
}

fn title(found: &Warning) -> String {
    let named = |useful: bool| -> Vec<&str> {
        found.indicators.iter().filter(|i| i.rises && i.useful == useful).map(|i| i.name).collect()
    };
    match (&named(true)[..], &named(false)[..]) {
        ([], []) => "Neither variance nor autocorrelation warns: they do not rise".into(),
        ([], [one]) => format!("{} rises towards the ceiling, but too unclearly to warn", capital(one)),
        ([], _) => "Both indicators rise towards the ceiling, but too unclearly to warn".into(),
        ([one], []) => {
            format!("{} warns before the ceiling; the other indicator does not rise", capital(one))
        }
        ([one], [other, ..]) => {
            format!("{} warns before the ceiling; {other} rises too unclearly", capital(one))
        }
        _ => "Variance and autocorrelation both rise before the ceiling, clearly enough to warn".into(),
    }
}

fn said(found: &Warning) -> String {
    let one = |i: &Indicator| {
        format!("{}: Kendall's τ {:.2}, seen on {:.0} % of the ramps", i.name, i.tau, 100.0 * i.seen)
    };
    let all: Vec<String> = found.indicators.iter().map(one).collect();
    capital(&format!("{}; {} of {} fell before the end.", all.join("; "), found.fell, found.runs))
}
