//! A live run from its start to its end, as the calling thread sees it: replicas started, the load thread beside, triggers that
//! act on processes, and at the end one trace.
use super::{
    Fitness, LiveError, LiveOptions, LiveRun, Progress, Recording,
    clock::Clock,
    guard,
    load::{self, Counters, LoadRun, LoadSetup, News},
    probe,
    process::{self, Message, Replica},
    record::{Life, Steps, read_manager, read_steps},
    reported::Reported,
    wire::{Begin, Order, Report, Seat, Setup, What},
};
use crate::{
    agenda::Agenda,
    engine::notes,
    scenario::{Scenario, Service},
    trace::{Event, Trace},
};
use lab_core::{
    replicate::node::MANAGER,
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
use tokio::sync::{mpsc, oneshot};

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
    /// For what processes write: steps that are recorded, views that managers keep.
    folder: Option<Folder>,
    clock: Clock,
    /// All replicas, service by service, then the managers of groups; and where each of them sits.
    replicas: Vec<Replica>,
    seats: Vec<(usize, Seat)>,
    /// What each process's machine is told, and when.
    told: Vec<Vec<(Time, What)>>,
    plan: Agenda<(usize, Act)>,
    sender: Sender<Message>,
    messages: Receiver<Message>,
    /// What managers tell the clients, on its way to the load thread.
    news: mpsc::UnboundedSender<News>,
    /// What members and managers of groups have noted.
    events: Vec<Event>,
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
    let (news, told) = mpsc::unbounded_channel();
    let mut fleet = Fleet::new(scenario, seed, options, news)?;
    let carries_per_s = probe::carries(&fleet.executable, scenario)?;
    probe::refuse_too_much(scenario, carries_per_s)?;
    fleet.start()?;
    let mut load = fleet.start_load(told)?;
    fleet.attend(&mut load)?;
    let load = load.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let load = load.map_err(|source| LiveError::System { what: "the load thread", source })?;
    fleet.end(load.end)?;
    fleet.finish(load, descriptors, carries_per_s)
}

