//! The encodings of messages, records and proofs. A change of one needs a new wire version.

use crate::builder::Builder;
use borsh::{BorshDeserialize, BorshSerialize};
use quorate_core::testing::Mock;
use quorate_core::{Body as _, Digest, Height, Payload, Protocol, View};
use quorate_hotstuff::{
    Advance, BlockRequest, Blocks, Body, Commits, Lock, Proof, Proposal, Proposed, Record,
    SignedVote, TimedOut, Timeout, TwoChain, Vote, Voted,
};
use std::path::PathBuf;

type Rule = TwoChain;

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines: Vec<_> = digits.as_bytes().chunks(96).collect();
    lines
        .into_iter()
        .map(|line| format!("{}\n", String::from_utf8_lossy(line)))
        .collect()
}

/// Compares with the golden file, or writes it if `UPDATE_GOLDEN=1`.
fn golden<T: BorshSerialize + BorshDeserialize>(name: &str, value: &T) {
    let bytes = borsh::to_vec(value).expect("writing to memory does not fail");
    let again = T::try_from_slice(&bytes).expect("what was written can be read");
    assert_eq!(borsh::to_vec(&again).ok(), Some(bytes.clone()), "{name}");
    let longer = [&bytes[..], &[0]].concat();
    assert!(
        T::try_from_slice(&longer).is_err(),
        "{name} takes trailing bytes"
    );
    for cut in 0..bytes.len() {
        assert!(
            T::try_from_slice(&bytes[..cut]).is_err(),
            "{name} cut at {cut}"
        );
    }
    compare(name, &hex(&bytes));
}

fn compare(name: &str, text: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = folder.join(format!("{name}.hex"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text,
        golden,
        "{name} is not encoded as it was: see {}",
        path.display()
    );
}

#[test]
fn encodings_are_what_they_were() {
    let builder = Builder::<Rule>::new(0);
    let one = builder.block(&builder.genesis(), 1);
    let qc_one = builder.certify(&one.block, None);
    let two = builder.block(&qc_one, 2);
    let commits = Some(Commits {
        height: Height(1),
        block: one.block.header.id(),
    });
    let qc_two = builder.certify(&two.block, commits);
    let four = builder.block(&qc_two, 4);
    let given_up = builder.given_up(3, &[(qc_one.clone(), &[3]), (qc_two.clone(), &[0, 1])]);
    let vote = qc_two.vote;
    let signed = builder.signed(2, Body::Vote(vote));
    let timeout = Timeout {
        view: View(3),
        high_qc: qc_two.clone(),
        vote: Some(SignedVote {
            by: signed.by,
            vote,
            signature: signed.signature,
        }),
    };
    let lock = Lock {
        view: View(2),
        height: Height(2),
        block: two.block.header.id(),
    };
    golden::<Body<Mock>>(
        "proposal",
        &Body::Proposal(Proposal {
            full: four.clone(),
            timeout: Some(given_up.clone()),
        }),
    );
    golden::<Body<Mock>>(
        "first_proposal",
        &Body::Proposal(Proposal {
            full: one.clone(),
            timeout: None,
        }),
    );
    golden::<Body<Mock>>("vote", &Body::Vote(vote));
    golden::<Body<Mock>>("timeout", &Body::Timeout(timeout.clone()));
    golden::<Body<Mock>>(
        "advance",
        &Body::Advance(Advance {
            high_qc: qc_two.clone(),
            timeout: Some(given_up.clone()),
        }),
    );
    golden::<Body<Mock>>(
        "block_request",
        &Body::BlockRequest(BlockRequest {
            block: two.block.header.id(),
            above: Height(1),
        }),
    );
    golden::<Body<Mock>>(
        "blocks",
        &Body::Blocks(Blocks {
            blocks: vec![two, one.clone()],
        }),
    );
    let proposed = Proposed {
        view: View(4),
        high_qc: qc_two.clone(),
        timeout: Some(given_up.clone()),
    };
    golden::<Record<Mock>>("record_proposed", &Record::Proposed(Box::new(proposed)));
    let voted = Voted {
        vote: Vote {
            view: View(4),
            height: Height(3),
            block: four.block.header.id(),
            commits: None,
        },
        block: four.block,
        timeout: Some(given_up.clone()),
        high_qc: Some(qc_two.clone()),
        lock,
    };
    golden::<Record<Mock>>("record_voted", &Record::Voted(Box::new(voted)));
    let timed_out = TimedOut {
        timeout,
        entered: Some(given_up),
        vote: Some(vote),
        lock,
    };
    golden::<Record<Mock>>("record_timed_out", &Record::TimedOut(Box::new(timed_out)));
    golden::<Proof<Mock>>(
        "proof",
        &Proof {
            certificate: qc_two,
            path: vec![one.block.header],
        },
    );
}

/// What is signed: one statement for each kind of body, in both engines.
#[test]
fn statements_are_what_they_were() {
    let builder = Builder::<Rule>::new(0);
    let three = Builder::<quorate_hotstuff::ThreeChain>::new(0);
    let one = builder.block(&builder.genesis(), 1);
    let id = one.block.header.id();
    let genesis = builder.genesis();
    let empty = quorate_hotstuff::FullBlock {
        block: quorate_hotstuff::Block::extending(
            genesis.clone(),
            View(1),
            *Payload::empty().digest(),
        ),
        payload: Payload::empty(),
    };
    let vote = Vote {
        view: View(1),
        height: Height(1),
        block: id,
        commits: None,
    };
    let commits = Some(Commits {
        height: Height(0),
        block: Digest::ZERO,
    });
    let bodies: Vec<(&str, Body<Mock>)> = vec![
        (
            "proposal",
            Body::Proposal(Proposal {
                full: one.clone(),
                timeout: None,
            }),
        ),
        (
            "empty_proposal",
            Body::Proposal(Proposal {
                full: empty,
                timeout: None,
            }),
        ),
        ("vote", Body::Vote(vote)),
        ("vote_that_commits", Body::Vote(Vote { commits, ..vote })),
        (
            "timeout",
            Body::Timeout(Timeout {
                view: View(1),
                high_qc: genesis.clone(),
                vote: None,
            }),
        ),
        (
            "advance",
            Body::Advance(Advance {
                high_qc: genesis,
                timeout: None,
            }),
        ),
        (
            "block_request",
            Body::BlockRequest(BlockRequest {
                block: id,
                above: Height(0),
            }),
        ),
        ("blocks", Body::Blocks(Blocks { blocks: vec![one] })),
    ];
    let mut text = format!("block {id}\n");
    let mut seen = std::collections::BTreeSet::new();
    for (name, body) in &bodies {
        for domain in [builder.setup.domain(), three.setup.domain()] {
            let statement = body.signing().statement(&domain);
            assert!(seen.insert(statement), "{name} shares its statement");
            text.push_str(&format!("{} {name} {}\n", domain.engine, statement.0));
        }
    }
    assert_ne!(
        <quorate_hotstuff::HotStuff<Mock, Rule> as Protocol>::ENGINE,
        three.setup.domain().engine
    );
    compare("statements", &text);
}
