//! `lab exercise`: tasks that grade themselves.
use super::{
    exit::{Exit, Failure, Outcome},
    progress,
    table::Table,
};
use crate::{
    config::exercise::{LoadedExercise, load_answer, load_exercise},
    exercise::{
        Grade, Graded, Piece, Shelf, grade, gradescope, hints, runs,
        sheet::{sheet, task, task_alone},
        shelf, unusable,
    },
};
use clap::Subcommand;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Exercises that grade themselves: a task as numbers to meet, a file to work in, and its points.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab exercise list
  lab exercise start 1
  lab exercise check 1 01-survive-the-spike.yaml
  lab exercise check 1 answer.yaml --gradescope results.json

Exit codes: 0 full marks, 1 fewer, 64 an answer that cannot be read")]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
    /// Where exercises are; without it `docs/exercises`, here or in a folder around
    #[arg(long, value_name = "DIR", global = true)]
    exercises: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What there is
    #[command(after_help = "Example:\n  lab exercise list --json")]
    List {
        /// Print one JSON document instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Tell the task, and write a file to work in
    #[command(after_help = "Example:\n  lab exercise start 1 --out mine.yaml")]
    Start {
        /// Which exercise: its number, or its name or a part of it
        #[arg(value_name = "EXERCISE")]
        wanted: String,
        /// The file to write; without it, the exercise's name, here
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// One more hint
    #[command(after_help = "Example:\n  lab exercise hint 1 2")]
    Hint {
        /// Which exercise: its number, or its name or a part of it
        #[arg(value_name = "EXERCISE")]
        wanted: String,
        /// Which hint
        #[arg(value_name = "N", default_value_t = 1)]
        number: usize,
    },
    /// Grade an answer: a whole config, or only what is changed, as in a variant
    #[command(after_help = "Example:\n  lab exercise check 1 mine.yaml --gradescope results.json")]
    Check {
        /// Which exercise: its number, or its name or a part of it
        #[arg(value_name = "EXERCISE")]
        wanted: String,
        /// The answer
        #[arg(value_name = "ANSWER")]
        answer: PathBuf,
        /// Print one JSON document instead of a table
        #[arg(long)]
        json: bool,
        /// Write the grade for an autograder
        #[arg(long, value_name = "FILE")]
        gradescope: Option<PathBuf>,
    },
}

pub(super) fn exercise(args: &Args) -> Outcome {
    let shelf = Shelf::open(&folder(args)?)?;
    match &args.what {
        What::List { json } => list(&shelf, *json),
        What::Start { wanted, out } => start(shelf.find(wanted)?, out.as_deref()),
        What::Hint { wanted, number } => hint(shelf.find(wanted)?, *number),
        What::Check { wanted, answer, json, gradescope } => {
            let piece = shelf.find(wanted)?;
            let exercise = load_exercise(&piece.folder)?;
            check(piece, &exercise, answer, *json, gradescope.as_deref())
        }
    }
}

fn folder(args: &Args) -> Result<PathBuf, Failure> {
    if let Some(folder) = &args.exercises {
        return Ok(folder.clone());
    }
    let here = std::env::current_dir().unwrap_or_default();
    let found = shelf::nearest(&here).ok_or_else(|| {
        let help = "say where they are with --exercises DIR";
        Failure::Usage(format!(
            "there is no `docs/exercises`, neither here nor in a folder around\n  help: {help}"
        ))
    })?;
    Ok(found.strip_prefix(&here).map_or_else(|_| found.clone(), Path::to_owned))
}

fn list(shelf: &Shelf, as_json: bool) -> Outcome {
    let mut table = Table::new(&["exercise", "title", "minutes>", "points>", "may be changed"]);
    let mut documents = vec![];
    for piece in &shelf.pieces {
        let asked = load_exercise(&piece.folder)?.exercise;
        documents.push(json!({
            "number": piece.number, "name": piece.name, "title": asked.title, "minutes": asked.minutes,
            "points": asked.points(), "may_change": asked.may_change,
        }));
        let points = asked.points();
        table.line([
            format!("{:02}", piece.number),
            asked.title,
            asked.minutes.to_string(),
            points.to_string(),
            asked.may_change.join(", "),
        ]);
    }
    if as_json {
        println!("{:#}", json!({ "version": 1, "exercises": documents }));
    } else {
        print!("{table}\n  lab exercise start NN tells the task and writes a file to work in\n");
    }
    Ok(Exit::Done)
}

fn start(piece: &Piece, out: Option<&Path>) -> Outcome {
    let exercise = load_exercise(&piece.folder)?;
    let (task, hints) = (task_alone(piece)?, hints(&task(piece)?).len());
    let out = out.map_or_else(|| PathBuf::from(format!("{}.yaml", piece.name)), Path::to_owned);
    let shown = out.display().to_string();
    let text = sheet(piece, &exercise, &shown);
    // Somebody's work is never written over.
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&out);
    let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|error| {
        let help = "another file is written with --out FILE";
        Failure::Usage(format!("cannot write `{shown}`: {error}\n  help: {help}"))
    })?;
    println!(
        "{task}\n{shown} is yours. When it is done:\n\n  lab exercise check {:02} {shown}",
        piece.number
    );
    if hints > 0 {
        println!("  lab exercise hint {:02}     the first of {hints} hints", piece.number);
    }
    Ok(Exit::Done)
}

