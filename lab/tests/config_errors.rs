//! What a person is told about a config that is wrong, and that no text whatever makes reading panic or hang.
mod mutations;

use lab::config::load_text;
use mutations::{Random, mutate};
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

/// Each broken config beside the message it must give. `UPDATE=1` writes the messages; read them before keeping them.
#[test]
fn every_broken_config_gives_its_message() {
    let files = yaml_files(&folder());
    assert!(files.len() >= 40);
    let mut different = vec![];
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let Err(errors) = load_text(name, text, folder(), &[]) else {
            panic!("{name} is accepted");
        };
        // Workload files are named with the folder they were found in, which is another one on every machine.
        let message = errors.to_string().replace(&format!("{}/", folder().display()), "") + "\n";
        let message = message.replace("tests/config_errors/", "");
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
