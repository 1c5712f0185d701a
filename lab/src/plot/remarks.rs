//! What a person would point at in a metastable stretch: all workers busy, and with what.
use super::{
    canvas::{Canvas, UNIT},
    ink::Face,
    panel::Panel,
    phases::{Kind, Phase},
    place::Places,
    series::Rates,
};

/// From this share of the capacity on, a service is fully busy.
const BUSY: f64 = 0.9;
/// Below this share of the throughput, goodput is next to nothing.
const WASTED: f64 = 0.1;

/// Says, where it is so, that the service works at its capacity and that nobody waits for the result.
pub(super) fn wasted_work(
    canvas: &Canvas,
    panel: &Panel,
    places: &mut Places,
    phases: &[Phase],
    rates: &Rates,
    capacity: f64,
) {
    let stays = |phase: &&Phase| matches!(phase.kind, Kind::Metastable | Kind::Spontaneous);
    let Some(phase) = phases.iter().find(stays) else { return };
    let mean = |values: &[f64]| {
        let inside = rates.at.iter().zip(values).filter(|(at, _)| phase.from <= **at && **at < phase.until);
        let (sum, count) = inside.fold((0.0, 0.0), |(sum, count), (_, value)| (sum + value, count + 1.0));
        sum / count
    };
    let (throughput, goodput) = (mean(&rates.throughput), mean(&rates.goodput));
    if !(throughput >= BUSY * capacity && goodput <= WASTED * throughput) {
        return;
    }
    let remark = |places: &mut Places, words: &str, value: f64| {
        let length = UNIT.width(words);
        let room = panel.px(phase.until) - panel.px(phase.from) - length;
        if room < 24.0 {
            return;
        }
        let steps = (0..=8).map(|k| panel.px(phase.from) + 12.0 + (room - 24.0) * f64::from(k) / 8.0);
        let y = panel.py(value);
        let candidates: Vec<_> = steps.flat_map(|x| [(x, y - 21.0), (x, y - 26.0), (x, y + 10.0)]).collect();
        places.write(canvas, words, super::canvas::Type { face: Face::Italic, ..UNIT }, &candidates);
    };
    remark(places, "the service is fully busy …", throughput);
    remark(places, "… with work that nobody waits for any more", goodput);
}
