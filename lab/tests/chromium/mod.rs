//! Drives a Chromium without a window, over a pipe: what a page does is asked in JavaScript, and looked at as a picture.
//!
//! Commands of the DevTools protocol go in through file descriptor 3 and come back through 4, each ended by a zero byte. Nothing
//! listens on a port, and no driver is needed.
use serde_json::{Value, json};
use std::{
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

const FLAGS: &str = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
                     --disable-component-update --disable-sync --remote-debugging-pipe about:blank";

/// How long an answer may take; a machine may be slow, but not that slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running browser with one page. It is closed when this is dropped.
pub(crate) struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    next: u64,
    session: Option<Value>,
    /// What the page has written to its console, and every exception that nobody caught.
    pub(crate) complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

/// The program, under one of its names; nothing where it is not installed.
pub(crate) fn installed() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().flat_map(|name| folders.iter().map(move |f| f.join(name))).find(|p| p.is_file())
}

impl Browser {
    /// Starts `program` with a profile of its own.
    pub(crate) fn start(program: &Path) -> io::Result<Browser> {
        let profile = tempfile::tempdir()?;
        // The shell moves its own input and output to where the browser expects the pipe.
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(format!("exec \"$0\" {FLAGS} --user-data-dir=\"$1\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"))
            .args([program, profile.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(commands), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the browser has no pipe"));
        };
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut answers = BufReader::new(answers);
            let mut bytes = vec![];
            while answers.read_until(0, &mut bytes).is_ok_and(|n| n > 0) {
                let message = serde_json::from_slice(bytes.strip_suffix(&[0]).unwrap_or(&bytes));
                if message.is_ok_and(|message| sender.send(message).is_err()) {
                    break;
                }
                bytes.clear();
            }
        });
        let mut browser = Browser {
            child,
            commands,
            messages,
            next: 0,
            session: None,
            complaints: vec![],
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        browser.session = Some(browser.call("Target.attachToTarget", attach)?["sessionId"].clone());
        for domain in ["Runtime.enable", "Page.enable", "Log.enable"] {
            browser.call(domain, json!({}))?;
        }
        Ok(browser)
    }

    /// Calls a method of the DevTools protocol.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> io::Result<Value> {
        self.next += 1;
        let mut command = json!({ "id": self.next, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = session.clone();
        }
        self.commands.write_all(&[command.to_string().as_bytes(), &[0]].concat())?;
        loop {
            let message = self
                .messages
                .recv_timeout(PATIENCE)
                .map_err(|e| io::Error::other(format!("{method}: {e}")))?;
            if message["id"] == self.next {
                return match message.get("error") {
                    Some(error) => Err(io::Error::other(format!("{method}: {error}"))),
                    None => Ok(message["result"].clone()),
                };
            }
            self.hear(&message);
        }
    }

    fn hear(&mut self, message: &Value) {
        let event = &message["params"];
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.complaints.push(event["exceptionDetails"].to_string()),
            Some("Runtime.consoleAPICalled") => self.complaints.push(event["args"].to_string()),
            Some("Log.entryAdded") => self.complaints.push(event["entry"].to_string()),
            _ => {}
        }
    }

    /// Goes to `url` and waits until `ready`, an expression, is true there.
    pub(crate) fn open(&mut self, url: &str, ready: &str) -> io::Result<()> {
        self.call("Page.navigate", json!({ "url": url }))?;
        self.wait(ready)
    }

    /// What `expression` is in the page; a promise is awaited.
    pub(crate) fn eval(&mut self, expression: &str) -> io::Result<Value> {
        let ask = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let found = self.call("Runtime.evaluate", ask)?;
        match found.get("exceptionDetails") {
            Some(details) => Err(io::Error::other(format!("{expression}: {details}"))),
            None => Ok(found["result"]["value"].clone()),
        }
    }

    /// Waits until `expression` is true in the page.
    pub(crate) fn wait(&mut self, expression: &str) -> io::Result<()> {
        let pause = Duration::from_millis(50);
        for _ in 0..PATIENCE.as_millis() / pause.as_millis() {
            // While a page is being loaded, there is nothing to ask.
            if self.eval(expression).is_ok_and(|found| found == true) {
                return Ok(());
            }
            // Nothing comes until something is asked again; what does come is heard.
            if let Ok(message) = self.messages.recv_timeout(pause) {
                self.hear(&message);
            }
        }
        Err(io::Error::other(format!("it never came true: {expression}; complaints: {:?}", self.complaints)))
    }

    /// The window's size in pixels, and whether its user prefers dark pages.
    #[allow(dead_code, reason = "not every test looks at pictures")]
    pub(crate) fn look(&mut self, width: u32, height: u32, dark: bool) -> io::Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size)?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media).map(drop)
    }

    /// A picture of the window as PNG, in base64.
    #[allow(dead_code, reason = "not every test looks at pictures")]
    pub(crate) fn picture(&mut self) -> io::Result<String> {
        let found = self.call("Page.captureScreenshot", json!({ "format": "png" }))?;
        Ok(found["data"].as_str().unwrap_or_default().to_owned())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        // A browser that does not answer any more is ended.
        if self.call("Browser.close", json!({})).is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
