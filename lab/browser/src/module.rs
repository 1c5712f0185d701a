//! The simulation as a WebAssembly module.
use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const TARGET: &str = "wasm32-unknown-unknown";

/// Compiles this package for the page, and reads what comes out.
pub(crate) fn compile(root: &Path) -> Result<Vec<u8>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["rustc", "--package", "lab-browser", "--lib", "--no-default-features"]);
    command.args(["--target", TARGET, "--profile", "browser", "--crate-type", "cdylib"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    command.current_dir(root).stderr(Stdio::inherit());
    let done = command.output().map_err(|error| format!("cannot run cargo: {error}"))?;
    if !done.status.success() {
        return Err(format!(
            "the simulation could not be compiled for {TARGET}; if that target is missing: rustup target add {TARGET}"
        ));
    }
    let file = module(&done.stdout).ok_or("cargo has not said where the module is")?;
    fs::read(&file).map_err(|error| format!("cannot read `{}`: {error}", file.display()))
}

/// The last WebAssembly file among cargo's messages, which are JSON lines.
fn module(messages: &[u8]) -> Option<PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let files = messages.flat_map(|message| match &message["filenames"] {
        Value::Array(names) => names.clone(),
        _ => vec![],
    });
    files
        .filter_map(|name| name.as_str().map(PathBuf::from))
        .rfind(|f| f.extension().is_some_and(|e| e == "wasm"))
}

/// A module as text: gzip, which every browser unpacks, in base64.
pub(crate) fn pack(module: &[u8]) -> Result<String, String> {
    let mut packer = GzEncoder::new(vec![], Compression::best());
    let packed = packer.write_all(module).and_then(|()| packer.finish());
    packed
        .map(|bytes| BASE64_STANDARD.encode(bytes))
        .map_err(|error| format!("cannot pack the module: {error}"))
}
