//! What this host carries: a closed loop of a few connections to replicas that have nothing to do, for half a second.
use super::{
    LiveError,
    clock::Clock,
    guard,
    http::{self, Ask},
    process::{Message, Replica},
    wire::{Begin, REPLICA_ADDRESS, Report, Seat, Setup},
};
use crate::scenario::{CacheService, Scenario, Service, sample};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use lab_core::{
    cache::FillTimeout,
    call::{Attempt, Job},
    demand::Demand,
    time::{Span, Time},
};
use std::{
    cell::Cell,
    error::Error,
    path::Path,
    rc::Rc,
    sync::mpsc::{Receiver, channel},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    runtime::{Builder, LocalOptions},
    task::spawn_local,
};

const LENGTH: Span = Span::from_millis(500);
/// Requests under way at one time, all replicas together.
const CONNECTIONS: u32 = 48;
/// More replicas than this do not change what two ends of a connection cost.
const REPLICAS_MAX: usize = 4;
/// Share of a closed loop's rate up to which an open loop stays punctual. The closed loop handles what has come in batches; an
/// open loop wakes for every call. `benches/live.rs` found 20,000/s punctual and 25,000/s late where the closed loop did
/// 110,000/s.
const PUNCTUAL: f64 = 0.18;

/// Calls per second that a load thread and as many replicas as `scenario` has can exchange here without being late.
pub(super) fn carries(executable: &Path, scenario: &Scenario) -> Result<f64, LiveError> {
    let mut idle = sample::queueing(1.0, 1024, Span::ZERO, Span::from_secs(3600));
    idle.services[0].policy.service_time = Demand::Constant(Span::ZERO);
    let replicas = scenario.services.iter().map(|s| s.replicas as usize).sum::<usize>().min(REPLICAS_MAX);
    let (sender, messages) = channel();
    let mut fleet = vec![];
    for server in 0..replicas {
        let mut replica = Replica::new(server, format!("self-test {server}"), 0);
        let setup = Setup {
            scenario: idle.clone(),
            service: 0,
            seat: Seat::Replica(0),
            lives: 0,
            seed: 0,
            parent: std::process::id() as i32,
            port: 0,
            opens: None,
            record: None,
            views: None,
        };
        replica.start(executable, &setup, &sender)?;
        fleet.push(replica);
    }
    for _ in 0..replicas {
        let (server, port) = ready(&messages)?;
        fleet[server].port = port;
    }
    let clock = Clock::starting_in(Span::ZERO);
    for replica in &mut fleet {
        replica.begin(&Begin { clock, orders: vec![], group: vec![], ports: vec![] })?;
    }
    let ports: Vec<u16> = fleet.iter().map(|r| r.port).collect();
    let thread = std::thread::spawn(move || closed_loop(&ports, clock));
    let exchanged = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let exchanged =
        exchanged.map_err(|source| LiveError::System { what: "the self-test before a run", source })?;
    Ok(exchanged as f64 / LENGTH.as_secs_f64() * PUNCTUAL)
}

/// A replica that listens, and where.
fn ready(messages: &Receiver<Message>) -> Result<(usize, u16), LiveError> {
    let Ok(Message { server, report, .. }) = messages.recv_timeout(Duration::from_secs(20)) else {
        return Err(LiveError::Host("a process of its own does not start within 20 s".into()));
    };
    match report {
        Some(Report::Ready { port }) => Ok((server, port)),
        Some(Report::Failed { reason }) => Err(LiveError::Host(reason)),
        _ => Err(LiveError::Host("a process of its own ends at once; is this binary the lab?".into())),
    }
}

fn closed_loop(ports: &[u16], clock: Clock) -> std::io::Result<u64> {
    let runtime = Builder::new_current_thread().enable_io().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let exchanged = Rc::new(Cell::new(0));
        let until = clock.now() + LENGTH;
        let loops: Vec<_> = (0..CONNECTIONS)
            .zip(ports.iter().cycle())
            .map(|(client, &port)| spawn_local(one_loop(client, port, clock, until, exchanged.clone())))
            .collect();
        for one in loops {
            one.await?.map_err(std::io::Error::other)?;
        }
        Ok(exchanged.get())
    })
}

