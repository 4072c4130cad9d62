//! Which requests go to which other replica, and when.

mod collect;
#[cfg(test)]
mod tests;

use crate::{Arrival, Mempool, Standing};
use collect::{Collected, Step, collect};
use quorate_core::{Destination, LeaderSchedule, Place, ReplicaId, Status, Time};
use std::collections::VecDeque;
use std::time::Duration;

/// While requests stream in, they are forwarded at most this often, many at a time. A request
/// that comes after a pause is forwarded at once.
const GATHER: Duration = Duration::from_millis(1);

/// Whether leaders change only when they fail, or with every decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaderStyle {
    /// PBFT: whoever leads needs every client's requests.
    Stable,
    /// HotStuff and Tendermint: each replica proposes its own clients' requests in its turn.
    Rotating,
}

/// A forwarded batch of requests and who gets it.
pub type Forwarded = (Destination, Vec<u8>);

/// The policy of forwarding requests of this replica's own clients.
///
/// **Stable leader.** A request goes to the leader at once, and once. It goes to everyone, once,
/// when it has waited for a quarter of the timeout, unless the leader evidently serves this
/// replica's clients in their order and has merely not come to it: none that came later has been
/// decided, and some was decided within the last quarter. (Otherwise a queue of more than a
/// quarter of the timeout would multiply its own traffic.) After the whole timeout it goes to
/// everyone whatever the leader does: a leader that slows one replica's clients down must face
/// everybody's timers. A change of the leader alone forwards nothing again: what matters has been
/// sent to everyone. But what waits when a leader comes, and still does a whole timeout later,
/// is forwarded to it once more. And because frames get lost, what has been sent to everyone is
/// sent again after every whole timeout in which nothing of this replica's clients was decided:
/// without that a replica that was cut off meanwhile would wait for ever, while the others see
/// nothing to do. So is, after every timeout, what later requests of this replica's clients have
/// overtaken: while those come and go, nothing else would ever bring the lost one back.
///
/// **Rotating leaders.** A request that has waited for a full rotation goes to the leader two or
/// more views ahead, once, if this replica's own turns do not serve it: it is in no payload of
/// ours in play, and no request of our clients was decided during the rotation. (Under load
/// requests wait for many turns while each turn serves a batch of them; forwarding those would
/// order them twice.)
///
/// Each plan forwards at most 1 MiB for each of these reasons, in frames of at most 256 KiB or one
/// request; the rest follows at the next deadline.
#[derive(Debug)]
pub struct Forwarding {
    style: LeaderStyle,
    timeout: Duration,
    /// Places in a full rotation.
    replicas: usize,
    leader: Option<ReplicaId>,
    /// Local requests below this arrival have been forwarded to a leader.
    to_leader: Arrival,
    /// Local requests below this arrival have been forwarded to everyone.
    to_everyone: Arrival,
    again: Option<Again>,
    last_to_everyone: Time,
    /// When something was last sent to everyone that everyone had been sent before.
    last_again: Time,
    last_to_leader: Option<Time>,
    place: Option<Place>,
    /// What there was at each of the last changes of place: the oldest is a rotation ago.
    rotation: VecDeque<(Arrival, Time)>,
    deadline: Option<Time>,
}

/// What is forwarded again to a leader that has not served it.
#[derive(Clone, Copy, Debug)]
struct Again {
    at: Time,
    from: Arrival,
    end: Arrival,
}

impl Forwarding {
    /// A policy for a replica among `replicas`, whose engine's request or view timeout is
    /// `timeout`.
    #[must_use]
    pub const fn new(style: LeaderStyle, timeout: Duration, replicas: usize) -> Self {
        Self {
            style,
            timeout,
            replicas,
            leader: None,
            to_leader: Arrival::START,
            to_everyone: Arrival::START,
            again: None,
            last_to_everyone: Time::ZERO,
            last_again: Time::ZERO,
            last_to_leader: None,
            place: None,
            rotation: VecDeque::new(),
            deadline: None,
        }
    }

