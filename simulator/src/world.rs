//! Virtual time, and everything that happens in it.

use crate::HashChain;
use crate::adversary::{Behaviour, Power, is_restless};
use crate::audit::Audit;
use crate::checks::{Checks, Submission};
use crate::fact::Fact;
use crate::network::Network;
use crate::node::{Node, TICK_RESOLUTION};
use crate::oracle::{Oracles, Trial, Violation};
use crate::queue::Queue;
use crate::scheme::{Keys, SimulatedScheme};
use crate::stream::stream;
use crate::telling::body_digest;
use crate::{Counts, Engine, Latency, Options};
use quorate_core::testing::Random;
use quorate_core::{
    Application, ChainId, Checkpoint, ClientId, Decision, Domain, Epoch, Frame, Height, ReplicaId,
    Request, RequestId, Seq, Setup, Time, ValidatorSet,
};
use quorate_replica::driver::Event;
use quorate_replica::{RequestStatus, Service};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Lines of trace that are kept.
const TRACE_LINES: usize = 40_000;
/// Characters of a line that are kept.
const TRACE_WIDTH: usize = 240;
/// More ticks than this at one moment are a loop.
const TICKS_IN_PLACE: u32 = 100;

/// What happens at a replica.
#[derive(Debug)]
pub(crate) enum What<P: Engine> {
    /// A frame arrives, whatever run the replica is in.
    Arrives(ReplicaId, Frame),
    /// Something of this run's own reaches the driver.
    Event(u64, Event<P>),
    /// The driver wanted a tick now.
    Tick(u64),
    /// An adversary's power goes off or on.
    Switch,
    /// The sync of the safety log has ended.
    Synced(u64),
    /// The application has executed a decision.
    Executed(u64, Decision<P>),
    /// The block store has stored a decision.
    Stored(u64, Decision<P>),
    /// The block store has stored a checkpoint.
    Checkpointed(u64, Arc<Checkpoint<P::Scheme>>),
}

/// Makes the application of a replica that starts.
pub type Factory = Arc<dyn Fn(ReplicaId) -> Box<dyn Application> + Send + Sync>;

impl<P: Engine> What<P> {
    /// The run that it belongs to.
    const fn run(&self) -> Option<u64> {
        match self {
            Self::Arrives(..) | Self::Switch => None,
            Self::Event(run, _)
            | Self::Tick(run)
            | Self::Synced(run)
            | Self::Executed(run, _)
            | Self::Stored(run, _)
            | Self::Checkpointed(run, _) => Some(*run),
        }
    }

    /// Whether it ends something that the replica has begun itself.
    const fn is_work(&self) -> bool {
        !matches!(self, Self::Arrives(..) | Self::Tick(_) | Self::Switch)
    }
}

/// A cluster in a virtual world.
pub struct World<P: Engine> {
    pub(crate) options: Options,
    pub(crate) validators: Arc<ValidatorSet>,
    pub(crate) scheme: P::Scheme,
    pub(crate) signers: Vec<<P::Scheme as SimulatedScheme>::Signer>,
    pub(crate) domain: Domain,
    leaders: quorate_core::Rotation,
    pub(crate) now: Time,
    pub(crate) queue: Queue<(ReplicaId, What<P>)>,
    pub(crate) network: Network,
    pub(crate) nodes: Vec<Node<P>>,
    pub(crate) checks: Checks,
    pub(crate) disk_random: Random,
    pub(crate) work_random: Random,
    requests: u64,
    trace: VecDeque<String>,
    pub(crate) ids: Vec<ReplicaId>,
    application: Factory,
    trial: Trial,
    pub(crate) oracles: Oracles,
    pub(crate) violation: Option<Violation>,
    pub(crate) audit: Audit,
    /// The request that a mempool refused last, and why.
    pub(crate) refused: Option<(RequestId, String)>,
    pub(crate) adversary_random: Random,
}

impl<P: Engine> std::fmt::Debug for World<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "world {} at {:?}", self.options.seed, self.now)
    }
}

