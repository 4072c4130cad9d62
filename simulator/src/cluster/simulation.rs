//! A cluster that runs.

use super::any::AnyWorld;
use super::shared::Applications;
use super::{Cause, ClusterError};
use crate::oracle::Violation;
use crate::{Counts, EngineKind};
use quorate_core::{Application, Height, ReplicaId, RequestId, Time};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// How long [`Simulation::call`] and [`Simulation::settle`] wait, in virtual time. Timeouts have
/// doubled several times by then.
const PATIENCE: Duration = Duration::from_secs(120);

/// A cluster that runs, made by [`Cluster::start`](super::Cluster::start).
///
/// Time passes only in the calls that say so. As soon as an oracle objects, or anything panics,
/// the simulation is over: that call and all later ones return the violation.
#[derive(Debug)]
pub struct Simulation<A> {
    engine: EngineKind,
    seed: u64,
    world: Box<dyn AnyWorld>,
    applications: Applications<A>,
    panicked: Option<Violation>,
}

impl<A: Application> Simulation<A> {
    pub(super) const fn new(
        engine: EngineKind,
        seed: u64,
        world: Box<dyn AnyWorld>,
        applications: Applications<A>,
    ) -> Self {
        Self {
            engine,
            seed,
            world,
            applications,
            panicked: None,
        }
    }

    /// Gives a replica a client's request, and lets no time pass.
    ///
    /// # Errors
    ///
    /// If the replica is down or does not exist, or its application or mempool refuses the
    /// request.
    pub fn submit(&mut self, at: u16, body: impl Into<Vec<u8>>) -> Result<RequestId, ClusterError> {
        let at = self.up(at)?;
        let submitted = self.act(|world| world.submit(at, body.into()))?;
        submitted.map_err(|refusal| self.error(Cause::Refused(refusal.0)))
    }

    /// What a replica answers to a request, as soon as it has executed it; submitted wherever.
    #[must_use]
    pub fn reply(&self, at: u16, request: RequestId) -> Option<Vec<u8>> {
        let at = self.known(at).ok()?;
        self.world.reply(at, request).flatten()
    }

    /// Gives a replica a client's request, and lets time pass until it answers.
    ///
    /// # Errors
    ///
    /// Those of [`Self::submit`] and [`Self::run_until`]; it waits for two virtual minutes.
    pub fn call(&mut self, at: u16, body: impl Into<Vec<u8>>) -> Result<Vec<u8>, ClusterError> {
        let request = self.submit(at, body)?;
        let id = ReplicaId(at);
        self.run_until(PATIENCE, |it| it.world.reply(id, request).is_some())?;
        let reply = self.world.reply(id, request).flatten();
        reply.ok_or_else(|| self.error(Cause::ReplyForgotten))
    }

    /// Looks at the application of a replica; at that of its last run if it is down. None if there
    /// is no such replica.
    pub fn application<R>(&self, at: u16, look: impl FnOnce(&A) -> R) -> Option<R> {
        self.applications.look(ReplicaId(at), look)
    }

    /// Asks a replica's application a question, without consensus. None if there is no such
    /// replica.
    #[must_use]
    pub fn query(&self, at: u16, question: &[u8]) -> Option<Vec<u8>> {
        self.application(at, |application| application.query(question))
    }

    /// Lets virtual time pass.
    ///
    /// # Errors
    ///
    /// If an oracle objects.
    pub fn run_for(&mut self, duration: Duration) -> Result<(), ClusterError> {
        let end = self.world.now().after(duration);
        while self.act(|world| world.step_until(end))? {}
        Ok(())
    }

    /// Lets virtual time pass until something holds.
    ///
    /// # Errors
    ///
    /// If it does not hold `within` this time, or an oracle objects.
    pub fn run_until(
        &mut self,
        within: Duration,
        holds: impl Fn(&Self) -> bool,
    ) -> Result<(), ClusterError> {
        let end = self.world.now().after(within);
        while !holds(self) {
            if !self.act(|world| world.step_until(end))? && !holds(self) {
                return Err(self.unmet(within));
            }
        }
        Ok(())
    }

    /// Lets virtual time pass until every request at a correct replica that is up has been executed
    /// there, and all correct replicas that are up have executed as much as any of them had when
    /// the last request was done.
    ///
    /// # Errors
    ///
    /// If that is not so in two virtual minutes, or an oracle objects.
    pub fn settle(&mut self) -> Result<(), ClusterError> {
        let ids = self.world.ids().into_iter();
        let correct: Vec<_> = ids.filter(|id| self.world.is_correct(*id)).collect();
        self.run_until(PATIENCE, |it| it.world.all_answered(&correct))?;
        let up = || correct.iter().filter(|id| self.world.is_up(**id));
        let goal = up().map(|id| self.world.executed(*id)).max();
        let goal = goal.unwrap_or(Height::GENESIS);
        self.run_until(PATIENCE, |it| {
            let mut up = correct.iter().filter(|id| it.world.is_up(**id));
            up.all(|id| it.world.executed(*id) >= goal)
        })
    }

