//! The manager of a group: it hears its replicas and decides who is a member, one numbered view after the other.
//!
//! A change of views of a store has three steps, as in Vertical Paxos and CORFU. *Seal*: all that take part in the current
//! view promise to stop, and say how far they are. *Decide*: when enough have answered (`succession`), and the leases
//! of those that have not are over, the next view is kept durably. *Install*: its members and learners are told. Seals
//! and installs are said again until they are heard, and mean one life of one replica.
//!
//! The manager may crash at any point. Before the decision is kept, nobody has been told of it; the change is done again,
//! because whoever has stopped says so in its heartbeats, and has not changed since. After that the decision stands, and whoever
//! has not heard of it says so. A view that was kept but reached nobody does no harm: nothing is acknowledged in it.
//!
//! What a replica lives through, seen from here: *member*, silent for a timeout or in a new life: *out*; told so, it begins a
//! new life; heard for a while: *learner*, fed and, in a further view, counted; *member* again, at the end.
use super::{
    Members, Mode, View,
    member::{Membership, Note},
    message::{Message, Position},
    succession::{Sealed, Tally},
};
use crate::{
    machine::{Machine, Outbox},
    server::ServerControl,
    time::{Span, Time},
};
use serde::{Deserialize, Serialize};

/// What can happen to a manager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ManagerIn {
    /// The run begins. Once, and first.
    Begin,
    /// A message of a replica.
    Peer {
        /// Who sent it.
        from: u32,
        /// What.
        message: Message,
    },
    /// A timer that the manager asked for went off.
    Woken(ManagerWake),
    /// A trigger acts: pause, resume, crash, restart. The others change nothing.
    Control(ServerControl),
}

/// The manager's timer; one of an earlier `epoch` is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerWake {
    /// Counts the crashes and pauses of the manager.
    pub epoch: u32,
}

/// What a manager asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ManagerOut {
    /// Hand `wake` back at `at`. Never cancelled.
    WakeAt {
        /// When.
        at: Time,
        /// What to hand back.
        wake: ManagerWake,
    },
    /// Send a message to a replica.
    Send {
        /// To whom.
        to: u32,
        /// What.
        message: Message,
    },
    /// Keep this at the end of the durable list, before anything that follows is carried out.
    Keep(Record),
    /// Tell the clients.
    Publish(View),
    /// For the record of events.
    Noted(Note),
}

/// What the manager keeps of a view, durably.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The view.
    pub view: View,
    /// For each member and learner: which of its lives takes part. A later life has lost what this one knew.
    pub lives: Vec<(u32, u64)>,
    /// How far its members and learners were when the view before was sealed.
    pub positions: Vec<(u32, Position)>,
}

/// The manager of a group of replicas.
#[derive(Clone, Debug)]
pub struct Manager {
    mode: Option<Mode>,
    membership: Membership,
    replicas: u32,
    /// Survives a crash; all that follows does not.
    records: Vec<Record>,
    state: State,
    /// Counts crashes and pauses; a timer from before is stale.
    epoch: u32,
    /// What was heard of each replica.
    heard: Vec<Option<Heard>>,
    /// When each replica's heartbeat was last answered: its lease is over a lease later at the latest.
    answered: Vec<Time>,
    /// The change of views under way.
    change: Option<Change>,
    /// Silent members that stay because too many would be out.
    spared: Members,
    /// What came during a pause.
    outside: Vec<ManagerIn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Up,
    Paused,
    Down,
}

/// What is known of a replica from its heartbeats.
#[derive(Clone, Copy, Debug)]
struct Heard {
    incarnation: u64,
    /// When the newest was sent, by the replica's clock; `None` for what is assumed after a restart of the manager.
    sent_at: Option<Time>,
    /// When the newest came.
    at: Time,
    /// Since when this life has been heard without a gap of a timeout.
    since: Time,
    view: u64,
    sealed: u64,
    caught_up: bool,
}

/// The current view is sealed and the next one is decided as soon as enough members have said how far they are.
#[derive(Clone, Debug)]
struct Change {
    /// The number of the view to come.
    number: u64,
    began: Time,
    /// When the replicas were last asked.
    asked: Time,
    /// Silent members that this change puts out, unless they are heard again or cannot be done without.
    leaving: Members,
    answers: Vec<Sealed>,
    /// When there were first enough answers.
    enough_at: Option<Time>,
}

