//! Cuts curves off at the edges of a panel. To clamp them instead would draw slopes that nobody measured.
use super::canvas::At;

/// The pieces of `curve` between the heights `top` and `bottom`.
pub(super) fn curve(curve: &[At], top: f64, bottom: f64) -> Vec<Vec<At>> {
    let mut pieces: Vec<Vec<At>> = vec![];
    let mut open = false;
    for pair in curve.windows(2) {
        let Some((from, to)) = segment(pair[0], pair[1], top, bottom) else {
            open = false;
            continue;
        };
        match pieces.last_mut() {
            Some(piece) if open && from == pair[0] => piece.push(to),
            _ => pieces.push(vec![from, to]),
        }
        open = to == pair[1];
    }
    pieces
}

/// The pieces of `curve` inside a rectangle, from its upper left to its lower right corner.
pub(super) fn inside(path: &[At], from: At, to: At) -> Vec<Vec<At>> {
    let turned = |piece: &Vec<At>| -> Vec<At> { piece.iter().map(|(x, y)| (*y, *x)).collect() };
    let across = curve(path, from.1, to.1)
        .iter()
        .flat_map(|piece| curve(&turned(piece), from.0, to.0))
        .collect::<Vec<_>>();
    across.iter().map(turned).collect()
}

/// The part of the segment from `a` to `b` between the two heights.
fn segment(a: At, b: At, top: f64, bottom: f64) -> Option<(At, At)> {
    let rise = b.1 - a.1;
    let cut = |y: f64| (a.0 + (b.0 - a.0) * (y - a.1) / rise, y);
    let end = |p: At| {
        if p.1 < top {
            cut(top)
        } else if p.1 > bottom {
            cut(bottom)
        } else {
            p
        }
    };
    let outside = a.1.max(b.1) < top || a.1.min(b.1) > bottom;
    (!outside).then(|| (end(a), end(b)))
}

/// The part of a polygon below the height `top` (Sutherland and Hodgman, 1974, for one edge).
pub(super) fn polygon(corners: &[At], top: f64) -> Vec<At> {
    let mut inside = vec![];
    for (index, &to) in corners.iter().enumerate() {
        let from = corners[(index + corners.len() - 1) % corners.len()];
        if (from.1 < top) != (to.1 < top) {
            inside.push((from.0 + (to.0 - from.0) * (top - from.1) / (to.1 - from.1), top));
        }
        if to.1 >= top {
            inside.push(to);
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_cut_where_it_crosses_the_edge_and_keeps_its_slope() {
        let peak = [(0.0, 100.0), (10.0, -100.0), (20.0, 100.0)];
        assert_eq!(
            curve(&peak, 0.0, 200.0),
            [vec![(0.0, 100.0), (5.0, 0.0)], vec![(15.0, 0.0), (20.0, 100.0)]]
        );
        assert_eq!(polygon(&peak, 0.0), [(0.0, 100.0), (5.0, 0.0), (15.0, 0.0), (20.0, 100.0)]);
    }

    #[test]
    fn a_path_is_cut_on_all_four_sides() {
        let path = [(-10.0, 5.0), (30.0, 5.0), (30.0, 50.0)];
        assert_eq!(inside(&path, (0.0, 0.0), (20.0, 20.0)), [vec![(0.0, 5.0), (20.0, 5.0)]]);
    }

    #[test]
    fn what_is_inside_stays_one_piece_and_what_is_outside_goes() {
        let inside = [(0.0, 10.0), (1.0, 20.0), (2.0, 10.0)];
        assert_eq!(curve(&inside, 0.0, 20.0), [inside.to_vec()]);
        assert!(curve(&[(0.0, -5.0), (9.0, -1.0)], 0.0, 20.0).is_empty());
    }
}