impl<'a> Fleet<'a> {
    fn new(
        scenario: &Scenario,
        seed: u64,
        options: &'a LiveOptions<'a>,
        news: mpsc::UnboundedSender<News>,
    ) -> Result<Fleet<'a>, LiveError> {
        let system = |what| move |source| LiveError::System { what, source };
        let executable = match options.executable {
            Some(path) => path.to_path_buf(),
            None => std::env::current_exe().map_err(system("finding the lab's own binary"))?,
        };
        let clock = Clock::starting_in(Span::ZERO);
        let seats = seats(scenario);
        let managed = seats.iter().any(|(_, seat)| *seat == Seat::Manager);
        let folder = (options.record || managed).then(Folder::create).transpose();
        let folder = folder.map_err(system("a folder for what processes write"))?;
        let mut replicas = vec![];
        for (server, (service, seat)) in seats.iter().enumerate() {
            let port = options.first_port.map_or(0, |first| first.saturating_add(server as u16));
            let name = match seat {
                Seat::Replica(replica) => format!("{} {replica}", scenario.services[*service].name),
                Seat::Manager => format!("{} manager", scenario.services[*service].name),
            };
            replicas.push(Replica::new(server, name, port));
        }
        let told: Vec<_> = seats.iter().map(|seat| told(scenario, *seat)).collect();
        let (sender, messages) = channel();
        let plan = plan(&told, scenario.end());
        let scenario = Arc::new(scenario.clone());
        Ok(Fleet {
            scenario,
            seed,
            executable,
            folder,
            clock,
            replicas,
            seats,
            told,
            plan,
            sender,
            messages,
            news,
            events: vec![],
            options,
            ending: false,
        })
    }

    fn setup(&self, server: usize, opens: Option<Time>) -> Setup {
        let Fleet { scenario, seed, replicas, seats, folder, options, .. } = self;
        let (service, seat) = seats[server];
        let Replica { lives, port, .. } = replicas[server];
        let folder = folder.as_ref().map(|folder| &*folder.0);
        Setup {
            scenario: Scenario::clone(scenario),
            service,
            seat,
            lives,
            seed: *seed,
            parent: std::process::id() as i32,
            port,
            opens,
            record: folder.filter(|_| options.record).map(|f| process::steps_file(f, server, lives)),
            views: folder.filter(|_| seat == Seat::Manager).map(|f| f.join(format!("views-{service}.jsonl"))),
        }
    }

    /// What process `server` is told when all ports are known.
    fn begin(&self, server: usize, opens: Time) -> Begin {
        let Fleet { scenario, clock, replicas, seats, told, .. } = self;
        let service = seats[server].0;
        let grouped = scenario.services[service].membership.is_some();
        let group = seats.iter().zip(replicas).filter(|((of, _), _)| grouped && *of == service);
        let group = group.map(|((_, seat), replica)| match seat {
            Seat::Replica(me) => (*me, replica.port),
            Seat::Manager => (MANAGER, replica.port),
        });
        let orders = process::orders(&told[server], opens, scenario.end());
        let calls = scenario.services[service].cache.is_some();
        let ports = if calls { self.ports() } else { vec![] };
        Begin { clock: *clock, orders, group: group.collect(), ports }
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
        for server in 0..self.replicas.len() {
            let begin = self.begin(server, Time::ZERO);
            self.replicas[server].begin(&begin)?;
        }
        Ok(())
    }

    fn start_load(&self, news: mpsc::UnboundedReceiver<News>) -> Result<Loading, LiveError> {
        let counters = Arc::new(Counters::default());
        let (stop, stopped) = oneshot::channel();
        let setup = LoadSetup {
            scenario: self.scenario.clone(),
            seed: self.seed,
            clock: self.clock,
            ports: self.ports(),
            record: self.options.record,
            history: self.options.history,
            counters: counters.clone(),
            stop: stopped,
            news,
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
                    let begin = self.begin(server, opens);
                    let replica = &mut self.replicas[server];
                    replica.start(&self.executable, &setup, &self.sender)?;
                    replica.begin(&begin)?;
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
            Some(Report::Window { index, measured, timer_p99_us }) => {
                replica.windows.insert(index, measured);
                replica.timer_p99_us.push((index, timer_p99_us));
            }
            Some(Report::Noted { at, note }) => {
                let (service, seat) = self.seats[server];
                let name = &self.scenario.services[service].name;
                self.events.extend(match seat {
                    Seat::Replica(me) => notes::of_replica(at, name, me, &note),
                    Seat::Manager => notes::of_manager(at, name, &note),
                });
            }
            Some(Report::Published { at, view }) => {
                let service = self.seats[server].0;
                // The load thread may be at its end already.
                let _ = self.news.send(News { service, at, view });
                let calls = |of: usize| self.scenario.caches_calling(service).any(|cache| cache == of);
                let caches = self.seats.iter().zip(&mut self.replicas).filter(|((of, _), _)| calls(*of));
                for (_, cache) in caches {
                    cache.order(&Order { at, what: What::Members { service, view } });
                }
            }
            Some(Report::Paused) if current && replica.to_stop => replica.signal(Signal::STOP),
            Some(Report::Paused | Report::Ready { .. }) => {}
            Some(Report::Stopped { timer, unconnected }) => {
                replica.timer = Some(timer);
                replica.unconnected += unconnected;
            }
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
        let Fleet { scenario, seed, replicas, seats, folder, options, .. } = self;
        let windows = load.end.0.div_ceil(scenario.window.0) as usize;
        let reported = Reported { scenario: &scenario, replicas: &replicas, seats: &seats, windows };
        let (servers, groups, caches) = (reported.servers(), reported.groups(), reported.caches());
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
            unconnected: load.unconnected + replicas.iter().map(|r| r.unconnected).sum::<u64>(),
            host_bound: host_bound.len() as f64 / windows.max(1) as f64,
            carries_per_s,
            ..Fitness::default()
        };
        fitness.judge(&scenario);
        let lives = folder.filter(|_| options.record).map(|folder| folder.read(&scenario, &replicas, &seats));
        let lives = lives.transpose();
        let lives = lives.map_err(|source| LiveError::System { what: "reading the recording", source })?;
        let mut events = [load.events, self.events].concat();
        events.sort_by_key(|event| event.at);
        if load.end < scenario.end() {
            events.push(Event { at: load.end, kind: "interrupted", subject: String::new() });
        }
        let recording = lives.map(|lives| Recording {
            scenario: Scenario::clone(&scenario),
            seed,
            clients: load.steps,
            lives,
        });
        let trace = Trace {
            seed,
            end: load.end,
            window: scenario.window,
            clients: load.clients,
            servers,
            groups,
            caches,
            history: load.history,
            events,
            host_bound,
        };
        Ok(LiveRun { trace, fitness, recording })
    }

    /// Where each replica listens, all services counted through.
    fn ports(&self) -> Vec<u16> {
        let replicas = self.replicas.iter().zip(&self.seats).filter(|(_, (_, seat))| *seat != Seat::Manager);
        replicas.map(|(replica, _)| replica.port).collect()
    }
}

