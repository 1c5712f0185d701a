//! Which replica gets an attempt.
use crate::{
    draw::{Draw, Stream},
    replicate::Members,
};
use serde::{Deserialize, Serialize};

/// A balancing policy. Its state is kept per client instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Balance {
    /// Each replica in turn.
    RoundRobin,
    /// Uniformly at random.
    Random,
    /// The replica with the fewest attempts in flight from this instance; ties at random.
    LeastRequest,
    /// The less loaded of two different ones picked at random (Mitzenmacher, IEEE TPDS 2001). Envoy's and gRPC's
    /// "least request" is this one.
    PowerOfTwo,
}

/// A balancer in use by one client instance.
#[derive(Clone, Debug)]
pub struct Balancer {
    policy: Balance,
    next: u32,
    in_flight: Vec<u32>,
    /// Replicas ordered by what they have in flight, for [`Balance::LeastRequest`] only: `order[place[r]] == r`.
    order: Vec<u32>,
    place: Vec<u32>,
    /// Where in `order` the replicas with `n` in flight begin.
    starts: Vec<u32>,
}

impl Balancer {
    /// A balancer over `replicas` replicas (at least one). `first` is where round robin begins.
    pub fn new(policy: Balance, replicas: u32, first: u32) -> Balancer {
        let tracked = if policy == Balance::LeastRequest { replicas } else { 0 };
        Balancer {
            policy,
            next: first % replicas,
            in_flight: vec![0; replicas as usize],
            order: (0..tracked).collect(),
            place: (0..tracked).collect(),
            starts: vec![0, tracked],
        }
    }

    /// Picks a replica for attempt `number` of `call` and counts it as in flight there.
    #[inline]
    pub fn pick(&mut self, call: u64, number: u32, draw: Draw) -> u32 {
        let n = self.in_flight.len();
        let replica = match self.policy {
            Balance::RoundRobin => {
                let replica = self.next;
                self.next = if replica as usize + 1 == n { 0 } else { replica + 1 };
                replica
            }
            Balance::Random => draw.index(Stream::Balance, call, number, n) as u32,
            Balance::PowerOfTwo => {
                let first = draw.index(Stream::Balance, call, number, n);
                let step = if n > 1 { 1 + draw.index(Stream::Balance, !call, number, n - 1) } else { 0 };
                let second = (first + step) % n;
                (if self.in_flight[second] < self.in_flight[first] { second } else { first }) as u32
            }
            Balance::LeastRequest => {
                // The least loaded stand first in `order`, up to where the next load begins.
                let least =
                    self.starts.iter().skip(1).find(|&&start| start > 0).map_or(n, |&start| start as usize);
                self.order[draw.index(Stream::Balance, call, number, least)]
            }
        };
        self.move_up(replica);
        replica
    }

    /// Counts an attempt at `replica`, which was chosen otherwise.
    #[inline]
    pub fn take(&mut self, replica: u32) {
        self.move_up(replica);
    }

    /// As [`Balancer::pick`], among `members` alone (replicas below the number of replicas; not empty). The share of those
    /// who are out is spread over all of them.
    pub fn pick_of(&mut self, members: &Members, call: u64, number: u32, draw: Draw) -> u32 {
        if members.len() >= self.in_flight.len() {
            return self.pick(call, number, draw);
        }
        self.pick_among(members.iter(), call, number, draw)
    }

    /// As [`Balancer::pick`], among `members` alone where there are some, but none that `asked` names. If that leaves nobody,
    /// any of them.
    pub fn pick_other(
        &mut self,
        members: Option<&Members>,
        asked: &[u32],
        call: u64,
        number: u32,
        draw: Draw,
    ) -> u32 {
        let n = self.in_flight.len() as u32;
        let open = |replica: &u32| !asked.contains(replica);
        let limited = !asked.is_empty();
        match members {
            Some(members) if limited && members.iter().any(|r| open(&r)) => {
                self.pick_among(members.iter().filter(open), call, number, draw)
            }
            Some(members) => self.pick_of(members, call, number, draw),
            None if limited && (0..n).any(|r| open(&r)) => {
                self.pick_among((0..n).filter(open), call, number, draw)
            }
            None => self.pick(call, number, draw),
        }
    }

    /// As [`Balancer::pick`], among `open` alone, which is not empty.
    fn pick_among(
        &mut self,
        open: impl Iterator<Item = u32> + Clone,
        call: u64,
        number: u32,
        draw: Draw,
    ) -> u32 {
        let n = self.in_flight.len() as u32;
        let count = open.clone().count();
        let nth = |index: usize| open.clone().nth(index).unwrap_or(0);
        let index = |stream_of: u64, of: usize| draw.index(Stream::Balance, stream_of, number, of.max(1));
        let load = |replica: u32| self.in_flight[replica as usize];
        let replica = match self.policy {
            Balance::RoundRobin => {
                let turn = |replica: &u32| (replica + n - self.next) % n;
                let replica = open.clone().min_by_key(turn).unwrap_or(self.next);
                self.next = (replica + 1) % n;
                replica
            }
            Balance::Random => nth(index(call, count)),
            Balance::PowerOfTwo => {
                let first = index(call, count);
                let step = if count > 1 { 1 + index(!call, count - 1) } else { 0 };
                let (first, second) = (nth(first), nth((first + step) % count));
                if load(second) < load(first) { second } else { first }
            }
            Balance::LeastRequest => {
                let least = open.clone().map(load).min().unwrap_or(0);
                let tied = || open.clone().filter(|r| load(*r) == least);
                tied().nth(index(call, tied().count())).unwrap_or(0)
            }
        };
        self.move_up(replica);
        replica
    }

