//! One boundary line for each setting: where half of the seeds are metastable.
use super::{
    heat::{HEIGHT, LEFT, WIDTH, axes},
    sheet::{Sheet, scale},
    spot::Spots,
    stroke::Stroke,
    theory::fluid,
    words,
};
use crate::{
    plot::{
        Figure,
        canvas::{At, Canvas, REFERENCE, draw, name_in, remark_in},
        header::Header,
        ink::{Colour, colour},
        panel::Panel,
        place::Places,
        quantity::setting_at,
        stem,
    },
    scenario::{Grid, grid::MapAxes},
    sweep::Merged,
};

const COLOURS: [Colour; 5] = [colour::BLUE, colour::ORANGE, colour::GREEN, colour::PURPLE, colour::SLATE];
/// A boundary lies elsewhere if it is further away by this share.
const ELSEWHERE: f64 = 0.03;

/// The boundary at one setting.
struct Boundary<'a> {
    name: &'a str,
    sheet: Sheet<'a>,
    colour: Colour,
}

pub(super) fn line_map(grid: &Grid, map: MapAxes, lines: usize, merged: &Merged) -> Figure {
    let names = grid.axes[lines].labels.iter();
    let boundaries: Vec<Boundary<'_>> = names
        .zip(COLOURS.into_iter().cycle())
        .enumerate()
        .map(|(index, (name, colour))| Boundary { name, sheet: Sheet::of(grid, map, index, merged), colour })
        .collect();
    let title = title(grid, map, lines, &boundaries);
    let header = Header::new(&title, &words::setting(grid, merged), None, WIDTH);
    let y0 = header.bottom() + 16.0;
    let sheet = &boundaries[0].sheet;
    let panel =
        Panel { x0: LEFT, y0, x1: WIDTH - 30.0, y1: y0 + HEIGHT, x: scale(&sheet.xs), y: scale(&sheet.ys) };
    let trigger = words::trigger(grid);
    let ink = draw(WIDTH, panel.y1 + 62.0, |canvas| {
        header.draw(canvas);
        panel.grid(canvas, &panel.x.close_ticks(7), &panel.y.close_ticks(6));
        let mut places = Places::new(&panel);
        let mut theory = false;
        for boundary in &boundaries {
            theory |= boundary.theory(canvas, &panel, &mut places, &trigger);
        }
        let drawn: Vec<Vec<Vec<At>>> =
            boundaries.iter().map(|boundary| boundary.draw(canvas, &panel, &mut places)).collect();
        for (boundary, lines) in boundaries.iter().zip(&drawn) {
            boundary.name(canvas, &mut places, lines);
        }
        corners(canvas, &panel, &mut places, &trigger, theory);
        axes(canvas, &panel, grid, map);
    });
    let caption = format!(
        "{title}. Each line: where half of the seeds are metastable, over {} and {}.",
        words::noun(&grid.axes[map.x]),
        words::noun(&grid.axes[map.y])
    );
    Figure { name: stem(&["boundaries", &grid.name]), ink, caption }
}

impl Boundary<'_> {
    /// The fluid's line, pale and dashed; whether there is one.
    fn theory(&self, canvas: &Canvas, panel: &Panel, places: &mut Places, trigger: &str) -> bool {
        let Some(line) = fluid(&self.sheet, panel, trigger) else { return false };
        let dash = Some((5.0, 4.0));
        Stroke { colour: self.colour, width: 1.0, border: None, dash }.draw(canvas, &line.lines);
        places.avoid(line.lines);
        true
    }

    /// The line of one half, between the pale ones of 5 and 95 %. Returns the first.
    fn draw(&self, canvas: &Canvas, panel: &Panel, places: &mut Places) -> Vec<Vec<At>> {
        for level in [0.05, 0.95] {
            let lines = self.sheet.boundary(panel, level);
            for line in &lines {
                canvas.pale_line(line, self.colour, 1.25, 0.45);
            }
            places.avoid(lines);
        }
        let lines = self.sheet.boundary(panel, 0.5);
        for line in &lines {
            canvas.line(line, self.colour, 2.5);
        }
        places.avoid(lines.clone());
        lines
    }

    /// Writes the setting beside its line.
    fn name(&self, canvas: &Canvas, places: &mut Places, lines: &[Vec<At>]) {
        let kind = name_in(self.colour);
        let length = kind.width(self.name);
        let along = (2..=18).filter_map(|k| Spots::along(lines, f64::from(k) / 20.0));
        let candidates: Vec<At> = along
            .flat_map(|(x, y)| [(x + 9.0, y - 14.0), (x + 5.0, y - 20.0), (x - length - 9.0, y + 4.0)])
            .collect();
        places.write(canvas, self.name, kind, &candidates);
    }
}

