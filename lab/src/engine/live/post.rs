//! Messages between the members of a group: one connection for each ordered pair, kept open, on which they go in order.
//!
//! All that waits when a connection is free goes in one request. What is under way when it breaks is lost, and so is what finds
//! no room to wait; the protocols expect that. It is made anew when there is something to send.
use super::{
    http::{self, Letter},
    wire::{Begin, REPLICA_ADDRESS},
};
use crate::engine::network::Network;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use lab_core::{draw::Stream, replicate::message::Message, time::Time, timeline::Change};
use std::{collections::BTreeMap, error::Error};
use tokio::{net::TcpStream, sync::mpsc, task::spawn_local};

/// Letters that may wait for one connection.
const WAITING_MAX: usize = 8192;
/// Letters in one request.
const TOGETHER_MAX: usize = 256;

/// One member's way to the others.
pub(super) struct Post {
    me: u32,
    service: usize,
    network: Network,
    /// Messages so far, the key of their delays.
    sent: u64,
    links: BTreeMap<u32, Link>,
}

struct Link {
    outbox: mpsc::Sender<Letter>,
    /// When the last letter arrives: none overtakes another.
    last: Time,
}

impl Post {
    /// The way of member `me` of the group of `service`. To be called in a local runtime.
    pub(super) fn new(me: u32, service: usize, network: Network, begin: &Begin) -> Post {
        let others = begin.group.iter().filter(|(member, _)| *member != me);
        let links = others.map(|&(member, port)| {
            let (outbox, letters) = mpsc::channel(WAITING_MAX);
            spawn_local(deliver(me, port, letters));
            (member, Link { outbox, last: Time::ZERO })
        });
        Post { me, service, network, sent: 0, links: links.collect() }
    }

    /// Sends a message to member `to`, unless the network is parted between the two.
    pub(super) fn send(&mut self, now: Time, to: u32, message: Message) {
        let service = self.service as u32;
        if self.network.apart(service, self.me) != self.network.apart(service, to) {
            return;
        }
        self.sent += 1;
        let at = now + self.network.delay(service, Stream::NetworkPeer, self.sent, self.me);
        if let Some(link) = self.links.get_mut(&to) {
            link.last = link.last.max(at);
            // No room: it is lost.
            let _ = link.outbox.try_send(Letter { at: link.last, message });
        }
    }

    /// The network changes.
    pub(super) fn change(&mut self, change: &Change) {
        match change {
            Change::Partition { service, apart } => self.network.part(*service, apart),
            Change::Network { service, extra } => self.network.add(*service, *extra),
            Change::Server { .. }
            | Change::Client { .. }
            | Change::Manager { .. }
            | Change::Flush { .. }
            | Change::Mark { .. } => {}
        }
    }
}

/// The life of one link.
async fn deliver(me: u32, port: u16, mut inbox: mpsc::Receiver<Letter>) {
    let mut open = None;
    let mut letters = vec![];
    while inbox.recv_many(&mut letters, TOGETHER_MAX).await > 0 {
        // A connection that breaks takes with it what it carries.
        open = exchange(open, port, me, &letters).await.ok();
        letters.clear();
    }
}

type Sender = SendRequest<Full<Bytes>>;

/// Sends `letters` and waits until they are there.
async fn exchange(
    open: Option<Sender>,
    port: u16,
    me: u32,
    letters: &[Letter],
) -> Result<Sender, Box<dyn Error>> {
    let mut sender = match open.filter(|sender| !sender.is_closed()) {
        Some(sender) => sender,
        None => connect(port).await?,
    };
    sender.ready().await?;
    sender.send_request(http::post(me, letters)).await?;
    Ok(sender)
}

async fn connect(port: u16) -> Result<Sender, Box<dyn Error>> {
    let stream = TcpStream::connect((REPLICA_ADDRESS, port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    spawn_local(connection);
    Ok(sender)
}
