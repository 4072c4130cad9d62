//! What a replica makes of the records that it finds.

use crate::body::Body;
use crate::record::Record;
use crate::view_change_body::{NewView, SignedViewChange, ViewChange};
use crate::{Config, Pbft};
use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Body as _, ChainId, Epoch, Height, Input, Outbox, Output, Protocol, Recovered, ReplicaId,
    Rotation, Seq, Setup, Signed, Time, Verified, View,
};
use std::sync::Arc;

type Engine = Pbft<Mock>;

fn setup() -> Setup<Engine> {
    let validators = mock_validators(&[1; 4]);
    Setup {
        me: ReplicaId(3),
        chain: ChainId(1),
        epoch: Epoch(0),
        leaders: Arc::new(Rotation::by_view(&validators)),
        scheme: Mock::new(Arc::clone(&validators), [1; 32]),
        validators,
        config: Config::default(),
    }
}

fn sign(setup: &Setup<Engine>, by: ReplicaId, body: Body<Mock>) -> Signed<Engine> {
    let signing = body.signing();
    let statement = signing.statement(&setup.domain());
    let signature = setup.scheme.sign(by, signing.key, statement);
    Signed {
        by,
        body,
        signature,
    }
}

/// The new-view by which a view was opened in which nothing had been prepared before.
fn new_view(setup: &Setup<Engine>, view: View) -> NewView<Mock> {
    let change = |id| {
        let (by, view_change) = (
            ReplicaId(id),
            ViewChange {
                view,
                stable: None,
                prepared: Vec::new(),
            },
        );
        let signed = sign(setup, by, Body::ViewChange(view_change.clone()));
        SignedViewChange {
            by,
            view_change,
            signature: signed.signature,
        }
    };
    NewView {
        view,
        view_changes: (0..3).map(change).collect(),
    }
}

/// The simulator, PBFT, seed 4068: it was taken to view 2 by what others said of it, had kept the
/// new-view of view 1, and accused the leaders of the two of contradicting each other.
#[test]
fn the_new_view_of_an_earlier_view_is_no_contradiction() {
    let setup = setup();
    let (first, second) = (new_view(&setup, View(1)), new_view(&setup, View(2)));
    let opened = sign(&setup, ReplicaId(1), Body::NewView(first.clone()));
    let entered = Record::Entered {
        new_view: first,
        signature: Some(opened.signature),
    };
    let followed = Record::InView {
        view: View(2),
        reproposed: Height::GENESIS,
    };
    let recovered = Recovered {
        records: vec![(Seq(1), entered), (Seq(2), followed)],
        ..Recovered::default()
    };
    let mut out = Outbox::new(Seq(2));
    let mut engine = Engine::start(setup.clone(), recovered, Time::ZERO, &mut out);
    assert_eq!(engine.status().place.view, View(2));
    drop(out.drain());

    let signed = sign(&setup, ReplicaId(2), Body::NewView(second));
    let mut checked = Verified::check(&setup.domain(), &setup.scheme, vec![signed]);
    let message = checked.remove(0).expect("the test signs what holds");
    engine.step(Time::ZERO, Input::Message(message), &mut out);
    let outputs: Vec<_> = out.drain().collect();
    let accuses = |it: &Output<Engine>| matches!(it, Output::Evidence(_) | Output::Blame(..));
    assert!(!outputs.iter().any(accuses), "{outputs:?}");
}