impl Manager {
    /// The manager of a new group of `replicas` replicas, all of them members. Without a `mode` the service is stateless.
    pub fn new(mode: Option<Mode>, membership: Membership, replicas: u32) -> Manager {
        let view = View::initial(replicas);
        let first = Record {
            view,
            lives: view.members.iter().map(|m| (m, 1)).collect(),
            positions: view.members.iter().map(|m| (m, Position::default())).collect(),
        };
        Manager::restore(mode, membership, replicas, vec![first])
    }

    /// A manager that comes back with what it has kept: the first record, which [`Manager::new`] makes, and all that
    /// followed.
    pub fn restore(
        mode: Option<Mode>,
        membership: Membership,
        replicas: u32,
        records: Vec<Record>,
    ) -> Manager {
        Manager {
            mode,
            membership,
            replicas,
            records,
            state: State::Up,
            epoch: 0,
            heard: vec![None; replicas as usize],
            answered: vec![Time::ZERO; replicas as usize],
            change: None,
            spared: Members::default(),
            outside: vec![],
        }
    }

    /// The newest view.
    pub fn view(&self) -> View {
        self.records.last().map(|record| record.view).unwrap_or_default()
    }
    /// The durable list, one record for each view.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    fn record(&self) -> Record {
        self.records.last().cloned().unwrap_or_default()
    }

    // What is known of the replicas.

    fn heard(&self, replica: u32) -> Option<&Heard> {
        self.heard.get(replica as usize)?.as_ref()
    }

    /// Nothing was heard of it for a timeout.
    fn silent(&self, now: Time, replica: u32) -> bool {
        self.heard(replica).is_none_or(|heard| now.since(heard.at) >= self.membership.timeout)
    }

    /// It lives again: the life that takes part in the view is over, and its memory and its lease with it.
    fn lost(&self, record: &Record, replica: u32) -> bool {
        match (self.heard(replica), record.life(replica)) {
            (Some(heard), Some(life)) => heard.incarnation > life,
            _ => false,
        }
    }

    /// The last life of `replica` that took part in any view. It will take part in none again once it is out.
    fn last_life(&self, replica: u32) -> u64 {
        self.records.iter().rev().find_map(|record| record.life(replica)).unwrap_or(0)
    }

    /// Replicas that can be let in: heard without a gap for long enough, empty, in a life that was in no view yet.
    fn newcomers(&self, now: Time, admit_after: Span) -> Members {
        let record = self.record();
        let stateful = self.mode.is_some();
        Members::of((0..self.replicas).filter(|&r| {
            let admissible = |heard: &Heard| {
                now.since(heard.since) >= admit_after
                    && (!stateful || heard.view == 0 && heard.incarnation > self.last_life(r))
            };
            (!record.view.contains(r) || stateful && self.lost(&record, r))
                && !self.silent(now, r)
                && self.heard(r).is_some_and(admissible)
        }))
    }

    fn hear(&mut self, now: Time, from: u32, heartbeat: Heard, out: &mut impl Outbox<ManagerOut>) {
        let silent = self.silent(now, from);
        let Some(place) = self.heard.get_mut(from as usize) else { return };
        let since = match place {
            // Copies and late ones say nothing new.
            Some(heard)
                if heartbeat.incarnation < heard.incarnation
                    || heartbeat.incarnation == heard.incarnation && heartbeat.sent_at <= heard.sent_at =>
            {
                return;
            }
            Some(heard) if heartbeat.incarnation == heard.incarnation && !silent => heard.since,
            _ => now,
        };
        *place = Some(Heard { since, ..heartbeat });
        if self.mode.is_some() {
            self.answer(now, from, heartbeat, out);
        }
        self.look(now, out);
    }

    /// Every heartbeat of a store's replica is answered by what it lacks.
    fn answer(&mut self, now: Time, from: u32, heartbeat: Heard, out: &mut impl Outbox<ManagerOut>) {
        let record = self.record();
        let Heard { incarnation, sent_at: Some(sent_at), .. } = heartbeat else { return };
        let message = match (record.life(from), &self.change) {
            (Some(life), _) if life != incarnation => return,
            // Until the next view is in force no lease is granted: its members could not rely on it.
            (Some(_), Some(change)) => {
                if change.answers.iter().any(|answer| answer.replica == from) {
                    return;
                }
                Message::Seal { view: change.number, incarnation }
            }
            (Some(_), None) if heartbeat.view == record.view.number => {
                if let Some(answered) = self.answered.get_mut(from as usize) {
                    *answered = now;
                }
                Message::Beat { sent_at, view: record.view.number, incarnation }
            }
            (Some(_), None) => record.install(incarnation),
            (None, _) if incarnation <= self.last_life(from) => {
                Message::Ejected { view: record.view.number, incarnation }
            }
            (None, _) => return,
        };
        out.put(ManagerOut::Send { to: from, message });
    }

    // Changes of views.

    /// Whether something has to change, or a change under way has come to its end.
    fn look(&mut self, now: Time, out: &mut impl Outbox<ManagerOut>) {
        match (self.mode, &self.change) {
            (None, _) => self.look_stateless(now, out),
            (Some(mode), None) => {
                if let Some(leaving) = self.reason(now, out) {
                    self.begin_change(now, leaving, out);
                    self.conclude(now, mode, out);
                }
            }
            (Some(mode), Some(_)) => self.conclude(now, mode, out),
        }
    }

    /// The silent among `members`, those to be put out, the longest silent first as long as the limits allow.
    fn silent_to_leave(&mut self, now: Time, members: &[u32], out: &mut impl Outbox<ManagerOut>) -> Members {
        let mut silent: Vec<u32> = members.iter().copied().filter(|&m| self.silent(now, m)).collect();
        silent.sort_by_key(|&m| self.heard(m).map_or(Time::ZERO, |heard| heard.at));
        let replicas = self.replicas as usize;
        let panic = ((members.len() - silent.len()) as f64) < self.membership.panic_below * replicas as f64;
        // A little more, so that a third of three is one.
        let most = (self.membership.max_ejected * replicas as f64 + 1e-9) as usize;
        let out_already = replicas.saturating_sub(members.len());
        let allowed = if panic { 0 } else { most.saturating_sub(out_already) };
        let spared = Members::of(silent.iter().copied().skip(allowed));
        if spared != self.spared {
            self.spared = spared;
            if !spared.is_empty() {
                out.put(ManagerOut::Noted(Note::Spared { members: spared }));
            }
        }
        Members::of(silent.into_iter().take(allowed))
    }

    /// Whether the view has to change, and which silent members are to be put out then.
    fn reason(&mut self, now: Time, out: &mut impl Outbox<ManagerOut>) -> Option<Members> {
        let record = self.record();
        let number = record.view.number;
        let (lost, members): (Vec<u32>, Vec<u32>) =
            record.view.members.iter().partition(|&m| self.lost(&record, m));
        let leaving = self.silent_to_leave(now, &members, out);
        // A change was interrupted by a crash of the manager: who has promised to leave the view serves nobody.
        let stuck = |r: u32| {
            self.heard(r).is_some_and(|h| record.life(r) == Some(h.incarnation) && h.sealed > number)
        };
        let learners = || record.view.learners.iter();
        let gone = |l: u32| self.lost(&record, l) || self.silent(now, l);
        let learnt = |l: u32| self.heard(l).is_some_and(|h| h.caught_up && h.view == number);
        let change = !lost.is_empty()
            || !leaving.is_empty()
            || record.view.members.iter().chain(learners()).any(stuck)
            || learners().any(gone)
            || learners().any(learnt);
        // A learner that has not got all parts begins anew in a new view. So others are let in when none is learning, or with
        // a change that comes anyway.
        let admit = learners().len() == 0 && !self.newcomers(now, self.membership.admit_after).is_empty();
        (change || admit).then_some(leaving)
    }

    fn begin_change(&mut self, now: Time, leaving: Members, out: &mut impl Outbox<ManagerOut>) {
        let number = self.view().number + 1;
        let change = Change { number, began: now, asked: now, leaving, answers: vec![], enough_at: None };
        self.change = Some(change);
        out.put(ManagerOut::Noted(Note::Sealed { view: number }));
        self.ask(out);
    }

    /// Asks whoever takes part in the view and has not answered to seal it.
    fn ask(&self, out: &mut impl Outbox<ManagerOut>) {
        let Some(change) = &self.change else { return };
        let record = self.record();
        for &(to, incarnation) in &record.lives {
            if !self.lost(&record, to) && !change.answers.iter().any(|answer| answer.replica == to) {
                let message = Message::Seal { view: change.number, incarnation };
                out.put(ManagerOut::Send { to, message });
            }
        }
    }

    fn sealed(
        &mut self,
        now: Time,
        incarnation: u64,
        view: u64,
        answer: Sealed,
        out: &mut impl Outbox<ManagerOut>,
    ) {
        let life = self.record().life(answer.replica);
        let Some(change) = &mut self.change else { return };
        let news = view == change.number
            && life == Some(incarnation)
            && !change.answers.iter().any(|a| a.replica == answer.replica);
        if news {
            change.answers.push(answer);
            self.look(now, out);
        }
    }

    /// Decides the next view, if enough is known.
    fn conclude(&mut self, now: Time, mode: Mode, out: &mut impl Outbox<ManagerOut>) {
        let record = self.record();
        // What one knew is of no use when it has been lost since.
        let lost = Members::of(record.lives.iter().map(|life| life.0).filter(|&r| self.lost(&record, r)));
        if let Some(change) = &mut self.change {
            change.answers.retain(|answer| !lost.contains(answer.replica));
        }
        let Some(change) = &self.change else { return };
        let Membership { timeout, lease, heartbeat, .. } = self.membership;
        let answered = |r: u32| change.answers.iter().any(|answer| answer.replica == r);
        let missing: Vec<u32> =
            (record.view.members.iter()).filter(|&m| !answered(m) && !lost.contains(m)).collect();
        let tally = Tally::new(mode, &self.records, &change.answers);
        let enough = tally.enough();
        if enough && change.enough_at.is_none() {
            if let Some(change) = &mut self.change {
                change.enough_at = Some(now);
            }
            return self.conclude(now, mode, out);
        }
        // Nobody else can answer, now or ever: the others have lost their memory. What is left has to do.
        let remnant = !enough && missing.is_empty();
        if !enough && !remnant {
            return;
        }
        // Whoever is heard has two timeouts to answer: questions and answers get lost, and a member left out has to learn
        // everything anew. If it took a timeout until enough had answered, such as after a partition, the silent have a little
        // time to be heard again.
        let learners = record
            .view
            .learners
            .iter()
            .filter(|&l| !answered(l) && !lost.contains(l) && self.heard(l).is_some_and(|h| h.caught_up));
        let awaited = |r: u32| !self.silent(now, r) && !change.leaving.contains(r);
        let in_time = now.since(change.began) < timeout + timeout;
        let late = change.enough_at.is_some_and(|at| at.since(change.began) >= timeout);
        let grace = change.enough_at.is_some_and(|at| now.since(at) < heartbeat * 2.0);
        if in_time && missing.iter().copied().chain(learners).any(awaited)
            || late && grace && !missing.is_empty()
        {
            return;
        }
        // A member that has not answered may hold a lease, and answer reads by it, until a lease after its last heartbeat was
        // answered. One that has answered has given it up; one that lives anew has forgotten it.
        let leased = |m: u32| self.answered.get(m as usize).is_some_and(|&answered| now < answered + lease);
        if missing.iter().any(|&m| leased(m)) {
            return;
        }
        let leaving = change.leaving;
        let Some(next) = self.next(now, mode, &record, remnant) else { return };
        self.change = None;
        // One that is silent and stays, because the others do not have everything, has a timeout to be heard again: else one
        // view would follow the other as fast as it can answer.
        for member in next.view.members.iter().filter(|&m| leaving.contains(m)) {
            if let Some(Some(heard)) = self.heard.get_mut(member as usize) {
                heard.at = now;
            }
        }
        if remnant {
            out.put(ManagerOut::Noted(Note::Lost { view: next.view.number }));
        }
        let installs: Vec<(u32, Message)> =
            next.lives.iter().map(|&(to, life)| (to, next.install(life))).collect();
        self.append(next, out);
        for (to, message) in installs {
            out.put(ManagerOut::Send { to, message });
        }
    }

    /// The next view. `None`: there is nobody to make it of.
    fn next(&self, now: Time, mode: Mode, record: &Record, remnant: bool) -> Option<Record> {
        let change = self.change.as_ref()?;
        let old = &record.view;
        let heard_life = |r: u32| self.heard(r).map_or(0, |heard| heard.incarnation);
        let newcomers = self.newcomers(now, self.membership.admit_after);
        let leaves = |r: u32| change.leaving.contains(r) && self.silent(now, r);
        let stays: Vec<Sealed> =
            change.answers.iter().copied().filter(|answer| !leaves(answer.replica)).collect();
        // Those who are put out although they answer are kept if the others do not have everything.
        let without = Tally::new(mode, &self.records, &stays);
        let tally = if without.enough() { without } else { Tally::new(mode, &self.records, &change.answers) };
        let mut positions = vec![];
        let position = |r: u32| change.answer(r).map(|answer| record.settled(mode, answer));
        let members = if remnant {
            // The best of what is left, alone: what the others hold may not fit to it, they begin anew.
            let whole = |l: &u32| position(*l).is_some_and(|p| p.view > 0);
            let learner = || old.learners.iter().filter(whole).max_by_key(|&l| position(l));
            let Some(best) = tally.best().or_else(learner) else { return self.anew(now, change.number) };
            positions.extend(position(best).map(|p| (best, p)));
            vec![best]
        } else {
            let mut members = tally.order();
            let first = members.first().and_then(|&first| position(first)).unwrap_or_default();
            let joins =
                |l: &u32| change.answer(*l).is_some_and(|answer| record.may_join(mode, answer, first));
            members.extend(old.learners.iter().filter(joins));
            positions.extend(members.iter().filter_map(|&m| Some((m, position(m)?))));
            members
        };
        let learners: Vec<u32> = (tally.answered().chain(old.learners.iter()))
            .filter(|l| !members.contains(l))
            .filter(|&l| !self.lost(record, l) && !self.silent(now, l))
            .chain(newcomers.iter())
            .collect();
        if !remnant {
            // Learners that have a whole store go on with it; the others are told nowhere, and begin anew.
            let goes_on = |&l: &u32| {
                let whole = position(l).filter(|p| p.view > 0 && !newcomers.contains(l));
                whole.map(|p| (l, p))
            };
            positions.extend(learners.iter().filter_map(goes_on));
        }
        let view =
            View { number: change.number, members: Members::of(members), learners: Members::of(learners) };
        // Newcomers come in a new life, even if they were members.
        let life = |r: u32| {
            let life = if newcomers.contains(r) { None } else { record.life(r) };
            (r, life.unwrap_or_else(|| heard_life(r)))
        };
        let lives = view.members.iter().chain(view.learners.iter()).map(life).collect();
        Some(Record { view, lives, positions })
    }

    /// View `number` of a group whose every member has lost its memory: it begins anew, empty, with all that are there.
    fn anew(&self, now: Time, number: u64) -> Option<Record> {
        let all = self.newcomers(now, Span::ZERO);
        let life = |m: u32| Some((m, self.heard(m)?.incarnation));
        (!all.is_empty()).then(|| Record {
            view: View { number, members: all, learners: Members::default() },
            lives: all.iter().filter_map(life).collect(),
            positions: all.iter().map(|m| (m, Position::default())).collect(),
        })
    }

    /// From here on the view stands, whatever happens to the manager.
    fn append(&mut self, record: Record, out: &mut impl Outbox<ManagerOut>) {
        let view = record.view;
        self.records.push(record.clone());
        out.put(ManagerOut::Keep(record));
        out.put(ManagerOut::Noted(Note::Installed { view }));
        out.put(ManagerOut::Publish(view));
    }

    /// Without state a view changes at once: nobody has to agree, and clients learn of it.
    fn look_stateless(&mut self, now: Time, out: &mut impl Outbox<ManagerOut>) {
        let view = self.view();
        let members: Vec<u32> = view.members.iter().collect();
        let leaving = self.silent_to_leave(now, &members, out);
        let newcomers = self.newcomers(now, self.membership.admit_after);
        if leaving.is_empty() && newcomers.is_empty() {
            return;
        }
        let is_member = |&r: &u32| view.members.contains(r) && !leaving.contains(r) || newcomers.contains(r);
        let members = Members::of((0..self.replicas).filter(is_member));
        let view = View { number: view.number + 1, members, learners: Members::default() };
        self.append(Record { view, ..Record::default() }, out);
    }

    // Timers and triggers.

    /// Begins, or goes on after a crash or a pause. What was heard before is lost or old: every replica of the view has a
    /// whole timeout to be heard again, and may hold a lease as if it had just been answered.
    fn go_on(&mut self, now: Time, out: &mut impl Outbox<ManagerOut>) {
        let record = self.record();
        let lives: Vec<(u32, u64)> = match self.mode {
            Some(_) => record.lives,
            None => record.view.members.iter().map(|m| (m, 1)).collect(),
        };
        for (replica, incarnation) in lives {
            let Some(place) = self.heard.get_mut(replica as usize) else { continue };
            let assumed = Heard {
                incarnation,
                sent_at: None,
                at: now,
                since: now,
                view: 0,
                sealed: 0,
                caught_up: false,
            };
            place.get_or_insert(assumed).at = now;
            if let Some(answered) = self.answered.get_mut(replica as usize) {
                *answered = now;
            }
        }
        self.tick(now, out);
    }

    /// Looks around, and once more a little later.
    fn tick(&mut self, now: Time, out: &mut impl Outbox<ManagerOut>) {
        let due =
            (self.change.as_mut()).filter(|change| now.since(change.asked) >= self.membership.heartbeat);
        if let Some(change) = due {
            change.asked = now;
            self.ask(out);
        }
        self.look(now, out);
        let period = self.membership.heartbeat.min(self.membership.timeout) * 0.25;
        let at = now + period.max(Span::from_millis(1));
        out.put(ManagerOut::WakeAt { at, wake: ManagerWake { epoch: self.epoch } });
    }

    fn control(&mut self, now: Time, control: ServerControl, out: &mut impl Outbox<ManagerOut>) {
        match (control, self.state) {
            (ServerControl::Pause, State::Up) => self.state = State::Paused,
            (ServerControl::Resume, State::Paused) => {
                self.state = State::Up;
                self.epoch += 1;
                self.go_on(now, out);
                for input in std::mem::take(&mut self.outside) {
                    self.step(now, input, out);
                }
            }
            (ServerControl::Crash, State::Up | State::Paused) => {
                let records = std::mem::take(&mut self.records);
                let epoch = self.epoch + 1;
                let empty = Manager::restore(self.mode, self.membership, self.replicas, records);
                *self = Manager { state: State::Down, epoch, ..empty };
            }
            (ServerControl::Restart, State::Down) => {
                self.state = State::Up;
                self.begin(now, out);
            }
            _ => {}
        }
    }

    fn begin(&mut self, now: Time, out: &mut impl Outbox<ManagerOut>) {
        out.put(ManagerOut::Publish(self.view()));
        self.go_on(now, out);
    }

    fn peer(&mut self, now: Time, from: u32, message: Message, out: &mut impl Outbox<ManagerOut>) {
        match message {
            Message::Heartbeat { incarnation, view, sent_at, caught_up, sealed } => {
                let heard = Heard {
                    incarnation,
                    sent_at: Some(sent_at),
                    at: now,
                    since: now,
                    view,
                    sealed,
                    caught_up,
                };
                self.hear(now, from, heard, out);
            }
            Message::Sealed { view, position, incarnation, caught_up, installed } => {
                // A learner that was not told of this view: if the view did not count on what it has from an earlier one, then
                // nobody has kept what it lacks.
                let record = self.record();
                let here = installed == record.view.number;
                let counted = here || record.position(from).is_some();
                let position = if counted { position } else { Position::default() };
                let answer = Sealed { replica: from, position, caught_up: caught_up && here };
                self.sealed(now, incarnation, view, answer, out);
            }
            _ => {}
        }
    }
}

impl Change {
    fn answer(&self, replica: u32) -> Option<&Sealed> {
        self.answers.iter().find(|answer| answer.replica == replica)
    }
}

impl Machine for Manager {
    type In = ManagerIn;
    type Out = ManagerOut;

    fn step(&mut self, now: Time, input: ManagerIn, out: &mut impl Outbox<ManagerOut>) {
        match (self.state, input) {
            (_, ManagerIn::Control(control)) => self.control(now, control, out),
            (State::Up, ManagerIn::Begin) => self.begin(now, out),
            (State::Up, ManagerIn::Peer { from, message }) => self.peer(now, from, message, out),
            (State::Up, ManagerIn::Woken(wake)) if wake.epoch == self.epoch => self.tick(now, out),
            (State::Paused, input @ ManagerIn::Peer { .. }) => self.outside.push(input),
            (State::Up | State::Paused | State::Down, _) => {}
        }
    }
}