/// All processes of a run: the service of each, and who it is there.
fn seats(scenario: &Scenario) -> Vec<(usize, Seat)> {
    let services = || scenario.services.iter().enumerate();
    let replicas = services().flat_map(|(i, s)| (0..s.replicas).map(move |me| (i, Seat::Replica(me))));
    let managers = services().filter(|(_, s)| s.membership.is_some()).map(|(i, _)| (i, Seat::Manager));
    replicas.chain(managers).collect()
}

/// What the machine in a seat is told, and when.
fn told(scenario: &Scenario, (service, seat): (usize, Seat)) -> Vec<(Time, What)> {
    let here = |(at, change): (Time, Change)| {
        let what = match change {
            Change::Server { service: s, replica, control }
                if (s, Seat::Replica(replica)) == (service, seat) =>
            {
                What::Control(control)
            }
            Change::Manager { service: s, control } if (s, Seat::Manager) == (service, seat) => {
                What::Control(control)
            }
            Change::Flush { service: s, keys } if s == service => What::Flush(keys),
            _ => return None,
        };
        Some((at, what))
    };
    timeline(&scenario.disturbances).into_iter().filter_map(here).collect()
}

/// What triggers do to processes before `end`.
fn plan(told: &[Vec<(Time, What)>], end: Time) -> Agenda<(usize, Act)> {
    let mut plan = Agenda::new();
    for (server, told) in told.iter().enumerate() {
        let mut crashed = Time::ZERO;
        for &(at, what) in told.iter().filter(|(at, _)| *at < end) {
            let What::Control(control) = what else { continue };
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

/// A folder for what processes write, removed when it is not needed any more.
struct Folder(PathBuf);

impl Folder {
    fn create() -> io::Result<Folder> {
        let unique = Clock::starting_in(Span::ZERO).timespec(Time::ZERO);
        let name = format!("lab-live-{}-{}-{}", std::process::id(), unique.tv_sec, unique.tv_nsec);
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder)?;
        Ok(Folder(folder))
    }

    /// The recorded steps of all lives.
    fn read(
        &self,
        scenario: &Scenario,
        replicas: &[Replica],
        seats: &[(usize, Seat)],
    ) -> io::Result<Vec<Life>> {
        let mut all = vec![];
        for (replica, &(service, seat)) in replicas.iter().zip(seats) {
            let Service { membership, cache, .. } = &scenario.services[service];
            for lives in 0..replica.lives {
                let file = process::steps_file(&self.0, replica.server, lives);
                // A process that was killed before it began has written nothing.
                if !Path::exists(&file) {
                    continue;
                }
                let steps = match seat {
                    Seat::Manager => read_manager(&file)?,
                    Seat::Replica(replica) if cache.is_some() => {
                        Steps::Cache { replica, lives, steps: read_steps(&file)? }
                    }
                    Seat::Replica(replica) if membership.is_some() => {
                        Steps::Node { replica, lives, steps: read_steps(&file)? }
                    }
                    Seat::Replica(replica) => Steps::Server { replica, steps: read_steps(&file)? },
                };
                all.push(Life { service, steps });
            }
        }
        Ok(all)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left-overs in the system's temporary folder do no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
