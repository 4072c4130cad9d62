//! Histories of facts, written by hand.

use super::{Oracles, Phases, Trial};
use crate::fact::{Block, Certificate, Fact, Said};
use quorate_core::{
    ClientId, Digest, Height, Kind, Place, ReplicaId, RequestId, Seq, Statement, Threshold, Time,
    View,
};

/// PBFT's prepare, Tendermint's prevote, HotStuff's vote.
pub(crate) const EARLIER: Kind = 2;
/// PBFT's commit, Tendermint's precommit, HotStuff's timeout.
pub(crate) const LATER: Kind = 3;
/// PBFT's phases.
pub(crate) const PBFT: Phases = Phases::Voted {
    earlier: EARLIER,
    later: LATER,
};
/// Tendermint's.
pub(crate) const TENDERMINT: Phases = Phases::Locked {
    earlier: EARLIER,
    later: LATER,
};
/// HotStuff's with two chains.
pub(crate) const TWO_CHAIN: Phases = chained(2);
/// HotStuff's with three chains.
pub(crate) const THREE_CHAIN: Phases = chained(3);
/// The replica that is an adversary in all histories.
pub(crate) const LIAR: u16 = 3;

const fn chained(length: u64) -> Phases {
    Phases::Chained {
        vote: EARLIER,
        timeout: LATER,
        length,
    }
}

/// A history of four replicas, of which the last is an adversary, before one oracle.
#[derive(Debug)]
pub(crate) struct History {
    oracles: Oracles,
    name: &'static str,
    now: Time,
}

impl History {
    pub(crate) fn of(name: &'static str, phases: Phases) -> Self {
        let mut oracles = Oracles::new(&Trial {
            powers: vec![1; 4],
            adversaries: [ReplicaId(LIAR)].into(),
            phases,
        });
        oracles.all.retain(|oracle| oracle.name() == name);
        assert_eq!(oracles.names(), [name], "there is one such oracle");
        Self {
            oracles,
            name,
            now: Time::ZERO,
        }
    }

    /// Time goes on.
    pub(crate) fn at_second(&mut self, second: u64) -> &mut Self {
        self.now = Time::from_millis(1000 * second);
        self
    }

    /// Something happens that the oracle must not object to.
    #[track_caller]
    pub(crate) fn fine(&mut self, fact: Fact) -> &mut Self {
        let verdict = self.oracles.observe(self.now, &fact);
        assert_eq!(verdict, Ok(()), "of {fact:?}");
        self
    }

    /// The same, of several replicas.
    #[track_caller]
    pub(crate) fn all(
        &mut self,
        by: impl IntoIterator<Item = u16>,
        fact: impl Fn(u16) -> Fact,
    ) -> &mut Self {
        for by in by {
            self.fine(fact(by));
        }
        self
    }

    /// Something happens that the oracle must object to, in these words.
    #[track_caller]
    pub(crate) fn fires(&mut self, fact: Fact, words: &str) {
        let verdict = self.oracles.observe(self.now, &fact);
        let violation = verdict.expect_err("the oracle must fire");
        assert_eq!(violation.oracle, self.name);
        assert!(violation.message.contains(words), "{}", violation.message);
    }
}

/// A digest with a name.
pub(crate) fn digest(name: &str) -> Digest {
    if name == "nil" {
        return Digest::ZERO;
    }
    let builder = Digest::builder("quorate 2026 test of oracles v1");
    builder.bytes(name.as_bytes()).finish()
}

/// A height and a view.
pub(crate) fn at(height: u64, view: u64) -> Place {
    Place::new(Height(height), View(view))
}

pub(crate) fn said(kind: Kind, place: Place, what: &str) -> Said {
    Said {
        kind,
        place,
        digest: digest(what),
    }
}

pub(crate) fn statement(said: &Said) -> Statement {
    let builder = Digest::builder("quorate 2026 test of oracles v1");
    let place = builder.number(said.kind.into()).number(said.place.height.0);
    let place = place.number(said.place.view.0);
    Statement(place.digest(&said.digest).finish())
}

fn signed(by: u16, said: Said, about: Digest, record: Option<Seq>) -> Fact {
    Fact::Signed {
        by: ReplicaId(by),
        statement: statement(&said),
        said,
        about,
        exclusive: true,
        binds: true,
        record,
    }
}

/// A replica signs something with a new record.
pub(crate) fn promises(by: u16, record: u64, kind: Kind, place: Place, what: &str) -> Fact {
    let said = said(kind, place, what);
    signed(by, said, said.digest, Some(Seq(record)))
}

/// A replica signs something without a new record.
pub(crate) fn repeats(by: u16, kind: Kind, place: Place, what: &str) -> Fact {
    let said = said(kind, place, what);
    signed(by, said, said.digest, None)
}

/// A replica votes for a block with a new record.
pub(crate) fn votes(by: u16, record: u64, block: &Block) -> Fact {
    let said = Said {
        kind: EARLIER,
        place: at(0, block.view),
        digest: block.id,
    };
    signed(by, said, block.id, Some(Seq(record)))
}

pub(crate) fn sends(by: u16, kind: Kind, place: Place, what: &str) -> Fact {
    Fact::Sent {
        by: ReplicaId(by),
        statement: statement(&said(kind, place, what)),
    }
}

pub(crate) fn starts(by: u16, run: u64, stored: u64) -> Fact {
    Fact::Started {
        by: ReplicaId(by),
        run,
        stored: Height(stored),
    }
}

pub(crate) fn crashes(by: u16, durable: u64) -> Fact {
    Fact::Crashed {
        by: ReplicaId(by),
        durable: Seq(durable),
        amnesia: false,
    }
}

pub(crate) fn appends(by: u16, record: u64) -> Fact {
    Fact::Appended {
        by: ReplicaId(by),
        record: Seq(record),
    }
}

pub(crate) fn syncs(by: u16, to: u64) -> Fact {
    Fact::Durable {
        by: ReplicaId(by),
        to: Seq(to),
    }
}

/// A request with a name.
pub(crate) fn request(name: &str) -> RequestId {
    let client = digest(name).0[..16].try_into();
    RequestId {
        client: ClientId(u128::from_le_bytes(client.expect("it has 16 bytes"))),
        sequence: 1,
    }
}

/// A replica decides a payload of requests whose names and bodies are equal.
pub(crate) fn decides(by: u16, height: u64, payload: &str, requests: &[&str]) -> Fact {
    let requests = requests.iter().map(|name| (request(name), digest(name)));
    Fact::Decided {
        by: ReplicaId(by),
        height: Height(height),
        payload: digest(payload),
        requests: Some(requests.collect()),
        certificates: Vec::new(),
    }
}

pub(crate) fn certificate(said: &Said, signers: &[u16], threshold: Threshold) -> Certificate {
    Certificate {
        statement: statement(said),
        signers: signers.iter().copied().map(ReplicaId).collect(),
        threshold,
    }
}

/// A block named by its view, on top of another one.
pub(crate) fn block(view: u64, parent: Option<&Block>) -> Block {
    Block {
        id: digest(&format!("block {view} on {:?}", parent.map(|it| it.id))),
        view,
        height: parent.map_or(Height(1), |parent| parent.height.next()),
        parent: parent.map_or(digest("genesis"), |parent| parent.id),
        parent_view: parent.map_or(0, |parent| parent.view),
        payload: digest(&format!("payload {view}")),
    }
}
