//! Makes the browser lab's page: compiles the simulation for WebAssembly and puts it into one HTML file, with all the rest.
mod html;
mod module;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Configs to begin with, the first one first. Each runs in a browser in less than a second.
const CONFIGS: [&str; 9] = [
    "retry-storm",
    "queue-discipline",
    "slow-replica",
    "crash-restart",
    "gc-pause",
    "hotos21-fig2",
    "cache-flush",
    "hysteresis",
    "overloaded-before",
];

const USAGE: &str = "\
Makes the browser lab: one HTML file that simulates, opens from disk and needs no network.

Usage: cargo run -p lab-browser [-- FILE]     FILE: where to write it; results/browser-lab.html if left out";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = match &arguments[..] {
        [] => root.join("results/browser-lab.html"),
        [word] if !word.starts_with('-') => PathBuf::from(word),
        [word] if word == "--help" || word == "-h" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    match make(&root, &file) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make(root: &Path, file: &Path) -> Result<String, String> {
    let module = module::compile(root)?;
    let packed = module::pack(&module)?;
    let page = html::page(&html::configs(root, &CONFIGS)?, &packed);
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
    }
    fs::write(file, &page).map_err(|error| format!("cannot write `{}`: {error}", file.display()))?;
    let shown = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let kb = |bytes: usize| bytes.div_ceil(1000);
    Ok(format!(
        "{}\n{} kB, of which the simulation is {} kB ({} kB of WebAssembly, packed)",
        shown.display(),
        kb(page.len()),
        kb(packed.len()),
        kb(module.len())
    ))
}
