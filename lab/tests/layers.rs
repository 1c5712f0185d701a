//! Dependencies between modules of the lab point one way: data flows from configs to results.
use std::{fs, path::Path};

/// From the first thing made to the last thing shown; a module may use only those before it.
const ORDER: [&str; 18] = [
    "agenda",
    "config",
    "scenario",
    "trace",
    "engine",
    "theory",
    "verdict",
    "study",
    "exercise",
    "sweep",
    "story",
    "plot",
    "report",
    "results",
    "dashboard",
    "lecture",
    "selftest",
    "cli",
];

#[test]
fn modules_use_only_earlier_ones() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = vec![];
    let mut unknown = vec![];
    let mut seen = 0;
    visit(&src, &mut |path, text| {
        let inside = path.strip_prefix(&src).unwrap().components().next().unwrap();
        let module = Path::new(&inside).file_stem().unwrap().to_string_lossy().into_owned();
        if ["lib", "main"].contains(&module.as_str()) {
            return;
        }
        let Some(own) = ORDER.iter().position(|name| *name == module) else {
            unknown.push(module);
            return;
        };
        seen += 1;
        for (number, name) in mentions(text) {
            match ORDER.iter().position(|known| *known == name) {
                Some(rank) if rank > own => {
                    wrong.push(format!("{}:{number}: {module} uses {name}", path.display()));
                }
                _ => {}
            }
        }
    });
    assert!(unknown.is_empty(), "modules without a place in the order: {unknown:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 10, "only {seen} files were looked at");
}

/// The top-level modules that a file names, with the line of each: `crate::name`, also in braces after `use crate::{`. Comments may name
/// any.
fn mentions(text: &str) -> Vec<(usize, String)> {
    let code =
        |line: &str| if line.trim_start().starts_with("//") { String::new() } else { line.to_string() };
    let text = &text.lines().map(code).collect::<Vec<String>>().join("\n");
    let mut found = vec![];
    for (at, _) in text.match_indices("crate::") {
        let number = text[..at].lines().count().max(1);
        let rest = &text[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            found.extend(top_level(list).into_iter().map(|name| (number, name)));
        } else {
            found.push((number, first_word(rest)));
        }
    }
    found
}

/// The first words of the items of a brace list, up to the brace that closes it.
fn top_level(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut items = vec![String::new()];
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => items.push(String::new()),
            other if depth == 0 => items.last_mut().unwrap().push(other),
            _ => {}
        }
    }
    items.iter().map(|item| first_word(item.trim())).filter(|name| !name.is_empty()).collect()
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn a_wrong_dependency_would_be_seen() {
    let text = "/// See [`crate::report`].\nuse crate::{\n    agenda::{Agenda, Lane},\n    cli,\n    verdict::State,\n};\nfn f(x: crate::plot::Figure) {}\n";
    let names: Vec<String> = mentions(text).into_iter().map(|m| m.1).collect();
    assert_eq!(names, ["agenda", "cli", "verdict", "plot"]);
}

fn visit(dir: &Path, file: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, file);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            file(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
