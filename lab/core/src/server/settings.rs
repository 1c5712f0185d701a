//! A server's settings change while it has work.
use super::{Cancel, Server, ServerOut, State, Worker};
use crate::{machine::Outbox, setting::ServerSetting, time::Time};

impl Server {
    /// The setting holds from now on; who waits and who is at work stays.
    #[cold]
    #[inline(never)]
    pub(super) fn set(&mut self, now: Time, setting: ServerSetting, out: &mut impl Outbox<ServerOut>) {
        let here = self.workers.len() as u32 - self.off.len() as u32 - self.leaving;
        self.policy.set(setting);
        match setting {
            ServerSetting::Workers(workers) if workers < here => self.dismiss(here - workers),
            ServerSetting::Workers(workers) => self.hire(now, workers - here, out),
            ServerSetting::Discipline(discipline) => self.queue.order_by(now, discipline),
            ServerSetting::Capacity(_) => {}
            ServerSetting::Cancel(cancel) => self.listen(cancel),
        }
    }

    /// So many workers less: free ones go at once, and others when they have finished.
    fn dismiss(&mut self, mut surplus: u32) {
        while surplus > 0
            && let Some(worker) = self.idle.pop()
        {
            self.off.push(worker);
            surplus -= 1;
        }
        self.leaving += surplus;
    }

    /// So many workers more: some that were to leave stay, and others come.
    fn hire(&mut self, now: Time, mut wanted: u32, out: &mut impl Outbox<ServerOut>) {
        let stay = wanted.min(self.leaving);
        self.leaving -= stay;
        wanted -= stay;
        for _ in 0..wanted {
            let worker = self.off.pop().unwrap_or_else(|| {
                self.workers.push(Worker { epoch: 0, job: None });
                self.workers.len() as u32 - 1
            });
            self.idle.push(worker);
        }
        self.take_up(now, out);
    }

    /// Free workers begin with what waits. Without changed settings there never are both.
    pub(super) fn take_up(&mut self, now: Time, out: &mut impl Outbox<ServerOut>) {
        while self.state == State::Up
            && !self.queue.is_empty()
            && let Some(worker) = self.idle.pop()
        {
            self.next(now, worker, out);
        }
    }

    /// A free worker goes.
    #[cold]
    #[inline(never)]
    pub(super) fn leave(&mut self, worker: u32) {
        self.leaving -= 1;
        self.off.push(worker);
    }

    /// Whether hang-ups are heard of from now on, by those who wait already too.
    fn listen(&mut self, cancel: Cancel) {
        self.waiting.clear();
        let gone = std::mem::take(&mut self.gone);
        self.queue.retain(|waiting| !gone.contains(&(waiting.job.client, waiting.job.attempt)));
        if cancel == Cancel::OnDisconnect {
            self.waiting.extend(self.queue.iter().map(|waiting| (waiting.job.client, waiting.job.attempt)));
        }
    }
}
