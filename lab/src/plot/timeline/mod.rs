//! One run over time: panel below panel on one time axis. Rates, latency and queue depth are always told. A cache adds how
//! often it has what it is asked for; a group of replicas adds how busy each is, who is a member, and how far the last one is
//! behind. What stays as it is and says nothing is left away.
mod group;
mod hits;
mod latency;
mod rates;

use super::{
    Figure,
    busy::{Busy, busy},
    canvas::draw,
    finding::finding,
    group::{Group, groups},
    header::Header,
    hits::{Hits, hits},
    over_time::{GAP, LATENCY_HEIGHT, OverTime, SMALL_HEIGHT, WIDTH},
    rows,
    series::{Latency, Rates, latency, mean_from, rates},
    setting::setting,
    stem, strip,
    words::list,
};
use crate::verdict::RunView;

const RATES_HEIGHT: f64 = 192.0;
const QUEUE_HEIGHT: f64 = 92.0;

/// `run` over time, with its phases.
pub fn timeline(run: &RunView) -> Figure {
    let title = finding(run);
    let header = Header::new(&title, &setting(run), Some(&run.judgement.verdict), WIDTH);
    let story = Story::new(run);
    let parts = story.parts();
    let strip_bottom = header.bottom() + 14.0 + strip::HEIGHT;
    let top = strip_bottom + 34.0;
    let height: f64 = parts.iter().map(|part| part.height() + GAP).sum();
    let ink = draw(WIDTH, top + height - GAP + 56.0, |canvas| {
        header.draw(canvas);
        let mut y = top;
        for part in &parts {
            match part {
                Part::Rates => {
                    let panel = story.rates(canvas, y);
                    strip::draw(canvas, &panel, &story.frame.phases, strip_bottom, WIDTH);
                }
                Part::HitRate(hits) => story.hit_rate(canvas, y, hits),
                Part::Fills(hits) => story.fills(canvas, y, hits),
                Part::Latency => story.latency(canvas, y),
                Part::Busy(busy) => story.busy(canvas, y, busy),
                Part::Members(group) => story.members(canvas, y, group),
                Part::Lag(group) => story.lag(canvas, y, group),
                Part::Queue => story.queue(canvas, y),
            }
            y += part.height() + GAP;
        }
    });
    Figure { name: stem(&["timeline", run.variant, run.engine]), ink, caption: caption(run, &title, &parts) }
}

fn caption(run: &RunView, title: &str, parts: &[Part]) -> String {
    let clients = &run.scenario.clients;
    let several = if clients.len() > 1 {
        format!(" Rates are the sum of {} client groups, latency is of {}.", clients.len(), clients[0].name)
    } else {
        String::new()
    };
    let mut told: Vec<&str> = parts.iter().map(Part::name).collect();
    told.dedup();
    format!(
        "{title}: {} over time ({}); verdict: {}.{several}",
        list(&told),
        setting(run),
        run.judgement.verdict.word()
    )
}

/// What a timeline is made of, from above to below.
enum Part<'a> {
    Rates,
    HitRate(&'a Hits),
    Fills(&'a Hits),
    Latency,
    Busy(&'a Busy),
    Members(&'a Group),
    Lag(&'a Group),
    Queue,
}

impl Part<'_> {
    fn height(&self) -> f64 {
        match self {
            Part::Rates => RATES_HEIGHT,
            Part::Latency => LATENCY_HEIGHT,
            Part::Queue => QUEUE_HEIGHT,
            Part::Busy(busy) => rows::height(busy),
            Part::HitRate(_) | Part::Fills(_) | Part::Members(_) | Part::Lag(_) => SMALL_HEIGHT,
        }
    }

    /// What it shows, for the caption.
    fn name(&self) -> &'static str {
        match self {
            Part::Rates => "rates",
            Part::HitRate(_) => "hit rate",
            Part::Fills(_) => "fills",
            Part::Latency => "latency",
            Part::Busy(_) => "busy workers",
            Part::Members(_) => "members of the view",
            Part::Lag(_) => "lag",
            Part::Queue => "queue depth",
        }
    }
}

struct Story<'a> {
    run: &'a RunView<'a>,
    frame: OverTime<'a>,
    rates: Rates,
    latency: Latency,
    busy: Busy,
    groups: Vec<Group>,
    hits: Vec<Hits>,
}

impl<'a> Story<'a> {
    fn new(run: &'a RunView<'a>) -> Story<'a> {
        Story {
            run,
            frame: OverTime::new(run, run.trace.end.as_secs_f64()),
            rates: rates(run),
            latency: latency(run.trace, 0),
            busy: busy(run),
            groups: groups(run),
            hits: hits(run),
        }
    }

    /// What there is to tell of this run.
    fn parts(&self) -> Vec<Part<'_>> {
        let mut parts = vec![Part::Rates];
        for hits in &self.hits {
            parts.push(Part::HitRate(hits));
            if hits.fills_in_vain() {
                parts.push(Part::Fills(hits));
            }
        }
        parts.push(Part::Latency);
        if !self.busy.is_empty() {
            parts.push(Part::Busy(&self.busy));
        }
        parts.extend(self.groups.iter().filter(|group| group.changes()).map(Part::Members));
        parts.extend(self.groups.iter().filter(|group| group.lags()).map(Part::Lag));
        parts.push(Part::Queue);
        parts
    }

    /// The last twentieth of a curve, where its name is put.
    fn end_of(&self, times: &[f64], values: &[f64]) -> f64 {
        mean_from(times, values, self.run.trace.end.as_secs_f64() * 0.95)
    }
}
