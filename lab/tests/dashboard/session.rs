//! The dashboard: what is pressed acts on the run, the session can be taken home, and nobody else gets in.
use super::visitor::{Dashboard, PAGE};
use lab::{engine::sim::sim, results::windows_csv, scenario::load_text};
use serde_json::{Value, json};
use std::io::Write;

const STORM: [&str; 4] = ["serve", "configs/retry-storm.yaml", "--speed", "50"];

fn verdict(frame: &Value) -> &str {
    frame["status"]["verdict"].as_str().unwrap_or("")
}

/// The windows of a run of what `/export.yaml` says.
fn run_again(yaml: &str) -> String {
    let plan = load_text("session", yaml.into()).unwrap();
    windows_csv(&sim(&plan.baseline, plan.baseline.seed))
}

/// A spike, the failure that stays, a rescue; and all of it again from the config that was exported.
#[test]
fn a_session_goes_its_way_and_its_export_gives_the_same_windows() {
    let lab = Dashboard::start(&STORM);
    let mut spectator = lab.watch();
    let (kind, hello) = spectator.next().unwrap();
    assert_eq!(
        (kind.as_str(), &hello["config"], &hello["engine"]),
        ("hello", &json!("retry-storm"), &json!("simulated"))
    );
    assert_eq!(
        hello["lines"],
        json!({ "capacity_per_s": 800.0, "hidden_capacity_per_s": 200.0, "timeout_ms": 1000.0, "jobs_per_timeout": 800.0 })
    );
    spectator.until(|f| f["t_s"].as_f64() > Some(20.0));
    let pressed = lab.post("/press", &json!({ "lever": "spike" }));
    assert_eq!(pressed["name"], "spike_1");
    let seen = spectator.until(|f| f["marks"] != json!([]));
    assert_eq!(seen["marks"][0]["from_s"], pressed["at_s"], "the mark is where it was pressed");
    assert_eq!(seen["marks"][0]["label"], "spike × 2");
    let stuck = spectator.until(|f| verdict(f) == "metastable");
    assert!(stuck["status"]["goodput_per_s"].as_f64() < Some(56.0), "{stuck}");
    assert!(stuck["status"]["amplification"].as_f64() > Some(3.5), "{stuck}");
    // Who waits is turned away, and few come in until those who tried again have given up.
    lab.post("/press", &json!({ "lever": "shed", "arguments": { "admit": 10, "for_s": 20 } }));
    lab.post("/press", &json!({ "lever": "queue_flush" }));
    let saved = spectator.until(|f| f["status"]["after_lever"] == "recovered");
    assert_eq!((verdict(&saved), saved["status"]["word"].as_str()), ("metastable", Some("healthy")));
    lab.post("/pace", &json!({ "paused": true }));
    let (_, windows) = lab.get("/windows.csv");
    let (_, yaml) = lab.get("/export.yaml");
    assert_eq!(run_again(&yaml), windows);
    // A second blow to a service that is well again is judged by itself.
    lab.post("/pace", &json!({ "paused": false }));
    lab.post("/press", &json!({ "lever": "spike" }));
    let pressed = |f: &Value| f["marks"].as_array().map(Vec::len) == Some(4);
    let again = spectator.until(|f| pressed(f) && verdict(f) == "metastable");
    assert_eq!(again["status"]["after_lever"], Value::Null);
}

