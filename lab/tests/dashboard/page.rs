//! The dashboard's page in a browser: it tells what the server tells, levers work from it, and it does not grow.
use super::{
    chromium::{self, Browser},
    visitor::Dashboard,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use std::{fs, path::Path};

/// A browser at a dashboard; nothing where none is installed.
fn visit(arguments: &[&str], query: &str, dark: bool) -> Option<(Dashboard, Browser)> {
    let Some(program) = chromium::installed() else {
        eprintln!("skipped: Chromium is not installed");
        return None;
    };
    let lab = Dashboard::start(arguments);
    let mut browser = Browser::start(&program).unwrap();
    browser.look(1280, 720, dark).unwrap();
    browser
        .open(&format!("http://{}/{query}", lab.address), "document.getElementById('clock').value != '0.0 s'")
        .unwrap();
    Some((lab, browser))
}

fn verdict(word: &str) -> String {
    format!("document.getElementById('verdict').textContent.toLowerCase().includes('{word}')")
}

/// Keeps a picture, for people to look at.
fn keep(browser: &mut Browser, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
    fs::create_dir_all(&folder).unwrap();
    let png = STANDARD.decode(browser.picture().unwrap()).unwrap();
    assert!(png.len() > 20_000, "{name}: an empty page");
    fs::write(folder.join(format!("{name}.png")), png).unwrap();
}

fn key(browser: &mut Browser, key: char) {
    let event = format!(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true }}))"
    );
    browser.eval(&event).unwrap();
}

/// A spike by key: metastable. A shed and a flush by mouse: recovered. All without a complaint, and without scrolling.
#[test]
fn a_service_dies_and_is_saved_in_the_browser() {
    let queue = ["--set", "services.store.queue.capacity=2000"];
    let arguments = [&["serve", "configs/retry-storm.yaml", "--speed", "20"][..], &queue].concat();
    let Some((lab, mut browser)) = visit(&arguments, "", false) else { return };
    lab.watch().until(|f| f["t_s"].as_f64() > Some(20.0));
    browser.wait(&verdict("healthy")).unwrap();
    let fits = "document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.eval(fits).unwrap(), json!(true), "no scrolling at 1280 × 720");
    key(&mut browser, 's');
    browser.wait(&verdict("metastable")).unwrap();
    keep(&mut browser, "light");
    lab.post("/press", &json!({ "lever": "shed", "arguments": { "admit": 10, "for_s": 20 } }));
    let flush = "[...document.querySelectorAll('#levers button')].find(b => b.textContent.includes('Flush queues')).click()";
    browser.eval(flush).unwrap();
    browser.wait(&verdict("recovered")).unwrap();
    browser.look(1280, 720, true).unwrap();
    keep(&mut browser, "dark");
    let log = browser.eval("document.getElementById('log').textContent").unwrap();
    assert!(log.as_str().unwrap().contains("spike"), "{log}");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn a_class_is_asked_before_a_lever_is_pressed() {
    let arguments = ["serve", "configs/retry-storm.yaml", "--speed", "20", "--class"];
    let Some((lab, mut browser)) = visit(&arguments, "", true) else { return };
    lab.watch().until(|f| f["t_s"].as_f64() > Some(15.0));
    key(&mut browser, 's');
    browser.wait("!document.getElementById('card').hidden").unwrap();
    assert_eq!(lab.watch().until(|_| true)["marks"], json!([]), "nothing is pressed before the answer");
    let size =
        browser.eval("parseFloat(getComputedStyle(document.getElementById('question')).fontSize)").unwrap();
    assert!(size.as_f64() >= Some(24.0), "{size}");
    keep(&mut browser, "class");
    let press =
        "[...document.querySelectorAll('#card button')].find(b => b.textContent.includes('Spike')).click()";
    browser.eval(press).unwrap();
    lab.watch().until(|f| f["marks"] != json!([]));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// At fifty times real time, ten updates a second are taken in, and what is kept stays within bounds.
/// `LAB_PAGE_SECONDS=600` watches for longer.
#[test]
fn the_page_keeps_up_and_does_not_grow() {
    let seconds: u32 = std::env::var("LAB_PAGE_SECONDS").map_or(20, |s| s.parse().unwrap());
    let queue = ["--set", "services.store.queue.capacity=2000"];
    let arguments = [&["serve", "configs/retry-storm.yaml", "--speed", "50"][..], &queue].concat();
    let Some((_lab, mut browser)) = visit(&arguments, "", false) else { return };
    let count = "window.seen = 0; const s = new EventSource('events'); s.addEventListener('frame', () => window.seen++); 1";
    browser.eval(count).unwrap();
    key(&mut browser, 's');
    let heap = |browser: &mut Browser| {
        browser.call("HeapProfiler.collectGarbage", json!({})).unwrap();
        let used = browser.call("Runtime.getHeapUsage", json!({})).unwrap();
        used["usedSize"].as_f64().unwrap() / 1e6
    };
    let wait = |browser: &mut Browser, ms: u32| {
        browser.eval(&format!("new Promise(done => setTimeout(done, {ms}))")).unwrap();
    };
    wait(&mut browser, 1000 * seconds / 2);
    let half = heap(&mut browser);
    wait(&mut browser, 1000 * seconds / 2);
    let (end, seen) = (heap(&mut browser), browser.eval("window.seen").unwrap().as_f64().unwrap());
    eprintln!(
        "heap after {} s {half:.1} MB, after {seconds} s {end:.1} MB; {:.1} frames/s",
        seconds / 2,
        seen / f64::from(seconds)
    );
    assert!(end < half * 1.5 + 5.0, "{half} MB grew to {end} MB");
    assert!(seen > 0.0, "frames came");
    assert_eq!(browser.complaints, Vec::<String>::new());
}