/// What lies on either side, and what the thin lines are.
fn corners(canvas: &Canvas, panel: &Panel, places: &mut Places, trigger: &str, theory: bool) {
    let kind = remark_in(colour::MUTED);
    let stays = format!("metastable: stays down after the {trigger} is over");
    let right = panel.x1 - 10.0 - kind.width(&stays);
    places.write(canvas, &stays, kind, &[(right, panel.y0 + 8.0), (right, panel.y0 + 26.0)]);
    let left = panel.x0 + 10.0;
    places.write(canvas, "recovers", kind, &[(left, panel.y1 - 20.0), (left, panel.y1 - 38.0)]);
    let thin = match theory {
        true => "bold 50 %, pale 5 % and 95 %; dashed: fluid model, queue = μT",
        false => "bold 50 %, pale 5 % and 95 % of the seeds",
    };
    let right = panel.x1 - 10.0 - REFERENCE.width(thin);
    places.write(canvas, thin, REFERENCE, &[(right, panel.y0 + 26.0), (right, panel.y0 + 44.0)]);
}

/// Whether the boundary moves outward from each setting to the next, or inward.
fn title(grid: &Grid, map: MapAxes, lines: usize, boundaries: &[Boundary<'_>]) -> String {
    let (axis, y) = (&grid.axes[lines], &grid.axes[map.y]);
    let setting = setting_at(&axis.path);
    let survived = words::survived(grid, y);
    let mut order: Vec<usize> = (0..boundaries.len()).collect();
    if !axis.numbers.is_empty() {
        order.sort_by(|a, b| axis.numbers[*a].total_cmp(&axis.numbers[*b]));
    }
    let moves: Vec<f64> =
        order.windows(2).map(|pair| shift(&boundaries[pair[0]].sheet, &boundaries[pair[1]].sheet)).collect();
    let (more, _) = words::comparatives(axis);
    let (further, nearer) = words::comparatives(y);
    match axis.numbers.is_empty() || moves.is_empty() {
        false if moves.iter().all(|m| *m > ELSEWHERE) => {
            format!("The {more} the {setting}, the {further} the {survived} that the service survives")
        }
        false if moves.iter().all(|m| *m < -ELSEWHERE) => {
            format!("The {more} the {setting}, the {nearer} the {survived} that the service survives")
        }
        _ if !moves.is_empty() && moves.iter().all(|m| m.abs() <= ELSEWHERE) => {
            format!("The {setting} hardly moves the boundary")
        }
        _ => format!("The {} that the service survives, by {setting}", words::noun(y)),
    }
}

/// How much further out the boundary lies in `other` than in `one`: the mean over the columns that both have, as a share.
fn shift(one: &Sheet, other: &Sheet) -> f64 {
    let both = (0..one.xs.len()).filter_map(|column| one.threshold(column).zip(other.threshold(column)));
    let ratios: Vec<f64> = both.map(|(a, b)| b / a - 1.0).collect();
    if ratios.is_empty() { 0.0 } else { ratios.iter().sum::<f64>() / ratios.len() as f64 }
}
