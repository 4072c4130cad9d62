//! The commit, lock and voting rules, for every small combination of views.

use quorate_core::{Digest, Height, View};
use quorate_hotstuff::{Ballot, CommitRule, Header, ThreeChain, TwoChain};

fn header(height: u64, parent_view: u64, view: u64) -> Header {
    Header {
        view: View(view),
        height: Height(height),
        parent: Digest::builder("test").number(parent_view).finish(),
        parent_view: View(parent_view),
        payload: Digest::ZERO,
    }
}

/// Every chain of grandparent, parent and block with views up to nine.
fn chains() -> impl Iterator<Item = (u64, u64, u64)> {
    (0..8u64).flat_map(|a| (a + 1..9).flat_map(move |b| (b + 1..10).map(move |c| (a, b, c))))
}

#[test]
fn only_consecutive_views_decide() {
    for (a, b, c) in chains() {
        let (parent, block) = (header(5, a, b), header(6, b, c));
        let two = TwoChain::commits(&block, &parent);
        assert_eq!(two.is_some(), c == b + 1, "views {b}, {c}");
        let three = ThreeChain::commits(&block, &parent);
        assert_eq!(
            three.is_some(),
            c == b + 1 && b == a + 1,
            "views {a}, {b}, {c}"
        );
        if let Some(two) = two {
            assert_eq!((two.height, two.block), (Height(5), block.parent));
        }
        if let Some(three) = three {
            assert_eq!((three.height, three.block), (Height(4), parent.parent));
        }
    }
}

#[test]
fn the_genesis_is_never_decided() {
    let (first, second) = (header(1, 0, 1), header(2, 1, 2));
    let genesis = header(0, 0, 0);
    assert_eq!(TwoChain::commits(&first, &genesis), None);
    assert_eq!(ThreeChain::commits(&first, &genesis), None);
    assert_eq!(ThreeChain::commits(&second, &first), None);
    assert!(TwoChain::commits(&second, &first).is_some());
}

#[test]
fn locks_are_on_the_certified_block_or_its_parent() {
    let certified = header(6, 3, 5);
    let id = certified.id();
    let two = TwoChain::lock(&certified, id);
    assert_eq!((two.view, two.height, two.block), (View(5), Height(6), id));
    let three = ThreeChain::lock(&certified, id);
    assert_eq!(
        (three.view, three.height, three.block),
        (View(3), Height(5), certified.parent)
    );
}

fn ballots() -> impl Iterator<Item = Ballot> {
    let views = (1..6u64).flat_map(|view| (0..view).map(move |justify| (view, justify)));
    let timeouts = || {
        let some = (0..6u64).flat_map(|given_up| (0..6u64).map(move |high| (given_up, high)));
        std::iter::once(None).chain(some.map(|(given_up, high)| Some((View(given_up), View(high)))))
    };
    let all = views.flat_map(move |(view, justify)| {
        timeouts().flat_map(move |timeout| {
            (0..6u64).flat_map(move |lock| {
                [true, false].map(|extends_lock| Ballot {
                    view: View(view),
                    justify: View(justify),
                    timeout,
                    lock: View(lock),
                    extends_lock,
                })
            })
        })
    });
    all.into_iter()
}

#[test]
fn voting_follows_the_papers() {
    for ballot in ballots() {
        let (view, justify) = (ballot.view.0, ballot.justify.0);
        let jolteon = view == justify + 1
            || ballot
                .timeout
                .is_some_and(|(given_up, high)| view == given_up.0 + 1 && justify >= high.0);
        assert_eq!(TwoChain::may_vote(&ballot), jolteon, "{ballot:?}");
        let safe_node = ballot.extends_lock || justify > ballot.lock.0;
        assert_eq!(ThreeChain::may_vote(&ballot), safe_node, "{ballot:?}");
    }
}
