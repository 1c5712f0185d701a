//! What a person is told about a config that is wrong, and that no text whatever makes reading panic or hang.

use super::mutations::{Random, mutate};
use lab::config::{ConfigErrors, load_sweep_text, load_text};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config_errors")
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|f| f.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    files
}

/// Each broken file in `folder` beside the message it must give. `UPDATE=1` writes the messages; read them before keeping them.
fn give_their_messages(folder: &Path, least: usize, error: impl Fn(&str, String) -> Option<ConfigErrors>) {
    let files = yaml_files(folder);
    assert!(files.len() >= least);
    let mut different = vec![];
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let Some(errors) = error(name, text) else {
            panic!("{name} is accepted");
        };
        // Files that it names are told with the folder they were found in, which is another one on every machine.
        let message = errors.to_string().replace(&format!("{}/", folder.display()), "") + "\n";
        let inside = folder.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap();
        let message = message.replace(&format!("{}/", inside.display()), "");
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

#[test]
fn every_broken_config_gives_its_message() {
    give_their_messages(&folder(), 40, |name, text| load_text(name, text, folder(), &[]).err());
}

#[test]
fn every_broken_sweep_gives_its_message() {
    let folder = folder().with_file_name("sweep_errors");
    give_their_messages(&folder, 20, |name, text| load_sweep_text(name, text, folder.clone()).err());
}

#[test]
fn several_mistakes_are_reported_together_and_cause_no_others() {
    let text = std::fs::read_to_string(folder().join("many-at-once.yaml")).unwrap();
    let errors = load_text("many-at-once.yaml", text, folder(), &[]).unwrap_err();
    assert_eq!(errors.count(), 6, "{errors}");
}

#[test]
fn load_above_capacity_is_a_warning_and_runs() {
    let text = "workload: { rate: 900/s }\nduration: 60 s\nservices: { s: { service_time: { exponential: { mean: 10 ms } } } }\n\
                clients: { c: { calls: s } }\n";
    let loaded = load_text("hot.yaml", text.into(), folder(), &[]).unwrap();
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.warnings[0].contains("above the capacity"), "{}", loaded.warnings[0]);
}

#[test]
fn changes_from_the_command_line_are_checked_like_the_file() {
    let text = || std::fs::read_to_string(folder().join("../../../configs/retry-storm.yaml")).unwrap();
    let configs = folder().join("../../../configs");
    for (set, says) in [
        ("workload.rate=400", "did you mean `400/s`?"),
        ("workload.rat=400/s", "did you mean `rate`?"),
        ("workloads.rate=400/s", "did you mean `workload`?"),
        ("services.store.workers=0", "expected at least 1 worker, found 0"),
        ("seed", "expected PATH=VALUE"),
        ("services.store.queue={ capacity: [", "not valid YAML"),
        ("=1", "is not a path"),
    ] {
        let errors = load_text("retry-storm.yaml", text(), configs.clone(), &[set.to_owned()]).unwrap_err();
        assert!(errors.to_string().contains(says), "{set}: {errors}");
        assert!(errors.to_string().contains("--> --set:1:"), "{set}: {errors}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = lab::config::load(&folder().join("unknown-keys.yaml"), &[]).unwrap_err().to_string();
    assert!(error.contains("cannot read") && error.contains("did you mean"), "{error}");
    let error = lab::config::load(&folder(), &[]).unwrap_err().to_string();
    assert!(error.contains("is a folder"), "{error}");
}

#[test]
fn mutated_sweeps_never_panic() {
    let sweeps = folder().join("../../../configs/sweeps");
    let small = |text: String| text.replace("steps: 30", "steps: 3").replace("steps: 2", "steps: 1");
    let texts: Vec<String> =
        yaml_files(&sweeps).iter().map(|f| small(std::fs::read_to_string(f).unwrap())).collect();
    let mut random = Random(20_260_202);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..300 {
        match load_sweep_text(
            "mutated.yaml",
            mutate(&texts[round % texts.len()], &mut random),
            sweeps.clone(),
        ) {
            Ok(sweep) => accepted += usize::from(!sweep.points.is_empty()),
            Err(errors) => {
                assert!(errors.count() > 0 && !errors.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(accepted > 15 && refused > 80, "{accepted} accepted, {refused} refused");
}

#[test]
fn a_thousand_mutations_never_panic() {
    let configs = folder().join("../../../configs");
    let texts: Vec<String> =
        yaml_files(&configs).iter().map(|f| std::fs::read_to_string(f).unwrap()).collect();
    let mut random = Random(20_260_101);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..1000 {
        let text = mutate(&texts[round % texts.len()], &mut random);
        match load_text("mutated.yaml", text, configs.clone(), &[]) {
            Ok(_) => accepted += 1,
            Err(errors) => {
                assert!(errors.count() > 0);
                assert!(!errors.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(
        accepted > 50 && refused > 300,
        "{accepted} accepted, {refused} refused: the mutations test something"
    );
}
