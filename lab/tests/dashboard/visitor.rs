//! Someone who visits the dashboard: starts `lab serve`, speaks HTTP with it, and reads what it tells.
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Longer than anything takes, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A `lab` with a dashboard; it ends with this value.
pub(crate) struct Dashboard {
    child: Child,
    pub address: SocketAddr,
    /// What it printed before it was ready.
    pub said: String,
}

impl Dashboard {
    /// Starts `lab` with these arguments, and waits until it says where it listens.
    pub(crate) fn start(arguments: &[&str]) -> Dashboard {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lab"))
            .args(arguments)
            .args(["--port", "0"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !said.contains("http://") {
            assert!(lines.read_line(&mut said).unwrap() > 0, "it ended: {said}");
        }
        let address = said.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        // What it prints later goes nowhere, but must not stop it.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Dashboard { child, address, said }
    }

    /// Sends a request as it stands, which asks for the connection's end, and returns all that comes back.
    pub(crate) fn raw(&self, request: &[u8]) -> Vec<u8> {
        self.send(request, false)
    }

    /// Sends something, has no more to say, and waits for the connection's end.
    pub(crate) fn throw(&self, bytes: &[u8]) {
        self.send(bytes, true);
    }

    fn send(&self, bytes: &[u8], all: bool) -> Vec<u8> {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        // It may have hung up before all was said.
        let _ = socket.write_all(bytes);
        if all {
            let _ = socket.shutdown(std::net::Shutdown::Write);
        }
        let mut answer = vec![];
        let _ = socket.read_to_end(&mut answer);
        answer
    }

    /// Status and body of an answer to GET.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address))
    }

    /// Status and body of an answer to POST, as the page sends it, with more headers.
    pub(crate) fn post_with(&self, path: &str, headers: &str, body: &str) -> (u16, String) {
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            self.address,
            body.len()
        ))
    }

    /// The answer to a POST of the page; it must be a good one.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.post_with(path, PAGE, &body.to_string());
        assert_eq!(status, 200, "{path} {body}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    fn ask(&self, request: &str) -> (u16, String) {
        let answer = self.raw(request.as_bytes());
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status.unwrap_or_else(|| panic!("no answer to {request}: {answer}")), body.into())
    }

    /// Begins to watch.
    pub(crate) fn watch(&self) -> Spectator {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(socket, "GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", self.address).unwrap();
        Spectator { lines: BufReader::new(socket) }
    }
}

/// The headers with which the page presses levers.
pub(crate) const PAGE: &str = "X-Lab: 1\r\nContent-Type: application/json\r\n";

impl Drop for Dashboard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A stream of events.
pub(crate) struct Spectator {
    lines: BufReader<TcpStream>,
}

impl Spectator {
    /// The next event; `None` when the stream has ended.
    pub(crate) fn next(&mut self) -> Option<(String, Value)> {
        let (mut kind, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            if self.lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            // Chunk sizes and headers lie between.
            if let Some(word) = line.strip_prefix("event: ") {
                kind = word.trim().into();
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some((kind, serde_json::from_str(data).unwrap()));
            }
        }
    }

    /// The first frame that `wanted` wants, and all windows that came on the way.
    pub(crate) fn until(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        #[expect(clippy::disallowed_methods, reason = "a test must not wait for ever")]
        let began = Instant::now();
        loop {
            let (kind, event) = self.next().expect("the stream goes on");
            if kind == "frame" && wanted(&event) {
                return event;
            }
            assert!(began.elapsed() < PATIENCE, "last of all came {event}");
        }
    }
}