fn hint(piece: &Piece, number: usize) -> Outcome {
    let hints = hints(&task(piece)?);
    let hint = number.checked_sub(1).and_then(|index| hints.get(index)).ok_or_else(|| {
        Failure::Usage(format!("there is no hint {number}; `{}` has {}", piece.name, hints.len()))
    })?;
    println!("{hint}");
    if number < hints.len() {
        println!("\n  lab exercise hint {:02} {}     the next of {}", piece.number, number + 1, hints.len());
    }
    Ok(Exit::Done)
}

fn check(
    piece: &Piece,
    exercise: &LoadedExercise,
    file: &Path,
    as_json: bool,
    results: Option<&Path>,
) -> Outcome {
    let answer = match load_answer(exercise, file) {
        Ok(answer) => answer,
        Err(errors) => {
            if let Some(results) = results {
                write(results, &unusable(&errors.to_string()))?;
            }
            return Err(errors.into());
        }
    };
    let bar = progress::bar(&format!("grading {}", file.display()), runs(exercise), as_json);
    let grade = grade(exercise, &answer, &|| bar.inc(1))?;
    bar.finish_and_clear();
    if let Some(results) = results {
        write(results, &gradescope(&grade))?;
    }
    let exit = if grade.is_full() { Exit::Done } else { Exit::Failed };
    if as_json {
        println!("{:#}", document(piece, &grade, exit));
        return Ok(exit);
    }
    for warning in &answer.warnings {
        eprintln!("{warning}\n");
    }
    print!("{}", told(piece, exercise, &grade));
    if let Some(results) = results {
        println!("  {} written", results.display());
    }
    Ok(exit)
}

fn write(file: &Path, document: &Value) -> Result<(), Failure> {
    std::fs::write(file, format!("{document:#}\n"))
        .map_err(|error| Failure::Usage(format!("cannot write `{}`: {error}", file.display())))
}

/// The grade as text. What is hidden is not told.
fn told(piece: &Piece, exercise: &LoadedExercise, grade: &Grade) -> String {
    let asked = &exercise.exercise;
    let mut text = format!("{:02} · {} · {} seeds\n\n", piece.number, asked.title, asked.seeds);
    if !grade.locked.is_empty() {
        text += &format!("{}\n\n", grade.locked.join("\n\n"));
        text += &format!("  may be changed: {}\n", asked.may_change.join(", "));
        return text
            + &format!(
                "  score 0/{}: nothing is graded while something locked is changed\n",
                grade.points()
            );
    }
    let mut table = Table::new(&["", "test", "points>", "found"]);
    for test in &grade.tests {
        let mark = if test.score == test.points { "[ok]" } else { "[--]" };
        let (name, found) = open(test);
        table.line([mark.into(), name.into(), format!("{}/{}", test.score, test.points), found.into()]);
    }
    text += &format!("{table}\n");
    for change in &grade.allowed {
        let shown = |value: &str| if value.is_empty() { "nothing".to_owned() } else { value.to_owned() };
        text += &format!("  {}: {} instead of {}\n", change.path, shown(&change.to), shown(&change.from));
    }
    if grade.allowed.is_empty() {
        text += "  nothing is changed yet\n";
    }
    text + &format!("  score {}/{}\n", grade.score(), grade.points())
}

/// What is told of a test: its name and what was found.
fn open(test: &Graded) -> (&str, &str) {
    if test.hidden { ("hidden", "") } else { (&test.name, &test.found) }
}

fn document(piece: &Piece, grade: &Grade, exit: Exit) -> Value {
    let tests = grade.tests.iter().map(|test| {
        let (name, found) = open(test);
        let asked = if test.hidden { "" } else { &test.asked };
        json!({
            "name": name, "asked": asked, "found": found, "hidden": test.hidden, "score": test.score,
            "points": test.points,
        })
    });
    let tests: Vec<Value> = tests.collect();
    let changes = grade.allowed.iter().map(|c| json!({ "path": c.path, "from": c.from, "to": c.to }));
    json!({
        "version": 1, "exercise": piece.name, "exit_code": exit.number(), "score": grade.score(),
        "points": grade.points(), "tests": tests, "changes": changes.collect::<Vec<_>>(), "locked": grade.locked,
    })
}
