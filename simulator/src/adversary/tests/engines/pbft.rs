//! Contradictions and lies of a PBFT replica.

use super::*;
use quorate_pbft::{
    Body, NewView, Pbft, PrePrepare, PreparedCertificate, SignedViewChange, ViewChange, Vote,
};

type P = Pbft<Mock>;

fn vote(height: u64) -> Vote {
    Vote {
        view: View(1),
        height: Height(height),
        digest: *payload(height).digest(),
    }
}

fn prepared(bench: &Bench<P>, height: u64) -> PreparedCertificate<Mock> {
    let vote = vote(height);
    PreparedCertificate {
        height: vote.height,
        view: vote.view,
        digest: vote.digest,
        certificate: bench.certify(Body::<Mock>::Prepare(vote).signing()),
    }
}

fn view_change(bench: &Bench<P>, heights: u64) -> ViewChange<Mock> {
    ViewChange {
        view: View(2),
        stable: None,
        prepared: (1..=heights)
            .map(|height| prepared(bench, height))
            .collect(),
    }
}

fn new_view(bench: &mut Bench<P>) -> NewView<Mock> {
    let mut view_changes = Vec::new();
    for by in 0..4 {
        let view_change = view_change(bench, u64::from(by));
        let body = Body::ViewChange(view_change.clone());
        let signature = bench.sign(by, body.clone()).signature;
        bench.learn(by, body);
        view_changes.push(SignedViewChange {
            by: ReplicaId(by),
            view_change,
            signature,
        });
    }
    view_changes.remove(0);
    NewView {
        view: View(2),
        view_changes,
    }
}

#[test]
fn contradictions_convict() {
    let mut bench = Bench::<P>::new();
    let proposal = Body::PrePrepare(PrePrepare {
        view: View(1),
        height: Height(1),
        payload: payload(1),
    });
    bench.contradicts(&proposal);
    bench.contradicts(&Body::Prepare(vote(1)));
    bench.contradicts(&Body::Commit(vote(1)));
    let view_change = view_change(&bench, 3);
    bench.contradicts(&Body::ViewChange(view_change));
    let new_view = new_view(&mut bench);
    bench.contradicts(&Body::NewView(new_view));
}

#[test]
fn a_rival_is_what_was_really_proposed() {
    let mut bench = Bench::<P>::new();
    for sequence in 1..3 {
        let payload = payload(sequence);
        let (view, height) = (View(1), Height(1));
        bench.learn(
            0,
            Body::PrePrepare(PrePrepare {
                view,
                height,
                payload,
            }),
        );
    }
    let other = P::contradict(&Body::Commit(vote(1)), &bench.memory, &mut bench.random);
    let other = other.expect("a rival is known");
    assert_eq!(other.signing().digest, *payload(2).digest());
}

#[test]
fn view_changes_omit_and_are_well_formed() {
    let mut bench = Bench::<P>::new();
    let honest = view_change(&bench, 3);
    let lies = bench.lies(&Body::ViewChange(honest));
    assert!(!lies.is_empty());
    for lie in lies {
        let Body::ViewChange(lie) = lie else {
            panic!("another kind");
        };
        assert_eq!(lie.check(WINDOW), Ok(()));
        assert!(lie.prepared.len() < 3);
    }
}

#[test]
fn prepared_certificates_are_backdated() {
    let mut bench = Bench::<P>::new();
    // In view 0 a quorum has prepared something else: prepares are heard one by one.
    let older = Vote {
        view: View::ZERO,
        ..vote(9)
    };
    let older = Vote {
        height: Height(1),
        ..older
    };
    (0..3).for_each(|by| bench.learn(by, Body::Prepare(older)));
    let honest = view_change(&bench, 1);
    let lies = bench.lies(&Body::ViewChange(honest)).into_iter();
    let backdated = |lie| matches!(lie, Body::ViewChange(it) if it.prepared.first().is_some_and(|it| it.view == View::ZERO));
    assert!(lies.into_iter().any(backdated));
}

#[test]
fn new_views_choose_what_proposes_least() {
    let mut bench = Bench::<P>::new();
    let honest = new_view(&mut bench);
    let validators = bench.scheme.validators().clone();
    let height = |it: &NewView<Mock>| {
        let plan = quorate_pbft::compute(it.view_changes.iter().map(|it| &it.view_change));
        plan.max_s
    };
    assert_eq!(height(&honest), Height(3));
    let lies = bench.lies(&Body::NewView(honest)).into_iter();
    let (mut valid, mut invalid) = (0, 0);
    for lie in lies {
        let Body::NewView(lie) = lie else {
            panic!("another kind");
        };
        match lie.check(&validators, WINDOW) {
            Ok(()) => {
                valid += 1;
                assert!(height(&lie) <= Height(3));
            }
            Err(_) => invalid += 1,
        }
        if height(&lie) == Height(2) {
            valid += 100;
        }
    }
    assert!(valid > 100 && invalid > 0);
}

#[test]
fn commits_come_with_the_prepare() {
    let mut bench = Bench::<P>::new();
    let lies = bench.lies(&Body::Prepare(vote(1)));
    assert!(matches!(lies[..2], [Body::Prepare(_), Body::Commit(_)]));
}
