//! The process of one replica: an HTTP/1.1 server in front of a [`Station`].
use super::{
    record::StepWriter,
    station::Station,
    timer::Timer,
    wire::{self, Begin, Order, REPLICA_ADDRESS, Report, Setup},
};
use crate::trace::ServerRecorder;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use lab_core::{
    call::{Attempt, Job},
    draw::Draw,
    server::Server,
    time::Time,
};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::{
    cell::RefCell,
    io::{self, Write},
    process::ExitCode,
    rc::Rc,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::{Builder, LocalOptions},
    sync::mpsc,
    task::spawn_local,
};

/// Connections that the kernel completes while the replica cannot accept them.
const BACKLOG: u32 = 4096;

/// Serves as a replica, as told on standard input, until told to stop or the parent is gone. What fails is reported on standard
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
        run(&setup, &begin, timer, listener, follow_orders()).await
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

type Shared = Rc<(RefCell<Station>, Timer)>;

async fn run(
    setup: &Setup,
    begin: &Begin,
    timer: Timer,
    listener: TcpListener,
    mut inbox: mpsc::UnboundedReceiver<Order>,
) -> io::Result<()> {
    let Setup { scenario, service, replica, seed, .. } = setup;
    let server = Server::new(&scenario.services[*service].policy, Draw { seed: *seed });
    let recorder = ServerRecorder::new(scenario, *service, *replica);
    let steps = setup.record.as_deref().map(StepWriter::create).transpose()?;
    let now = setup.opens.unwrap_or(Time::ZERO);
    let station = Station::new(begin.clock, now, server, recorder, scenario.window, steps);
    let shared: Shared = Rc::new((RefCell::new(station), timer));
    for order in &begin.orders {
        shared.0.borrow_mut().plan(*order);
    }
    spawn_local(accept(listener, shared.clone()));
    loop {
        let reports = {
            let mut station = shared.0.borrow_mut();
            station.advance();
            shared.1.arm(station.next());
            station.take_reports()
        };
        reports.iter().for_each(say);
        if shared.0.borrow().stopped() {
            return Ok(());
        }
        tokio::select! {
            biased;
            woken = shared.1.wait() => drop(woken?),
            Some(order) = inbox.recv() => shared.0.borrow_mut().plan(order),
        }
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(spawn_local(connection(stream, shared.clone()))),
            // Out of descriptors, or the client is gone already: others may do better.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

async fn connection(stream: TcpStream, shared: Shared) {
    // Without this option answers are late, not wrong.
    let _ = stream.set_nodelay(true);
    let handler =
        service_fn(|request: Request<Incoming>| handle(wire::job(request.uri().path()), shared.clone()));
    let mut server = http1::Builder::new();
    server.auto_date_header(false).header_read_timeout(None);
    // A client that hangs up is no error of the server's.
    let _ = server.serve_connection(TokioIo::new(stream), handler).await;
}

/// Hands an attempt to the station at once, and makes the answer when the station does. At once, because hyper may never
/// look at the answer of a request whose client has hung up already, but its work is to be done.
fn handle(job: Option<Job>, shared: Shared) -> impl Future<Output = Answer> {
    let asked = job.map(|job| {
        let mut station = shared.0.borrow_mut();
        let answer = station.arrive(job);
        shared.1.arm(station.next());
        drop(station);
        (Hangup { client: job.client, attempt: job.attempt, shared }, answer)
    });
    async {
        let mut response = Response::new(Empty::new());
        *response.status_mut() = match asked {
            Some((_hangup, answer)) => {
                let outcome = answer.await.map_err(io::Error::other)?;
                wire::status(outcome).ok_or(io::ErrorKind::ConnectionReset)?
            }
            None => hyper::StatusCode::NOT_FOUND,
        };
        Ok(response)
    }
}

type Answer = io::Result<Response<Empty<Bytes>>>;

/// Tells the station when the handler is dropped because its client hung up. After an answer it has nothing to tell.
struct Hangup {
    client: u32,
    attempt: Attempt,
    shared: Shared,
}

impl Drop for Hangup {
    fn drop(&mut self) {
        let mut station = self.shared.0.borrow_mut();
        station.disconnected(self.client, self.attempt);
        self.shared.1.arm(station.next());
    }
}
