//! A process of a live run: an HTTP/1.1 server in front of a [`Station`].
use super::{
    connection::{Caller, End},
    http::{self, Reply},
    post::Post,
    record::StepWriter,
    role::{CacheRole, ManagerRole, NodeRole, Role, ServerRole},
    station::Station,
    timer::Timer,
    wire::{Begin, Order, REPLICA_ADDRESS, Report, Seat, Setup},
};
use crate::engine::network::Network;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Method, Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use lab_core::{
    call::{Attempt, Job},
    draw::Draw,
    replicate::node::MANAGER,
    time::Time,
};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::{
    cell::RefCell,
    io::{self, Write},
    process::ExitCode,
    rc::{Rc, Weak},
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::{Builder, LocalOptions},
    sync::{mpsc, oneshot},
    task::spawn_local,
};

/// Connections that the kernel completes while the replica cannot accept them.
const BACKLOG: u32 = 4096;

/// Serves as a replica or manager, as told on standard input, until told to stop or the parent is gone. What fails is reported on standard
/// output, for the parent to show.
pub fn replica_main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&Report::Failed { reason: error.to_string() });
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    let mut lines = io::stdin().lines();
    let setup: Setup = read_line(&mut lines)?;
    die_with(setup.parent)?;
    super::guard::raise_descriptor_limit();
    let runtime = Builder::new_current_thread().enable_io().build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let early = if setup.opens.is_none() { Some(listen(&setup)?) } else { None };
        if let Some(listener) = &early {
            say(&Report::Ready { port: listener.local_addr()?.port() });
        }
        let begin: Begin = read_line(&mut lines)?;
        let timer = Timer::new(begin.clock)?;
        let listener = match (early, setup.opens) {
            (Some(listener), _) => listener,
            (None, opens) => {
                wait_until(&timer, opens.unwrap_or(Time::ZERO)).await?;
                listen(&setup)?
            }
        };
        // The thread that follows orders reads on from here.
        drop(lines);
        let now = setup.starts();
        let service = &setup.scenario.services[setup.service];
        let site = Site { setup: &setup, begin: &begin, timer, listener, inbox: follow_orders() };
        match setup.seat {
            Seat::Manager => run(ManagerRole::new(&setup, now)?, site).await,
            Seat::Replica(me) if service.membership.is_some() => {
                run(NodeRole::new(&setup, me, now), site).await
            }
            Seat::Replica(me) if service.cache.is_some() => run(CacheRole::new(&setup, me, now), site).await,
            Seat::Replica(me) => run(ServerRole::new(&setup, me, now), site).await,
        }
    })
}

/// Reads one line that the parent must have sent.
fn read_line<T: serde::de::DeserializeOwned>(lines: &mut io::Lines<io::StdinLock<'_>>) -> io::Result<T> {
    let line = lines.next().ok_or_else(|| {
        io::Error::other("this verb is for the lab's own use: a run starts its replicas itself")
    })??;
    Ok(serde_json::from_str(&line)?)
}

/// Ends this process with the parent, however that ends: the kernel sees to it, even if this process is stopped.
fn die_with(parent: i32) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the line above.
    if getppid().map(Pid::as_raw_nonzero).map(i32::from) == Some(parent) {
        Ok(())
    } else {
        Err(io::Error::other("the process that started this replica is gone"))
    }
}

fn listen(setup: &Setup) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    let listen = socket.bind((REPLICA_ADDRESS, setup.port).into()).and_then(|()| socket.listen(BACKLOG));
    listen.map_err(|error| {
        io::Error::other(format!("cannot listen on {REPLICA_ADDRESS}:{}: {error}", setup.port))
    })
}

async fn wait_until(timer: &Timer, at: Time) -> io::Result<()> {
    timer.arm(at);
    timer.wait().await.map(|_| ())
}

/// Later orders, read by a thread of its own; the end of the input is the parent's end.
fn follow_orders() -> mpsc::UnboundedReceiver<Order> {
    let (orders, inbox) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(order) => drop(orders.send(order)),
                Err(error) => say(&Report::Failed { reason: format!("cannot read an order: {error}") }),
            }
        }
        std::process::exit(0);
    });
    inbox
}

/// A line for the parent. Where nobody reads it, there is nothing left to do.
fn say(report: &Report) {
    let mut line = serde_json::to_vec(report).expect("a report is plain data");
    line.push(b'\n');
    if io::stdout().lock().write_all(&line).is_err() {
        std::process::exit(1);
    }
}

type Shared<R> = Rc<Host<R>>;

/// A station and what wakes it, shared by the tasks of the process.
struct Host<R: Role> {
    station: RefCell<Station<R>>,
    timer: Timer,
}

