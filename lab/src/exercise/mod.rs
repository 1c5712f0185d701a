//! Exercises that grade themselves.
//!
//! An exercise is a folder: what is to be done (`exercise.md`), an experiment, what of it may be changed and what an answer must
//! reach (`exercise.yaml`), and answers with the points that they must get. Answers are graded in simulation only, so that every
//! machine says the same.
//!
//! - [`shelf`]: which exercises there are.
//! - [`sheet`]: what a student begins with, and the task and hints of an exercise.
//! - [`grade()`]: the points of an answer, test by test.
//! - [`gradescope`]: the same as autograders read it.
mod grade;
mod gradescope;
mod hints;
pub mod sheet;
pub mod shelf;
mod words;

pub use grade::{Grade, Graded, grade, runs};
pub use gradescope::{gradescope, unusable};
pub use hints::hints;
pub use shelf::{Piece, Shelf};
pub use words::{requirement, requirements};