/// Back to before the spike, and on without it: the calls are the same, the future is another one.
#[test]
fn one_goes_back_and_takes_another_way() {
    let lab = Dashboard::start(&STORM);
    let mut spectator = lab.watch();
    spectator.until(|f| f["t_s"].as_f64() > Some(15.0));
    let spike = lab.post("/press", &json!({ "lever": "spike" }))["at_s"].as_f64().unwrap();
    spectator.until(|f| f["status"]["word"] == "failed");
    let (_, first) = lab.get("/windows.csv");
    let to = spike - 5.0;
    assert_eq!(lab.post("/rewind", &json!({ "to_s": to }))["to_s"].as_f64(), Some(to));
    let back = spectator.until(|f| f["paused"] == true);
    assert_eq!((back["t_s"].as_f64(), &back["marks"]), (Some(to), &json!([])));
    let (_, second) = lab.get("/windows.csv");
    let of_clients =
        |csv: &str| csv.lines().filter(|l| l.starts_with("web,")).map(str::to_owned).collect::<Vec<_>>();
    let kept = of_clients(&second);
    assert!(!kept.is_empty() && of_clients(&first).starts_with(&kept), "what was stays as it was");
    // Held levers are let go by pressing them again.
    lab.post("/press", &json!({ "lever": "retries_off" }));
    lab.post("/pace", &json!({ "paused": false }));
    spectator.until(|f| f["t_s"].as_f64() > Some(to + 10.0));
    assert_eq!(lab.post("/press", &json!({ "lever": "retries_off" }))["name"], "retries_off_1");
    spectator.until(|f| f["t_s"].as_f64() > Some(to + 20.0));
    lab.post("/pace", &json!({ "paused": true }));
    let end = spectator.until(|f| f["paused"] == true);
    assert!(end["marks"][0]["until_s"].is_number(), "{end}");
    let ((_, windows), (_, yaml)) = (lab.get("/windows.csv"), lab.get("/export.yaml"));
    assert_eq!(run_again(&yaml), windows);
    let (status, wrong) = lab.post_with("/rewind", PAGE, r#"{"to_s": 1e6}"#);
    assert_eq!(status, 400, "{wrong}");
    assert!(wrong.contains("not yet"), "{wrong}");
}

/// What groups and caches are asked to do reaches them, and comes home the same.
#[test]
fn groups_and_caches_have_levers_of_their_own() {
    for (config, levers) in [
        ("configs/cache-flush.yaml", &["cache_flush", "crash"][..]),
        ("configs/four-protocols.yaml", &["partition", "pause", "slow_down"][..]),
    ] {
        let lab = Dashboard::start(&["serve", config, "--speed", "20"]);
        let mut spectator = lab.watch();
        spectator.until(|f| f["t_s"].as_f64() > Some(3.0));
        for lever in levers {
            lab.post("/press", &json!({ "lever": lever }));
            let now = spectator.until(|_| true)["t_s"].as_f64();
            spectator.until(|f| f["t_s"].as_f64() > now.map(|t| t + 4.0));
        }
        let last = spectator.until(|f| f["windows"] != json!([]));
        let window = &last["windows"][0];
        let known = if config.contains("cache") { &window["hit_share"] } else { &window["members"] };
        assert!(known.is_number(), "{config}: {window}");
        lab.post("/pace", &json!({ "paused": true }));
        let ((_, windows), (_, yaml)) = (lab.get("/windows.csv"), lab.get("/export.yaml"));
        let again = run_again(&yaml);
        // The export goes on until the last trigger is over.
        let seen: Vec<&str> = windows.lines().collect();
        let again: std::collections::HashSet<&str> = again.lines().collect();
        let differ: Vec<&&str> = seen.iter().filter(|line| !again.contains(**line)).collect();
        assert!(seen.len() > 10 && differ.is_empty(), "{config}: {differ:?}");
    }
}

#[test]
fn what_cannot_be_pressed_is_said_in_words_and_changes_nothing() {
    let lab = Dashboard::start(&STORM);
    for (path, body, said) in [
        ("/press", r#"{"lever":"spyke"}"#, "there is no lever `spyke`; there are spike"),
        (
            "/press",
            r#"{"lever":"spike","arguments":{"factor":0.5}}"#,
            "`factor` of `spike` is 0.5; it is from 1 to 100",
        ),
        ("/press", r#"{"lever":"spike","arguments":{"for_s":null}}"#, "needs a number for `for_s`"),
        (
            "/press",
            r#"{"lever":"spike","arguments":{"size":1}}"#,
            "`spike` has no argument `size`; it has factor, for_s",
        ),
        ("/press", r#"{"lever":"spike","extra":1}"#, "unknown field `extra`"),
        ("/press", "{", "not understood"),
        ("/pace", r#"{"speed":3}"#, "there is no speed 3"),
        ("/rewind", r#"{"to_s":-1}"#, "a number of seconds from 0"),
        ("/rewind", r#"{"to_s":"x"}"#, "not understood"),
    ] {
        let (status, answer) = lab.post_with(path, PAGE, body);
        assert_eq!(status, 400, "{path} {body}: {answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["error"].as_str().unwrap().contains(said), "{answer}");
    }
    assert_eq!(lab.watch().until(|_| true)["marks"], json!([]));
}

/// Twenty watch, and one who does not read holds nobody up.
#[test]
fn twenty_watch_and_one_who_does_not_read_holds_nobody_up() {
    let lab = Dashboard::start(&STORM);
    let mut lazy = std::net::TcpStream::connect(lab.address).unwrap();
    write!(lazy, "GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", lab.address).unwrap();
    std::thread::scope(|scope| {
        // 300 s of windows are far more than what lies between two ends of a socket.
        let watch = || lab.watch().until(|f| f["t_s"].as_f64() > Some(300.0));
        let all: Vec<_> = (0..20).map(|_| scope.spawn(watch)).collect();
        lab.post("/press", &json!({ "lever": "spike" }));
        assert!(all.into_iter().all(|one| one.join().unwrap()["marks"] != json!([])));
    });
    drop(lazy);
}

#[test]
fn nobody_gets_in_by_a_side_door() {
    let lab = Dashboard::start(&STORM);
    let host = lab.address;
    let status = |request: String| {
        let answer = lab.raw(request.as_bytes());
        String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|s| s.parse::<u16>().ok()).unwrap_or(0)
    };
    let get =
        |path: &str| status(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    assert_eq!(get("/"), 200);
    for path in [
        "/../Cargo.toml",
        "/page/../../Cargo.toml",
        "/page/%2e%2e/%2e%2e/etc/passwd",
        "/page//etc/passwd",
        "//etc/passwd",
        "/page/",
        "/etc/passwd",
        "/page/style.css%00",
        "/page/..%5c..%5cCargo.toml",
    ] {
        assert_eq!(get(path), 404, "{path}");
    }
    // Another name for this address, another site's page, a form, no header, too much, another method.
    assert_eq!(status("GET /events HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".into()), 403);
    let press = r#"{"lever":"spike"}"#;
    let post = |headers: &str, body: &str| lab.post_with("/press", headers, body).0;
    assert_eq!(post(&format!("{PAGE}Origin: http://evil.example\r\n"), press), 403);
    assert_eq!(post("X-Lab: 1\r\nContent-Type: text/plain\r\n", press), 403);
    assert_eq!(post("Content-Type: application/json\r\n", press), 403);
    assert_eq!(post(PAGE, &format!("{press}{}", " ".repeat(5000))), 413);
    assert_eq!(status(format!("DELETE / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")), 405);
    assert_eq!(status(format!("OPTIONS /press HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")), 405);
    assert_eq!(post(&format!("{PAGE}Origin: http://{host}\r\n"), press), 200, "the page itself may");
    let policy = lab.raw(format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
    assert!(String::from_utf8_lossy(&policy).contains("content-security-policy: default-src 'none'"));
}

/// Whatever is sent, the run goes on.
#[test]
fn nonsense_is_survived() {
    let lab = Dashboard::start(&STORM);
    let good = format!(
        "POST /press HTTP/1.1\r\nHost: {}\r\n{PAGE}Content-Length: 17\r\n\r\n{{\"lever\":\"spike\"}}",
        lab.address
    );
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        // Marsaglia's xorshift: any bytes will do, the same ones every time.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..300 {
        let mut bytes = good.clone().into_bytes();
        for _ in 0..=random(8) {
            let at = random(bytes.len());
            match random(4) {
                0 => bytes[at] = random(256) as u8,
                1 => drop(bytes.drain(at..(at + 1 + random(20)).min(bytes.len()))),
                2 => bytes.insert(at, random(256) as u8),
                _ => bytes.truncate(at.max(1)),
            }
            if bytes.is_empty() {
                bytes.push(b'G');
            }
        }
        lab.throw(&bytes);
        if round % 100 == 99 {
            assert_eq!(lab.get("/").0, 200);
        }
    }
    let mut spectator = lab.watch();
    let t = spectator.until(|_| true)["t_s"].as_f64();
    spectator.until(|f| f["t_s"].as_f64() > t);
}

#[test]
fn off_loopback_levers_ask_for_the_token() {
    let lab = Dashboard::start(&["serve", "configs/retry-storm.yaml", "--bind", "0.0.0.0"]);
    let token = lab.said.split("?token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    assert_eq!(token.len(), 32, "{}", lab.said);
    let (_, hello) = lab.watch().next().unwrap();
    assert_eq!(hello["token_needed"], true, "and watching needs none");
    let press = |headers: &str| lab.post_with("/press", headers, r#"{"lever":"spike"}"#);
    let (status, answer) = press(PAGE);
    assert_eq!(status, 403);
    assert!(answer.contains("token"), "{answer}");
    assert_eq!(press(&format!("{PAGE}X-Lab-Token: {}\r\n", token.replace(|c| c != '0', "0"))).0, 403);
    assert_eq!(press(&format!("{PAGE}X-Lab-Token: {token}\r\n")).0, 200);
}
