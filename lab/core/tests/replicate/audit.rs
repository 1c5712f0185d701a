//! What must hold in a run: what the clients saw, and what the replicas hold.
use crate::{
    linearizable::{self, Action, Flaw, Operation},
    promise::Memory,
};
use lab_core::{
    call::Attempt,
    replicate::{
        Answer, Freshness, Key, Mode, Op, Reads, Value, Version, View, message::Entry, node::Node,
        protocol::Protocol, store::Store,
    },
    time::{Span, Time},
};
use std::collections::{BTreeMap, BTreeSet};

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// What has been violated, in a word.
    pub(crate) kind: &'static str,
    /// Where and how.
    pub(crate) detail: String,
}

impl Violation {
    pub(crate) fn new(kind: &'static str, detail: String) -> Violation {
        Violation { kind, detail }
    }
}

/// One operation of one client.
#[derive(Clone, Copy, Debug)]
struct Record {
    client: u32,
    op: Op,
    value: Value,
    invoked: u64,
    invoked_at: Time,
    /// When the answer came, and the version in it.
    answered: Option<(u64, Time, Version)>,
    /// Attempts, and how many of them were turned away by a replica that is not in charge: those did nothing.
    attempts: u32,
    refused: u32,
}

/// What reads show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    /// The state of one moment between question and answer.
    Linearizable,
    /// Everything acknowledged this long before the question, or longer.
    Within(Span),
    /// Something that was written.
    Whenever,
}

/// The auditor.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    records: Vec<Record>,
    by_attempt: BTreeMap<(u32, u32), usize>,
    by_call: BTreeMap<u64, usize>,
    replied: BTreeSet<(u32, u32)>,
    /// What each version is, as far as anybody has been told.
    versions: BTreeMap<Version, (Key, Value)>,
    /// Each replica's lives, the view it was in last, and the newest version of each key that it told anybody of.
    lives: Vec<Life>,
    /// Whether a replica answers reads in the order of versions. Where it asks another one first, answers may cross.
    forward: bool,
    failure: Option<Violation>,
    /// What is wrong only where acknowledged writes may not be lost.
    strict: Option<Violation>,
}

#[derive(Clone, Debug, Default)]
struct Life {
    number: u64,
    view: u64,
    told: BTreeMap<Key, Version>,
}

impl Audit {
    pub(crate) fn new(mode: Mode, replicas: u32) -> Audit {
        let forward = match mode {
            Mode::PrimaryBackup { reads: Reads::Quorum, .. } => false,
            Mode::PrimaryBackup { .. } | Mode::Chain | Mode::Craq { reads: Freshness::Eventual } => true,
            Mode::Craq { .. } | Mode::SharedLog => false,
        };
        Audit {
            records: vec![],
            by_attempt: BTreeMap::new(),
            by_call: BTreeMap::new(),
            replied: BTreeSet::new(),
            versions: BTreeMap::new(),
            lives: vec![Life::default(); replicas as usize],
            forward,
            failure: None,
            strict: None,
        }
    }

    /// The first failure counts.
    pub(crate) fn fail(&mut self, kind: &'static str, detail: String) {
        self.failure.get_or_insert(Violation { kind, detail });
    }

    fn fail_strictly(&mut self, kind: &'static str, detail: String) {
        self.strict.get_or_insert(Violation { kind, detail });
    }

    pub(crate) fn failed(&self) -> bool {
        self.failure.is_some()
    }

    pub(crate) fn answered(&self) -> usize {
        self.records.iter().filter(|record| record.answered.is_some()).count()
    }

    pub(crate) fn acknowledged(&self) -> usize {
        let writes = self.records.iter().filter(|record| matches!(record.op, Op::Write(_)));
        writes.filter(|record| record.answered.is_some()).count()
    }

