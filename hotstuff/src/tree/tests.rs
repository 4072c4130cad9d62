use super::*;
use crate::Certificate;
use quorate_core::testing::Mock;

fn genesis() -> Digest {
    Digest::builder("test genesis").finish()
}

fn tree() -> Tree<Mock> {
    Tree::new(genesis(), Tree::<Mock>::genesis_header())
}

/// A block upon another, or upon the genesis.
fn block(parent: Option<&Node<Mock>>, view: u64) -> (Digest, Node<Mock>) {
    let mut justify = Certificate::genesis(genesis());
    if let Some(parent) = parent {
        justify.vote.view = parent.header().view;
        justify.vote.height = parent.header().height;
        justify.vote.block = parent.header().id();
    }
    let payload = Payload::new(view.to_le_bytes().to_vec());
    let node = Node {
        block: Block::extending(justify, View(view), *payload.digest()),
        payload: Some(payload),
        timeout: None,
    };
    (node.header().id(), node)
}

#[test]
fn blocks_are_attached_in_any_order() {
    let (one, first) = block(None, 1);
    let (two, second) = block(Some(&first), 2);
    let (three, third) = block(Some(&second), 3);
    let mut tree = tree();
    assert_eq!(tree.insert(three, third.clone()), vec![]);
    let mut justify = Certificate::<Mock>::genesis(genesis());
    justify.vote.block = three;
    justify.vote.height = Height(3);
    let missing = tree.missing_below(&justify).map(|it| it.vote.block);
    assert_eq!(missing, Some(two), "the highest that is not here");
    assert_eq!(tree.insert(one, first), vec![one]);
    assert_eq!(tree.insert(two, second), vec![two, three]);
    assert!(tree.missing_below(&justify).is_none());
    assert_eq!(tree.path(&three), Some(vec![one, two, three]));
    assert!(tree.extends(&three, &one, Height(1)));
    assert!(!tree.extends(&three, &three, Height(1)));
}

#[test]
fn a_decision_drops_the_other_branches() {
    let (one, first) = block(None, 1);
    let (fork, forked) = block(None, 2);
    let (two, second) = block(Some(&first), 3);
    let (lost, losing) = block(Some(&forked), 4);
    let mut tree = tree();
    for (id, node) in [(one, first), (fork, forked), (two, second), (lost, losing)] {
        tree.insert(id, node);
    }
    tree.decide(one);
    assert!(tree.get(&two).is_some() && tree.get(&lost).is_none() && tree.get(&fork).is_none());
    assert_eq!((tree.height(), tree.view()), (Height(1), View(1)));
    assert!(tree.full(&one).is_some(), "it is kept for those behind");
    assert!(
        tree.extends(&two, &fork, Height(1)),
        "what is decided is below everything"
    );
}

#[test]
fn a_full_tree_keeps_what_matters() {
    let (one, first) = block(None, 1);
    let (fork, forked) = block(None, 2);
    let (two, second) = block(Some(&first), 3);
    let (new, newest) = block(Some(&forked), 9);
    let mut tree = tree();
    for (id, node) in [(one, first), (fork, forked), (two, second), (new, newest)] {
        tree.insert(id, node);
    }
    tree.drop_branches(&[two], View(5));
    assert!(tree.get(&one).is_some() && tree.get(&two).is_some());
    assert!(
        tree.get(&fork).is_none() && tree.get(&new).is_none(),
        "a block needs its parent"
    );
}

#[test]
fn orphans_and_decided_blocks_are_bounded() {
    let mut tree = tree();
    for view in 2..1000 {
        let (_, parent) = block(None, view);
        let (id, orphan) = block(Some(&parent), view + 10_000);
        tree.insert(id, orphan);
    }
    assert_eq!(tree.orphans.len(), ORPHANS);
    let mut parent: Option<Node<Mock>> = None;
    for view in 1..100 {
        let (id, node) = block(parent.as_ref(), view);
        assert_eq!(tree.insert(id, node.clone()), vec![id]);
        tree.decide(id);
        parent = Some(node);
    }
    assert_eq!(tree.recent.len(), RECENT);
    assert_eq!(tree.len(), 0);
}
