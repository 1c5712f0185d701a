//! What the documents tell people to type can be typed, and what they point to is there.
mod commands;

use commands::{Command, commands};
use lab::cli::understands;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All files of a folder, and of those in it, whose names end so; in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every Markdown text that people read, with its file.
fn documents() -> Vec<(PathBuf, String)> {
    let root = root();
    let mut all: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "results/README.md"]
        .map(|name| root.join(name))
        .into();
    all.extend(["docs", "configs"].iter().flat_map(|folder| files(&root.join(folder), ".md")));
    all.into_iter().map(|file| (file.clone(), fs::read_to_string(&file).unwrap())).collect()
}

/// The remarks of every config, lecture and workload, line by line as Markdown.
fn remarks() -> Vec<(PathBuf, String)> {
    let folders = ["configs", "docs", "workloads"].map(|folder| files(&root().join(folder), ".yaml"));
    let remark = |line: &str| match (line.strip_prefix('#'), line.split_once(" #")) {
        (Some(remark), _) | (None, Some((_, remark))) => {
            format!("{}\n", remark.strip_prefix(' ').unwrap_or(remark))
        }
        _ => "\n".to_owned(),
    };
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        (file, text.lines().map(remark).collect::<String>())
    };
    folders.into_iter().flatten().map(read).collect()
}

/// What is wrong with a command, if anything is.
fn wrong(command: &Command) -> Option<String> {
    let mut words: Vec<&str> = command.words[1..].iter().map(String::as_str).collect();
    let missing = words.iter().find(|word| {
        let ours = ["configs/", "docs/", "workloads/"].iter().any(|folder| word.starts_with(folder));
        ours && !word.contains('*') && !root().join(word).exists()
    });
    if let Some(missing) = missing {
        return Some(format!("there is no {missing}"));
    }
    if command.whole {
        return understands(words).err();
    }
    // In a sentence: what stands before the first name for something, and so without what may be needed after it.
    let until = words.iter().position(|word| is_name(word)).unwrap_or(words.len());
    words.truncate(until);
    words.push("--help");
    understands(words).err().filter(|answer| answer.starts_with("error:"))
}

/// Whether a word stands for what a reader puts in: `CONFIG`, `I/N`, `NN`, `…`.
fn is_name(word: &str) -> bool {
    let shouts = word.contains(char::is_uppercase) && !word.contains(char::is_lowercase);
    shouts || word.contains('…') || word.contains("{{")
}

#[test]
fn every_command_can_be_given() {
    let texts = documents().into_iter().chain(remarks());
    let (mut whole, mut named, mut broken) = (0, 0, vec![]);
    for (file, text) in texts {
        for command in commands(&text) {
            *(if command.whole { &mut whole } else { &mut named }) += 1;
            if let Some(wrong) = wrong(&command) {
                let (file, line, words) = (file.display(), command.line, command.words.join(" "));
                broken.push(format!("{file}:{line}: {words}\n{wrong}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(whole > 40 && named > 40, "only {whole} in blocks and {named} in sentences");
}

/// The check itself finds what is wrong.
#[test]
fn commands_that_cannot_be_given_are_found() {
    let text = "\
Say `lab run CONFIG --bogus`, `lab
check CONFIG` or `lab jump`; not `lab`.

    lab run configs/retry-storm.yaml --bogus   # a slip
    lab run configs/retry-storm.yaml > it && rm it
    lab run --engine \"sim\" configs/no-such.yaml

```sh
lab sweep run
```
";
    let found = commands(text);
    let seen: Vec<(usize, bool, Option<&str>)> =
        found.iter().map(|c| (c.line, c.whole, c.words.last().map(String::as_str))).collect();
    let expected = [
        (1, false, Some("--bogus")),
        (1, false, Some("CONFIG")),
        (1, false, Some("jump")),
        (4, true, Some("--bogus")),
        (5, true, Some("configs/retry-storm.yaml")),
        (6, true, Some("configs/no-such.yaml")),
        (9, true, Some("run")),
    ];
    assert_eq!(seen, expected);
    let bad: Vec<bool> = found.iter().map(|command| wrong(command).is_some()).collect();
    // Behind a name nothing is looked at.
    assert_eq!(bad, [false, false, true, true, false, true, true]);
}

#[test]
fn every_link_leads_somewhere() {
    let (mut seen, mut broken) = (0, vec![]);
    for (file, text) in documents() {
        for link in links(&text) {
            let (path, place) = link.split_once('#').unwrap_or((link.as_str(), ""));
            let target = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            seen += 1;
            let there = match fs::read_to_string(&target) {
                Ok(text) if !place.is_empty() => places(&text).iter().any(|known| known == place),
                _ => target.exists() && place.is_empty(),
            };
            if !there {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(seen > 100, "only {seen} links");
}

/// Where the links and pictures of a text lead, other than to the web or to a figure that is drawn when a page is made.
fn links(text: &str) -> Vec<String> {
    let elsewhere = ["https://", "http://", "figure:"];
    let after = |opening: &'static str, closing: char| {
        text.split(opening).skip(1).filter_map(move |rest| rest.split(closing).next())
    };
    let all = after("](", ')').chain(after("src=\"", '"')).chain(after("srcset=\"", '"'));
    all.filter(|link| !elsewhere.iter().any(|scheme| link.starts_with(scheme))).map(str::to_owned).collect()
}

/// The names by which the headings of a text can be reached, as on the sites that show Markdown.
fn places(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = vec![];
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if !fenced && heading.len() < line.len() && heading.starts_with(' ') {
            let kept = heading.trim().to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            found.push(kept.collect::<String>().replace(' ', "-"));
        }
    }
    found
}
