//! What is seen of a run: plain values, with nothing of an engine in them.
//!
//! The world states facts as they happen; [`crate::oracle`] judges them. A test can write a
//! history of facts by hand.

use quorate_core::{
    Digest, Height, Kind, Place, ReplicaId, RequestId, Seq, Statement, Threshold, Time,
};

/// What a signature says: what kind of statement, where, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// Prepare, vote, precommit, and so on, as numbered by the engine.
    pub kind: Kind,
    /// Height and view or round.
    pub place: Place,
    /// What of all that could be said there.
    pub digest: Digest,
}

/// A certificate that somebody relies on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What each signer has signed, bound to chain, epoch and engine.
    pub statement: Statement,
    /// Who has signed.
    pub signers: Vec<ReplicaId>,
    /// How much power has to be behind it.
    pub threshold: Threshold,
}

/// A block of a chained engine, as its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its name.
    pub id: Digest,
    /// The view it was proposed in.
    pub view: u64,
    /// Its height.
    pub height: Height,
    /// The block that it extends.
    pub parent: Digest,
    /// The view of that block.
    pub parent_view: u64,
    /// Digest of its payload.
    pub payload: Digest,
}

/// Something that has happened.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A client gave a request to a replica for the first time.
    Submitted {
        /// Which.
        request: RequestId,
        /// Hash of its body.
        body: Digest,
    },
    /// A replica starts from its disks.
    Started {
        /// Which.
        by: ReplicaId,
        /// Its how manyth start, from 1.
        run: u64,
        /// The last height in its block store, executed again by now.
        stored: Height,
    },
    /// The power of a replica fails. What was not durable may be gone.
    Crashed {
        /// Which.
        by: ReplicaId,
        /// The log up to here survives.
        durable: Seq,
        /// Whether everything on its disks is gone.
        amnesia: bool,
    },
    /// A record is written to the safety log.
    Appended {
        /// By whom.
        by: ReplicaId,
        /// Where.
        record: Seq,
    },
    /// The safety log is durable.
    Durable {
        /// Whose.
        by: ReplicaId,
        /// Up to here.
        to: Seq,
    },
    /// A signature is made. (That of a correct replica has not left it yet.)
    Signed {
        /// By whom.
        by: ReplicaId,
        /// What exactly is signed.
        statement: Statement,
        /// The same in clear.
        said: Said,
        /// What it counts for: the block or payload that a vote is for; else [`Said::digest`].
        about: Digest,
        /// Whether a correct replica says only one thing in this slot.
        exclusive: bool,
        /// Whether it binds its signer, so that a record must be durable before it leaves.
        binds: bool,
        /// The record just written for it; none when a promise is made again.
        record: Option<Seq>,
    },
    /// A signed statement leaves a replica.
    Sent {
        /// By whom.
        by: ReplicaId,
        /// What.
        statement: Statement,
    },
    /// A chained engine's block is proposed or received.
    Proposed(Block),
    /// A replica accepts a message that carries a certificate, or decides by one.
    Relied {
        /// Who relies on it.
        by: ReplicaId,
        /// On what.
        certificate: Certificate,
    },
    /// A replica shows others who, by statements of their own, have together let it go on: the
    /// parts of a certificate of timeouts, or the view changes of a new view.
    Gathered {
        /// Who shows it.
        by: ReplicaId,
        /// Who has signed.
        signers: Vec<ReplicaId>,
    },
    /// A replica decides.
    Decided {
        /// Who.
        by: ReplicaId,
        /// At which height.
        height: Height,
        /// Digest of the payload.
        payload: Digest,
        /// The requests in it, each with the hash of its body. None if the payload is no batch.
        requests: Option<Vec<(RequestId, Digest)>>,
        /// What the decision's proof is made of.
        certificates: Vec<Certificate>,
    },
    /// The application of a replica executes a request.
    Executed {
        /// Whose.
        by: ReplicaId,
        /// The height that contains it.
        height: Height,
        /// Which.
        request: RequestId,
    },
    /// A replica has executed everything up to a height, and is in this state.
    State {
        /// Whose.
        by: ReplicaId,
        /// The height.
        height: Height,
        /// Digest of application and replies.
        state: Digest,
    },
    /// The block store has a decision durably.
    Stored {
        /// Whose.
        by: ReplicaId,
        /// Of this height.
        height: Height,
    },
    /// A replica may forget its promises up to a height.
    Stable {
        /// Which.
        by: ReplicaId,
        /// The height.
        height: Height,
        /// What a quorum has signed.
        certificate: Certificate,
    },
    /// Where an engine stands after an event, if that has changed.
    Stands {
        /// Whose.
        by: ReplicaId,
        /// Its height and view or round.
        place: Place,
        /// Where it is locked, if its protocol has locks and it is.
        lock: Option<Place>,
    },
    /// A replica accuses another with two contradicting statements.
    Accused {
        /// Who accuses.
        by: ReplicaId,
        /// Whom.
        culprit: ReplicaId,
        /// One statement.
        first: Said,
        /// The other.
        second: Said,
        /// Whether the evidence's signatures hold.
        holds: bool,
    },
    /// A replica blames another for a message that no correct replica sends.
    Blamed {
        /// Who blames.
        by: ReplicaId,
        /// Whom.
        peer: ReplicaId,
        /// For what.
        fault: String,
    },
    /// A replica holds so much of something.
    Holds {
        /// Which replica.
        by: ReplicaId,
        /// What.
        what: &'static str,
        /// How much.
        amount: u64,
        /// The most that it may be.
        bound: u64,
    },
    /// A replica has handled an event and is quiet.
    Waits {
        /// Which.
        by: ReplicaId,
        /// When it wants to be woken.
        deadline: Option<Time>,
        /// Its own work under way: syncs, signatures, checks, executions.
        outstanding: u64,
    },
    /// The fault phase is over. From now on these replicas are up, connected, and correct.
    Healed {
        /// The replicas that must decide.
        replicas: Vec<ReplicaId>,
        /// How long they may take.
        within: std::time::Duration,
    },
    /// The run is over: whatever was to come has had its time.
    Ended,
}

impl Fact {
    /// The replica that does it; `None` for what clients and the world do.
    #[must_use]
    pub const fn by(&self) -> Option<ReplicaId> {
        match self {
            Self::Started { by, .. }
            | Self::Crashed { by, .. }
            | Self::Appended { by, .. }
            | Self::Durable { by, .. }
            | Self::Signed { by, .. }
            | Self::Sent { by, .. }
            | Self::Gathered { by, .. }
            | Self::Relied { by, .. }
            | Self::Decided { by, .. }
            | Self::Executed { by, .. }
            | Self::State { by, .. }
            | Self::Stored { by, .. }
            | Self::Stable { by, .. }
            | Self::Stands { by, .. }
            | Self::Accused { by, .. }
            | Self::Blamed { by, .. }
            | Self::Holds { by, .. }
            | Self::Waits { by, .. } => Some(*by),
            Self::Submitted { .. } | Self::Proposed(_) | Self::Healed { .. } | Self::Ended => None,
        }
    }
}
