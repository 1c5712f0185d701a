//! The run, on a thread of its own: it goes on at its pace, does what it is told between two steps, and tells everybody who watches.
use super::{
    controls::Values,
    frame::Watch,
    protocol::{Frame, Hello, Window},
    script::{LONGEST, Script},
    source::Source,
    status::Observer,
};
use crate::results;
use lab_core::time::{Span, Time};
use serde::Serialize;
use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};
use tokio::sync::{broadcast, oneshot};

/// The run goes on in steps of this length, and what is pressed acts at the end of one.
pub(super) const STEP: Span = Span::from_millis(100);
/// Between two frames.
const FRAME: Duration = Duration::from_millis(100);
/// While nothing happens, a frame tells that the run is still there.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Between two verdicts.
const VERDICT: Duration = Duration::from_millis(500);
/// The numbers are those of the windows of the last seconds; more of them are of no use.
const LATELY_S: f64 = 10.0;
/// Who begins to watch is told of so many windows, the last ones.
const KEPT: usize = 7200;
/// A spectator who is so many messages behind is let go; his browser comes back and begins anew.
pub(super) const BEHIND: usize = 64;

/// What is asked of the run. Answers are for people where they are errors.
#[derive(Debug)]
pub(super) enum Command {
    /// Presses a lever: its name and instant come back.
    Press { lever: String, arguments: Values, answer: Answer<(String, f64)> },
    /// Sets the pace: speed and whether it is paused come back.
    Pace { speed: Option<f64>, paused: Option<bool>, answer: Answer<(f64, bool)> },
    /// Goes back.
    Rewind { to: Time, answer: Answer<f64> },
    /// Someone begins to watch.
    Join { answer: oneshot::Sender<Joined> },
    /// The session as a config.
    Export { answer: Answer<String> },
    /// The windows so far.
    Csv { answer: Answer<String> },
}

/// Where an answer goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, String>>;

/// What someone gets who begins to watch.
#[derive(Debug)]
pub(super) struct Joined {
    /// What was, as events.
    pub first: String,
    /// What comes.
    pub then: broadcast::Receiver<Arc<str>>,
}

/// The thread's state.
pub(super) struct Driver<S> {
    source: S,
    script: Script,
    watch: Watch,
    hello: Hello,
    observer: Observer,
    everybody: broadcast::Sender<Arc<str>>,
    speed: f64,
    paused: bool,
    /// Windows that everybody has been told of.
    told: usize,
    /// When the next step is due, the next frame may be sent, and the next verdict be made.
    step_at: Instant,
    frame_at: Instant,
    verdict_at: Instant,
    framed: Instant,
    /// Something has happened that the next frame is to tell.
    news: bool,
    /// How far the run was when the verdict was made.
    judged: Time,
}

impl<S: Source> Driver<S> {
    /// A run that is paused at its beginning.
    #[expect(clippy::disallowed_methods, reason = "a session's pace is that of the real clock")]
    pub(super) fn new(source: S, script: Script, watch: Watch, hello: Hello, speed: f64) -> Driver<S> {
        let now = Instant::now();
        Driver {
            source,
            script,
            watch,
            hello,
            observer: Observer::new(),
            everybody: broadcast::Sender::new(BEHIND),
            speed,
            paused: false,
            told: 0,
            step_at: now,
            frame_at: now,
            verdict_at: now,
            framed: now,
            news: true,
            judged: Time::ZERO,
        }
    }

