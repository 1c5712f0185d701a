//! What a student begins with.
use super::{Piece, hints::without};
use crate::config::{ConfigErrors, exercise::LoadedExercise};

/// The task of `piece`, as it stands in its `exercise.md`.
///
/// # Errors
/// When it cannot be read.
pub fn task(piece: &Piece) -> Result<String, ConfigErrors> {
    let file = piece.folder.join("exercise.md");
    std::fs::read_to_string(&file)
        .map_err(|error| ConfigErrors::plain(format!("cannot read `{}`: {error}", file.display()), None))
}

/// The same without its hints.
///
/// # Errors
/// As [`task`].
pub fn task_alone(piece: &Piece) -> Result<String, ConfigErrors> {
    task(piece).map(|text| without(&text))
}

/// A file to work in, to be called `name`: the whole experiment with its comments, below what may be changed and how it is graded.
pub fn sheet(piece: &Piece, exercise: &LoadedExercise, name: &str) -> String {
    let asked = &exercise.exercise;
    let mut text = format!(
        "# Exercise {:02}: {} ({} points, about {} minutes)\n#\n",
        piece.number,
        asked.title,
        asked.points(),
        asked.minutes
    );
    text += "# You may change, with all that is in it:\n";
    for path in &asked.may_change {
        text += &format!("#   {path}\n");
    }
    text += &format!(
        "# Everything else is locked. Title, variants, expect and figures are yours: they play no part in the grade.\n#\n\
         # What can be calculated of it, what it does, and what it is worth:\n\
         #   lab check {name}\n\
         #   lab run {name} --open\n\
         #   lab exercise check {:02} {name}\n#\n",
        piece.number
    );
    // An editor's schema is found from where the experiment lies, not from here.
    let lines = exercise.text().lines().filter(|line| !line.starts_with("# yaml-language-server"));
    for line in lines {
        text += line;
        text.push('\n');
    }
    text
}