/// One request after the other on one connection.
async fn one_loop(
    client: u32,
    port: u16,
    clock: Clock,
    until: Time,
    exchanged: Rc<Cell<u64>>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect((REPLICA_ADDRESS, port)).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = spawn_local(connection);
    let mut generation = 0;
    while clock.now() < until {
        generation += 1;
        let attempt = Attempt { slot: 0, generation };
        let job = Job { client, attempt, call: u64::from(generation), number: 1, gives_up_at: Time::NEVER };
        sender.ready().await?;
        sender.send_request(http::request(&Ask { job, store: None })).await?.into_body().collect().await?;
        exchanged.set(exchanged.get() + 1);
    }
    connection.abort();
    Ok(())
}

/// Refuses what this host cannot carry in any case: more calls than it can exchange, more connections than it may open.
pub(super) fn refuse_too_much(scenario: &Scenario, carries_per_s: f64) -> Result<(), LiveError> {
    let descriptors = guard::raise_descriptor_limit();
    let seconds = 0..scenario.duration.0.div_ceil(1_000_000_000);
    let loads: Vec<_> = (0..scenario.clients.len()).map(|group| scenario.load(group)).collect();
    let rate = |second: u64| -> f64 { loads.iter().map(|l| l.rate_at(Time(second * 1_000_000_000))).sum() };
    let peak = seconds.map(rate).fold(0.0, f64::max);
    if peak > carries_per_s {
        return Err(LiveError::Host(format!(
            "{peak:.0} calls/s are offered at the peak, and it carries about {carries_per_s:.0}/s"
        )));
    }
    let waiting: f64 = (0..scenario.clients.len()).map(|group| waiting_max(scenario, group)).sum();
    if waiting > descriptors as f64 {
        return Err(LiveError::Host(format!(
            "up to {waiting:.0} attempts could be under way at one time, a connection each, and a process may open \
             {descriptors} files (see `ulimit -n`)"
        )));
    }
    let caches = scenario.services.iter().enumerate().filter(|(_, service)| service.cache.is_some());
    for (index, service) in caches {
        let held = cache_holds(scenario, index);
        if held > descriptors as f64 {
            return Err(LiveError::Host(format!(
                "cache `{}` could have up to {held:.0} requests and fills under way at one time, a connection each, and a \
                 process may open {descriptors} files (see `ulimit -n`)",
                service.name
            )));
        }
    }
    Ok(())
}

/// The most connections that a replica of a cache can have open at one time: to its callers, and to a store that has stopped
/// answering.
fn cache_holds(scenario: &Scenario, cache: usize) -> f64 {
    let Service { replicas, cache: Some(CacheService { policy, .. }), .. } = &scenario.services[cache] else {
        return 0.0;
    };
    let groups = (0..scenario.clients.len()).filter(|&group| scenario.clients[group].service == cache);
    let of_group = |group: usize| {
        let waiting = waiting_max(scenario, group);
        match policy.fill_timeout {
            // Nobody waits longer for the store than for the cache.
            FillTimeout::Requester => 2.0 * waiting,
            FillTimeout::After(_) if waiting == 0.0 => 0.0,
            FillTimeout::After(span) => {
                let attempts = f64::from(scenario.clients[group].policy.retry.max_attempts);
                waiting + peak(scenario, group) * attempts * span.min(scenario.duration).as_secs_f64()
            }
        }
    };
    groups.map(of_group).sum::<f64>() / f64::from(*replicas)
}

/// The highest rate of a group's calls, per second.
fn peak(scenario: &Scenario, group: usize) -> f64 {
    let load = scenario.load(group);
    let seconds = 0..scenario.duration.0.div_ceil(1_000_000_000);
    seconds.map(|s| load.rate_at(Time(s * 1_000_000_000))).fold(0.0, f64::max)
}

/// The most attempts of a group that can be under way at one time, should its service stop answering: every attempt lasts its
/// timeout. Zero if nothing disturbs the service and its capacity exceeds the load.
fn waiting_max(scenario: &Scenario, group: usize) -> f64 {
    let client = &scenario.clients[group];
    let peak = peak(scenario, group);
    if scenario.disturbances.is_empty() && peak < scenario.capacity(client.service) {
        return 0.0;
    }
    let timeout = client.policy.per_try_timeout.min(client.policy.deadline);
    let attempts = if timeout.is_forever() { 1 } else { client.policy.retry.max_attempts };
    let lasts = Span(timeout.0.saturating_mul(u64::from(attempts))).min(client.policy.deadline);
    if lasts.is_forever() {
        // Without a timeout what is beyond capacity piles up.
        let excess = (peak - scenario.capacity(client.service)).max(0.0);
        return excess * scenario.duration.as_secs_f64();
    }
    peak * lasts.min(scenario.duration).as_secs_f64()
}
