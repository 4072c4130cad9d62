//! Replicas that lie.

use crate::{Message, World, lowest, options, others, seconds, under_both_rules};
use quorate_core::{Digest, Fault, Height, Payload, ReplicaId, Scheme, View};
use quorate_hotstuff::{
    Advance, Block, BlockRequest, Blocks, Body, Certificate, CommitRule, Commits, FullBlock,
    Proposal, Vote,
};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The same place in the chain, with another payload.
fn another<S: Scheme>(proposal: &Proposal<S>) -> Proposal<S> {
    let payload = Payload::new(proposal.block().header.view.0.to_be_bytes().to_vec());
    let justify = proposal.block().justify.clone();
    let block = Block::extending(justify, proposal.block().header.view, *payload.digest());
    Proposal {
        full: FullBlock { block, payload },
        timeout: proposal.timeout.clone(),
    }
}

/// One half sees one block, the other half another, one replica both.
fn an_equivocating_leader<R: CommitRule>() {
    let mut world = World::<R>::new(options(1, &[1; 4]));
    let liar = ReplicaId(1);
    world.corrupt(liar, move |to, body| match body {
        Body::Proposal(proposal) => {
            let second = Body::Proposal(another(proposal));
            match to.0 {
                0 => vec![(to, body.clone())],
                2 => vec![(to, second)],
                _ => vec![(to, body.clone()), (to, second)],
            }
        }
        _ => vec![(to, body.clone())],
    });
    let rest = others(&world, &[liar]);
    world.expect(
        "the rest decide",
        |world| lowest(world, &rest) >= Height(60),
        seconds(60),
    );
    assert!(
        world
            .evidence()
            .iter()
            .all(|evidence| evidence.first.by == liar)
    );
    assert!(world.evidence().len() >= 10, "it is caught every time");
}

/// A replica votes for two blocks in every view.
fn a_double_voter<R: CommitRule>() {
    let mut world = World::<R>::new(options(2, &[1; 4]));
    let liar = ReplicaId(2);
    world.corrupt(liar, |to, body| match body {
        Body::Vote(vote) => {
            let block = Digest::builder("test").number(vote.view.0).finish();
            let second = Body::Vote(Vote { block, ..*vote });
            vec![(to, second.clone()), (to, body.clone()), (to, second)]
        }
        _ => vec![(to, body.clone())],
    });
    let rest = others(&world, &[liar]);
    world.expect(
        "the rest decide",
        |world| lowest(world, &rest) >= Height(60),
        seconds(60),
    );
    assert!(!world.evidence().is_empty(), "it is caught");
}

/// A vote that says it commits something else counts for nothing, and is no certificate's part.
fn a_vote_that_lies_about_what_it_commits<R: CommitRule>() {
    let mut world = World::<R>::new(options(3, &[1; 4]));
    let liar = ReplicaId(0);
    world.corrupt(liar, |to, body| match body {
        Body::Vote(vote) => {
            let commits = Some(Commits {
                height: vote.height.previous(),
                block: Digest::builder("test").finish(),
            });
            vec![(to, Body::Vote(Vote { commits, ..*vote }))]
        }
        _ => vec![(to, body.clone())],
    });
    let rest = others(&world, &[liar]);
    world.expect(
        "the rest decide",
        |world| lowest(world, &rest) >= Height(60),
        seconds(60),
    );
}

/// A leader always builds upon the oldest certificate it has seen.
fn a_leader_with_stale_certificates<R: CommitRule>() {
    let mut world = World::<R>::new(options(4, &[1; 4]));
    let liar = ReplicaId(2);
    let oldest: Rc<RefCell<Option<Certificate<_>>>> = Rc::default();
    world.corrupt(liar, move |to, body| match body {
        Body::Proposal(proposal) => {
            let header = proposal.block().header;
            let mut oldest = oldest.borrow_mut();
            let justify = oldest
                .get_or_insert_with(|| proposal.block().justify.clone())
                .clone();
            let block = Block::extending(justify, header.view, header.payload);
            let payload = proposal.full.payload.clone();
            let stale = Proposal {
                full: FullBlock { block, payload },
                timeout: proposal.timeout.clone(),
            };
            vec![(to, Body::Proposal(stale))]
        }
        _ => vec![(to, body.clone())],
    });
    // The view before its own often fails, so that it has a certificate of timeouts to show.
    world.block(move |_, _, body| {
        matches!(body, Body::Proposal(proposal) if proposal.block().header.view.0 % 8 == 1)
    });
    let rest = others(&world, &[liar]);
    world.expect(
        "the rest decide",
        |world| lowest(world, &rest) >= Height(40),
        seconds(60),
    );
    let caught: BTreeSet<_> = world.blames().iter().map(|(_, _, fault)| *fault).collect();
    assert!(caught.contains(&Fault::Unjustified), "{caught:?}");
}

