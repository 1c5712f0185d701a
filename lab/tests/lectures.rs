//! Every number that a lecture prints is what it must be, nothing in a text hangs loose, and its pages stand alone.
use lab::{
    cli::understands,
    config::load_answers_text,
    lecture::{As, Lecture, Numbers, Shelf, build, commands, commands_in, fill, loose, measure},
};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn shelf() -> Shelf {
    Shelf::open(&root().join("docs/lectures")).unwrap_or_else(|e| panic!("{e}"))
}

fn lectures() -> Vec<Lecture> {
    shelf().volumes.iter().map(|v| Lecture::read(v).unwrap_or_else(|e| panic!("{e}"))).collect()
}

/// `LAB_LECTURE=04` checks one module. Its pages are built from the same numbers, so that no run is made twice.
#[test]
fn every_number_is_what_it_must_be_and_every_page_stands_alone() {
    let only = std::env::var("LAB_LECTURE").unwrap_or_default();
    let chosen = lectures().into_iter().filter(|lecture| lecture.volume.name.contains(&only));
    let measured: Vec<(Lecture, Numbers)> = chosen
        .map(|lecture| {
            let numbers = measure(&lecture, &|| {});
            (lecture, numbers)
        })
        .collect();
    let mut broken = vec![];
    for (lecture, numbers) in &measured {
        assert!(numbers.0.len() >= 5, "{} rests on nothing", lecture.volume.name);
        for m in numbers.0.iter().filter(|m| !m.held) {
            let name = &lecture.volume.name;
            broken.push(format!(
                "{name}: {} is {} ({}), must be {}",
                m.name,
                m.shown(),
                m.range(),
                m.allowed
            ));
        }
        for (file, text) in &lecture.texts {
            let filled = fill(text, numbers, As::Plain);
            assert!(!filled.contains("{{"), "{}: a place is left", file.display());
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let out = tempfile::tempdir().unwrap();
    let built = build(&shelf(), &measured, out.path(), &|| {}).unwrap();
    let listed = usize::from(only.is_empty());
    assert_eq!(built.files.len(), 2 * measured.len() + listed);
    if only.is_empty() {
        built.files.iter().for_each(|file| stands_alone(file, &built.files));
    }
}

/// A page asks for nothing but the other pages beside it; links that a reader may follow lead to the web.
fn stands_alone(file: &Path, all: &[PathBuf]) {
    let page = std::fs::read_to_string(file).unwrap();
    assert!(
        page.contains("default-src 'none'") && page.contains("prefers-color-scheme:dark"),
        "{}",
        file.display()
    );
    for loads in ["src=\"", "<link", "@import", "<img", "<iframe"] {
        assert!(!page.contains(loads), "{} has {loads}", file.display());
    }
    for (at, _) in page.match_indices("url(") {
        assert!(page[at..].starts_with("url(data:"), "{}: {}", file.display(), &page[at..at + 40]);
    }
    for (at, _) in page.match_indices("href=\"") {
        let link = page[at + 6..].split('"').next().unwrap();
        let beside = || all.iter().any(|f| f.file_name().unwrap().to_str() == Some(link));
        assert!(link.starts_with("https://") || beside(), "{}: {link}", file.display());
    }
    assert!(!page.contains("{{ "), "{}: a place is left", file.display());
}

#[test]
fn no_number_hangs_loose_and_no_answer_is_unused() {
    let mut wrong = vec![];
    for lecture in lectures() {
        let name = &lecture.volume.name;
        wrong.extend(loose(&lecture).iter().map(|l| format!("{}:{}: {}", l.file, l.line, l.number)));
        let texts: String = lecture.texts.iter().map(|(_, text)| text.as_str()).collect();
        for answer in &lecture.answers.answers {
            let used = [" }}", ".range", ".seeds"]
                .iter()
                .any(|end| texts.contains(&format!("{{{{ {}{end}", answer.name)));
            if !used {
                wrong.push(format!("{name}: no text says `{}`", answer.name));
            }
        }
        for figure in
            lecture.answers.figures.iter().filter(|f| !texts.contains(&format!("figure:{})", f.name)))
        {
            wrong.push(format!("{name}: no text shows figure `{}`", figure.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every command of a text is one that this version understands, and the files that it names are there.
#[test]
fn every_command_can_be_given() {
    let about = std::fs::read_to_string(root().join("docs/lectures/README.md")).unwrap();
    let mut all: Vec<(String, String)> =
        commands_in(&about).into_iter().map(|command| ("README.md".into(), command)).collect();
    for lecture in lectures() {
        let spoken = commands_in(&lecture.texts[1].1);
        let given = commands(&lecture.module).into_iter().chain(spoken);
        all.extend(given.map(|command| (lecture.volume.name.clone(), command)));
    }
    assert!(all.len() > 10, "only {} commands", all.len());
    for (whose, command) in all {
        let words = words(&command);
        understands(words[1..].iter().map(String::as_str))
            .unwrap_or_else(|e| panic!("{whose}: {command}\n{e}"));
        for file in words.iter().filter(|w| w.ends_with(".yaml")) {
            assert!(root().join(file).is_file(), "{whose}: {command}: there is no {file}");
        }
    }
}

/// The words of a command as a shell would split them; quotes hold words together.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = None;
    for letter in command.chars() {
        match (letter, quoted) {
            ('"' | '\'', None) => quoted = Some(letter),
            (close, Some(open)) if close == open => quoted = None,
            (' ', None) => words.push(String::new()),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A text that sends its reader to another module sends him to one that is there.
#[test]
fn every_module_that_a_text_names_is_there() {
    let shelf = shelf();
    let about = std::fs::read_to_string(root().join("docs/lectures/README.md")).unwrap();
    let mut texts = vec![about];
    texts.extend(lectures().into_iter().flat_map(|lecture| lecture.texts.map(|(_, text)| text)));
    let named: Vec<u32> = texts.iter().flat_map(|text| modules_of(text)).collect();
    assert!(named.len() > 20, "only {} modules are named", named.len());
    for number in named {
        assert!(shelf.volumes.iter().any(|v| v.number == number), "there is no module {number}");
    }
}

/// The numbers behind `module`, or behind `modules` in a list; the list ends with its sentence.
fn modules_of(text: &str) -> Vec<u32> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found = vec![];
    for (at, _) in words
        .iter()
        .enumerate()
        .filter(|(_, w)| w.eq_ignore_ascii_case("module") || w.eq_ignore_ascii_case("modules"))
    {
        for word in &words[at + 1..] {
            let number = word.trim_end_matches(|c: char| !c.is_ascii_digit()).parse();
            found.extend(number.iter());
            let goes_on = ["and", "or"].contains(word)
                || number.is_ok() && (word.ends_with(',') || word.ends_with(char::is_numeric));
            if !goes_on {
                break;
            }
        }
    }
    found
}

/// Configs of lectures are configs: what they expect holds, on the first seed.
#[test]
fn configs_of_lectures_show_what_they_say() {
    use lab::{
        engine::sim::sim,
        scenario::load,
        verdict::{RunView, expectations, judge_sim},
    };
    use rayon::prelude::*;
    let mut files: Vec<PathBuf> = lectures()
        .iter()
        .flat_map(|l| l.configs().into_iter().map(Path::to_owned).collect::<Vec<_>>())
        .collect();
    files.sort();
    files.dedup();
    let own = files
        .iter()
        .filter(|f| f.to_string_lossy().contains("docs/lectures") && !f.to_string_lossy().contains(".."));
    let broken: Vec<String> = own
        .collect::<Vec<_>>()
        .par_iter()
        .filter_map(|file| load(file, &[]).ok())
        .flat_map(|plan| {
            let variants = plan.variants.iter().map(|v| (v.name.as_str(), &v.scenario));
            let done: Vec<_> = [("baseline", &plan.baseline)]
                .into_iter()
                .chain(variants)
                .filter(|(name, _)| {
                    plan.expect
                        .iter()
                        .any(|e| e.variant == *name || e.variant.is_empty() && *name == "baseline")
                })
                .map(|(name, scenario)| {
                    let trace = sim(scenario, scenario.seed);
                    let judgement = judge_sim(scenario, &trace);
                    (name, scenario, trace, judgement)
                })
                .collect();
            let views: Vec<RunView<'_>> = done
                .iter()
                .map(|(variant, scenario, trace, judgement)| RunView {
                    variant,
                    engine: "simulated",
                    scenario,
                    trace,
                    judgement,
                })
                .collect();
            let checked = expectations(&plan.expect, &views);
            let broken = checked.iter().filter(|c| !c.held);
            broken.map(|c| format!("{}: {} but {}", plan.name, c.text, c.measured)).collect::<Vec<_>>()
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Each broken file beside the message it must give. `UPDATE=1` writes the messages; read them before keeping them.
#[test]
fn every_broken_answers_file_gives_its_message() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers_errors");
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|f| f.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    assert!(files.len() >= 8);
    let mut different = vec![];
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let errors = load_answers_text(name, text, root().join("configs")).expect_err(name);
        let message = format!("{errors}\n");
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