    /// When [`Self::plan`] wants to be called again, if nothing happens before. After every change
    /// of the mempool or of the status it wants to be called at once.
    #[must_use]
    pub const fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// What to forward now, as batches of [`quorate_core::Requests`]. What is returned counts as
    /// forwarded.
    pub fn plan(
        &mut self,
        now: Time,
        me: ReplicaId,
        status: &Status,
        leaders: &dyn LeaderSchedule,
        mempool: &Mempool,
    ) -> Vec<Forwarded> {
        self.deadline = None;
        match self.style {
            LeaderStyle::Stable => self.plan_stable(now, me, status, mempool),
            LeaderStyle::Rotating => self.plan_rotating(now, me, status, leaders, mempool),
        }
    }

    fn wake_at(&mut self, at: Time) {
        self.deadline = Some(self.deadline.map_or(at, |other| other.min(at)));
    }

    fn plan_stable(
        &mut self,
        now: Time,
        me: ReplicaId,
        status: &Status,
        mempool: &Mempool,
    ) -> Vec<Forwarded> {
        if self.leader != Some(status.leader) {
            self.again = self.leader.map(|_| Again {
                at: now.after(self.timeout),
                from: Arrival::START,
                end: mempool.next_arrival(),
            });
            self.leader = Some(status.leader);
        }
        let mut forwarded = Vec::new();
        if status.leader != me {
            let to = Destination::One(status.leader);
            let batches = self.new_for_leader(now, mempool).into_iter();
            forwarded.extend(batches.map(|batch| (to, batch)));
            let batches = self.again_for_leader(now, mempool).into_iter();
            forwarded.extend(batches.map(|batch| (to, batch)));
        }
        let mut batches = self.for_everyone(now, mempool);
        batches.extend(self.again_for_everyone(now, mempool));
        batches.extend(self.overtaken_for_everyone(now, mempool));
        forwarded.extend(
            batches
                .into_iter()
                .map(|batch| (Destination::Others, batch)),
        );
        forwarded
    }

    /// What the leader has not been given.
    fn new_for_leader(&mut self, now: Time, mempool: &Mempool) -> Vec<Vec<u8>> {
        if mempool.local_from(self.to_leader).next().is_none() {
            return Vec::new();
        }
        let free = self.last_to_leader.map(|last| last.after(GATHER));
        if let Some(free) = free.filter(|free| *free > now) {
            self.wake_at(free);
            return Vec::new();
        }
        let collected = collect(mempool, self.to_leader, |_| Step::Take);
        self.to_leader = collected.next;
        self.last_to_leader = Some(now);
        self.come_back_for_more(now, &collected);
        collected.batches
    }

    /// What the leader has been given, perhaps, and has had the whole timeout to serve.
    fn again_for_leader(&mut self, now: Time, mempool: &Mempool) -> Vec<Vec<u8>> {
        let Some(again) = self.again else {
            return Vec::new();
        };
        if now < again.at {
            self.wake_at(again.at);
            return Vec::new();
        }
        let collected = collect(mempool, again.from, |waiting| {
            if waiting.arrival < again.end {
                Step::Take
            } else {
                Step::Stop
            }
        });
        self.come_back_for_more(now, &collected);
        self.again = collected.is_cut.then_some(Again {
            from: collected.next,
            ..again
        });
        collected.batches
    }