    /// An attempt at `replica` is over, or its caller gave it up.
    #[inline]
    pub fn release(&mut self, replica: u32) {
        self.move_down(replica);
    }

    /// Attempts in flight at each replica.
    pub fn in_flight(&self) -> &[u32] {
        &self.in_flight
    }

    fn move_up(&mut self, replica: u32) {
        let load = self.in_flight[replica as usize] as usize;
        self.in_flight[replica as usize] += 1;
        if self.policy == Balance::LeastRequest {
            if self.starts.len() == load + 2 {
                self.starts.push(self.order.len() as u32);
            }
            // The replica becomes the last of its load class, and the border moves over it.
            self.starts[load + 1] -= 1;
            self.swap(replica, self.starts[load + 1]);
        }
    }

    fn move_down(&mut self, replica: u32) {
        let load = self.in_flight[replica as usize] as usize;
        self.in_flight[replica as usize] -= 1;
        if self.policy == Balance::LeastRequest {
            self.swap(replica, self.starts[load]);
            self.starts[load] += 1;
        }
    }

    fn swap(&mut self, replica: u32, to: u32) {
        let from = self.place[replica as usize];
        let other = self.order[to as usize];
        self.order.swap(from as usize, to as usize);
        self.place[replica as usize] = to;
        self.place[other as usize] = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAW: Draw = Draw { seed: 11 };

    #[test]
    fn round_robin_takes_turns_from_where_it_begins() {
        let mut balancer = Balancer::new(Balance::RoundRobin, 3, 1);
        let picks: Vec<u32> = (0..6).map(|call| balancer.pick(call, 1, DRAW)).collect();
        assert_eq!(picks, [1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn random_and_power_of_two_spread_evenly_when_all_are_idle() {
        for policy in [Balance::Random, Balance::PowerOfTwo, Balance::LeastRequest] {
            let mut balancer = Balancer::new(policy, 4, 0);
            let mut seen = [0u32; 4];
            for call in 0..40_000 {
                let replica = balancer.pick(call, 1, DRAW);
                balancer.release(replica);
                seen[replica as usize] += 1;
            }
            // Binomial(40,000, 1/4): standard deviation 87.
            assert!(seen.iter().all(|n| (9_600..10_400).contains(n)), "{policy:?} {seen:?}");
        }
    }

    #[test]
    fn power_of_two_never_compares_a_replica_with_itself() {
        let mut balancer = Balancer::new(Balance::PowerOfTwo, 2, 0);
        // With two replicas it always sees both, so the loads never differ by more than one.
        for call in 0..1000 {
            balancer.pick(call, 1, DRAW);
            assert!(balancer.in_flight()[0].abs_diff(balancer.in_flight()[1]) <= 1);
        }
    }

    #[test]
    fn the_share_of_a_replica_that_is_out_is_spread_over_all_members() {
        let members = Members::of([0, 2, 3]);
        for policy in [Balance::RoundRobin, Balance::Random, Balance::PowerOfTwo, Balance::LeastRequest] {
            let mut balancer = Balancer::new(policy, 4, 0);
            let mut seen = [0u32; 4];
            for call in 0..30_000 {
                let replica = balancer.pick_of(&members, call, 1, DRAW);
                balancer.release(replica);
                seen[replica as usize] += 1;
            }
            // Binomial(30,000, 1/3): standard deviation 82.
            let even = |n: &u32| (9_600..10_400).contains(n);
            assert!(seen[1] == 0 && [0, 2, 3].iter().all(|&m| even(&seen[m])), "{policy:?} {seen:?}");
        }
    }

    /// With every policy, as if the others were not there; where all have been asked, anybody.
    #[test]
    fn another_replica_is_one_that_was_not_asked() {
        let members = Members::of([3, 0, 1]);
        for policy in [Balance::RoundRobin, Balance::Random, Balance::PowerOfTwo, Balance::LeastRequest] {
            let mut balancer = Balancer::new(policy, 4, 0);
            let mut seen = [0u32; 4];
            for call in 0..30_000 {
                let replica = balancer.pick_other(None, &[1, 1], call, 2, DRAW);
                balancer.release(replica);
                seen[replica as usize] += 1;
            }
            // Binomial(30,000, 1/3): standard deviation 82.
            let even = |n: &u32| (9_600..10_400).contains(n);
            assert!(seen[1] == 0 && [0, 2, 3].iter().all(|&r| even(&seen[r])), "{policy:?} {seen:?}");
            for call in 0..100 {
                let member = balancer.pick_other(Some(&members), &[0, 3], call, 2, DRAW);
                assert_eq!(member, 1, "{policy:?}");
                balancer.release(member);
                let anybody = balancer.pick_other(Some(&members), &[0, 1, 3], call, 2, DRAW);
                assert!(members.contains(anybody), "{policy:?}");
                balancer.release(anybody);
            }
            assert_eq!(balancer.in_flight(), [0; 4]);
        }
    }

    proptest::proptest! {
        /// The ordered structure always picks a replica of minimal load, under any mix of picks and releases.
        #[test]
        fn least_request_picks_a_least_loaded_replica(releases in proptest::collection::vec(0usize..8, 1..300)) {
            let mut balancer = Balancer::new(Balance::LeastRequest, 5, 0);
            for (call, release) in releases.into_iter().enumerate() {
                let least = *balancer.in_flight().iter().min().unwrap();
                let before = balancer.in_flight().to_vec();
                let replica = balancer.pick(call as u64, 1, DRAW);
                proptest::prop_assert_eq!(before[replica as usize], least);
                if release < 5 && balancer.in_flight()[release] > 0 {
                    balancer.release(release as u32);
                }
            }
        }
    }
}
