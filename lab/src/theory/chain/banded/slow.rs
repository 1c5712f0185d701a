//! The slowest way in which a chain forgets where it began.
use super::Banded;

/// Vectors of a Krylov space, and how often it is begun anew from the best one.
const VECTORS: usize = 30;
const RESTARTS: usize = 8;

impl Banded {
    /// The rate per second at which the chain forgets where it began: the smallest |λ| of its generator but 0, where that is a single
    /// real eigenvalue. Found by Arnoldi's method (Quarterly of Applied Mathematics 9(1), 1951) on the inverse. `None` where that does not
    /// settle to one in ten thousand.
    pub fn relaxation_per_s(&self) -> Option<f64> {
        let shares = self.stationary();
        // What is pinned to 0 is the likeliest state, so that little is lost when the mean is taken away.
        let likeliest = (0..self.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b])).unwrap_or(0);
        let reduced = self.reduce(|state| state == likeliest);
        let product = |a: &[f64], b: &[f64]| -> f64 {
            a.iter().zip(b).zip(&shares).map(|((a, b), share)| a * b * share).sum()
        };
        let centred = |mut f: Vec<f64>| {
            let mean: f64 = f.iter().zip(&shares).map(|(f, share)| f * share).sum();
            f.iter_mut().for_each(|v| *v -= mean);
            f
        };
        // The time to that state tells the slow parts of the chain apart.
        let mut start = centred(reduced.solve(vec![1.0; self.len()]));
        let mut settled = None;
        for _ in 0..RESTARTS {
            let mut space = vec![scaled(&start, 1.0 / product(&start, &start).sqrt())];
            let mut small = vec![vec![0.0; VECTORS]; VECTORS];
            let mut last = 0.0;
            for column in 0..VECTORS {
                let mut next = centred(reduced.solve(space[column].clone()));
                // Twice, for what the first time leaves.
                for _ in 0..2 {
                    for (row, known) in space.iter().enumerate() {
                        let part = product(&next, known);
                        small[row][column] += part;
                        next.iter_mut().zip(known).for_each(|(v, k)| *v -= part * k);
                    }
                }
                last = product(&next, &next).sqrt();
                if column + 1 == VECTORS || last < 1e-13 * small[0][0].abs() {
                    break;
                }
                small[column + 1][column] = last;
                space.push(scaled(&next, 1.0 / last));
            }
            let size = space.len();
            small.truncate(size);
            small.iter_mut().for_each(|row| row.truncate(size));
            let (value, vector) = dominant(&small)?;
            let residual = last * vector[size - 1].abs() / value;
            settled = (value > 0.0 && residual < 1e-4).then_some(1.0 / value);
            if residual < 1e-10 {
                break;
            }
            start = vec![0.0; self.len()];
            for (known, share) in space.iter().zip(&vector) {
                start.iter_mut().zip(known).for_each(|(s, k)| *s += share * k);
            }
        }
        settled
    }
}

fn scaled(vector: &[f64], by: f64) -> Vec<f64> {
    vector.iter().map(|v| v * by).collect()
}

/// The eigenvalue of the largest absolute value of a small matrix and its vector of length 1, by squaring the matrix until it is of
/// rank 1. `None` where it does not become so: two are equally large, as those of a complex pair are.
fn dominant(matrix: &[Vec<f64>]) -> Option<(f64, Vec<f64>)> {
    let size = matrix.len();
    let mut power = matrix.to_vec();
    for _ in 0..64 {
        let entry = |i: usize, j: usize| -> f64 { (0..size).map(|k| power[i][k] * power[k][j]).sum() };
        let square: Vec<Vec<f64>> = (0..size).map(|i| (0..size).map(|j| entry(i, j)).collect()).collect();
        let largest = square.iter().flatten().fold(0.0_f64, |most, v| most.max(v.abs()));
        power = square.iter().map(|row| scaled(row, 1.0 / largest)).collect();
    }
    let column = |j: usize| power.iter().map(|row| row[j]).collect::<Vec<f64>>();
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let longest = (0..size).map(column).max_by(|a, b| norm(a).total_cmp(&norm(b)))?;
    let vector = scaled(&longest, 1.0 / norm(&longest));
    let image: Vec<f64> =
        matrix.iter().map(|row| row.iter().zip(&vector).map(|(m, v)| m * v).sum()).collect();
    let value: f64 = image.iter().zip(&vector).map(|(i, v)| i * v).sum();
    let rest: Vec<f64> = image.iter().zip(&vector).map(|(i, v)| i - value * v).collect();
    (norm(&rest) < 1e-6 * value.abs()).then_some((value, vector))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dominant_value_is_found_and_a_pair_is_not_taken_for_one() {
        let (value, vector) = dominant(&[vec![2.0, 1.0], vec![0.0, 1.0]]).expect("a single one");
        assert!((value - 2.0).abs() < 1e-12 && vector[1].abs() < 1e-12);
        assert_eq!(dominant(&[vec![0.0, 1.0], vec![-1.0, 0.0]]), None);
    }

    /// A ring that is gone round one way: its slowest eigenvalues are a complex pair.
    #[test]
    fn a_chain_that_goes_round_has_no_single_rate() {
        let mut ring = Banded::new(6, 5);
        for state in 0..6 {
            ring.add(state, (state + 1) % 6, 1.0);
        }
        assert_eq!(ring.relaxation_per_s(), None);
    }
}
