//! One replica or manager as a child process: started, told, stopped, continued, killed and started again.
use super::LiveError;
use super::wire::{Begin, Measured, Order, Report, Setup, What};
use lab_core::{server::ServerControl, setting::ServerSetting, time::Time};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    mem::{Discriminant, discriminant},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::Sender,
};

/// What a replica, or the end of one, says to the control thread.
#[derive(Debug)]
pub(super) struct Message {
    /// The process: replicas, all services counted through, then managers.
    pub server: usize,
    /// Which of its lives, from 0.
    pub life: u32,
    /// `None`: it said its last word.
    pub report: Option<Report>,
}

/// A replica or manager and all its lives.
#[derive(Debug)]
pub(super) struct Replica {
    pub server: usize,
    pub name: String,
    pub port: u16,
    pub windows: BTreeMap<usize, Measured>,
    /// Windows in which its timer was late, and by how much at the 99th percentile, in microseconds.
    pub timer_p99_us: Vec<(usize, f64)>,
    pub timer: Option<super::LatenessSummary>,
    /// Attempts of its own that found no port or descriptor, as far as its processes have told.
    pub unconnected: u64,
    pub lives: u32,
    process: Option<Process>,
    /// The process is to be stopped as soon as its machine is paused.
    pub to_stop: bool,
}

#[derive(Debug)]
struct Process {
    child: Child,
    stdin: ChildStdin,
}

impl Replica {
    pub(super) fn new(server: usize, name: String, port: u16) -> Replica {
        Replica {
            server,
            name,
            port,
            windows: BTreeMap::new(),
            timer_p99_us: vec![],
            timer: None,
            unconnected: 0,
            lives: 0,
            process: None,
            to_stop: false,
        }
    }

    /// Starts a process for this replica. It dies with the calling thread.
    pub(super) fn start(
        &mut self,
        executable: &Path,
        setup: &Setup,
        messages: &Sender<Message>,
    ) -> Result<(), LiveError> {
        let failed = |source| LiveError::Start { executable: executable.to_path_buf(), source };
        let mut child = Command::new(executable)
            .arg("replica")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for the parent alone.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(LiveError::Replica { replica: self.name.clone(), reason: "it has no pipes".into() });
        };
        self.process = Some(Process { child, stdin });
        let (server, life, messages) = (self.server, self.lives, messages.clone());
        self.lives += 1;
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let report = serde_json::from_str(&line).unwrap_or_else(|error| Report::Failed {
                    reason: format!("it said {line:?}, which is no report: {error}"),
                });
                if messages.send(Message { server, life, report: Some(report) }).is_err() {
                    return;
                }
            }
            // Nobody may be left to hear it.
            let _ = messages.send(Message { server, life, report: None });
        });
        self.write(setup)
    }

    /// Tells the process when the run begins.
    pub(super) fn begin(&mut self, begin: &Begin) -> Result<(), LiveError> {
        self.write(begin)
    }

    /// Has the process report its last windows as of `at` and exit.
    pub(super) fn stop(&mut self, at: Time) {
        self.order(&Order { at, what: What::Stop });
    }

    /// Orders something more. A process that is gone has nothing to do any more.
    pub(super) fn order(&mut self, order: &Order) {
        let _ = self.write(order);
    }

    fn write(&mut self, line: &impl serde::Serialize) -> Result<(), LiveError> {
        let Some(process) = &mut self.process else { return Ok(()) };
        let mut bytes = serde_json::to_vec(line).expect("plain data");
        bytes.push(b'\n');
        process.stdin.write_all(&bytes).map_err(|error| LiveError::Replica {
            replica: self.name.clone(),
            reason: format!("it does not listen to what it is told: {error}"),
        })
    }

    /// Whether a process runs.
    pub(super) fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// Sends `signal` to the process, if there is one.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(Process { child, .. }) = &self.process
            && let Some(pid) = Pid::from_raw(child.id() as i32)
        {
            // It is our child and not waited for yet, so the number is still its own.
            let _ = kill_process(pid, signal);
        }
    }

    /// Kills the process and waits until it is gone.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Killing fails only for a process that has exited.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a process that starts at `from` has to be told: what is in force then, and what comes later.
pub(super) fn orders(told: &[(Time, What)], from: Time, end: Time) -> Vec<Order> {
    let mut orders = vec![];
    let before = || told.iter().filter(|(at, _)| from > Time::ZERO && *at <= from).map(|(_, what)| what);
    for (index, what) in before().enumerate() {
        let replaced = |later: &What| lasting(later) == lasting(what);
        if lasting(what).is_some() && !before().skip(index + 1).any(replaced) {
            orders.push(Order { at: from, what: *what });
        }
    }
    let process_does =
        |what: &What| matches!(what, What::Control(ServerControl::Crash | ServerControl::Restart));
    for (at, what) in told.iter().filter(|(at, w)| (*at > from || from == Time::ZERO) && !process_does(w)) {
        orders.push(Order { at: *at, what: *what });
    }
    orders.push(Order { at: end, what: What::Stop });
    orders
}

/// What an order is about that is in force until the next one about the same. `None`: it is carried out once.
fn lasting(what: &What) -> Option<(Discriminant<ServerControl>, Option<Discriminant<ServerSetting>>)> {
    let What::Control(control) = what else { return None };
    match control {
        ServerControl::SlowDown(_) | ServerControl::ErrorShare(_) => Some((discriminant(control), None)),
        ServerControl::Set(setting) => Some((discriminant(control), Some(discriminant(setting)))),
        ServerControl::Pause
        | ServerControl::Resume
        | ServerControl::Crash
        | ServerControl::Restart
        | ServerControl::Flush => None,
    }
}

/// Where the steps of a life are recorded.
pub(super) fn steps_file(folder: &Path, server: usize, life: u32) -> PathBuf {
    folder.join(format!("replica-{server}-{life}.jsonl"))
}
