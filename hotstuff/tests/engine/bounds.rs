//! What peers can make a replica keep.

use crate::builder::{Builder, Driven, Engine, Message};
use quorate_core::testing::Mock;
use quorate_core::{Digest, Height, Payload, ReplicaId, View};
use quorate_hotstuff::{
    Advance, Block, Body, Certificate, FullBlock, SignedVote, Timeout, TwoChain, Vote,
};

const REPLICAS: usize = 4;
/// Few, so that a test fills them.
const UNDECIDED: usize = 40;

struct Flooded {
    builder: Builder<TwoChain>,
    driven: Driven<TwoChain>,
}

impl Flooded {
    fn new() -> Self {
        let mut builder = Builder::new(0);
        builder.setup.config.undecided = UNDECIDED;
        let driven = Driven::start(&builder, Vec::new());
        Self { builder, driven }
    }

    fn hear(&mut self, by: u16, body: Message) {
        self.driven.hear(self.builder.verified(by, body));
        self.assert_bounded();
    }

    fn engine(&self) -> &Engine<TwoChain> {
        &self.driven.engine
    }

    fn held(&self, what: &str) -> usize {
        let holdings = self.engine().holdings();
        let found = holdings.iter().find(|it| it.what == what);
        found.expect("it is one of the holdings").amount
    }

    fn assert_bounded(&self) {
        let chain = self.engine().view().0 - self.engine().decided_view().0;
        for (what, most) in [
            ("undecided blocks", UNDECIDED.max(chain as usize + 2)),
            ("blocks without a parent", 256),
            ("decided blocks", 32),
            ("votes", 67 * REPLICAS),
            ("timeouts", 65 * REPLICAS),
            ("first proposals", 10),
        ] {
            let held = self.held(what);
            assert!(held <= most, "{held} {what}, and not {most}");
        }
    }

    /// A block of its own, unlike all others with another number.
    fn block(justify: &Certificate<Mock>, view: u64, number: u64) -> Full {
        let payload = Payload::new(number.to_be_bytes());
        let block = Block::extending(justify.clone(), View(view), *payload.digest());
        FullBlock { block, payload }
    }
}

type Full = FullBlock<Mock>;

fn vote(view: u64, number: u64) -> Vote {
    Vote {
        view: View(view),
        height: Height(1),
        block: Digest::builder("bounds test").number(number).finish(),
        commits: None,
    }
}

#[test]
fn a_flood_of_votes_and_timeouts_fills_the_window_and_no_more() {
    let mut flooded = Flooded::new();
    let genesis = flooded.builder.genesis();
    // One replica alone moves nobody.
    for view in (1..200).chain([1 << 40, u64::MAX - 1]) {
        for number in 0..3 {
            flooded.hear(3, Body::Vote(vote(view, number)));
            let carried = vote(view, number);
            let signed = flooded.builder.signed(3, Body::Vote(carried));
            let timeout = Timeout {
                view: View(view),
                high_qc: genesis.clone(),
                vote: Some(SignedVote {
                    by: ReplicaId(3),
                    vote: carried,
                    signature: signed.signature,
                }),
            };
            flooded.hear(3, Body::Timeout(timeout));
        }
    }
    assert_eq!(flooded.engine().view(), View(1));
    assert_eq!(flooded.held("timeouts"), 65);
    assert_eq!(flooded.held("votes"), 65);
}

#[test]
fn views_given_up_one_after_the_other_are_forgotten() {
    let mut flooded = Flooded::new();
    let genesis = flooded.builder.genesis();
    for view in 1..300 {
        for by in 0..REPLICAS as u16 {
            for ahead in [0, 1, 7, 63] {
                let timeout = Timeout {
                    view: View(view + ahead * u64::from(by == 3)),
                    high_qc: genesis.clone(),
                    vote: None,
                };
                flooded.hear(by, Body::Timeout(timeout));
            }
            flooded.hear(by, Body::Vote(vote(view, u64::from(by))));
        }
    }
    assert!(flooded.engine().view() >= View(299));
    assert!(flooded.held("timeouts") < 65 + 4);
    assert!(flooded.held("votes") <= 3 * REPLICAS);
}

#[test]
fn a_leader_that_proposes_again_in_an_old_view_fills_the_tree_and_no_more() {
    let mut flooded = Flooded::new();
    let genesis = flooded.builder.genesis();
    let last = 20;
    let everyone: [u16; 4] = [0, 1, 2, 3];
    let given_up = flooded
        .builder
        .given_up(last, &[(genesis.clone(), &everyone)]);
    let advance = Advance {
        high_qc: genesis.clone(),
        timeout: Some(given_up),
    };
    flooded.hear(1, Body::Advance(advance));
    assert_eq!(flooded.engine().view(), View(last + 1));
    let mut most = 0;
    for number in 0..1_000 {
        let full = Flooded::block(&genesis, 1, number);
        let proposal = flooded.builder.proposal(full, None);
        flooded.driven.hear(proposal);
        flooded.assert_bounded();
        most = most.max(flooded.held("undecided blocks"));
    }
    assert_eq!(most, UNDECIDED);
}

#[test]
fn blocks_without_parents_displace_each_other() {
    let mut flooded = Flooded::new();
    for number in 0..600 {
        // Certified parents that nobody has. Each is of a later view.
        let view = 4 * number + 4;
        let parent = flooded.builder.certify_vote(vote(view, number));
        let full = Flooded::block(&parent, view + 1, number);
        let proposal = flooded.builder.proposal(full, None);
        flooded.driven.hear(proposal);
        flooded.assert_bounded();
    }
    assert_eq!(flooded.held("blocks without a parent"), 256);
    assert!(flooded.held("first proposals") <= 10);
}
