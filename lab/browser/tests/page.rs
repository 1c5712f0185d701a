//! The page simulates what the program simulates, to the last byte.
#[path = "../../tests/chromium/mod.rs"]
mod chromium;

use chromium::Browser;
use lab::{engine::sim::sim, results::windows_csv, scenario::load, verdict::judge_sim};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

/// A storm of retries, the same with changes, a slow replica, and a cache before a store.
const COMPARED: [(&str, &[&str]); 4] = [
    ("retry-storm", &[]),
    ("retry-storm", &["clients.web.retry.max_attempts=2", "workload.rate=600/s", "seed=7"]),
    ("slow-replica", &[]),
    ("cache-flush", &["services.cache.cache.single_flight=true"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The page, made once; nothing where the compiler does not know WebAssembly.
static PAGE: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let rustc = Command::new("rustc").args(["--print", "sysroot"]).current_dir(root()).output().ok()?;
    let sysroot = String::from_utf8(rustc.stdout).ok()?;
    if !Path::new(sysroot.trim()).join("lib/rustlib/wasm32-unknown-unknown").is_dir() {
        eprintln!("skipped: wasm32-unknown-unknown is not installed");
        return None;
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser-lab.html");
    let made = Command::new(env!("CARGO_BIN_EXE_browser-lab")).arg(&file).output().expect("it starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(file)
});

/// What the program writes into `windows.csv`, and its verdict.
fn native(file: &Path, set: &[&str]) -> (String, String) {
    let set: Vec<String> = set.iter().map(|change| change.to_string()).collect();
    let plan = load(file, &set).expect("a config that is read");
    let trace = sim(&plan.baseline, plan.baseline.seed);
    let verdict = judge_sim(&plan.baseline, &trace).verdict.word();
    (windows_csv(&trace), verdict.into())
}

fn shipped(name: &str) -> PathBuf {
    root().join(format!("configs/{name}.yaml"))
}

#[test]
fn it_shows_in_a_browser_what_the_program_simulates() {
    let Some(page) = PAGE.as_ref() else { return };
    let Some(program) = chromium::installed() else {
        eprintln!("skipped: Chromium is not installed");
        return;
    };
    let mut browser = Browser::start(&program).expect("a browser");
    let url = format!("file://{}", page.canonicalize().expect("the page").display());
    browser.open(&url, OPEN).expect("the page opens");
    for (name, set) in COMPARED {
        let ask =
            format!("page.choose({}, {}).then(page.settled).then(page.windows)", json!(name), json!(set));
        let there = browser.eval(&ask).expect("windows");
        let (windows, verdict) = native(&shipped(name), set);
        assert!(there.as_str() == Some(&windows), "{name} {set:?}: the page's windows differ");
        assert_eq!(
            browser.eval("page.shown().summary.verdict").expect("a verdict"),
            verdict,
            "{name} {set:?}"
        );
        the_yaml_runs(&mut browser, &windows, &verdict);
    }
    let curves = "document.querySelectorAll('#timeline path').length > 5 && document.querySelectorAll('#plane path').length > 2";
    assert_eq!(browser.eval(curves).expect("an answer"), true, "nothing is drawn");
    a_slider_moves(&mut browser);
    no_worker_is_needed(&mut browser, &url);
    assert_eq!(browser.complaints, Vec::<String>::new(), "the page complains");
}

const OPEN: &str = "typeof page === 'object' && page.shown() !== null";

/// Where a browser allows a page from a file no worker, the page simulates by itself.
fn no_worker_is_needed(browser: &mut Browser, url: &str) {
    let none = "window.Worker = class { constructor() { throw new Error('none'); } };";
    browser.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": none })).expect("an answer");
    browser.open("about:blank", "location.href === 'about:blank'").expect("an empty page");
    browser.open(url, OPEN).expect("the page opens");
    let there = browser.eval("page.windows()").expect("windows");
    assert!(there.as_str() == Some(&native(&shipped("retry-storm"), &[]).0), "the page's windows differ");
}

/// What the page gives as a config is one: the same windows, and the verdict that it expects.
fn the_yaml_runs(browser: &mut Browser, windows: &str, verdict: &str) {
    let yaml = browser.eval("document.getElementById('yaml').textContent").expect("a text");
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("changed.yaml");
    fs::write(&file, yaml.as_str().expect("a text")).expect("a file");
    let (again, _) = native(&file, &[]);
    assert!(again == windows, "the config that the page gives does not run as the page does");
    let expected: Vec<String> =
        load(&file, &[]).expect("a config").expect.iter().map(|e| e.text.clone()).collect();
    assert_eq!(expected, [format!("{{ verdict: {verdict} }}")]);
}

/// As a hand would do it: the newest wish wins, and the words follow.
fn a_slider_moves(browser: &mut Browser) {
    let moved = browser.eval(
        "page.choose('retry-storm').then(page.settled).then(async () => {
           const load = document.getElementById('control-0');
           for (const value of [10, 20, 30]) { load.value = value; load.dispatchEvent(new Event('input')); }
           await page.settled();
           return [load.previousElementSibling.textContent, document.getElementById('verdict').textContent];
         })",
    );
    let moved = moved.expect("an answer");
    let load = moved[0].as_str().expect("a rate").to_owned();
    let set = [format!("workload.rate={load}")];
    let (_, verdict) = native(&shipped("retry-storm"), &[&set[0]]);
    assert_eq!(moved[1], verdict, "at {load}");
    let given = browser.eval("document.getElementById('yaml').textContent").expect("a text");
    assert!(given.as_str().is_some_and(|yaml| yaml.contains(&format!("rate: {load}"))), "{given}");
}

/// Where there is no browser, the module itself is compared.
#[test]
fn the_module_simulates_what_the_program_simulates() {
    let Some(page) = PAGE.as_ref() else { return };
    for (name, set) in COMPARED {
        let plan = load(&shipped(name), &[]).expect("a config");
        let question = json!({ "ask": "run", "name": name, "config": plan.resolved, "set": set }).to_string();
        let Some(there) = ask_module(page, &question) else { return };
        assert!(there == lab_browser::answer(&question), "{name} {set:?}: the module's answer differs");
    }
}

/// The answer of the page's module, run by Node.js; nothing where that is not installed.
fn ask_module(page: &Path, question: &str) -> Option<String> {
    const SCRIPT: &str = "
        const [page, question] = [process.argv[1], 0].map((file) => require('fs').readFileSync(file, 'utf8'));
        const part = (id) => page.match(new RegExp(`<script[^>]*id=\"${id}\">([^]*?)</script>`))[1];
        const open = new Function(part('engine') + '; return openEngine')();
        open(part('module').trim()).then((answer) => process.stdout.write(answer(question)));";
    let node = Command::new("node")
        .arg("-e")
        .arg(SCRIPT)
        .arg(page)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut node) = node else {
        eprintln!("skipped: Node.js is not installed");
        return None;
    };
    node.stdin.take()?.write_all(question.as_bytes()).expect("it reads");
    let done = node.wait_with_output().expect("it ends");
    assert!(done.status.success(), "Node.js fails");
    Some(String::from_utf8(done.stdout).expect("text"))
}

