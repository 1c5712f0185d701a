//! Tells the program which sources it was built from, so that results of two builds are not taken for one another.
use siphasher::sip::SipHasher24;
use std::{
    fs,
    hash::Hasher,
    path::{Path, PathBuf},
};

/// What the result of a simulated run depends on: the machines, and the way from a scenario to a verdict.
const SOURCES: [&str; 6] =
    ["core/src", "src/agenda", "src/engine", "src/scenario", "src/trace", "src/verdict"];

fn main() {
    let mut files = vec![];
    for folder in SOURCES {
        println!("cargo:rerun-if-changed={folder}");
        collect(Path::new(folder), &mut files);
    }
    files.sort();
    let mut hasher = SipHasher24::new();
    for file in files {
        hasher.write(file.to_string_lossy().as_bytes());
        hasher.write(&fs::read(&file).expect("a source file is readable"));
    }
    println!("cargo:rustc-env=LAB_SOURCES={:012x}", hasher.finish() >> 16);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a source folder is readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}
