//! A live run from its start to its end, as the calling thread sees it: replicas started, the load thread beside, triggers that
//! act on processes, and at the end one trace.
use super::{
    Fitness, LiveError, LiveOptions, LiveRun, Progress, Recording,
    clock::Clock,
    guard,
    load::{self, Counters, LoadRun, LoadSetup},
    probe,
    process::{self, Message, Replica},
    record::{Life, read_steps},
    wire::{Begin, Report, Setup},
};
use crate::{
    agenda::Agenda,
    scenario::Scenario,
    trace::{Event, ServerTrace, Trace},
};
use lab_core::{
    server::ServerControl,
    time::{Span, Time},
    timeline::{Change, timeline},
};
use rustix::process::Signal;
use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::oneshot;

/// A replica that has not said by then that it listens never will.
const START_MAX: Duration = Duration::from_secs(20);
/// How long replicas may take to report after the end.
const STOP_MAX: Span = Span::from_secs(5);
/// Between the last replica's readiness and the run's beginning.
const LEAD: Span = Span::from_millis(50);
/// A crashed replica's new process is started this long before it is to listen.
const RESTART_LEAD: Span = Span::from_millis(300);
/// How often this thread looks around.
const LOOK: Span = Span::from_millis(50);

/// What this thread does to a process, and to which.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// From now on its pause may stop it.
    Stop,
    Continue,
    Kill,
    /// Starts it again, to listen at the time given.
    Start(Time),
}

struct Fleet<'a> {
    scenario: Arc<Scenario>,
    seed: u64,
    executable: PathBuf,
    record: Option<StepsFolder>,
    clock: Clock,
    replicas: Vec<Replica>,
    /// What each replica's machine is told, and when.
    controls: Vec<Vec<(Time, ServerControl)>>,
    plan: Agenda<(usize, Act)>,
    sender: Sender<Message>,
    messages: Receiver<Message>,
    options: &'a LiveOptions<'a>,
    /// The run is over, so that replicas may end.
    ending: bool,
}

/// The load thread as seen from here. It ends when `stop` is sent or dropped.
struct Loading {
    thread: JoinHandle<io::Result<LoadRun>>,
    counters: Arc<Counters>,
    stop: Option<oneshot::Sender<()>>,
}

pub(super) fn run(scenario: &Scenario, seed: u64, options: &LiveOptions<'_>) -> Result<LiveRun, LiveError> {
    let descriptors = guard::raise_descriptor_limit();
    let mut fleet = Fleet::new(scenario, seed, options)?;
    let carries_per_s = probe::carries(&fleet.executable, scenario)?;
    probe::refuse_too_much(scenario, carries_per_s)?;
    fleet.start()?;
    let mut load = fleet.start_load()?;
    fleet.attend(&mut load)?;
    let load = load.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let load = load.map_err(|source| LiveError::System { what: "the load thread", source })?;
    fleet.end(load.end)?;
    fleet.finish(load, descriptors, carries_per_s)
}