    /// Goes on until nobody can ask anything any more.
    #[expect(clippy::disallowed_methods, reason = "a session's pace is that of the real clock")]
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        loop {
            let now = Instant::now();
            let due = if self.stands() { now + FRAME } else { self.step_at };
            match commands.recv_timeout(due.saturating_duration_since(now)) {
                Ok(command) => self.command(command),
                Err(RecvTimeoutError::Timeout) => self.step(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.tell(Instant::now());
        }
    }

    /// Whether time stands still.
    fn stands(&self) -> bool {
        self.paused || self.ended()
    }

    fn ended(&self) -> bool {
        self.source.now() >= self.source.end().unwrap_or(Time::ZERO + LONGEST)
    }

    #[expect(clippy::disallowed_methods, reason = "a session's pace is that of the real clock")]
    fn step(&mut self) {
        if self.stands() {
            return;
        }
        self.source.advance(self.source.now() + STEP);
        self.news = true;
        // What could not be done in time is not made up for: the pace is a wish, the run's own time is what counts.
        let next = self.step_at + Duration::from_nanos(STEP.0).div_f64(self.speed);
        self.step_at = next.max(Instant::now() - FRAME);
    }

    fn command(&mut self, command: Command) {
        // Who asked may have gone.
        match command {
            Command::Press { lever, arguments, answer } => {
                let _ = answer.send(self.press(&lever, &arguments));
            }
            Command::Pace { speed, paused, answer } => {
                let _ = answer.send(self.pace(speed, paused));
            }
            Command::Rewind { to, answer } => {
                let _ = answer.send(self.rewind(to));
            }
            Command::Join { answer } => {
                let _ = answer.send(self.join());
            }
            Command::Export { answer } => {
                let _ = answer.send(
                    self.needs(self.hello.can.press, "export")
                        .map(|()| self.script.export(self.source.now())),
                );
            }
            Command::Csv { answer } => {
                let _ = answer.send(self.csv());
            }
        }
    }

    fn needs(&self, can: bool, what: &str) -> Result<(), String> {
        if can { Ok(()) } else { Err(format!("a {} has nothing to {what}", self.hello.engine)) }
    }

    fn press(&mut self, lever: &str, arguments: &Values) -> Result<(String, f64), String> {
        self.needs(self.hello.can.press, "press")?;
        if self.ended() {
            return Err("the session is at its end".into());
        }
        let at = self.source.now();
        let before = self.script.clone();
        let name = self.script.press(lever, arguments, at)?;
        if let Err(wrong) = self.source.steer(&self.script) {
            self.script = before;
            return Err(wrong);
        }
        if self.script.scenario().triggers().any(|d| d.name == name) {
            self.observer.triggered(self.script.scenario(), at);
        }
        self.at_once();
        Ok((name, at.as_secs_f64()))
    }

    fn pace(&mut self, speed: Option<f64>, paused: Option<bool>) -> Result<(f64, bool), String> {
        self.needs(self.hello.can.pace, "pace")?;
        if let Some(speed) = speed {
            if !self.hello.speeds.contains(&speed) {
                return Err(format!("there is no speed {speed}; there are {:?}", self.hello.speeds));
            }
            self.speed = speed;
        }
        self.paused = paused.unwrap_or(self.paused);
        self.begin_pace();
        self.at_once();
        Ok((self.speed, self.paused))
    }

    fn rewind(&mut self, to: Time) -> Result<f64, String> {
        self.needs(self.hello.can.rewind, "rewind")?;
        let to = Time(to.0 / STEP.0 * STEP.0);
        // What has not been simulated yet cannot be shown; of a run that was kept all is there.
        if to > self.source.now() && self.source.end().is_none() {
            let now = self.source.now().as_secs_f64();
            return Err(format!("the run has got to {now} s, not yet to {} s", to.as_secs_f64()));
        }
        self.script.cut(to)?;
        self.source.rewind(&self.script, to)?;
        self.observer = Observer::new();
        (self.paused, self.told, self.judged) = (true, 0, Time::ZERO);
        self.send(event("rewound", &serde_json::json!({ "to_s": to.as_secs_f64() })));
        self.told = Watch::count(&self.source.windows());
        let history = self.history();
        self.send(history);
        self.begin_pace();
        self.at_once();
        Ok(to.as_secs_f64())
    }

    #[expect(clippy::disallowed_methods, reason = "a session's pace is that of the real clock")]
    fn begin_pace(&mut self) {
        self.step_at = Instant::now();
    }

    /// The next frame is not waited for.
    fn at_once(&mut self) {
        self.news = true;
        self.frame_at = self.framed;
    }

    fn join(&mut self) -> Joined {
        let first = event("hello", &self.hello) + &self.history();
        Joined { first, then: self.everybody.subscribe() }
    }

    /// All that everybody has been told of, as one frame: who begins to watch then knows the same.
    fn history(&mut self) -> String {
        self.look();
        let rows = self.watch.rows(&self.source.windows(), self.told.saturating_sub(KEPT)..self.told);
        self.frame("history", rows)
    }

    fn tell(&mut self, now: Instant) {
        let due = if self.news { self.frame_at } else { self.framed + HEARTBEAT };
        if now < due {
            return;
        }
        self.verdict(now);
        let count = self.look();
        let new = self.told.max(count.saturating_sub(KEPT))..count;
        let rows = self.watch.rows(&self.source.windows(), new);
        self.told = count;
        let frame = self.frame("frame", rows);
        self.send(frame);
        (self.news, self.framed, self.frame_at) = (false, now, now + FRAME);
    }

    fn send(&self, event: String) {
        // Nobody need be watching.
        let _ = self.everybody.send(event.into());
    }

    /// Takes up what the last windows show. How many there are.
    fn look(&mut self) -> usize {
        let windows = self.source.windows();
        let count = Watch::count(&windows);
        let lately = (LATELY_S / self.hello.window_s).ceil() as usize;
        let last = self.watch.rows(&windows, count.saturating_sub(lately)..count);
        if let Some(summary) = self.source.found() {
            self.observer.conclude(summary);
        }
        self.observer.look(self.script.scenario(), &last, self.source.now());
        count
    }

    fn verdict(&mut self, now: Instant) {
        if now < self.verdict_at || self.judged == self.source.now() {
            return;
        }
        self.judged = self.source.now();
        if let Some(trace) = self.source.so_far() {
            self.observer.judge(self.script.scenario(), trace, self.judged);
        }
        self.verdict_at = now + VERDICT;
    }

    /// A frame, as an event of this kind.
    fn frame(&self, kind: &str, windows: Vec<Window>) -> String {
        let now = self.source.now();
        let frame = Frame {
            t_s: now.as_secs_f64(),
            speed: self.speed,
            paused: self.paused,
            ended: self.ended(),
            windows,
            now: self.source.gauges(self.watch.service),
            status: &self.observer.status,
            marks: &self.script.marks(now),
        };
        event(kind, &frame)
    }

    fn csv(&mut self) -> Result<String, String> {
        let mut trace = self.source.so_far().ok_or("a replay's windows are in its folder")?;
        trace.cut_to_whole_windows();
        Ok(results::windows_csv(&trace))
    }
}

/// A server-sent event.
fn event(kind: &str, data: &impl Serialize) -> String {
    let data = serde_json::to_string(data).expect("what the page is told is plain data");
    format!("event: {kind}\ndata: {data}\n\n")
}