    /// A client sends an attempt; `again` where it is another try at a write that counts once.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn invoked(
        &mut self,
        order: u64,
        now: Time,
        client: u32,
        attempt: Attempt,
        call: u64,
        op: Op,
        value: Value,
        again: bool,
    ) {
        let index = match self.by_call.get(&call) {
            Some(&index) if again => index,
            _ => {
                self.records.push(Record {
                    client,
                    op,
                    value,
                    invoked: order,
                    invoked_at: now,
                    answered: None,
                    attempts: 0,
                    refused: 0,
                });
                self.by_call.insert(call, self.records.len() - 1);
                self.records.len() - 1
            }
        };
        self.records[index].attempts += 1;
        self.by_attempt.insert((client, attempt.generation), index);
    }

    /// Replica `from`, in `view`, answers an attempt.
    pub(crate) fn replied(
        &mut self,
        from: u32,
        view: u64,
        client: u32,
        attempt: Attempt,
        answer: Option<Answer>,
    ) {
        if !self.replied.insert((client, attempt.generation)) {
            self.fail("answered twice", format!("{client}.{} by {from}", attempt.generation));
        }
        let Some(&index) = self.by_attempt.get(&(client, attempt.generation)) else {
            return self.fail("unasked", format!("{client}.{} by {from}", attempt.generation));
        };
        let record = self.records[index];
        let key = record.op.key();
        let (version, value) = match (record.op, answer) {
            (Op::Read(_), Some(Answer::Found { version, value })) => (version, value),
            (Op::Write(_), Some(Answer::Written { version })) => (version, record.value),
            (_, Some(Answer::Found { .. } | Answer::Written { .. })) => {
                return self.fail("wrong answer", format!("{answer:?} to {:?}", record.op));
            }
            _ => return,
        };
        if (version == 0) != (value == Value::default()) {
            return self.fail("wrong answer", format!("{answer:?} to {:?}", record.op));
        }
        if view == 0 {
            self.fail("outsider", format!("{from} answers {:?} with {answer:?}", record.op));
        }
        if version > 0 {
            self.named(version, key, value);
        }
        let told = self.lives[from as usize].told.entry(key).or_default();
        let before = *told;
        if matches!(record.op, Op::Read(_)) {
            *told = before.max(version);
            if self.forward && version < before {
                self.fail("backwards", format!("{from} told of {before} and now of {version} of key {key}"));
            }
        }
    }

    /// Somebody says that `version` is this.
    fn named(&mut self, version: Version, key: Key, value: Value) {
        let known = *self.versions.entry(version).or_insert((key, value));
        if known != (key, value) {
            self.fail_strictly(
                "two of a version",
                format!("{version} is {known:?} and also {:?}", (key, value)),
            );
        }
    }

    /// The answer reaches the client.
    pub(crate) fn answer(
        &mut self,
        order: u64,
        now: Time,
        client: u32,
        attempt: Attempt,
        answer: Option<Answer>,
    ) {
        let Some(&index) = self.by_attempt.get(&(client, attempt.generation)) else { return };
        let record = &mut self.records[index];
        match answer {
            Some(Answer::Found { version, value }) => {
                record.value = value;
                record.answered = Some((order, now, version));
            }
            Some(Answer::Written { version }) => match record.answered {
                None => record.answered = Some((order, now, version)),
                Some((.., first)) if first != version => {
                    let detail = format!("{:?} as {first} and as {version}", record.value);
                    self.fail_strictly("done twice", detail);
                }
                Some(_) => {}
            },
            Some(Answer::Elsewhere(_)) => record.refused += 1,
            Some(Answer::Unavailable) | None => {}
        }
    }

    /// The replica has lost its memory.
    pub(crate) fn new_life(&mut self, replica: u32) {
        let life = &mut self.lives[replica as usize];
        *life = Life { number: life.number + 1, ..Life::default() };
    }

    /// After every step of a replica: its view is one that the manager wrote down.
    pub(crate) fn saw(&mut self, replica: u32, node: &Node, memory: &Memory) -> Result<(), Violation> {
        let view: View = *node.view();
        let life = &mut self.lives[replica as usize];
        if view.number == life.view {
            return Ok(());
        }
        if view.number != 0 && view.number < life.view {
            let detail = format!("{replica} goes from view {} back to {}", life.view, view.number);
            return Err(Violation::new("old view", detail));
        }
        life.view = view.number;
        if view.number != 0 && memory.view(view.number) != Some(view) {
            return Err(Violation::new("two views", format!("{replica} has {view:?}")));
        }
        Ok(())
    }

    /// What a replica holds.
    pub(crate) fn held(node: &Node) -> Vec<(Key, Version, Value)> {
        node.store()
            .into_iter()
            .flat_map(Store::iter)
            .map(|held| (held.key, held.version, held.value))
            .collect()
    }

    /// In `view`, whoever follows has no entry that the one before it has not: the next in a chain or a log, any backup. (An
    /// entry that the one before has forgotten is not looked for.)
    pub(crate) fn order(&self, mode: Mode, view: &View, nodes: &[Node]) -> Result<(), Violation> {
        let acts = |replica: &u32| {
            let node = &nodes[*replica as usize];
            node.view() == view && node.member().acts()
        };
        let members: Vec<u32> = view.members.iter().collect();
        for (place, &follower) in members.iter().enumerate().skip(1) {
            let before = match mode {
                Mode::PrimaryBackup { .. } => members[0],
                Mode::Chain | Mode::Craq { .. } | Mode::SharedLog => members[place - 1],
            };
            if !acts(&before) || !acts(&follower) {
                continue;
            }
            let kept =
                |replica: u32| nodes[replica as usize].protocol().map(Protocol::kept).unwrap_or_default();
            let ((forgotten, has), (_, entries)) = (kept(before), kept(follower));
            let has: BTreeMap<Version, Entry> =
                has.into_iter().map(|(entry, _)| (entry.seq, entry)).collect();
            for (entry, _) in entries.into_iter().filter(|(entry, stands)| *stands && entry.seq > forgotten) {
                if has.get(&entry.seq) != Some(&entry) {
                    let detail = format!(
                        "{follower} has {entry:?}, {before} has {:?} in {view:?}",
                        has.get(&entry.seq)
                    );
                    return Err(Violation::new("no prefix", detail));
                }
            }
        }
        Ok(())
    }

    /// The replicas' stores agree with what was told.
    pub(crate) fn stores(&mut self, nodes: &[Node]) {
        for node in nodes {
            for (key, version, value) in Self::held(node) {
                self.named(version, key, value);
            }
        }
    }

    /// An acknowledged write that some replica does not have.
    pub(crate) fn missing(&self, nodes: &[Node]) -> Option<String> {
        let mut newest: BTreeMap<Key, Version> = BTreeMap::new();
        for record in &self.records {
            if let (Op::Write(key), Some((.., version))) = (record.op, record.answered) {
                let known = newest.entry(key).or_default();
                *known = version.max(*known);
            }
        }
        nodes.iter().enumerate().find_map(|(replica, node)| {
            let held = |key| node.store().map_or(0, |store| store.get(key).0);
            let (key, version) = newest.iter().find(|&(&key, &version)| held(key) < version)?;
            Some(format!("version {version} of key {key} at {replica}, which has {}", held(*key)))
        })
    }

    /// The judgement. `strict`: no acknowledged write may be lost. `freshness`: what reads show.
    pub(crate) fn verdict(&self, strict: bool, freshness: Fresh) -> Option<Violation> {
        if self.failure.is_some() {
            return self.failure.clone();
        }
        if strict && self.strict.is_some() {
            return self.strict.clone();
        }
        let keys: BTreeSet<Key> = self.records.iter().map(|record| record.op.key()).collect();
        for key in keys {
            let of_key: Vec<&Record> = self.records.iter().filter(|record| record.op.key() == key).collect();
            if let Err(detail) = judge(&of_key, strict, freshness) {
                let mut lines = vec![detail, format!("key {key}:")];
                lines.extend(
                    of_key.iter().filter(|r| r.answered.is_some() || r.value.call > 0).map(|r| r.line()),
                );
                return Some(Violation::new("not linearizable", lines.join("\n")));
            }
        }
        if strict { self.out_of_order() } else { None }
    }

    /// The order of versions is the order of all writes, of every key, and it respects real time.
    fn out_of_order(&self) -> Option<Violation> {
        let writes = || self.records.iter().filter(|r| matches!(r.op, Op::Write(_)));
        let mut ends: Vec<(u64, Version)> =
            writes().filter_map(|r| r.answered.map(|(at, _, version)| (at, version))).collect();
        ends.sort_unstable();
        let mut begins: Vec<(u64, Version)> =
            writes().filter_map(|r| r.answered.map(|(.., version)| (r.invoked, version))).collect();
        begins.sort_unstable();
        let mut newest = 0;
        let mut ended = ends.iter().peekable();
        for (invoked, version) in begins {
            while let Some(&(_, done)) = ended.next_if(|(at, _)| *at < invoked) {
                newest = newest.max(done);
            }
            if version <= newest {
                let detail = format!("a write got version {version} after {newest} had been acknowledged");
                return Some(Violation::new("out of order", detail));
            }
        }
        None
    }
}

