//! `lab lecture`: modules for a class, in the terminal or as pages and slides.
use super::{
    exit::{Exit, Failure, Outcome},
    progress,
    table::Table,
};
use crate::lecture::{
    As, BuildError, Found, Lecture, Measured, Module, Numbers, Section, Shelf, build, fill, jobs, loose,
    measure, shelf, terminal::plain,
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
};

/// Modules for a class: predict, run, reveal; or build their pages and slides.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lab lecture
  lab lecture 4
  lab lecture 4 --answer b
  lab lecture --build --out lectures
  lab lecture 4 --check

Exit codes: 1 with --check or --build, if a number of a text is not what it must be")]
pub(super) struct Args {
    /// Which module: its number, or its name or a part of it; without it, they are listed
    #[arg(value_name = "MODULE")]
    module: Option<String>,
    /// What you predict: the letter of a choice
    #[arg(long, value_name = "LETTER", requires = "module", conflicts_with_all = ["build", "check"])]
    answer: Option<char>,
    /// Write pages and slides, of one module or of all
    #[arg(long)]
    build: bool,
    /// Where pages go
    #[arg(long, value_name = "DIR", default_value = "results/lectures", requires = "build")]
    out: PathBuf,
    /// Run the numbers of one module or of all, and say which are not what they must be
    #[arg(long, conflicts_with = "build")]
    check: bool,
    /// Where modules are; without it `docs/lectures`, here or in a folder around
    #[arg(long, value_name = "DIR")]
    lectures: Option<PathBuf>,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn lecture(args: &Args) -> Outcome {
    let shelf = Shelf::open(&folder(args)?)?;
    let chosen = match &args.module {
        None => shelf.volumes.iter().collect(),
        Some(wanted) => vec![shelf.find(wanted)?],
    };
    let lectures: Vec<Lecture> = chosen.into_iter().map(Lecture::read).collect::<Result<_, _>>()?;
    match (&lectures[..], &args.module) {
        _ if args.build => build_pages(args, &shelf, lectures),
        _ if args.check => check(args, &lectures),
        ([one], Some(_)) => run(args, one),
        _ => list(args, &lectures),
    }
}

fn folder(args: &Args) -> Result<PathBuf, Failure> {
    if let Some(folder) = &args.lectures {
        return Ok(folder.clone());
    }
    let here = std::env::current_dir().unwrap_or_default();
    let found = shelf::nearest(&here).ok_or_else(|| {
        let help = "say where they are with --lectures DIR";
        Failure::Usage(format!(
            "there is no `docs/lectures`, neither here nor in a folder around\n  help: {help}"
        ))
    })?;
    Ok(found.strip_prefix(&here).map_or_else(|_| found.clone(), Path::to_owned))
}

fn list(args: &Args, lectures: &[Lecture]) -> Outcome {
    if args.json {
        let document = |l: &Lecture| json!({ "number": l.volume.number, "name": l.volume.name, "title": l.module.title });
        println!(
            "{:#}",
            json!({ "version": 1, "modules": lectures.iter().map(document).collect::<Vec<_>>() })
        );
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["module", "title", ""]);
    for lecture in lectures {
        let lead = plain(&lecture.module.lead.body).replace('\n', " ");
        table.line([
            format!("{:02}", lecture.volume.number),
            lecture.module.title.clone(),
            lead.trim().into(),
        ]);
    }
    print!("{table}\n  lab lecture NN runs one here; lab lecture --build makes pages and slides of all\n");
    Ok(Exit::Done)
}

/// Runs the numbers of a module, with progress.
fn measured(lecture: &Lecture, quiet: bool) -> Numbers {
    let bar = progress::bar(&format!("simulating {}", lecture.volume.name), jobs(lecture), quiet);
    let numbers = measure(lecture, &|| bar.inc(1));
    bar.finish_and_clear();
    numbers
}

/// Goals, text, question, runs, what they show, and why.
fn run(args: &Args, lecture: &Lecture) -> Outcome {
    let module = &lecture.module;
    let known = |letter: char| module.choices.iter().any(|choice| choice.letter == letter);
    if let Some(letter) = args.answer.filter(|letter| !known(*letter)) {
        return Err(Failure::Usage(format!("there is no choice `{letter}`; there are {}", letters(module))));
    }
    let numbers = measured(lecture, args.json);
    if args.json {
        println!(
            "{:#}",
            json!({ "version": 1, "module": lecture.volume.name, "numbers": documents(&numbers) })
        );
        return Ok(Exit::Done);
    }
    let part = |section: &Section| {
        let heading = section.heading.to_uppercase();
        println!("\n{heading}\n\n{}", plain(&fill(&section.body, &numbers, As::Plain)));
    };
    println!(
        "{}. {}\n\n{}",
        lecture.volume.number,
        module.title,
        plain(&fill(&module.lead.body, &numbers, As::Plain))
    );
    part(&module.goals);
    module.before.iter().for_each(part);
    part(&module.question);
    for choice in &module.choices {
        print!("{}", plain(&format!("- {}) {}", choice.letter, fill(&choice.text, &numbers, As::Plain))));
    }
    let chosen = args.answer.or_else(|| ask(module));
    println!("\nWHAT THE RUN SHOWS\n");
    if let Some(letter) = chosen {
        println!("{}", plain(&verdict(lecture, letter, &numbers)));
    }
    println!("{}", plain(&fill(&module.reveal.body, &numbers, As::Plain)));
    if chosen.is_none() {
        for choice in module.choices.iter().filter(|choice| !choice.tempting.is_empty()) {
            print!(
                "{}",
                plain(&format!("- not {}) {}", choice.letter, fill(&choice.tempting, &numbers, As::Plain)))
            );
        }
    }
    module.after.iter().for_each(part);
    let outside = outside(&numbers);
    if !outside.is_empty() {
        print!("\nnote: not what this text was written for:\n{outside}");
    }
    Ok(Exit::Done)
}

/// What to say to a choice.
fn verdict(lecture: &Lecture, letter: char, numbers: &Numbers) -> String {
    let choice = lecture.module.choices.iter().find(|choice| choice.letter == letter);
    let tempting = choice.map_or("", |choice| &choice.tempting);
    if lecture.answers.file.right.starts_with(letter) {
        return format!("You chose {letter}, and that is what happens.");
    }
    format!("You chose {letter}. {}", fill(tempting, numbers, As::Plain))
}

fn letters(module: &Module) -> String {
    module.choices.iter().map(|choice| choice.letter.to_string()).collect::<Vec<_>>().join(", ")
}

/// Asks for a prediction, where somebody sits there to make one; an empty line is none.
fn ask(module: &Module) -> Option<char> {
    let input = std::io::stdin();
    if !input.is_terminal() || !std::io::stdout().is_terminal() {
        return None;
    }
    loop {
        print!("\nYour prediction ({}): ", letters(module));
        std::io::stdout().flush().ok()?;
        let mut line = String::new();
        if input.lock().read_line(&mut line).ok()? == 0 || line.trim().is_empty() {
            return None;
        }
        let letter = line.trim().trim_matches(')').chars().next()?.to_ascii_lowercase();
        if module.choices.iter().any(|choice| choice.letter == letter) {
            return Some(letter);
        }
    }
}

fn check(args: &Args, lectures: &[Lecture]) -> Outcome {
    let mut exit = Exit::Done;
    let mut found = vec![];
    for lecture in lectures {
        let numbers = measured(lecture, args.json);
        let loose = loose(lecture);
        if !numbers.held() || !loose.is_empty() {
            exit = Exit::Failed;
        }
        if args.json {
            found.push(json!({ "module": lecture.volume.name, "numbers": documents(&numbers) }));
            continue;
        }
        let mut table = Table::new(&[&lecture.volume.name, "measured", "over the seeds", "must be", ""]);
        for m in &numbers.0 {
            let held = if m.held { "held" } else { "NOT HELD" };
            table.line([m.name.clone(), m.shown(), m.range(), m.allowed.clone(), held.into()]);
        }
        println!("{table}");
        for number in loose {
            println!(
                "  {}:{}: `{}` is neither measured nor an input of a run",
                number.file, number.line, number.number
            );
        }
    }
    if args.json {
        println!("{:#}", json!({ "version": 1, "exit_code": exit.number(), "modules": found }));
    }
    Ok(exit)
}

fn documents(numbers: &Numbers) -> Vec<Value> {
    let document = |m: &Measured| {
        let Measured { name, of, seeds, allowed, held, .. } = m;
        let found = match &m.found {
            // JSON has no word for what was not measured.
            Found::Numbers(numbers) => {
                json!(numbers.iter().map(|n| n.is_finite().then_some(*n)).collect::<Vec<_>>())
            }
            found => json!(found),
        };
        json!({ "name": name, "of": of, "seeds": seeds, "shown": m.shown(), "range": m.range(), "found": found, "allowed": allowed, "held": held })
    };
    numbers.0.iter().map(document).collect()
}

/// The numbers that are not what they must be, a line for each.
fn outside(numbers: &Numbers) -> String {
    let broken = numbers.0.iter().filter(|m| !m.held);
    broken.map(|m| format!("  {}: {} ({}), must be {}\n", m.name, m.shown(), m.range(), m.allowed)).collect()
}

fn build_pages(args: &Args, shelf: &Shelf, lectures: Vec<Lecture>) -> Outcome {
    let measured: Vec<(Lecture, Numbers)> = lectures
        .into_iter()
        .map(|lecture| {
            let numbers = self::measured(&lecture, args.json);
            (lecture, numbers)
        })
        .collect();
    let bar = progress::bar("drawing", measured.len() as u64, args.json);
    let built = build(shelf, &measured, &args.out, &|| bar.inc(1))
        .map_err(|error: BuildError| Failure::Usage(error.to_string()))?;
    bar.finish_and_clear();
    let outside: String = measured.iter().map(|(_, numbers)| outside(numbers)).collect();
    let exit = if outside.is_empty() { Exit::Done } else { Exit::Failed };
    if args.json {
        println!("{:#}", json!({ "version": 1, "exit_code": exit.number(), "files": built.files }));
        return Ok(exit);
    }
    if !outside.is_empty() {
        print!("not what the texts were written for:\n{outside}\n");
    }
    println!("{}  ({} files)", built.first.display(), built.files.len());
    Ok(exit)
}
