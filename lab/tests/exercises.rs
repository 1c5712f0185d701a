//! Exercises grade as they say: the reference gets all points, every tempting answer its own, and nothing is won by a locked key.
use lab::{
    config::exercise::{LoadedExercise, load_answer, load_answer_text, load_exercise, load_exercise_text},
    engine::sim::sim,
    exercise::{Grade, Piece, Shelf, grade, gradescope, hints, requirement, requirements, sheet},
    scenario::load,
    verdict::{RunView, expectations, judge},
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn shelf() -> Shelf {
    Shelf::open(&root().join("docs/exercises")).unwrap_or_else(|e| panic!("{e}"))
}

fn all() -> Vec<(Piece, LoadedExercise)> {
    let read = |piece: Piece| {
        let exercise = load_exercise(&piece.folder).unwrap_or_else(|e| panic!("{e}"));
        (piece, exercise)
    };
    shelf().pieces.into_iter().map(read).collect()
}

fn graded(exercise: &LoadedExercise, answer: &str) -> Grade {
    let answer = load_answer_text(exercise, "answer.yaml", answer.into()).unwrap_or_else(|e| panic!("{e}"));
    grade(exercise, &answer, &|| {}).unwrap()
}

/// `LAB_EXERCISE=03` grades one exercise alone.
#[test]
fn every_answer_gets_its_points() {
    let only = std::env::var("LAB_EXERCISE").unwrap_or_default();
    let mut wrong = vec![];
    for (piece, exercise) in all().into_iter().filter(|(piece, _)| piece.name.contains(&only)) {
        let (name, points) = (&piece.name, exercise.exercise.points());
        let answers = &exercise.exercise.answers;
        let files = std::fs::read_dir(&piece.folder).unwrap().flatten();
        let files = files.filter_map(|entry| entry.file_name().into_string().ok());
        let beside = files.filter(|f| f == "reference.yaml" || f.starts_with("wrong-")).count();
        assert_eq!(beside, answers.len(), "{name}: an answer has no points, or points have no answer");
        assert!(beside >= 4, "{name}: three tempting answers and a right one are wanted");
        assert_eq!(answers["reference.yaml"], points, "{name}: the reference must get full marks");
        for (file, expected) in answers {
            let answer = load_answer(&exercise, &piece.folder.join(file)).unwrap_or_else(|e| panic!("{e}"));
            let grade = grade(&exercise, &answer, &|| {}).unwrap();
            assert!(file == "reference.yaml" || *expected < points, "{name}: {file} is wrong and gets all");
            if grade.score() != *expected {
                let tests: Vec<String> = grade
                    .tests
                    .iter()
                    .map(|t| format!("    {}/{} {}: {}", t.score, t.points, t.name, t.found))
                    .collect();
                wrong.push(format!(
                    "{name}: {file} gets {}, not {expected}\n{}",
                    grade.score(),
                    tests.join("\n")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The experiments themselves show what they say, on the first seed.
#[test]
fn the_experiments_show_what_they_say() {
    let mut looked = 0;
    for (piece, exercise) in all() {
        let plan = load(&piece.folder.join(&exercise.exercise.experiment), &[]).unwrap();
        let trace = sim(&plan.baseline, plan.baseline.seed);
        let judgement = judge(&plan.baseline, &trace, None);
        let run = RunView {
            variant: "baseline",
            engine: "simulated",
            scenario: &plan.baseline,
            trace: &trace,
            judgement: &judgement,
        };
        for checked in expectations(&plan.expect, &[run]) {
            assert!(checked.held, "{}: {} but {}", piece.name, checked.text, checked.measured);
            looked += 1;
        }
    }
    assert!(looked >= 9, "only {looked} expectations");
}

/// Whoever changes nothing, or writes the whole experiment out again, gets the same few points.
#[test]
fn a_file_to_work_in_changes_nothing_until_somebody_does() {
    for (piece, exercise) in all() {
        let text = sheet::sheet(&piece, &exercise, "mine.yaml");
        let answer = load_answer_text(&exercise, "mine.yaml", text.clone()).unwrap_or_else(|e| panic!("{e}"));
        assert!(answer.locked.is_empty() && answer.allowed.is_empty(), "{}: {answer:?}", piece.name);
        for path in &exercise.exercise.may_change {
            assert!(text.contains(&format!("#   {path}\n")), "{} does not say {path}", piece.name);
        }
    }
    let (_, first) = &all()[0];
    let grade = graded(first, "title: nothing\n");
    assert!(grade.score() < grade.points() / 2, "{grade:?}");
}

/// A whole config and the change alone are the same answer.
#[test]
fn an_answer_is_a_whole_config_or_only_what_is_changed() {
    let (piece, exercise) = all().swap_remove(2);
    let whole = sheet::sheet(&piece, &exercise, "mine.yaml").replace("capacity: unbounded", "capacity: 30");
    let (whole, part) = (graded(&exercise, &whole), graded(&exercise, "services.shop.queue.capacity: 30\n"));
    assert_eq!(whole, part);
    assert_eq!(whole.allowed.len(), 1);
    assert_eq!((&*whole.allowed[0].from, &*whole.allowed[0].to), ("unbounded", "30"));
}

#[test]
fn locked_keys_are_named_and_get_nothing() {
    let (piece, exercise) = all().swap_remove(0);
    let text = "services.shop.queue.capacity: 20\nworkload.rate: 100/s\nseed: 7\ntriggers: {}\nservices.shop.workers: 8\n";
    let grade = graded(&exercise, text);
    assert_eq!(grade.score(), 0);
    let told = grade.locked.join("\n");
    for says in [
        "workload.rate: this is locked: found `100/s`, expected `140/s`",
        "answer.yaml:2:16",
        "triggers.spike: this is locked: found nothing",
        "services.shop.workers: this is locked: found `8`, expected `4`",
        "answer.yaml:5:24",
    ] {
        assert!(told.contains(says), "{says}: {told}");
    }
    assert_eq!(grade.locked.len(), 3, "{told}");
    assert!(grade.tests.iter().all(|test| test.found.contains("locked")));
    // In a whole config a changed length is one thing, not two; who writes another choice has changed the choice.
    let whole = sheet::sheet(&piece, &exercise, "mine.yaml")
        .replace("duration: 120 s", "duration: 60 s")
        .replace("{ exponential: { mean: 20 ms } }", "{ constant: 20 ms }");
    let locked = graded(&exercise, &whole).locked.join("\n");
    assert_eq!(locked.matches("this is locked").count(), 2, "{locked}");
    assert!(locked.contains("expected `{ exponential: { mean: 20 ms } }`"), "{locked}");
}

#[test]
fn what_cannot_be_read_is_told_as_in_any_config() {
    let (_, exercise) = all().swap_remove(0);
    for (text, says) in [
        ("services.shop.queue.capasity: 20\n", "did you mean `capacity`?"),
        ("services.shop.queue.capacity: many\n", "answer.yaml:1:31"),
        ("services.shap.queue.capacity: 20\n", "did you mean `shop`?"),
        ("clients.web.retry: { max_attempts: 0 }\n", "max_attempts"),
        ("services: [\n", "not valid YAML"),
        ("", "missing"),
    ] {
        let errors = load_answer_text(&exercise, "answer.yaml", text.into()).expect_err(text).to_string();
        assert!(errors.contains(says), "{text}: {errors}");
    }
}

/// The numbers of a task are those by which it is graded. `UPDATE=1` writes them.
#[test]
fn every_task_says_what_is_graded_and_has_hints() {
    const BEGIN: &str = "<!-- what is graded: generated from exercise.yaml -->\n";
    const END: &str = "<!-- end -->\n";
    for (piece, exercise) in all() {
        let file = piece.folder.join("exercise.md");
        let text = std::fs::read_to_string(&file).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap_or_else(|| panic!("{}: no table", piece.name));
        let (_, after) =
            rest.split_once(END).unwrap_or_else(|| panic!("{}: no end of the table", piece.name));
        let wanted = format!("{before}{BEGIN}{}{END}{after}", requirements(&exercise.exercise));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &wanted).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), wanted, "{}", piece.name);
        let title = format!("# {}\n", exercise.exercise.title);
        assert!(text.starts_with(&title), "{}: its title is not `{title}`", piece.name);
        assert!(text.contains(&format!("{} minutes", exercise.exercise.minutes)), "{}", piece.name);
        assert!(hints(&text).len() >= 2, "{}: hints help", piece.name);
        let hidden: Vec<_> = exercise.exercise.tests.iter().filter(|test| test.hidden).collect();
        assert!(!hidden.is_empty(), "{} hides nothing", piece.name);
        for test in hidden {
            assert!(!text.contains(&test.name) && !text.contains(&requirement(test)), "{}", piece.name);
        }
    }
}

fn lab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lab"))
        .arg("exercise")
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}

/// Through the whole program: exit codes, the autograder's file, and not a word of what is hidden.
#[test]
fn the_program_grades_hides_what_is_hidden_and_writes_for_autograders() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (mine, results) = (at("mine.yaml"), at("results.json"));
    let started = lab(&["start", "3", "--out", &mine]);
    assert_eq!(started.status.code(), Some(0), "{}", said(&started));
    assert!(said(&started).contains("hint 03") && !said(&started).contains("<details>"));
    let again = lab(&["start", "3", "--out", &mine]);
    assert_eq!(again.status.code(), Some(64), "{}", said(&again));
    let (_, exercise) = all().swap_remove(2);
    let hidden = exercise.exercise.tests.iter().find(|test| test.hidden).unwrap();
    let text = std::fs::read_to_string(&mine).unwrap();
    for (capacity, code) in [("capacity: 30", 0), ("capacity: 100", 1), ("capacity: 3x", 64)] {
        std::fs::write(&mine, text.replace("capacity: unbounded", capacity)).unwrap();
        for format in [&["--gradescope", &results][..], &["--json"]] {
            let output = lab(&[&["check", "limit-the-queue", &mine], format].concat());
            let said = said(&output);
            assert_eq!(output.status.code(), Some(code), "{said}");
            for secret in [&hidden.name, "for: 40 s"] {
                assert!(!said.contains(secret), "{secret}: {said}");
            }
            assert!(code == 64 || said.contains("hidden"), "{said}");
        }
        let document: Value = serde_json::from_str(&std::fs::read_to_string(&results).unwrap()).unwrap();
        let tests = document["tests"].as_array().unwrap();
        if code == 64 {
            assert!(tests.is_empty() && document["score"] == 0);
            assert!(document["output"].as_str().unwrap().contains("3x"), "{document}");
            continue;
        }
        let of = |key: &str| tests.iter().map(|t| t[key].as_u64().unwrap()).sum::<u64>();
        assert_eq!((of("score"), of("max_score")), (document["score"].as_u64().unwrap(), 10), "{document}");
        assert!(code == 1 || of("score") == 10);
        let after = tests.iter().filter(|t| t["visibility"] == "after_due_date").count();
        assert_eq!((after, tests.len()), (1, exercise.exercise.tests.len()), "{document}");
        assert!(tests.iter().all(|t| t["name"].is_string() && t["output"].is_string()));
    }
    let nowhere = lab(&["check", "limmit-the-queue", &mine]);
    assert_eq!(nowhere.status.code(), Some(64));
    assert!(said(&nowhere).contains("there is no exercise"), "{}", said(&nowhere));
}

/// The document is made of the grade alone.
#[test]
fn an_autograder_is_told_why_nothing_was_graded() {
    let (_, exercise) = all().swap_remove(0);
    let document = gradescope(&graded(&exercise, "workload.rate: 100/s\n"));
    assert_eq!(document["score"], 0);
    assert!(document["output"].as_str().unwrap().contains("this is locked"), "{document}");
}

/// Each broken file beside the message it must give. `UPDATE=1` writes the messages; read them before keeping them.
#[test]
fn every_broken_exercise_gives_its_message() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exercise_errors");
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|f| f.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    assert!(files.len() >= 10);
    let mut different = vec![];
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let lies_in = root().join("docs/exercises/01-survive-the-spike");
        let message = format!("{}\n", load_exercise_text(name, text, lies_in).expect_err(name));
        let golden = file.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &message).unwrap();
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != message {
            different.push(format!("{name} now says:\n{message}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
