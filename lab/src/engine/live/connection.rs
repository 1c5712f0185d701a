//! Connections of a caller to one replica.
use super::{
    http::{self, Ask, Reply},
    wire::REPLICA_ADDRESS,
};
use hyper::{client::conn::http1, rt};
use hyper_util::rt::TokioIo;
use lab_core::{call::Job, time::Time};
use std::{
    cell::Cell,
    io,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll},
};
use tokio::{
    net::TcpStream,
    sync::mpsc,
    task::{AbortHandle, spawn_local},
};

/// An attempt to be sent, and when it was to be sent.
pub(super) type Parcel = (Time, Ask);

/// Who makes attempts, and is told what becomes of them: the load thread, or a process that calls others.
pub(super) trait Caller {
    /// An attempt that was meant to be sent at `planned` is being sent.
    fn sending(&self, planned: Time);
    /// An attempt at replica `server` has ended, as far as its connection goes.
    fn ended(&self, server: u32, job: Job, end: End);
}

/// How an attempt ended on its connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    /// Answered; the connection can be used again.
    Answered(Reply),
    /// The connection was refused, or broke.
    Broken,
    /// None could be made for want of ports or descriptors.
    Unconnected,
}

/// An open connection, as seen by who uses it.
#[derive(Debug)]
pub(super) struct Line {
    inbox: mpsc::UnboundedSender<Parcel>,
    task: AbortHandle,
}

impl Line {
    /// Closes the connection, whatever is under way on it.
    pub(super) fn close(self) {
        self.task.abort();
    }
}

/// The connections to one replica that nobody uses now, last used first out, so that the surplus of a burst stays out of the
/// way.
pub(super) struct Pool {
    server: u32,
    port: u16,
    caller: Weak<dyn Caller>,
    idle: Vec<Line>,
    state: Rc<Sockets>,
}

/// What the sockets of a pool have in common.
#[derive(Debug, Default)]
struct Sockets {
    /// The replica cannot read now, so what it has been sent must outlive the connection.
    paused: Cell<bool>,
    open: Cell<u64>,
}

impl Pool {
    /// Connections of `caller` to replica `server`, which listens on `port`.
    pub(super) fn new(server: u32, port: u16, caller: Weak<dyn Caller>) -> Pool {
        Pool { server, port, caller, idle: vec![], state: Rc::default() }
    }

    /// Connections open, in use or not.
    pub(super) fn open(&self) -> u64 {
        self.state.open.get()
    }

    /// Whether the replica is stopped.
    pub(super) fn pause(&self, paused: bool) {
        self.state.paused.set(paused);
    }

    /// Sends `parcel` on an idle connection, or else on a new one.
    pub(super) fn send(&mut self, mut parcel: Parcel) -> Line {
        while let Some(line) = self.idle.pop() {
            match line.inbox.send(parcel) {
                Ok(()) => return line,
                Err(mpsc::error::SendError(back)) => parcel = back,
            }
        }
        let (inbox, outbox) = mpsc::unbounded_channel();
        let owner = Owner { server: self.server, caller: self.caller.clone() };
        let task = run(owner, self.port, self.state.clone(), parcel, outbox);
        Line { inbox, task: spawn_local(task).abort_handle() }
    }

    /// Takes back a connection that is open and idle.
    pub(super) fn put_back(&mut self, line: Line) {
        self.idle.push(line);
    }
}

/// The life of one connection.
async fn run(
    owner: Owner,
    port: u16,
    state: Rc<Sockets>,
    first: Parcel,
    mut inbox: mpsc::UnboundedReceiver<Parcel>,
) {
    let (planned, mut ask) = first;
    owner.sending(planned);
    let stream = match TcpStream::connect((REPLICA_ADDRESS, port)).await {
        Ok(stream) => stream,
        Err(error) => return owner.ended(ask.job, unconnected(&error)),
    };
    // Without this option requests are late, not wrong.
    let _ = stream.set_nodelay(true);
    let Ok((mut sender, mut connection)) = http1::handshake(Socket::new(stream, state)).await else {
        return owner.ended(ask.job, End::Broken);
    };
    loop {
        let response = sender.send_request(http::request(&ask));
        tokio::pin!(response);
        let answer = tokio::select! {
            biased;
            answer = &mut response => answer,
            // The answer may have come with the connection's end.
            _ = &mut connection => response.await,
        };
        let Ok(answer) = answer else {
            return owner.ended(ask.job, End::Broken);
        };
        owner.ended(ask.job, End::Answered(http::reply(answer.status(), answer.headers())));
        let next = tokio::select! {
            biased;
            _ = &mut connection => None,
            next = inbox.recv() => next,
        };
        match next {
            Some((planned, next)) => {
                owner.sending(planned);
                ask = next;
            }
            None => {
                // An attempt that was handed over while the connection broke is broken with it.
                if let Ok((planned, ask)) = inbox.try_recv() {
                    owner.sending(planned);
                    owner.ended(ask.job, End::Broken);
                }
                return;
            }
        }
    }
}

/// What becomes of an attempt for which no connection could be made.
fn unconnected(error: &io::Error) -> End {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => End::Broken,
        _ => End::Unconnected,
    }
}

/// Whose connection it is, and to which replica. At the end of a run the caller may be gone before its connections.
struct Owner {
    server: u32,
    caller: Weak<dyn Caller>,
}

impl Owner {
    fn sending(&self, planned: Time) {
        if let Some(caller) = self.caller.upgrade() {
            caller.sending(planned);
        }
    }

    fn ended(&self, job: Job, end: End) {
        if let Some(caller) = self.caller.upgrade() {
            caller.ended(self.server, job, end);
        }
    }
}

/// A socket that is closed at once when it is dropped, by a reset: so neither descriptors nor ports run out when thousands of
/// attempts time out. Not while the replica is paused: a reset would throw away what it has not read yet, but the work is the
/// replica's even if its caller has gone.
struct Socket {
    stream: TokioIo<TcpStream>,
    state: Rc<Sockets>,
}

impl Socket {
    fn new(stream: TcpStream, state: Rc<Sockets>) -> Socket {
        state.open.set(state.open.get() + 1);
        Socket { stream: TokioIo::new(stream), state }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.state.open.set(self.state.open.get() - 1);
        if !self.state.paused.get() {
            // Where the option cannot be set, the socket is closed the slow way.
            let _ = self.stream.inner().set_zero_linger();
        }
    }
}

impl rt::Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl rt::Write for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
