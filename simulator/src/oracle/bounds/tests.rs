use crate::fact::Fact;
use crate::holdings::{of_driver, of_hotstuff, of_pbft, of_tendermint};
use crate::oracle::history::{History, LIAR, PBFT};
use quorate_core::ReplicaId;
use quorate_replica::DriverConfig;

const REPLICAS: u64 = 4;

fn holds(by: u16, what: &'static str, amount: u64, bound: u64) -> Fact {
    Fact::Holds {
        by: ReplicaId(by),
        what,
        amount,
        bound,
    }
}

#[test]
fn no_more_than_the_bound() {
    let mut history = History::of("bounds", PBFT);
    history.fine(holds(0, "votes", 10, 10));
    history.fires(holds(0, "votes", 11, 10), "11 votes");
}

/// What each part of a replica may hold at most, in a cluster of four, by hand.
const MOST: [(&str, &str, u64); 35] = [
    ("pbft", "slots", 256),
    ("pbft", "planned slots", 256),
    ("pbft", "payload checks", 256),
    ("pbft", "votes", 2_048),
    ("pbft", "payloads", 1_280),
    ("pbft", "view changes, reports and early commits", 12),
    ("pbft", "certificates in view changes", 1_024),
    ("pbft", "view changes of a new view", 4),
    ("pbft", "replicas helped", 4),
    ("hotstuff", "undecided blocks", 64),
    ("hotstuff", "blocks without a parent", 256),
    ("hotstuff", "decided blocks", 32),
    ("hotstuff", "votes", 268),
    ("hotstuff", "timeouts", 260),
    ("hotstuff", "first proposals", 10),
    ("tendermint", "rounds", 18),
    ("tendermint", "votes", 144),
    ("tendermint", "early messages of one sender", 6),
    (
        "tendermint",
        "messages of one sender for the next height",
        6,
    ),
    ("tendermint", "payloads", 10),
    ("tendermint", "replicas ahead or accused", 8),
    ("driver", "messages of one peer to check", 5_120),
    ("driver", "bytes of one peer to check", 16 << 20),
    ("driver", "messages of one peer for later", 4_096),
    ("driver", "bytes of one peer for later", 8 << 20),
    ("driver", "messages active or aside", 40_960),
    ("driver", "batches being checked", 4),
    ("driver", "checkpoint votes under check", 256),
    ("driver", "checkpoint votes", 64),
    ("driver", "payloads asked for", 1_024),
    ("driver", "payloads wanted", 2_048),
    ("driver", "verdicts on payloads", 1_024),
    ("driver", "answers under check", 3),
    ("driver", "decisions at hand", 128),
    ("driver", "bytes of payloads at hand", 64 << 20),
];

/// The bound as the world states it.
fn stated(part: &str, what: &str) -> u64 {
    match part {
        "pbft" => of_pbft(what, REPLICAS, 256),
        "hotstuff" => of_hotstuff(what, REPLICAS, 64, 3),
        "tendermint" => of_tendermint(what, REPLICAS),
        _ => of_driver(what, REPLICAS, &DriverConfig::default()),
    }
}

#[test]
fn every_buffer_may_be_full_and_no_fuller() {
    for (part, what, most) in MOST {
        let mut history = History::of("bounds", PBFT);
        for by in 0..3 {
            history.fine(holds(by, what, 0, stated(part, what)));
            history.fine(holds(by, what, most, stated(part, what)));
        }
        let message = format!("{} {what}, and not {most}", most + 1);
        history.fires(holds(2, what, most + 1, stated(part, what)), &message);
    }
}

#[test]
fn a_chain_that_nobody_can_decide_may_be_longer_than_the_tree() {
    let mut history = History::of("bounds", PBFT);
    let undecided = |amount, views| {
        let what = "undecided blocks";
        holds(1, what, amount, of_hotstuff(what, REPLICAS, 64, views))
    };
    history.fine(undecided(64, 0));
    history.fine(undecided(102, 100));
    history.fires(undecided(103, 100), "103 undecided blocks, and not 102");
}

#[test]
fn what_an_adversary_holds_is_its_own_affair() {
    let mut history = History::of("bounds", PBFT);
    history.fine(holds(LIAR, "slots", 1 << 40, 256));
    history.fires(holds(0, "slots", 257, 256), "257 slots");
}

#[test]
#[should_panic(expected = "no bound is stated for frames")]
fn nothing_is_held_without_a_bound() {
    of_pbft("frames", REPLICAS, 256);
}
