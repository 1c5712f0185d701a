//! What is laid over the drift field: the line by another method, and a run.
use super::{Picture, around};
use crate::{
    plot::{
        canvas::{At, Canvas, remark_in},
        clip,
        ink::colour,
        panel::Panel,
        place::Places,
        words::seconds,
    },
    study::portrait::Place,
};

impl Picture<'_> {
    /// The line as the fluid has it, which knows no chance.
    pub(super) fn fluid_line(&self, canvas: &Canvas, panel: &Panel, places: &mut Places) {
        let inside = |(jobs, calls): &&(f64, f64)| *jobs <= self.most.0 && *calls <= self.most.1;
        let line: Vec<At> =
            self.fluid.iter().filter(inside).map(|(q, o)| (panel.px(*q), panel.py(*o))).collect();
        for pair in line.windows(2) {
            canvas.dashed(pair[0], pair[1], colour::PURPLE);
        }
        let Some(middle) = line.get(line.len() / 2) else { return };
        let (words, kind) = ("by the fluid", remark_in(colour::PURPLE));
        let length = kind.width(words);
        let candidates = [(middle.0 + 12.0, middle.1 - 6.0), (middle.0 - 12.0 - length, middle.1 - 6.0)];
        places.avoid(vec![line]);
        places.write_on_paper(canvas, words, kind, &candidates);
    }

    /// The way of the run, with arrow heads along it.
    pub(super) fn run(&self, canvas: &Canvas, panel: &Panel, places: &mut Places) {
        let points: Vec<At> = self.way.iter().map(|p| (panel.px(p.jobs), panel.py(p.outstanding))).collect();
        let pieces = clip::inside(&points, (panel.x0, panel.y0), (panel.x1, panel.y1));
        for piece in &pieces {
            canvas.pale_line(piece, colour::PAPER, 3.2, 0.8);
        }
        for piece in &pieces {
            canvas.pale_line(piece, colour::BLUE, 1.5, 0.9);
        }
        let mut walked = 40.0;
        for pair in pieces.iter().flat_map(|piece| piece.windows(2)) {
            walked += libm::hypot(pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
            // Along the lower edge heads of both directions would lie over each other.
            if walked > 150.0 && pair[1].1 < panel.y1 - 6.0 {
                canvas.arrow_head(pair[0], pair[1], 9.0, colour::BLUE);
                walked = 0.0;
            }
        }
        places.avoid(pieces);
    }

    /// Says where the run ends, or where it leaves the picture.
    pub(super) fn name_run(&self, canvas: &Canvas, panel: &Panel, places: &mut Places) {
        let inside = |p: &Place| p.jobs <= self.most.0 && p.outstanding <= self.most.1;
        let stays = self.way.iter().rposition(inside);
        let Some(place) = stays.and_then(|last| self.way.get(last)) else { return };
        let at = (panel.px(place.jobs), panel.py(place.outstanding));
        let ends = stays == Some(self.way.len() - 1);
        if ends {
            canvas.dot(at, 5.0, colour::PAPER);
            canvas.dot(at, 3.6, colour::BLUE);
        }
        let words = match ends {
            true => format!("the simulated run, at {}", seconds(place.at_s)),
            false => format!("the simulated run leaves at {}", seconds(place.at_s)),
        };
        let kind = remark_in(colour::BLUE);
        let length = kind.width(&words);
        let candidates: Vec<At> =
            [14.0, 26.0, 40.0, 56.0].iter().flat_map(|away| around(at, length, *away)).collect();
        places.write_on_paper(canvas, &words, kind, &candidates);
    }
}
