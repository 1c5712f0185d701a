//! What a client knows of a service whose replicas have roles, or come and go.
//!
//! A client of a replicated store holds the view it heard of last and sends each operation to whoever is in charge of it there.
//! A replica that is not in charge names the view it is in, and the client goes on to the right one (as etcd's and MongoDB's
//! clients follow the leader). One that does not answer, or breaks the connection, may have been deposed: the next attempt asks
//! its neighbour, who knows. Clients of a stateless service with health checks are told the members instead, as by a load
//! balancer.
use crate::{
    arrival::group_of,
    draw::Draw,
    keys::OperationSource,
    lineage::Lineage,
    replicate::{Members, Mode, Op, Target, Value, View},
};
use std::sync::Arc;

/// Redirections that one attempt follows; then it counts as rejected.
pub const REDIRECTS_MAX: u8 = 4;

/// The replicated store that a client talks to, be it a user's or a cache's.
#[derive(Clone, Debug)]
pub struct StoreAccess {
    /// How it is replicated.
    pub mode: Mode,
    /// What calls ask of it, by the client group whose they are.
    pub operations: Arc<[OperationSource]>,
    /// Whether retries carry their call's idempotency key.
    pub deduplicate: bool,
    /// Of which runs the calls are.
    pub lineage: Lineage,
}

impl StoreAccess {
    /// What a call asks for.
    pub fn op(&self, call: u64, draw: Draw) -> Op {
        self.operations[group_of(call)].op(call, self.lineage.draw(call, draw))
    }

    /// What try `number` of a call writes.
    pub fn value(&self, call: u64, number: u32) -> Value {
        Value { call, attempt: if self.deduplicate { 1 } else { number } }
    }
}

/// One client instance's knowledge of a service.
#[derive(Clone, Debug)]
pub struct Directory {
    /// `None`: a stateless service, where every member serves everything.
    access: Option<StoreAccess>,
    view: View,
    replicas: u32,
    /// How far from the one in charge the next attempt goes: attempts in a row that ended without a word from there.
    detour: u32,
}

/// Where to send an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To this replica.
    To(u32),
    /// To any of these.
    AnyOf(Members),
}

impl Directory {
    /// Of a service of `replicas` replicas that are all members at first.
    pub fn new(access: Option<StoreAccess>, replicas: u32) -> Directory {
        Directory { access, view: View::initial(replicas), replicas, detour: 0 }
    }

    /// Operations are from now on those of calls of this lineage.
    pub fn branch(&mut self, lineage: &Lineage) {
        if let Some(access) = &mut self.access {
            access.lineage = lineage.clone();
        }
    }

    /// What `call` asks of a replicated store; `None`: the service is none.
    pub fn op(&self, call: u64, draw: Draw) -> Option<Op> {
        self.access.as_ref().map(|access| access.op(call, draw))
    }

    /// Where an attempt of `call` goes.
    pub fn route(&self, call: u64, draw: Draw) -> Route {
        let target = match &self.access {
            Some(access) => access.mode.serves(&self.view, access.op(call, draw)),
            None => Some(Target::Any),
        };
        match target {
            Some(Target::One(replica)) => Route::To((replica + self.detour) % self.replicas),
            // Nobody is a member as far as is known: anybody may know better, or be better than nobody.
            _ if self.view.members.is_empty() => Route::AnyOf(Members::of(0..self.replicas)),
            _ => Route::AnyOf(self.view.members),
        }
    }

    /// A replica or the manager told of `view`. Whether it is at least as new as what was known.
    pub fn told(&mut self, view: &View) -> bool {
        let news = view.number >= self.view.number;
        if news {
            self.view = *view;
            self.detour = 0;
        }
        news
    }

    /// An attempt ended without a word from its replica.
    pub fn unheard(&mut self) {
        self.detour = (self.detour + 1) % self.replicas.max(1);
    }

    /// Nothing is known any more but what was at the beginning.
    pub fn forget(&mut self) {
        self.view = View::initial(self.replicas);
        self.detour = 0;
    }

    /// A replica answered.
    pub fn heard(&mut self) {
        self.detour = 0;
    }
}