    /// What the leader does not seem to serve.
    fn for_everyone(&mut self, now: Time, mempool: &Mempool) -> Vec<Vec<u8>> {
        let (quarter, timeout) = (self.timeout / 4, self.timeout);
        let progress = mempool.local_progress();
        let stalled_at = progress.at.after(quarter);
        let due = |waiting: &crate::Waiting<'_>| {
            let patient = waiting.received.after(quarter);
            if waiting.arrival < progress.arrival {
                return patient;
            }
            let stalled = patient.max(stalled_at);
            stalled.min(waiting.received.after(timeout))
        };
        // Later arrivals are never due earlier.
        let mut next_due = None;
        let collected = collect(mempool, self.to_everyone, |waiting| {
            let at = due(waiting);
            if at <= now {
                return Step::Take;
            }
            next_due = Some(at);
            Step::Stop
        });
        self.to_everyone = collected.next;
        if !collected.batches.is_empty() {
            self.last_to_everyone = now;
        }
        self.come_back_for_more(now, &collected);
        if let Some(at) = next_due {
            self.wake_at(at);
        }
        collected.batches
    }

    /// What everyone has been sent, perhaps, and nobody has served: it may have been lost.
    fn again_for_everyone(&mut self, now: Time, mempool: &Mempool) -> Vec<Vec<u8>> {
        let end = self.to_everyone;
        if mempool.is_empty() || end == Arrival::START {
            return Vec::new();
        }
        let last = self.last_to_everyone.max(mempool.local_progress().at);
        let at = last.after(self.timeout);
        if now < at {
            self.wake_at(at);
            return Vec::new();
        }
        (self.last_to_everyone, self.last_again) = (now, now);
        self.wake_at(now.after(self.timeout));
        let collected = collect(mempool, Arrival::START, |waiting| {
            if waiting.arrival < end {
                Step::Take
            } else {
                Step::Stop
            }
        });
        collected.batches
    }

    /// What everyone has been sent and nobody has served, while later requests of ours were: it
    /// was lost on the way, although the others have no reason to do anything about it.
    fn overtaken_for_everyone(&mut self, now: Time, mempool: &Mempool) -> Vec<Vec<u8>> {
        let end = self.to_everyone.min(mempool.local_progress().arrival);
        let oldest = mempool.local_from(Arrival::START).next();
        let Some(oldest) = oldest.filter(|oldest| oldest.arrival < end) else {
            return Vec::new();
        };
        let at = self.last_again.max(oldest.received).after(self.timeout);
        if now < at {
            self.wake_at(at);
            return Vec::new();
        }
        self.last_again = now;
        self.wake_at(now.after(self.timeout));
        let timeout = self.timeout;
        let collected = collect(mempool, Arrival::START, |waiting| {
            if waiting.arrival < end && waiting.received.after(timeout) <= now {
                Step::Take
            } else {
                Step::Stop
            }
        });
        collected.batches
    }

    fn come_back_for_more(&mut self, now: Time, collected: &Collected) {
        if collected.is_cut {
            self.wake_at(now.after(GATHER));
        }
    }

    fn plan_rotating(
        &mut self,
        now: Time,
        me: ReplicaId,
        status: &Status,
        leaders: &dyn LeaderSchedule,
        mempool: &Mempool,
    ) -> Vec<Forwarded> {
        if self.place != Some(status.place) {
            self.place = Some(status.place);
            self.rotation.push_back((mempool.next_arrival(), now));
            if self.rotation.len() > self.replicas + 1 {
                self.rotation.pop_front();
            }
        }
        if self.rotation.len() <= self.replicas {
            return Vec::new();
        }
        let (arrived, since) = self.rotation[0];
        if mempool.local_progress().at > since {
            return Vec::new();
        }
        let Some(leader) = self.leader_ahead(me, status.place, leaders) else {
            return Vec::new();
        };
        let collected = collect(mempool, self.to_leader, |waiting| {
            if waiting.arrival < arrived && waiting.standing == Standing::Ready {
                Step::Take
            } else {
                Step::Stop
            }
        });
        self.to_leader = collected.next;
        self.come_back_for_more(now, &collected);
        let batches = collected.batches.into_iter();
        batches
            .map(|batch| (Destination::One(leader), batch))
            .collect()
    }

    /// The first other leader two or more views ahead: the next one may be building already.
    fn leader_ahead(
        &self,
        me: ReplicaId,
        place: Place,
        leaders: &dyn LeaderSchedule,
    ) -> Option<ReplicaId> {
        // A heavy replica may have many turns in a row, but not twice as many as there are.
        let views = 2..2 + 2 * self.replicas as u64;
        views
            .map(|ahead| {
                let view = quorate_core::View(place.view.0.saturating_add(ahead));
                leaders.leader(Place::new(place.height, view))
            })
            .find(|leader| *leader != me)
    }
}
