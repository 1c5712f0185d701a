//! The generated schema and reference are those of the types, and the shipped configs keep to the schema.
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The YAML files in `folder`, each as it is written and as JSON.
fn yaml_files(folder: &str) -> Vec<(PathBuf, String, serde_json::Value)> {
    let files = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let yaml = files.filter(|file| file.extension().is_some_and(|e| e == "yaml"));
    yaml.map(|file| {
        let text = std::fs::read_to_string(&file).unwrap();
        let value = serde_yaml::from_str(&text).unwrap();
        (file, text, value)
    })
    .collect()
}

/// `UPDATE=1 cargo test --test language` writes the files.
#[test]
fn schemas_and_reference_are_up_to_date() {
    for (name, text) in [
        ("configs/schema.json", lab::config::schema()),
        ("configs/sweeps/schema.json", lab::config::sweep_schema()),
        ("workloads/schema.json", lab::config::workload_schema()),
        ("configs/REFERENCE.md", lab::config::reference()),
    ] {
        let file = root().join(name);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        let found = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(found == text, "{} is out of date; UPDATE=1 writes it", file.display());
    }
}

/// Editors find the schema by the comment in the file.
#[test]
fn every_shipped_file_names_its_schema_and_keeps_to_it() {
    for (folder, schema, least) in [
        ("configs", lab::config::schema(), 8),
        ("configs/sweeps", lab::config::sweep_schema(), 2),
        ("workloads", lab::config::workload_schema(), 2),
    ] {
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let files = yaml_files(folder);
        assert!(files.len() >= least);
        for (file, text, written) in files {
            let errors: Vec<String> =
                validator.iter_errors(&written).map(|e| format!("{}: {e}", e.instance_path)).collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
            assert!(
                text.contains("# yaml-language-server: $schema=schema.json\n"),
                "{} names no schema",
                file.display()
            );
        }
    }
}

#[test]
fn the_schemas_refuse_what_the_reader_refuses() {
    let valid = |schema: String, value: serde_json::Value| {
        jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap().is_valid(&value)
    };
    let bare = serde_json::json!({ "duration": 120, "services": {}, "clients": {} });
    assert!(!valid(lab::config::schema(), bare), "a bare number is no length of time");
    for wrong in [serde_json::json!({ "rate": 560 }), serde_json::json!({ "rat": "560/s" })] {
        assert!(!valid(lab::config::workload_schema(), wrong.clone()), "{wrong}");
    }
}