#[test]
fn what_is_wrong_is_said() {
    let config = "version: 1\nduration: 60 s\nservices: {}\nclients: {}\n";
    let ask = |question: Value| -> Value {
        serde_json::from_str(&lab_browser::answer(&question.to_string())).expect("JSON")
    };
    let wrong = ask(json!({ "ask": "setup", "name": "mine", "config": config }));
    assert!(wrong["error"].as_str().is_some_and(|e| e.contains("mine.yaml")), "{wrong}");
    let storm = load(&shipped("retry-storm"), &[]).expect("a config").resolved;
    let set = ["clients.web.retry.max_attempt=2"];
    let wrong = ask(json!({ "ask": "run", "name": "storm", "config": storm, "set": set }));
    assert!(wrong["error"].as_str().is_some_and(|e| e.contains("max_attempts")), "{wrong}");
    assert!(ask(json!({ "ask": "nothing" }))["error"].is_string());
}

/// Every step of every slider is a value that a config may hold, and what the config says is among them.
#[test]
fn every_step_of_every_slider_can_be_run() {
    for name in ["retry-storm", "slow-replica", "hysteresis"] {
        let config = load(&shipped(name), &[]).expect("a config").resolved;
        let question = json!({ "ask": "setup", "name": name, "config": config }).to_string();
        let setup: Value = serde_json::from_str(&lab_browser::answer(&question)).expect("JSON");
        let controls = setup["controls"].as_array().expect("controls");
        assert!(controls.len() >= 8, "{name} has only {} controls", controls.len());
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("base.yaml");
        fs::write(&file, setup["base"].as_str().expect("a config")).expect("a file");
        for control in controls {
            let path = control["path"].as_str().expect("a path");
            for step in control["steps"].as_array().expect("steps") {
                let set = format!("{path}={}", step["value"].as_str().expect("a value"));
                load(&file, std::slice::from_ref(&set)).unwrap_or_else(|e| panic!("{name} {set}: {e}"));
            }
            let at = control["at"].as_u64().expect("a number") as usize;
            let own = format!("{path}={}", control["steps"][at]["value"].as_str().expect("a value"));
            let (plain, same) = (load(&file, &[]).unwrap().baseline, load(&file, &[own]).unwrap().baseline);
            assert_eq!(plain, same, "{name}: {path}");
        }
    }
}