impl<'a> Fleet<'a> {
    fn new(scenario: &Scenario, seed: u64, options: &'a LiveOptions<'a>) -> Result<Fleet<'a>, LiveError> {
        let system = |what| move |source| LiveError::System { what, source };
        let executable = match options.executable {
            Some(path) => path.to_path_buf(),
            None => std::env::current_exe().map_err(system("finding the lab's own binary"))?,
        };
        let clock = Clock::starting_in(Span::ZERO);
        let record = options
            .record
            .then(StepsFolder::create)
            .transpose()
            .map_err(system("a folder for the recording"))?;
        let mut replicas = vec![];
        for service in &scenario.services {
            for replica in 0..service.replicas {
                let server = replicas.len();
                let port = options.first_port.map_or(0, |first| first.saturating_add(server as u16));
                replicas.push(Replica::new(server, format!("{} {replica}", service.name), port));
            }
        }
        let mut controls = vec![vec![]; replicas.len()];
        for (at, change) in timeline(&scenario.disturbances) {
            if let Change::Server { service, replica, control } = change {
                controls[scenario.first_replica(service) + replica as usize].push((at, control));
            }
        }
        let (sender, messages) = channel();
        let plan = plan(&controls, scenario.end());
        let scenario = Arc::new(scenario.clone());
        Ok(Fleet {
            scenario,
            seed,
            executable,
            record,
            clock,
            replicas,
            controls,
            plan,
            sender,
            messages,
            options,
            ending: false,
        })
    }

    fn setup(&self, server: usize, opens: Option<Time>) -> Setup {
        let Fleet { scenario, seed, replicas, record, .. } = self;
        let (service, replica) = place(scenario, server);
        let record = record.as_ref().map(|f| process::steps_file(&f.0, server, replicas[server].lives));
        let (scenario, seed, parent) = (Scenario::clone(scenario), *seed, std::process::id() as i32);
        Setup { scenario, service, replica, seed, parent, port: replicas[server].port, opens, record }
    }

    /// Starts all replicas, and the run's clock when all of them listen.
    fn start(&mut self) -> Result<(), LiveError> {
        for server in 0..self.replicas.len() {
            let setup = self.setup(server, None);
            self.replicas[server].start(&self.executable, &setup, &self.sender)?;
        }
        for _ in 0..self.replicas.len() {
            let silent =
                |_| LiveError::Host(format!("its replicas do not start within {} s", START_MAX.as_secs()));
            let message = self.messages.recv_timeout(START_MAX).map_err(silent)?;
            match message.report {
                Some(Report::Ready { port }) => self.replicas[message.server].port = port,
                _ => self.hear(message)?,
            }
        }
        self.clock = Clock::starting_in(LEAD);
        for (replica, controls) in self.replicas.iter_mut().zip(&self.controls) {
            let orders = process::orders(controls, Time::ZERO, self.scenario.end());
            replica.begin(&Begin { clock: self.clock, orders })?;
        }
        Ok(())
    }

    fn start_load(&self) -> Result<Loading, LiveError> {
        let counters = Arc::new(Counters::default());
        let (stop, stopped) = oneshot::channel();
        let setup = LoadSetup {
            scenario: self.scenario.clone(),
            seed: self.seed,
            clock: self.clock,
            ports: self.replicas.iter().map(|r| r.port).collect(),
            record: self.options.record,
            counters: counters.clone(),
            stop: stopped,
        };
        let thread = std::thread::Builder::new().name("load".into()).spawn(move || load::run(setup));
        let thread =
            thread.map_err(|source| LiveError::System { what: "starting the load thread", source })?;
        Ok(Loading { thread, counters, stop: Some(stop) })
    }

    /// Does what the triggers do to processes, and listens to the replicas, until the load is over.
    fn attend(&mut self, load: &mut Loading) -> Result<(), LiveError> {
        while !load.thread.is_finished() {
            self.act()?;
            let wait = self.plan.next().map_or(LOOK, |at| at.since(self.clock.now()).min(LOOK));
            match self.messages.recv_timeout(Duration::from_nanos(wait.0)) {
                Ok(message) => {
                    self.act()?;
                    self.hear(message)?;
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if self.options.interrupted.is_some_and(|flag| flag.load(Relaxed)) {
                // The load thread may be at its end already.
                load.stop.take().map(|stop| stop.send(()));
            }
            if let Some(show) = self.options.progress {
                show(Progress {
                    elapsed: self.clock.now().since(Time::ZERO).min(self.scenario.duration),
                    duration: self.scenario.duration,
                    calls: load.counters.calls.load(Relaxed),
                    over: load.counters.over.load(Relaxed),
                    attempts: load.counters.attempts.load(Relaxed),
                });
            }
        }
        Ok(())
    }

    /// Does what is due to processes.
    fn act(&mut self) -> Result<(), LiveError> {
        while let Some((_, (server, act))) = self.plan.due(self.clock.now()) {
            let replica = &mut self.replicas[server];
            match act {
                Act::Stop => replica.to_stop = true,
                Act::Continue => {
                    replica.to_stop = false;
                    replica.signal(Signal::CONT);
                }
                Act::Kill => {
                    replica.to_stop = false;
                    replica.kill();
                }
                Act::Start(opens) => {
                    let setup = self.setup(server, Some(opens));
                    let orders = process::orders(&self.controls[server], opens, self.scenario.end());
                    let replica = &mut self.replicas[server];
                    replica.start(&self.executable, &setup, &self.sender)?;
                    replica.begin(&Begin { clock: self.clock, orders })?;
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self, Message { server, life, report }: Message) -> Result<(), LiveError> {
        let ending = self.ending || self.clock.now() >= self.scenario.end();
        let replica = &mut self.replicas[server];
        let current = life + 1 == replica.lives && replica.runs();
        match report {
            Some(Report::Window { index, window, timer_p99_us }) => {
                replica.windows.insert(index, window);
                replica.timer_p99_us.push((index, timer_p99_us));
            }
            Some(Report::Paused) if current && replica.to_stop => replica.signal(Signal::STOP),
            Some(Report::Paused | Report::Ready { .. }) => {}
            Some(Report::Stopped { timer }) => replica.timer = Some(timer),
            Some(Report::Failed { reason }) if current => {
                return Err(LiveError::Replica { replica: replica.name.clone(), reason });
            }
            None if current && !ending => {
                let reason = "its process ended by itself".into();
                return Err(LiveError::Replica { replica: replica.name.clone(), reason });
            }
            Some(Report::Failed { .. }) | None => {}
        }
        Ok(())
    }

    /// Waits for the replicas' last reports, then ends their processes.
    fn end(&mut self, end: Time) -> Result<(), LiveError> {
        self.ending = true;
        let give_up = self.clock.now() + STOP_MAX;
        for replica in &mut self.replicas {
            replica.stop(end);
            replica.signal(Signal::CONT);
        }
        while self.replicas.iter().any(|r| r.runs() && r.timer.is_none()) && self.clock.now() < give_up {
            if let Ok(message) = self.messages.recv_timeout(Duration::from_nanos(LOOK.0)) {
                self.hear(message)?;
            }
        }
        self.replicas.iter_mut().for_each(Replica::kill);
        Ok(())
    }

    fn finish(self, load: LoadRun, descriptors: u64, carries_per_s: f64) -> Result<LiveRun, LiveError> {
        let Fleet { scenario, seed, replicas, record, .. } = self;
        let windows = load.end.0.div_ceil(scenario.window.0) as usize;
        let host_bound = host_bound(&scenario, &load, &replicas, windows);
        let mut fitness = Fitness {
            lateness_p50_us: load.sending.p50_us,
            lateness_p99_us: load.sending.p99_us,
            lateness_max_us: load.sending.max_us,
            timer_p99_us: load.timer.p99_us,
            station_p99_us: replicas.iter().filter_map(|r| r.timer).map(|t| t.p99_us).fold(0.0, f64::max),
            scheduled: load.scheduled,
            sent: load.sending.count,
            connections_max: load.connections_max,
            descriptors,
            unconnected: load.unconnected,
            host_bound: host_bound.len() as f64 / windows.max(1) as f64,
            carries_per_s,
            ..Fitness::default()
        };
        fitness.judge(&scenario);
        let recording = record.map(|folder| folder.read(&scenario, seed, &replicas, load.steps)).transpose();
        let recording =
            recording.map_err(|source| LiveError::System { what: "reading the recording", source })?;
        let mut events = load.events;
        if load.end < scenario.end() {
            events.push(Event { at: load.end, kind: "interrupted", subject: String::new() });
        }
        let servers = replicas.into_iter().enumerate();
        let servers = servers.map(|(server, mut replica)| {
            let (service, index) = place(&scenario, server);
            ServerTrace {
                service: scenario.services[service].name.clone(),
                replica: index,
                workers: scenario.services[service].policy.workers,
                // A replica that was down did nothing.
                windows: (0..windows).map(|i| replica.windows.remove(&i).unwrap_or_default()).collect(),
            }
        });
        let trace = Trace {
            seed,
            end: load.end,
            window: scenario.window,
            clients: load.clients,
            servers: servers.collect(),
            groups: vec![],
            caches: vec![],
            history: vec![],
            events,
            host_bound,
        };
        Ok(LiveRun { trace, fitness, recording })
    }
}

/// The service and the index in it of replica `server`, all services counted through.
fn place(scenario: &Scenario, server: usize) -> (usize, u32) {
    let service = (0..scenario.services.len()).rfind(|s| scenario.first_replica(*s) <= server).unwrap_or(0);
    (service, (server - scenario.first_replica(service)) as u32)
}

/// What triggers do to processes before `end`.
fn plan(controls: &[Vec<(Time, ServerControl)>], end: Time) -> Agenda<(usize, Act)> {
    let mut plan = Agenda::new();
    for (server, controls) in controls.iter().enumerate() {
        let mut crashed = Time::ZERO;
        for &(at, control) in controls.iter().filter(|(at, _)| *at < end) {
            match control {
                ServerControl::Pause => plan.plan(at, (server, Act::Stop)),
                ServerControl::Resume => plan.plan(at, (server, Act::Continue)),
                ServerControl::Crash => {
                    crashed = at;
                    plan.plan(at, (server, Act::Kill));
                }
                ServerControl::Restart => {
                    let early = Time(at.0.saturating_sub(RESTART_LEAD.0));
                    plan.plan(early.max(crashed), (server, Act::Start(at)));
                }
                _ => {}
            }
        }
    }
    plan
}

/// The windows in which sending or a replica's timer was too late for what was measured to be the service's own behaviour.
fn host_bound(scenario: &Scenario, load: &LoadRun, replicas: &[Replica], windows: usize) -> Vec<usize> {
    let limit = guard::late_max(scenario);
    let late = load.bins.iter().filter(|(_, p99)| *p99 > limit);
    let mut bound: BTreeSet<usize> =
        late.map(|(ends, _)| ((ends.0 - 1) / scenario.window.0) as usize).collect();
    let timers = replicas.iter().flat_map(|r| &r.timer_p99_us);
    bound.extend(timers.filter(|(_, p99_us)| *p99_us * 1e3 > limit.0 as f64).map(|(index, _)| *index));
    bound.into_iter().filter(|index| *index < windows).collect()
}

/// A folder for the replicas' recorded steps, removed when it is not needed any more.
struct StepsFolder(PathBuf);

impl StepsFolder {
    fn create() -> io::Result<StepsFolder> {
        let unique = Clock::starting_in(Span::ZERO).timespec(Time::ZERO);
        let name = format!("lab-steps-{}-{}-{}", std::process::id(), unique.tv_sec, unique.tv_nsec);
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder)?;
        Ok(StepsFolder(folder))
    }

    fn read(
        &self,
        scenario: &Scenario,
        seed: u64,
        replicas: &[Replica],
        clients: Vec<Vec<super::Step<lab_core::client::ClientIn, lab_core::client::ClientOut>>>,
    ) -> io::Result<Recording> {
        let mut lives = vec![];
        for replica in replicas {
            let (service, index) = place(scenario, replica.server);
            for life in 0..replica.lives {
                let file = process::steps_file(&self.0, replica.server, life);
                // A process that was killed before it began has written nothing.
                if Path::exists(&file) {
                    lives.push(Life { service, replica: index, steps: read_steps(&file)? });
                }
            }
        }
        Ok(Recording { scenario: scenario.clone(), seed, clients, lives })
    }
}

impl Drop for StepsFolder {
    fn drop(&mut self) {
        // Left-overs in the system's temporary folder do no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
