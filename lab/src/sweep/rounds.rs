//! Which cells are next.
//!
//! Without refinement there is one round: all cells. With it, every point first gets a few seeds. Then, round by round, those
//! points get four times as many of which it is still open whether they lie on the boundary. What a round asks for is a pure
//! function of what the rounds before it found, whoever found it and in whatever order: so all processes agree on it without a
//! word between them, once the round before is complete.
//!
//! A point is *settled* when the 95 % interval of its P(metastable) is narrow enough, or when it lies far from the boundary. Its
//! own few runs cannot say that: 0 of 3 leaves P anywhere up to 56 %, and it takes 73 runs that end alike to be sure of less than
//! 5 %. Its neighbourhood can: P changes little between neighbours except at the boundary, so the runs of a block of points around
//! it are pooled, and the point is far when the interval of the smallest or a larger block lies below 5 % or above 95 %. An island
//! smaller than a block, at which only a few of the seeds fall, can be missed; one at which all fall cannot.
use super::{Cell, Plan, Store};
use crate::{
    scenario::grid::{MapAxes, Refinement},
    verdict::wilson,
};

/// Points with more than this share of metastable runs, and less than the rest, are on the boundary.
pub(super) const EDGE: f64 = 0.05;
/// Seeds of an open point grow so many times from round to round: then three rows of three points, of which two have been refined
/// and one has not, are 81 runs with the usual first three.
const FACTOR: u32 = 4;
/// The largest block reaches so far to every side: 25 points.
const REACH: usize = 2;

/// How far a sweep has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The round in hand, from 0; the last one that there was if everything is done.
    pub round: u32,
    /// How many rounds there are at most.
    pub rounds: u32,
    /// The cells of this round. Position i of this list belongs to shard i mod N.
    pub cells: Vec<Cell>,
    /// The positions of those that are missing.
    pub missing: Vec<usize>,
    /// The positions of live cells that are there, but with no run on a host that was fit.
    pub unfit: Vec<usize>,
    /// How many seeds each point has, this round included.
    pub seeds: Vec<u32>,
}

impl Progress {
    /// How far `plan` has got with what is in `store`.
    pub fn of(plan: &Plan, store: &Store) -> Progress {
        let rounds = rounds(plan);
        let mut seeds = vec![0; plan.grid.points.len()];
        let (cells, missing, unfit) = (vec![], vec![], vec![]);
        let mut done = Progress { round: 0, rounds, cells, missing, unfit, seeds: seeds.clone() };
        for round in 0..rounds {
            let cells = cells_of(plan, store, &mut seeds, round);
            if cells.is_empty() {
                break;
            }
            let found = |i: &usize| store.get(plan.key(cells[*i]));
            let missing: Vec<usize> = (0..cells.len()).filter(|i| found(i).is_none()).collect();
            let unfit = (0..cells.len()).filter(|i| found(i).is_some_and(|found| !found.is_fit())).collect();
            let complete = missing.is_empty();
            done = Progress { round, rounds, cells, missing, unfit, seeds: seeds.clone() };
            if !complete {
                break;
            }
        }
        done
    }

    /// Whether nothing is left to do.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Cells that are asked for so far.
    pub fn asked(&self) -> usize {
        self.seeds.iter().map(|seeds| *seeds as usize).sum()
    }
}

/// Rounds that `plan` may take.
pub(super) fn rounds(plan: &Plan) -> u32 {
    (0..).find(|round| wanted(plan, *round) >= plan.grid.replications).map_or(1, |last| last + 1)
}

/// Seeds that a point has after `round`, if it is open until then.
fn wanted(plan: &Plan, round: u32) -> u32 {
    let most = plan.grid.replications;
    match plan.grid.refine {
        None => most,
        Some(Refinement { first, .. }) => FACTOR
            .checked_pow(round)
            .and_then(|f| f.checked_mul(first))
            .map_or(most, |wanted| wanted.min(most)),
    }
}

/// The cells of `round`, and `seeds` as they are after it. All rounds before it are complete.
fn cells_of(plan: &Plan, store: &Store, seeds: &mut [u32], round: u32) -> Vec<Cell> {
    let wanted = wanted(plan, round);
    let open: Vec<bool> = match (round, plan.grid.refine, plan.grid.map) {
        (1.., Some(refine), Some(map)) => {
            let seen = Seen::of(plan, store, seeds);
            (0..seeds.len()).map(|point| seen.is_open(plan, point, refine, map)).collect()
        }
        _ => vec![true; seeds.len()],
    };
    let mut cells = vec![];
    for (point, seeds) in seeds.iter_mut().enumerate().filter(|(point, _)| open[*point]) {
        cells.extend((*seeds..wanted).map(|replication| Cell { point, replication }));
        *seeds = wanted.max(*seeds);
    }
    cells
}

/// What has been seen of every point: metastable runs, and all runs.
struct Seen(Vec<(usize, usize)>);

impl Seen {
    /// Of each point its first `seeds` and no others, which a process that is ahead may have run already.
    fn of(plan: &Plan, store: &Store, seeds: &[u32]) -> Seen {
        let count = |(point, seeds): (usize, &u32)| {
            let cells = (0..*seeds).map(|replication| Cell { point, replication });
            let found = cells.filter_map(|cell| store.get(plan.key(cell)));
            found.fold((0, 0), |(hits, runs), found| (hits + usize::from(found.is_metastable()), runs + 1))
        };
        Seen(seeds.iter().enumerate().map(count).collect())
    }

    fn is_open(&self, plan: &Plan, point: usize, refine: Refinement, map: MapAxes) -> bool {
        let (hits, runs) = self.0[point];
        let (low, high) = wilson(hits, runs);
        let settled = high - low <= refine.until;
        let far = |reach| {
            let (low, high) = self.pooled(plan, point, reach, map);
            high < EDGE || low > 1.0 - EDGE
        };
        !settled && !(0..=REACH).any(far)
    }

    /// The interval of all runs in the block that reaches `reach` points to every side of `point`. At the grid's edge the block is
    /// moved inside, so that it is no smaller there.
    fn pooled(&self, plan: &Plan, point: usize, reach: usize, map: MapAxes) -> (f64, f64) {
        let at = &plan.grid.points[point].at;
        let block = |axis: usize| {
            let length = plan.grid.axes[axis].values.len();
            let size = (2 * reach + 1).min(length);
            let from = at[axis].saturating_sub(reach).min(length - size);
            from..from + size
        };
        let (mut hits, mut runs) = (0, 0);
        let mut other = at.clone();
        for x in block(map.x) {
            for y in block(map.y) {
                (other[map.x], other[map.y]) = (x, y);
                let (h, r) = self.0[plan.grid.index(&other)];
                (hits, runs) = (hits + h, runs + r);
            }
        }
        wilson(hits, runs)
    }
}
