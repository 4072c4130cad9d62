//! The contract between a consensus engine and whatever drives it.

use crate::{
    Body, ChainId, Checkpoint, Claims, Decision, Digest, Domain, Epoch, Fault, Height,
    LeaderSchedule, Outbox, Payload, Place, ReplicaId, Scheme, Ticket, Time, ValidatorSet,
    Verified,
};
use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt::Debug;
use std::sync::Arc;

/// A consensus engine: PBFT, HotStuff or Tendermint.
///
/// An engine is a value with no clock, threads, keys or I/O. It is driven by one call,
/// [`Protocol::step`], which takes one [`Input`] and appends [`crate::Output`]s to an [`Outbox`].
/// The same inputs at the same times give the same outputs, on every machine and in every build.
///
/// # Contract
///
/// The engine may rely on the following, and the driver must provide it:
///
/// 1. `now` never goes back from one call to the next.
/// 2. Log entries reach stable storage in the order they were emitted ([`crate::Seq`] order).
/// 3. A message leaves the process only once the entry that it names is durable. If it goes to
///    this replica, or if it binds this replica whoever gets it, a copy comes back as
///    [`Input::Message`] under the same condition.
/// 4. Outputs of other kinds are carried out in the order they were emitted, kind by kind.
///
/// Nothing else is ordered, and messages may be lost: by the network, by bounded queues, or
/// because signing failed. The driver may call `step` many times before it carries out any output:
/// each output names what it waits for, so a batch of steps needs one sync.
pub trait Protocol: Sized + Debug + Send + 'static {
    /// Name used in logs, topics and configuration. Changing it is a breaking change.
    const NAME: &'static str;
    /// Number of the engine in envelopes and statements: a different one for each engine and
    /// variant.
    const ENGINE: u8;
    /// Version of [`Self::Body`]'s encoding. It is part of the envelope and of every signature.
    const WIRE: u16;
    /// Whether leaders change with every decision (HotStuff, Tendermint) or only when they fail
    /// (PBFT). It decides how clients' requests reach them.
    const ROTATES: bool;

    /// How this engine's votes are signed and aggregated.
    type Scheme: Scheme;
    /// What a replica says to others, before it is signed.
    type Body: Body<Self::Scheme>;
    /// What a replica must remember of its own promises to be safe after a restart.
    type Record: Clone + Debug + Send + Sync + BorshSerialize + BorshDeserialize + 'static;
    /// What proves a decision to anyone who knows the validators.
    type Proof: Proof<Self::Scheme>;
    /// The engine's options: timeouts and bounds.
    type Config: Clone + Debug + Default + Send + Sync + 'static;

    /// Starts the engine from what survived: an empty `recovered` means a fresh replica.
    ///
    /// The engine repeats its last promises here, so that a cluster in which every replica
    /// crashed between promising and being heard does not wait for ever. Payloads that it needs
    /// again it asks for with [`crate::Output::FetchPayload`].
    fn start(
        setup: Setup<Self>,
        recovered: Recovered<Self>,
        now: Time,
        out: &mut Outbox<Self>,
    ) -> Self;

    /// Takes one input and appends what must happen next to `out`.
    ///
    /// A step never fails. A peer's fault is an output ([`Outbox::blame`]); a broken invariant of
    /// our own is a bug, and panics.
    fn step(&mut self, now: Time, input: Input<Self>, out: &mut Outbox<Self>);

    /// Whether an unchecked message is worth checking, by what it says of itself.
    ///
    /// Called before any signature is checked, so it believes nothing and changes nothing: it
    /// only saves work. It must be cheap.
    fn triage(&self, by: ReplicaId, body: &Self::Body) -> Triage;

    /// When the engine wants [`Input::Tick`], or `None` if only a message can move it.
    ///
    /// Deadlines are state and not events: there is no timer to arm, cancel or lose. Ask again
    /// after every step. A tick that comes early or twice does nothing.
    fn deadline(&self) -> Option<Time>;

    /// Where the engine stands, for operators, benchmarks and the simulator's checkers.
    fn status(&self) -> Status;
}

/// What to do with a message whose signature has not been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triage {
    /// Check its signatures, and step.
    Check,
    /// It cannot matter any more: drop it, without blame.
    Stale,
    /// It is about a height or view not reached yet, but near enough: keep it, within the
    /// sender's quota, and ask again when the engine has moved. Engines that have room for it
    /// themselves say [`Self::Check`].
    Later,
    /// It is too far in the future to keep: drop it, without blame.
    TooFar,
    /// No correct replica sends it, whatever the signatures say. Blamed on the peer that sent it
    /// only where the transport vouches that the peer is the author.
    Fault(Fault),
}