    /// The power of a replica fails: it has what its disks have synced, and perhaps some more.
    ///
    /// # Errors
    ///
    /// If it is down already or does not exist.
    pub fn crash(&mut self, replica: u16) -> Result<(), ClusterError> {
        let id = self.up(replica)?;
        self.act(|world| world.crash(id))
    }

    /// Starts a replica that is down from what its disks have.
    ///
    /// # Errors
    ///
    /// If it is up or does not exist, or an oracle objects to its start.
    pub fn restart(&mut self, replica: u16) -> Result<(), ClusterError> {
        let id = self.known(replica)?;
        if self.world.is_up(id) {
            return Err(self.error(Cause::Up(id)));
        }
        self.act(|world| world.start(id))
    }

    /// Cuts the replicas of a group off from all others, in both directions.
    ///
    /// # Errors
    ///
    /// If one does not exist.
    pub fn cut(&mut self, group: impl IntoIterator<Item = u16>) -> Result<(), ClusterError> {
        let group: Result<Vec<_>, _> = group.into_iter().map(|id| self.known(id)).collect();
        let group = group?;
        self.act(|world| world.cut(&group))
    }

    /// Cuts one direction of the link between two replicas.
    ///
    /// # Errors
    ///
    /// If one does not exist.
    pub fn cut_link(&mut self, from: u16, to: u16) -> Result<(), ClusterError> {
        let (from, to) = (self.known(from)?, self.known(to)?);
        self.act(|world| world.cut_link(from, to))
    }

    /// Mends every link that was cut.
    ///
    /// # Errors
    ///
    /// If the simulation is over.
    pub fn heal(&mut self) -> Result<(), ClusterError> {
        self.act(|world| world.heal())
    }

    /// From now on so many messages in a thousand are lost, and a third as many arrive twice.
    ///
    /// # Errors
    ///
    /// If the simulation is over.
    pub fn set_loss(&mut self, per_mille: u32) -> Result<(), ClusterError> {
        self.act(|world| world.set_loss(per_mille, per_mille / 3))
    }

    /// The virtual time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.world.now().since(Time::ZERO)
    }

    /// The last height that a replica has executed; genesis if it is down or does not exist.
    #[must_use]
    pub fn executed(&self, replica: u16) -> Height {
        let height = self.known(replica).map(|id| self.world.executed(id));
        height.unwrap_or(Height::GENESIS)
    }

    /// Whether a replica is up.
    #[must_use]
    pub fn is_up(&self, replica: u16) -> bool {
        self.known(replica).is_ok_and(|id| self.world.is_up(id))
    }

    /// What has happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.world.counts()
    }

    /// A hash of everything that has happened. The same cluster, seed and calls give the same.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.world.hash()
    }

    /// Whether an oracle has objected so far.
    ///
    /// # Errors
    ///
    /// With what it has objected to.
    pub fn outcome(&self) -> Result<(), ClusterError> {
        let violation = self.panicked.clone().or_else(|| self.world.violation());
        match violation {
            None => Ok(()),
            Some(violation) => Err(self.error(Cause::Violation(violation))),
        }
    }

    /// Does something in a world that is not over. A panic ends it.
    fn act<R>(&mut self, act: impl FnOnce(&mut dyn AnyWorld) -> R) -> Result<R, ClusterError> {
        self.outcome()?;
        let world = &mut *self.world;
        match catch_unwind(AssertUnwindSafe(|| act(world))) {
            Ok(result) => self.outcome().map(|()| result),
            Err(panic) => {
                self.panicked = Some(Violation {
                    oracle: "panic",
                    at: self.world.now(),
                    message: said(&*panic),
                });
                self.outcome()?;
                unreachable!("a panic is a violation")
            }
        }
    }

    fn known(&self, replica: u16) -> Result<ReplicaId, ClusterError> {
        let ids = self.world.ids();
        let id = ReplicaId(replica);
        let replicas = ids.len();
        let unknown = || self.error(Cause::UnknownReplica { replica, replicas });
        ids.contains(&id).then_some(id).ok_or_else(unknown)
    }

    fn up(&self, replica: u16) -> Result<ReplicaId, ClusterError> {
        let id = self.known(replica)?;
        if self.world.is_up(id) {
            Ok(id)
        } else {
            Err(self.error(Cause::Down(id)))
        }
    }

    fn unmet(&self, within: Duration) -> ClusterError {
        let ids = self.world.ids().into_iter();
        let standing: Vec<_> = ids.map(|id| self.world.describe(id)).collect();
        self.error(Cause::Unmet {
            within,
            standing: standing.join("\n"),
        })
    }

    const fn error(&self, cause: Cause) -> ClusterError {
        ClusterError {
            engine: self.engine,
            seed: self.seed,
            cause,
        }
    }
}

/// What a panic has said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into())
}
