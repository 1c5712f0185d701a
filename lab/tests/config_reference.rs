//! The generated schema and reference are those of the types, and the shipped configs keep to the schema.
use std::path::{Path, PathBuf};

fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("configs")
}

/// `UPDATE=1 cargo test --test config_reference` writes both files.
#[test]
fn schema_and_reference_are_up_to_date() {
    for (name, text) in [("schema.json", lab::config::schema()), ("REFERENCE.md", lab::config::reference())] {
        let file = configs().join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        let found = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(found == text, "{} is out of date; UPDATE=1 writes it", file.display());
    }
}

#[test]
fn every_shipped_config_keeps_to_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&lab::config::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut checked = 0;
    for entry in std::fs::read_dir(configs()).unwrap().flatten() {
        if entry.path().extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let written: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&written).map(|e| format!("{}: {e}", e.instance_path)).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", entry.path().display());
        checked += 1;
    }
    assert!(checked >= 8);
    let wrong = serde_json::json!({ "duration": 120, "services": {}, "clients": {} });
    assert!(!validator.is_valid(&wrong), "a bare number is no length of time");
}