impl Record {
    fn operation(&self) -> Option<Operation> {
        let action = match self.op {
            Op::Write(_) if self.refused == self.attempts => return None,
            Op::Write(_) => Action::Write(self.value),
            Op::Read(_) => Action::Read(self.value),
        };
        Some(Operation { invoked: self.invoked, answered: self.answered.map(|a| a.0), action })
    }

    fn line(&self) -> String {
        let what = match self.op {
            Op::Read(_) => "reads",
            Op::Write(_) => "writes",
        };
        let when = self.invoked_at.as_secs_f64() * 1e3;
        let how = match self.answered {
            Some((_, at, version)) => format!("until {:.3} ms, version {version}", at.as_secs_f64() * 1e3),
            None => "and never hears of it".into(),
        };
        format!("  {when:9.3} ms: {} {what} {}.{} {how}", self.client, self.value.call, self.value.attempt)
    }
}

/// The history of one key.
fn judge(records: &[&Record], strict: bool, freshness: Fresh) -> Result<(), String> {
    let history: Vec<Operation> = records.iter().filter_map(|record| record.operation()).collect();
    if strict && freshness == Fresh::Linearizable {
        return linearizable::check(&history).map_err(|flaw| format!("{flaw:?}"));
    }
    // Whatever is promised, nobody reads what nobody wrote, nor what is written only later.
    let begun: BTreeMap<Value, u64> = history
        .iter()
        .filter_map(|o| match o.action {
            Action::Write(value) => Some((value, o.invoked)),
            Action::Read(_) => None,
        })
        .collect();
    for operation in &history {
        if let (Action::Read(value), Some(answered)) = (operation.action, operation.answered)
            && value != linearizable::NEVER_WRITTEN
        {
            match begun.get(&value) {
                None => return Err(format!("{:?}", Flaw::NeverWritten(value))),
                Some(&begun) if begun > answered => return Err(format!("{value:?} is read before written")),
                Some(_) => {}
            }
        }
    }
    let Fresh::Within(bound) = freshness else { return Ok(()) };
    if !strict {
        return Ok(());
    }
    for read in records.iter().filter(|r| matches!(r.op, Op::Read(_))) {
        let Some((.., found)) = read.answered else { continue };
        let newest = records
            .iter()
            .filter(|r| matches!(r.op, Op::Write(_)))
            .filter_map(|r| r.answered)
            .filter(|(_, at, _)| *at + bound < read.invoked_at)
            .map(|(.., version)| version)
            .max()
            .unwrap_or(0);
        if found < newest {
            return Err(format!("older than {bound}: {} instead of {newest}", read.line()));
        }
    }
    Ok(())
}