impl<R: Role> Host<R> {
    /// Has the station do something, and sees to it that it is woken for what follows from it.
    fn enter<T>(&self, act: impl FnOnce(&mut Station<R>) -> T) -> T {
        let mut station = self.station.borrow_mut();
        let result = act(&mut station);
        self.timer.arm(station.next());
        result
    }
}

impl<R: Role> Caller for Host<R> {
    fn sending(&self, planned: Time) {
        self.station.borrow_mut().sending(planned);
    }

    fn ended(&self, server: u32, job: Job, end: End) {
        self.enter(|station| station.ended(server, job, end));
    }
}

/// What a process has to run with, besides its machine.
struct Site<'a> {
    setup: &'a Setup,
    begin: &'a Begin,
    timer: Timer,
    listener: TcpListener,
    inbox: mpsc::UnboundedReceiver<Order>,
}

async fn run<R: Role + 'static>(role: R, site: Site<'_>) -> io::Result<()> {
    let Site { setup, begin, timer, listener, mut inbox } = site;
    let Setup { scenario, service, seat, seed, .. } = setup;
    let steps = setup.record.as_deref().map(StepWriter::create).transpose()?;
    let me = match seat {
        Seat::Replica(me) => *me,
        Seat::Manager => MANAGER,
    };
    let post = Post::new(me, *service, Network::new(scenario, Draw { seed: *seed }), begin);
    let shared: Shared<R> = Rc::new_cyclic(|me: &Weak<Host<R>>| {
        let caller: Weak<dyn Caller> = me.clone();
        let station = Station::new(setup, begin, role, post, &caller, steps);
        Host { station: RefCell::new(station), timer }
    });
    for order in &begin.orders {
        shared.station.borrow_mut().plan(*order);
    }
    spawn_local(accept(listener, shared.clone()));
    loop {
        let reports = shared.enter(|station| {
            station.advance();
            station.take_reports()
        });
        reports.iter().for_each(say);
        if shared.station.borrow().stopped() {
            return Ok(());
        }
        tokio::select! {
            biased;
            woken = shared.timer.wait() => drop(woken?),
            Some(order) = inbox.recv() => shared.station.borrow_mut().plan(order),
        }
    }
}

async fn accept<R: Role + 'static>(listener: TcpListener, shared: Shared<R>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(spawn_local(connection(stream, shared.clone()))),
            // Out of descriptors, or the client is gone already: others may do better.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

async fn connection<R: Role + 'static>(stream: TcpStream, shared: Shared<R>) {
    // Without this option answers are late, not wrong.
    let _ = stream.set_nodelay(true);
    let handler = service_fn(|request| handle(request, shared.clone()));
    let mut server = http1::Builder::new();
    server.auto_date_header(false).header_read_timeout(None);
    // A client that hangs up is no error of the server's.
    let _ = server.serve_connection(TokioIo::new(stream), handler).await;
}

type Answer = io::Result<Response<Empty<Bytes>>>;

/// Hands an attempt to the station at once, and makes the answer when the station does. At once, because hyper may never
/// look at the answer of a request whose client has hung up already, but its work is to be done.
fn handle<R: Role>(request: Request<Incoming>, shared: Shared<R>) -> impl Future<Output = Answer> {
    let asked = match *request.method() {
        Method::POST => Err((request, shared)),
        _ => Ok(arrive(request.uri().path(), shared)),
    };
    async {
        match asked {
            Ok(Some((_hangup, answer))) => {
                let reply = answer.await.map_err(io::Error::other)?;
                Ok(http::response(&reply).ok_or(io::ErrorKind::ConnectionReset)?)
            }
            Ok(None) => {
                let mut response = Response::new(Empty::new());
                *response.status_mut() = hyper::StatusCode::NOT_FOUND;
                Ok(response)
            }
            Err((request, shared)) => hear(request, &shared).await,
        }
    }
}

fn arrive<R: Role>(path: &str, shared: Shared<R>) -> Option<(Hangup<R>, oneshot::Receiver<Reply>)> {
    let ask = http::ask(path)?;
    let answer = shared.enter(|station| station.arrive(ask))?;
    Some((Hangup { client: ask.job.client, attempt: ask.job.attempt, shared }, answer))
}

/// Hands the letters of another member of the group to the station.
async fn hear<R: Role>(request: Request<Incoming>, shared: &Shared<R>) -> Answer {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let (from, letters) = http::letters(head.uri.path(), &body).ok_or(io::ErrorKind::InvalidData)?;
    shared.enter(|station| station.deliver(from, letters));
    Ok(Response::new(Empty::new()))
}

/// Tells the station when the handler is dropped because its client hung up. After an answer it has nothing to tell.
struct Hangup<R: Role> {
    client: u32,
    attempt: Attempt,
    shared: Shared<R>,
}

impl<R: Role> Drop for Hangup<R> {
    fn drop(&mut self) {
        self.shared.enter(|station| station.disconnected(self.client, self.attempt));
    }
}
