//! Which share of the cells a process is to do, by what its scheduler tells it.
use super::SweepError;
use std::{fmt, str::FromStr};

/// Share `index` of `of`: every cell whose position in its round leaves `index` when divided by `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: u32,
    /// At least 1.
    pub of: u32,
}

impl Shard {
    /// All cells.
    pub const WHOLE: Shard = Shard { index: 0, of: 1 };

    /// Whether position `position` is in it. Round robin spreads the long cells of one corner of the grid over all shards.
    pub fn has(&self, position: usize) -> bool {
        position % self.of as usize == self.index as usize
    }

    /// Whether it is all there is.
    pub fn is_whole(&self) -> bool {
        self.of == 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let wrong = || format!("expected a share such as `0/16` (the first of 16), found `{text}`");
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let index = index.trim().parse().map_err(|_| wrong())?;
        let of = of.trim().parse().map_err(|_| wrong())?;
        of_parts(index, of).ok_or_else(|| match of {
            0 => wrong(),
            _ => format!("`{text}`: shares are counted from 0, so the last of {of} is `{}/{of}`", of - 1),
        })
    }
}

fn of_parts(index: u32, of: u32) -> Option<Shard> {
    (index < of).then_some(Shard { index, of })
}

/// How many shards there are, where the scheduler does not say so reliably.
const SHARDS: &str = "LAB_SHARDS";

/// The share that the environment asks for, and by which of its variables; all cells where it asks for none. The first that is set
/// counts: a Slurm array's index, a Kubernetes Job's, an MPI rank, a Slurm rank.
///
/// # Errors
/// When an index is set and the number of shards is not, or they make no share. How many tasks an array has cannot be guessed:
/// `SLURM_ARRAY_TASK_COUNT` is 2 for `--array=2,11`.
pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<(Shard, &'static str), SweepError> {
    for index in ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX"] {
        if let Some(value) = get(index) {
            let of = get(SHARDS).ok_or_else(|| {
                SweepError::Shard(format!(
                    "{index} is {value}, but {SHARDS} is not set: nobody knows of how many shards this is one\n  help: set \
                     {SHARDS} to the number of shards, or say `--shard {value}/N`"
                ))
            })?;
            return shard((index, &value), (SHARDS, &of)).map(|shard| (shard, index));
        }
    }
    if let Some(rank) = get("OMPI_COMM_WORLD_RANK") {
        let size = get("OMPI_COMM_WORLD_SIZE").unwrap_or_default();
        let shard = shard(("OMPI_COMM_WORLD_RANK", &rank), ("OMPI_COMM_WORLD_SIZE", &size))?;
        return Ok((shard, "OMPI_COMM_WORLD_RANK"));
    }
    // Every Slurm job has a rank; one alone is no share.
    match (get("SLURM_PROCID"), get("SLURM_NTASKS")) {
        (Some(rank), Some(tasks)) if tasks.trim() != "1" => {
            let shard = shard(("SLURM_PROCID", &rank), ("SLURM_NTASKS", &tasks))?;
            Ok((shard, "SLURM_PROCID"))
        }
        _ => Ok((Shard::WHOLE, "")),
    }
}

fn shard(index: (&str, &str), of: (&str, &str)) -> Result<Shard, SweepError> {
    let number = |(name, value): (&str, &str)| {
        let wrong = || SweepError::Shard(format!("{name} is `{value}`, expected a whole number"));
        value.trim().parse::<u32>().map_err(|_| wrong())
    };
    let (i, n) = (number(index)?, number(of)?);
    of_parts(i, n).ok_or_else(|| {
        SweepError::Shard(format!(
            "{} is {i} and {} is {n}: shards are counted from 0 to {}",
            index.0,
            of.0,
            n.saturating_sub(1)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Result<(Shard, &'static str), String> {
        let get = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        from_environment(get).map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_is_asked_in_order() {
        let shard = |index, of| Shard { index, of };
        assert_eq!(found(&[]), Ok((Shard::WHOLE, "")));
        let slurm = [("SLURM_ARRAY_TASK_ID", "11"), ("LAB_SHARDS", "16"), ("SLURM_PROCID", "0")];
        assert_eq!(found(&slurm), Ok((shard(11, 16), "SLURM_ARRAY_TASK_ID")));
        let job = [("JOB_COMPLETION_INDEX", "3"), ("LAB_SHARDS", "4")];
        assert_eq!(found(&job), Ok((shard(3, 4), "JOB_COMPLETION_INDEX")));
        let mpi = [("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "4")];
        assert_eq!(found(&mpi), Ok((shard(1, 4), "OMPI_COMM_WORLD_RANK")));
        assert_eq!(found(&[("SLURM_PROCID", "5"), ("SLURM_NTASKS", "8")]), Ok((shard(5, 8), "SLURM_PROCID")));
        assert_eq!(found(&[("SLURM_PROCID", "0"), ("SLURM_NTASKS", "1")]), Ok((Shard::WHOLE, "")));
    }

    #[test]
    fn a_number_of_shards_is_never_guessed() {
        let array = [("SLURM_ARRAY_TASK_ID", "2"), ("SLURM_ARRAY_TASK_COUNT", "2")];
        assert!(found(&array).expect_err("no LAB_SHARDS").contains("LAB_SHARDS is not set"));
        let beyond = [("SLURM_ARRAY_TASK_ID", "16"), ("LAB_SHARDS", "16")];
        assert!(found(&beyond).expect_err("beyond").contains("from 0 to 15"));
        let word = [("JOB_COMPLETION_INDEX", "3"), ("LAB_SHARDS", "many")];
        assert!(found(&word).expect_err("a word").contains("expected a whole number"));
    }

    #[test]
    fn shares_are_written_from_zero() {
        assert_eq!("3/16".parse(), Ok(Shard { index: 3, of: 16 }));
        assert!("16/16".parse::<Shard>().expect_err("beyond").contains("the last of 16 is `15/16`"));
        for wrong in ["3", "a/b", "1/0", "-1/3", ""] {
            assert!(wrong.parse::<Shard>().expect_err("no share").contains("expected a share"), "{wrong}");
        }
    }
}