impl<P: Engine> World<P> {
    /// A world whose replicas are all down.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self::with_application(options, Arc::new(|_| Box::new(HashChain::default())))
    }

    /// A world whose replicas are all down, and run an application of the caller's.
    ///
    /// The factory is called at every start: the application then executes again what the
    /// replica's block store has.
    #[must_use]
    pub fn with_application(options: Options, application: Factory) -> Self {
        let Keys {
            validators,
            scheme,
            signers,
        } = P::Scheme::keys(options.seed, &options.powers);
        let domain = Domain {
            engine: P::ENGINE,
            wire: P::WIRE,
            chain: ChainId(1),
            epoch: Epoch(0),
        };
        let trial = Trial {
            powers: options.powers.clone(),
            adversaries: BTreeSet::new(),
            phases: P::phases(),
        };
        Self {
            leaders: P::leaders(&validators),
            nodes: (0..options.powers.len())
                .map(|index| Node::new(options.clock(index)))
                .collect(),
            network: Network::new(options.network.clone(), options.seed),
            disk_random: stream(options.seed, "disk"),
            work_random: stream(options.seed, "work"),
            scheme,
            signers,
            domain,
            now: Time::ZERO,
            queue: Queue::default(),
            checks: Checks::default(),
            requests: 0,
            trace: VecDeque::new(),
            ids: validators.ids().collect(),
            oracles: Oracles::new(&trial),
            trial,
            application,
            violation: None,
            audit: Audit::new(),
            refused: None,
            adversary_random: stream(options.seed, "adversary"),
            validators,
            options,
        }
    }

    /// A world whose replicas have all just started.
    #[must_use]
    pub fn started(options: Options) -> Self {
        let mut world = Self::new(options);
        for id in world.ids() {
            world.start(id);
        }
        world
    }

    /// The replicas.
    #[must_use]
    pub fn ids(&self) -> Vec<ReplicaId> {
        self.ids.clone()
    }

    /// The virtual time.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// What has happened so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.checks.counts
    }

    /// How long requests have taken so far.
    #[must_use]
    pub const fn latency(&self) -> Latency {
        self.checks.latency
    }

    /// Begins to measure latencies anew.
    pub fn reset_latency(&mut self) {
        self.checks.latency = Latency::default();
    }

    /// Whether a replica is up.
    #[must_use]
    pub fn is_up(&self, id: ReplicaId) -> bool {
        self.nodes[id.index()].running.is_some()
    }

    /// The last height that a replica has executed; genesis if it is down.
    #[must_use]
    pub fn executed(&self, id: ReplicaId) -> Height {
        let running = self.nodes[id.index()].running.as_ref();
        running.map_or(Height::GENESIS, |running| running.executor.height())
    }

    /// Height of the stable checkpoint that a replica's store has.
    #[must_use]
    pub fn stable(&self, id: ReplicaId) -> Height {
        let stable = self.nodes[id.index()].store.stable();
        stable.map_or(Height::GENESIS, |stable| stable.claim.height)
    }

    /// Entries in a replica's safety log.
    #[must_use]
    pub fn log_entries(&self, id: ReplicaId) -> usize {
        self.nodes[id.index()].log.entries()
    }

    /// Starts a replica from what its disks have.
    pub fn start(&mut self, id: ReplicaId) {
        let setup = Setup {
            me: id,
            chain: self.domain.chain,
            epoch: self.domain.epoch,
            validators: Arc::clone(&self.validators),
            scheme: self.scheme.clone(),
            leaders: Arc::new(self.leaders.clone()),
            config: P::config(&self.options),
        };
        self.note(id, || "starts".into());
        let now = self.now;
        let application = (self.application)(id);
        self.nodes[id.index()].start(now, setup, &self.options, application);
        let (run, stored) = {
            let node = &self.nodes[id.index()];
            (
                node.run,
                node.store.last().map_or(Height::GENESIS, |it| it.height),
            )
        };
        self.tell(&Fact::Started {
            by: id,
            run,
            stored,
        });
        self.tell_executed(id);
        if self.nodes[id.index()].run > 1 {
            self.checks.counts.restarts += 1;
        }
        self.settle(id);
        self.resubmit(id);
    }

    /// The power of a replica fails.
    pub fn crash(&mut self, id: ReplicaId) {
        self.note(id, || "crashes".into());
        let node = &mut self.nodes[id.index()];
        node.running = None;
        node.fuse = None;
        node.log.crash(&mut self.disk_random);
        let durable = node.log.durable_to();
        self.checks.crashed(id, durable);
        self.tell(&Fact::Crashed {
            by: id,
            durable,
            amnesia: false,
        });
    }

    /// The power of a replica fails after so many more actions, in the midst of others.
    pub fn crash_after(&mut self, id: ReplicaId, actions: u64) {
        self.nodes[id.index()].fuse = Some(actions);
    }

    /// No replica crashes of itself any more.
    pub fn disarm(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.fuse = None);
    }

    /// Cuts the replicas of a group off from all others.
    pub fn cut(&mut self, group: &[ReplicaId]) {
        self.note_all(|| format!("{group:?} are cut off"));
        for id in self.ids() {
            for other in self.ids() {
                if group.contains(&id) != group.contains(&other) {
                    self.network.cut(id, other);
                }
            }
        }
    }

    /// Cuts one direction of a link.
    pub fn cut_link(&mut self, from: ReplicaId, to: ReplicaId) {
        self.note_all(|| format!("{from:?} to {to:?} is cut"));
        self.network.cut(from, to);
    }

    /// Mends every link.
    pub fn heal(&mut self) {
        self.note_all(|| "all links are mended".into());
        self.network.heal(self.now);
    }

    /// Mends every link, and loses nothing from now on.
    pub fn end_faults(&mut self) {
        self.heal();
        self.network.set_loss(0, 0);
    }

    /// A client submits a new request at a replica that is up.
    pub fn submit(&mut self, at: ReplicaId) -> RequestId {
        self.submit_body(at, (self.requests + 1).to_le_bytes().to_vec())
    }

    /// The name of the request that is submitted next.
    pub(crate) fn next_request(&self) -> RequestId {
        RequestId {
            client: ClientId(u128::from(self.requests + 1)),
            sequence: 1,
        }
    }

    /// A client submits a request for something at a replica that is up.
    pub(crate) fn submit_body(&mut self, at: ReplicaId, body: Vec<u8>) -> RequestId {
        let id = self.next_request();
        self.requests += 1;
        let request = Request { id, body };
        self.note(at, || format!("client submits {id:?}"));
        self.tell(&Fact::Submitted {
            request: id,
            body: body_digest(&request.body),
        });
        self.checks.submissions.insert(
            id,
            Submission {
                request: request.clone(),
                at,
                when: self.now,
                done: false,
            },
        );
        self.handle(at, Event::Submitted(vec![request]));
        id
    }

    /// The clients of a replica that has restarted ask again, as they do when a connection ends.
    fn resubmit(&mut self, id: ReplicaId) {
        let running = self.nodes[id.index()].running.as_ref();
        let replies = running.expect("it has just started").executor.replies();
        let mut requests = Vec::new();
        for submission in self.checks.submissions.values_mut() {
            if submission.at != id || submission.done {
                continue;
            }
            if replies.status(submission.request.id) == RequestStatus::Fresh {
                submission.when = self.now;
                requests.push(submission.request.clone());
            } else {
                submission.done = true;
            }
        }
        if !requests.is_empty() {
            self.handle(id, Event::Submitted(requests));
        }
    }

    /// Requests that wait at replicas that are up.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let open = |it: &&Submission| !it.done && self.is_up(it.at);
        self.checks.submissions.values().filter(open).count()
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now.after(duration);
        while self.queue.next().is_some_and(|at| at <= end) {
            self.step();
            self.must_hold();
        }
        self.now = end;
    }

    /// Lets time pass until something holds, for at most `bound`. Returns whether it holds.
    pub fn run_until(&mut self, bound: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let end = self.now.after(bound);
        while !holds(self) {
            if self.queue.next().is_none_or(|at| at > end) {
                self.now = end;
                return holds(self);
            }
            self.step();
            self.must_hold();
        }
        true
    }

    /// Every request at a replica that is up is executed there within `bound`, and all replicas
    /// that are up get as far as any of them.
    ///
    /// # Panics
    ///
    /// If not.
    pub fn must_settle(&mut self, bound: Duration) {
        let settled = |world: &Self| world.waiting() == 0 && world.is_level();
        if !self.run_until(bound, settled) {
            let lines: Vec<_> = self.ids().iter().map(|id| self.describe(*id)).collect();
            panic!(
                "after {bound:?} without faults {} requests still wait\n{}",
                self.waiting(),
                lines.join("\n")
            );
        }
    }

    /// Every request at a replica that is up, but for one, is executed there within `bound`.
    ///
    /// # Panics
    ///
    /// If not.
    pub fn must_settle_but_for(&mut self, bound: Duration, except: ReplicaId) {
        let open = |world: &Self| {
            let mut submissions = world.checks.submissions.values();
            submissions.any(|it| !it.done && it.at != except && world.is_up(it.at))
        };
        let done = self.run_until(bound, |world| !open(world));
        assert!(
            done,
            "requests still wait after {bound:?} without {except:?}"
        );
    }

    /// Whether no replica that is up is more than two rotations behind another. (With rotating
    /// leaders the chain moves on while we look.)
    fn is_level(&self) -> bool {
        let up = self.ids().into_iter().filter(|id| self.is_up(*id));
        let heights: Vec<_> = up.map(|id| self.executed(id).0).collect();
        let highest = heights.iter().max().copied().unwrap_or(0);
        let lowest = heights.iter().min().copied().unwrap_or(0);
        highest - lowest <= 2 * self.nodes.len() as u64
    }

    /// Where a replica stands, for people.
    #[must_use]
    pub fn describe(&self, id: ReplicaId) -> String {
        let node = &self.nodes[id.index()];
        let Some(running) = &node.running else {
            return format!("{id:?} is down");
        };
        let driver = &running.driver;
        format!(
            "{id:?}: {:?}, executed {:?}, pending {} bytes, deadline {:?}",
            driver.status(),
            driver.executed_height(),
            driver.pending_bytes(),
            driver.deadline().map(|at| node.global(at)),
        )
    }

    /// What an oracle has objected to.
    #[must_use]
    pub const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    fn must_hold(&self) {
        if let Some(violation) = &self.violation {
            panic!("{violation}");
        }
    }

    /// A hash of everything that has happened, in order.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.audit.hash()
    }

    /// Makes a replica an adversary with these behaviours. Before it starts.
    pub fn corrupt(&mut self, id: ReplicaId, behaviours: &[Behaviour]) {
        self.nodes[id.index()].mind = Some(crate::adversary::mind(behaviours, &self.scheme));
        self.trial.adversaries.insert(id);
        self.oracles = Oracles::new(&self.trial);
        if is_restless(behaviours) {
            let after = Power::On.lasts(self.options.timeout, &mut self.adversary_random);
            self.schedule(after, id, What::Switch);
        }
    }

    /// The power of an adversary that crashes again and again goes off, or comes back.
    fn switch(&mut self, id: ReplicaId) {
        let power = if self.is_up(id) {
            self.crash(id);
            Power::Off
        } else {
            self.start(id);
            Power::On
        };
        self.checks.counts.acts += 1;
        let after = power.lasts(self.options.timeout, &mut self.adversary_random);
        self.schedule(after, id, What::Switch);
    }

    /// Whether a replica follows the protocol.
    #[must_use]
    pub fn is_correct(&self, id: ReplicaId) -> bool {
        self.trial.is_correct(id)
    }

    /// Adds an event at a replica.
    pub(crate) fn schedule(&mut self, after: Duration, id: ReplicaId, what: What<P>) {
        self.schedule_at(self.now.after(after), id, what);
    }

    /// Adds an event at a replica, at a time.
    pub(crate) fn schedule_at(&mut self, at: Time, id: ReplicaId, what: What<P>) {
        if what.is_work()
            && let Some(running) = &mut self.nodes[id.index()].running
        {
            running.outstanding += 1;
        }
        self.queue.push(at, (id, what));
    }

    /// The next event happens.
    pub(crate) fn step(&mut self) {
        let Some((at, (id, what))) = self.queue.pop() else {
            return;
        };
        assert!(at >= self.now, "time goes on");
        self.now = at;
        if matches!(what, What::Switch) {
            return self.switch(id);
        }
        let node = &self.nodes[id.index()];
        let current = node.run;
        let Some(running) = &mut self.nodes[id.index()].running else {
            return;
        };
        if what.run().is_some_and(|run| run != current) {
            return;
        }
        if what.is_work() {
            running.outstanding -= 1;
        }
        self.audit.number(at.0);
        self.audit.number(u64::from(id.0));
        match what {
            What::Arrives(from, frame) => self.arrives(id, from, &frame),
            What::Event(_, event) => self.handle(id, event),
            What::Tick(_) => self.tick(id),
            What::Switch => unreachable!("whether it is up or not"),
            What::Synced(_) => {
                let seq = self.nodes[id.index()].log.end_sync();
                self.durable(id, seq);
            }
            What::Executed(_, decision) => self.execute(id, decision),
            What::Stored(_, decision) => {
                let height = decision.height;
                self.nodes[id.index()].store.put(decision);
                self.tell(&Fact::Stored { by: id, height });
                self.handle(id, Event::Stored(height));
            }
            What::Checkpointed(_, checkpoint) => {
                self.nodes[id.index()].store.put_checkpoint(checkpoint);
            }
        }
    }

    fn durable(&mut self, id: ReplicaId, seq: Seq) {
        self.tell(&Fact::Durable { by: id, to: seq });
        self.handle(id, Event::Durable(seq));
    }

    fn arrives(&mut self, id: ReplicaId, from: ReplicaId, frame: &Frame) {
        if !self.network.carries(from, id, self.now) {
            return;
        }
        self.checks.counts.messages += 1;
        self.audit.bytes(&frame.bytes);
        let running = self.nodes[id.index()].running.as_ref();
        let running = running.expect("messages reach replicas that are up");
        let event = crate::inbound::decode(running, &self.domain, from, frame);
        match event {
            Ok(event) => self.handle(id, event),
            Err(fault) => self.tell(&Fact::Blamed {
                by: id,
                peer: from,
                fault: format!("{fault:?}"),
            }),
        }
    }

    fn tick(&mut self, id: ReplicaId) {
        let node = &mut self.nodes[id.index()];
        let local = node.local(self.now);
        let running = node.running.as_mut().expect("it is up");
        running.tick = None;
        if running.driver.deadline().is_some_and(|at| at <= local) {
            running.ticks_in_place += 1;
            assert!(
                running.ticks_in_place < TICKS_IN_PLACE,
                "{id:?} spins: {:?}",
                running.driver.status()
            );
            self.checks.counts.ticks += 1;
            self.handle(id, Event::Tick);
        } else {
            self.schedule_tick(id);
        }
    }

    /// Gives the driver an event, and carries out what follows.
    pub(crate) fn handle(&mut self, id: ReplicaId, event: Event<P>) {
        self.checks.counts.events += 1;
        self.note(id, || summary(&event));
        let node = &mut self.nodes[id.index()];
        let local = node.local(self.now);
        let running = node
            .running
            .as_mut()
            .expect("events reach replicas that are up");
        running.driver.handle(local, event);
        self.settle(id);
        self.tell_standing(id);
    }

    pub(crate) fn schedule_tick(&mut self, id: ReplicaId) {
        let node = &mut self.nodes[id.index()];
        let Some(deadline) = node.running.as_ref().and_then(|it| it.driver.deadline()) else {
            return;
        };
        let at = node.global(deadline).max(self.now);
        let (now, run) = (self.now, node.run);
        let running = node.running.as_mut().expect("it is up");
        if at > now {
            running.ticks_in_place = 0;
        }
        if running.tick.is_some_and(|tick| tick <= at) {
            return;
        }
        running.tick = Some(at);
        let wait = at.since(now).max(TICK_RESOLUTION);
        self.schedule(wait, id, What::Tick(run));
    }

    /// Adds a line to the trace, if there is one.
    pub(crate) fn note(&mut self, id: ReplicaId, line: impl FnOnce() -> String) {
        if self.options.trace {
            if self.trace.len() == TRACE_LINES {
                self.trace.pop_front();
            }
            let mut line = format!("{:>12.6} {id:?} {}", seconds(self.now), line());
            if let Some((end, _)) = line.char_indices().nth(TRACE_WIDTH) {
                line.truncate(end);
            }
            self.trace.push_back(line);
        }
    }

    pub(crate) fn note_all(&mut self, line: impl FnOnce() -> String) {
        self.note(ReplicaId(u16::MAX), line);
    }
}

fn seconds(time: Time) -> f64 {
    time.since(Time::ZERO).as_secs_f64()
}

/// A driver's event in one line.
fn summary<P: Engine>(event: &Event<P>) -> String {
    match event {
        Event::Received(received) => format!("<- {:?}", received.signed),
        Event::Service(from, message) => format!("<- {from:?} {}", service(message)),
        Event::Checked(batch) => format!("checked {}", batch.results.len()),
        Event::Signed(ticket, _) => format!("signed {ticket:?}"),
        event => format!("{event:?}"),
    }
}

/// A service message in one line.
pub(crate) fn service<P: Engine>(message: &Service<P>) -> String {
    match message {
        Service::Forward(batch) => format!("forward {} bytes", batch.len()),
        Service::Checkpoint(claim, _) => format!("checkpoint {:?}", claim.height),
        message => format!("{message:?}"),
    }
}

impl<P: Engine> Drop for World<P> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for line in &self.trace {
                eprintln!("{line}");
            }
            eprintln!(
                "seed {} of {} with {} replicas failed at {:?}; QUORATE_TRACE=1 shows the way",
                self.options.seed,
                P::NAME,
                self.nodes.len(),
                self.now
            );
        }
    }
}
