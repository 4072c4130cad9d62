use super::PlantedBug;
use crate::DriverConfig;
use crate::driver::{Action, Driver, Event, Survived};
use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Body as _, ChainId, Epoch, ReplicaId, Rotation, Seq, Setup, Signed, Time, Verified,
};
use quorate_tendermint::Tendermint;
use std::sync::Arc;

type Engine = Tendermint<Mock>;

fn setup() -> Setup<Engine> {
    let validators = mock_validators(&[1; 4]);
    Setup {
        me: ReplicaId(0),
        chain: ChainId(1),
        epoch: Epoch(0),
        leaders: Arc::new(Rotation::by_height(&validators)),
        scheme: Mock::new(Arc::clone(&validators), [1; 32]),
        validators,
        config: Default::default(),
    }
}

fn sent(actions: &[Action<Engine>]) -> usize {
    let sent = |action: &&Action<Engine>| matches!(action, Action::Transmit(..));
    actions.iter().filter(sent).count()
}

/// Has a replica prevote nil, because no proposal comes. How many messages leave once the vote is
/// signed, and how many once its record is durable.
fn leaves(planted: Option<PlantedBug>) -> (usize, usize) {
    let setup = setup();
    let config = DriverConfig {
        planted,
        ..DriverConfig::default()
    };
    let mut driver = Driver::start(setup.clone(), config, Survived::default(), Time::ZERO);
    let due = Time::from_millis(10_000);
    driver.handle(due, Event::Tick);
    let (mut written, mut said) = (Seq::NONE, None);
    for action in driver.take_actions() {
        match action {
            Action::Append(persist) => written = persist.seq(),
            Action::Sign(ticket, body) => said = Some((ticket, body)),
            Action::Transmit(..) => panic!("nothing is signed yet"),
            _ => {}
        }
    }
    let (ticket, body) = said.expect("it prevotes");
    assert!(body.binds() && written > Seq::NONE);
    let signing = body.signing();
    let statement = signing.statement(&setup.domain());
    let signed = Signed {
        by: setup.me,
        signature: setup.scheme.sign(setup.me, signing.key, statement),
        body,
    };
    let mut checked = Verified::check(&setup.domain(), &setup.scheme, vec![signed]);
    let message = checked.remove(0).expect("the test signs what holds");
    driver.handle(due, Event::Signed(ticket, Ok(message)));
    let early = sent(&driver.take_actions().collect::<Vec<_>>());
    driver.handle(due, Event::Durable(written));
    (early, sent(&driver.take_actions().collect::<Vec<_>>()))
}

#[test]
fn vote_before_sync() {
    assert_eq!(leaves(None), (0, 1));
    assert_eq!(leaves(Some(PlantedBug::VoteBeforeSync)), (1, 0));
}

#[test]
fn names_are_unique() {
    let names = PlantedBug::ALL.iter().map(|bug| bug.name());
    assert_eq!(names.collect::<Vec<_>>(), ["vote-before-sync"]);
}