/// Something that happened to a replica.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input<P: Protocol> {
    /// A message whose every cryptographic claim holds. Its content may still be nonsense.
    Message(Verified<P>),
    /// The time from [`Protocol::deadline`] may have passed.
    Tick,
    /// When the oldest request that waits here to be executed was received; `None` if none waits.
    /// Given whenever it changes.
    Waiting(Option<Time>),
    /// Answers [`crate::Output::Build`]. The payload may be empty.
    Built(Ticket, Payload),
    /// Answers [`crate::Output::Check`]: whether the application accepts the payload. Final
    /// either way.
    Checked(Ticket, bool),
    /// Answers [`crate::Output::FetchPayload`].
    Payload(Payload),
    /// Answers [`crate::Output::Fetch`]: a decision made without us, its proof already checked.
    Learned(Decision<P>),
    /// The application has executed everything up to this height, durably. The engine may forget
    /// the payloads below.
    Executed(Height),
    /// A quorum has signed the same state, and we have that state: nothing at or below its height
    /// needs to be decided, re-proposed or proved by this engine again. Its certificate has been
    /// checked.
    Stable(Arc<Checkpoint<P::Scheme>>),
    /// State transfer has put the application at this height, with the proof of the decision
    /// there: the engine goes on above it.
    Installed(Decision<P>),
}

/// What proves a decision.
pub trait Proof<S: Scheme>:
    Clone + Debug + Send + Sync + BorshSerialize + BorshDeserialize + 'static
{
    /// Lists the claims which, if they hold, prove that the payload with this digest is decided
    /// at this height; `Err` if no claims of this proof could.
    ///
    /// # Errors
    ///
    /// With what is wrong with the proof.
    fn claims<'a>(
        &'a self,
        domain: &Domain,
        height: Height,
        payload: &Digest,
        claims: &mut Claims<'a, S>,
    ) -> Result<(), Fault>;
}

/// What survived a restart.
#[derive(Debug)]
pub struct Recovered<P: Protocol> {
    /// The records, in the order they were written, with their places in the log.
    ///
    /// Log and block store become durable apart from each other: records may be about heights
    /// well above `decided`. Those bind as well, and are to be kept until the engine gets there.
    pub records: Vec<(crate::Seq, P::Record)>,
    /// The last decision in the block store: what the application will be brought up to, and what
    /// the engine starts above. `None` at genesis.
    pub decided: Option<Decision<P>>,
    /// The newest stable checkpoint.
    pub stable: Option<Arc<Checkpoint<P::Scheme>>>,
}

impl<P: Protocol> Default for Recovered<P> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            decided: None,
            stable: None,
        }
    }
}

/// What everyone must agree on before they start, and what is this replica's own.
#[derive(Debug)]
pub struct Setup<P: Protocol> {
    /// This replica.
    pub me: ReplicaId,
    /// The chain.
    pub chain: ChainId,
    /// The epoch.
    pub epoch: Epoch,
    /// The epoch's validators.
    pub validators: Arc<ValidatorSet>,
    /// How this engine checks and aggregates.
    pub scheme: P::Scheme,
    /// Who leads where.
    pub leaders: Arc<dyn LeaderSchedule>,
    /// The engine's options.
    pub config: P::Config,
}

impl<P: Protocol> Setup<P> {
    /// The domain of everything signed in this epoch.
    #[must_use]
    pub const fn domain(&self) -> Domain {
        Domain {
            engine: P::ENGINE,
            wire: P::WIRE,
            chain: self.chain,
            epoch: self.epoch,
        }
    }

    /// Digest that stands for the state before the first decision: the chain, the epoch and its
    /// validators.
    #[must_use]
    pub fn genesis(&self) -> Digest {
        Digest::builder("quorate 2026 genesis v1")
            .number(P::ENGINE.into())
            .number(self.chain.0)
            .number(self.epoch.0)
            .digest(&self.validators.digest())
            .finish()
    }
}

impl<P: Protocol> Clone for Setup<P> {
    fn clone(&self) -> Self {
        Self {
            me: self.me,
            chain: self.chain,
            epoch: self.epoch,
            validators: Arc::clone(&self.validators),
            scheme: self.scheme.clone(),
            leaders: Arc::clone(&self.leaders),
            config: self.config.clone(),
        }
    }
}

/// Where an engine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it is working on.
    pub place: Place,
    /// Who leads there.
    pub leader: ReplicaId,
    /// Highest decided height.
    pub decided: Height,
    /// Why [`Protocol::deadline`] is when it is, for people.
    pub waiting_for: &'static str,
}