/// Votes reach it and no certificate leaves it; proposals reach only one other.
fn a_leader_that_swallows_votes<R: CommitRule>() {
    let mut world = World::<R>::new(options(5, &[1; 7]));
    let liar = ReplicaId(3);
    world.corrupt(liar, |to, body| match body {
        Body::Proposal(_) if to != ReplicaId(4) => vec![],
        _ => vec![(to, body.clone())],
    });
    let rest = others(&world, &[liar]);
    world.expect(
        "the rest decide",
        |world| lowest(world, &rest) >= Height(60),
        seconds(60),
    );
}

/// Proposals that the application refuses, from one leader.
fn a_leader_of_nonsense<R: CommitRule>() {
    let mut world = World::<R>::new(options(6, &[1; 4]));
    let liar = ReplicaId(1);
    let refused: Rc<RefCell<BTreeSet<Digest>>> = Rc::default();
    let made = Rc::clone(&refused);
    world.accept(move |payload| !refused.borrow().contains(payload.digest()));
    world.corrupt(liar, move |to, body| match body {
        Body::Proposal(proposal) => {
            let nonsense = another(proposal);
            made.borrow_mut().insert(*nonsense.full.payload.digest());
            vec![(to, Body::Proposal(nonsense))]
        }
        _ => vec![(to, body.clone())],
    });
    let rest = others(&world, &[liar]);
    world.expect(
        "the rest decide",
        |world| lowest(world, &rest) >= Height(40),
        seconds(60),
    );
    let faults = world.blames().iter();
    assert!(
        faults
            .into_iter()
            .any(|(_, by, fault)| (*by, *fault) == (liar, Fault::InvalidPayload))
    );
}

/// Well signed nonsense, from all corners: nobody panics, nobody moves.
fn a_flood_from_the_far_future<R: CommitRule>() {
    let mut world = World::<R>::new(options(7, &[1; 4]));
    let liar = ReplicaId(3);
    world.run_for(std::time::Duration::from_millis(50));
    let genesis = Digest::builder("not the genesis").finish();
    let forged = Certificate {
        vote: Vote {
            view: View(0),
            height: Height(0),
            block: genesis,
            commits: None,
        },
        proof: None,
    };
    let say = |world: &mut World<R>, body: Message| {
        for to in others(world, &[liar]) {
            world.say(liar, to, body.clone());
        }
    };
    for distance in [1, 63, 64, 65, 1_000_000, u64::MAX - 1_000, u64::MAX] {
        let vote = |block: u64| Vote {
            view: View(distance),
            height: Height(u64::MAX),
            block: Digest::builder("test").number(block).finish(),
            commits: None,
        };
        say(&mut world, Body::Vote(vote(1)));
        say(&mut world, Body::Vote(vote(2)));
        for view in [View(distance), View(u64::MAX)] {
            let payload = Payload::empty();
            let block = Block::extending(forged.clone(), view, *payload.digest());
            let full = FullBlock { block, payload };
            say(
                &mut world,
                Body::Blocks(Blocks {
                    blocks: vec![full.clone()],
                }),
            );
            let proposal = Proposal {
                full,
                timeout: None,
            };
            say(&mut world, Body::Proposal(proposal));
        }
        say(
            &mut world,
            Body::Timeout(quorate_hotstuff::Timeout {
                view: View(distance),
                high_qc: forged.clone(),
                vote: None,
            }),
        );
    }
    say(&mut world, Body::Blocks(Blocks { blocks: vec![] }));
    say(
        &mut world,
        Body::Advance(Advance {
            high_qc: forged,
            timeout: None,
        }),
    );
    say(
        &mut world,
        Body::BlockRequest(BlockRequest {
            block: genesis,
            above: Height(u64::MAX),
        }),
    );
    let rest = others(&world, &[liar]);
    world.expect(
        "the rest decide",
        |world| lowest(world, &rest) >= Height(60),
        seconds(30),
    );
}

under_both_rules!(
    an_equivocating_leader,
    a_double_voter,
    a_vote_that_lies_about_what_it_commits,
    a_leader_with_stale_certificates,
    a_leader_that_swallows_votes,
    a_leader_of_nonsense,
    a_flood_from_the_far_future,
);
