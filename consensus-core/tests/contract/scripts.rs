//! Votes and quorums as dialogues: `tests/scripts/*.script`.

use crate::keys::Keys;
use crate::toy::{Say, Toy};
use quorate_core::testing::{Script, run_scripts};
use quorate_core::{Added, Digest, Height, ReplicaId, Scheme, Threshold, VoteSet};
use std::path::Path;

/// Validators who vote for names.
struct Election {
    keys: Keys,
    votes: VoteSet<Toy>,
}

fn digest(name: &str) -> Digest {
    Digest::builder("quorum script")
        .bytes(name.as_bytes())
        .finish()
}

impl Election {
    fn new(powers: &[u64]) -> Self {
        Self {
            keys: Keys::new(powers),
            votes: VoteSet::default(),
        }
    }

    fn vote(&mut self, by: u16, name: &str) -> String {
        let body = Say::Vote(Height(1), digest(name));
        let vote = self.keys.verified(ReplicaId(by), body);
        match self.votes.add(self.keys.scheme.validators(), vote) {
            Added::Counted(power) => {
                let quorum = self.keys.scheme.validators().quorum();
                let reached = |threshold| power >= quorum.needed(threshold);
                let word = match (reached(Threshold::Quorum), reached(Threshold::Weak)) {
                    (true, _) => ", a quorum",
                    (false, true) => ", a weak quorum",
                    (false, false) => "",
                };
                format!("{name} has {power}{word}")
            }
            Added::Duplicate => "counted already".into(),
            Added::Conflict(evidence) => {
                let guilty = evidence.check(&self.keys.domain, &self.keys.scheme);
                format!("evidence against {:?}", guilty.expect("it convicts"))
            }
        }
    }
}

impl Script for Election {
    fn command(&mut self, line: &str) -> String {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["validators", ref powers @ ..] => {
                let powers = powers.iter().map(|it| it.parse().expect("a power"));
                *self = Self::new(&powers.collect::<Vec<u64>>());
                let quorum = self.keys.scheme.validators().quorum();
                format!(
                    "total {}, faulty {}\nquorum {}, weak {}",
                    quorum.total(),
                    quorum.faulty(),
                    quorum.quorum(),
                    quorum.weak()
                )
            }
            ["vote", by, name] => self.vote(by.parse().expect("a replica"), name),
            ["certify", name] => {
                let certificate = self.votes.certificate(&self.keys.scheme, &digest(name));
                format!("signed by {:?}", certificate.signers)
            }
            ["show"] => format!("{} voted", self.votes.iter().count()),
            _ => format!("unknown command: {line}"),
        }
    }
}

#[test]
fn elections() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    run_scripts(&folder, || Election::new(&[1]));
}
