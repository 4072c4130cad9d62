//! Messages in any order: the lock only rises, and everyone ends in the same place.

use crate::builder::{Builder, Driven, decided};
use quorate_core::testing::Mock;
use quorate_core::{Digest, View};
use quorate_hotstuff::{CommitRule, FullBlock, Header, ThreeChain, TwoChain};

/// A chain with a gap in its views where a block was lost, and that block; and whether a block
/// follows on a timeout.
fn tree<R: CommitRule>(builder: &Builder<R>) -> Vec<(FullBlock<Mock>, bool)> {
    let genesis = builder.genesis();
    let certify = |full: &FullBlock<Mock>, parent: &Header| {
        builder.certify(&full.block, R::commits(&full.block.header, parent))
    };
    let below = Header {
        view: View(0),
        height: quorate_core::Height(0),
        parent: Digest::ZERO,
        parent_view: View(0),
        payload: Digest::ZERO,
    };
    let one = builder.block(&genesis, 1);
    let qc_one = certify(&one, &below);
    let lost = builder.block(&qc_one, 2);
    let three = builder.block(&qc_one, 3);
    let qc_three = certify(&three, &one.block.header);
    let four = builder.block(&qc_three, 4);
    let qc_four = certify(&four, &three.block.header);
    let five = builder.block(&qc_four, 5);
    let qc_five = certify(&five, &four.block.header);
    let six = builder.block(&qc_five, 6);
    vec![
        (one, false),
        (lost, false),
        (three, true),
        (four, false),
        (five, false),
        (six, false),
    ]
}

fn permute(items: &mut Vec<usize>, from: usize, visit: &mut impl FnMut(&[usize])) {
    if from == items.len() {
        visit(items);
        return;
    }
    for index in from..items.len() {
        items.swap(from, index);
        permute(items, from + 1, visit);
        items.swap(from, index);
    }
}

fn any_order<R: CommitRule>() {
    let builder = Builder::<R>::new(3);
    let tree = tree(&builder);
    let given_up = builder.given_up(2, &[(tree[2].0.block.justify.clone(), &[0, 1, 2])]);
    let messages: Vec<_> = tree
        .iter()
        .map(|(full, gap)| builder.proposal(full.clone(), gap.then(|| given_up.clone())))
        .collect();
    let mut ends = Vec::new();
    let mut order: Vec<usize> = (0..messages.len()).collect();
    permute(&mut order, 0, &mut |order| {
        let mut driven = Driven::start(&builder, Vec::new());
        let (mut lock, mut view) = (View(0), View(0));
        let mut payloads = Vec::new();
        for index in order {
            payloads.extend(decided(&driven.hear(messages[*index].clone())));
            assert!(
                driven.engine.locked() >= lock,
                "the lock goes back in {order:?}"
            );
            assert!(
                driven.engine.view() >= view,
                "the view goes back in {order:?}"
            );
            (lock, view) = (driven.engine.locked(), driven.engine.view());
        }
        ends.push((lock, view, payloads));
    });
    assert_eq!(ends.len(), 720);
    assert!(
        ends.windows(2).all(|pair| pair[0] == pair[1]),
        "the order matters"
    );
    assert!(!ends[0].2.is_empty(), "something is decided");
}

#[test]
fn any_order_under_two_chain() {
    any_order::<TwoChain>();
}

#[test]
fn any_order_under_three_chain() {
    any_order::<ThreeChain>();
}
