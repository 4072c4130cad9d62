//! The outbox: promises are written before they are sent, or it panics.

use crate::toy::{Record, Say, Toy};
use quorate_core::{
    Digest, Entry, Fault, Height, Outbox, Output, Payload, Recipients, ReplicaId, Seq, Ticket,
};

const ALL: Recipients = Recipients::All;

fn vote() -> Say {
    Say::Vote(Height(1), Digest::ZERO)
}

fn record() -> Record {
    Record::Voted(Height(1), Digest::ZERO)
}

#[test]
fn a_promise_is_written_first_and_waits_for_it() {
    let mut out = Outbox::<Toy>::new(Seq(41));
    let stored = out.store(Payload::empty());
    let promised = out.promise(record(), ALL, vote());
    out.repeat(stored, Recipients::One(ReplicaId(2)), vote());
    out.send(ALL, Say::Ping(Height(1), 0));
    assert_eq!((stored, promised, out.last()), (Seq(42), Seq(43), Seq(43)));
    let outputs: Vec<_> = out.drain().collect();
    match &outputs[..] {
        [
            Output::Persist(payload),
            Output::Persist(record),
            Output::Send(promise),
            Output::Send(again),
            Output::Send(ping),
        ] => {
            assert!(matches!(payload.entry(), Entry::Payload(_)));
            assert!(matches!(record.entry(), Entry::Record(_)));
            assert_eq!((payload.seq(), record.seq()), (Seq(42), Seq(43)));
            assert_eq!((promise.after(), promise.to()), (Seq(43), ALL));
            assert_eq!(again.after(), Seq(42));
            assert_eq!(again.to(), Recipients::One(ReplicaId(2)));
            assert_eq!(ping.after(), Seq::NONE);
        }
        other => panic!("{other:?}"),
    }
    assert!(out.is_empty());
    assert_eq!(out.persist(record()), Seq(44));
}

#[test]
fn outputs_keep_their_order() {
    let mut out = Outbox::<Toy>::new(Seq::NONE);
    out.build(Ticket(1), Height(1), Vec::new());
    out.check(Ticket(2), Height(1), Payload::empty());
    out.fetch(Height(3));
    out.blame(ReplicaId(1), Fault::Unjustified);
    out.prune(Seq(1));
    let outputs: Vec<_> = out.drain().collect();
    assert!(matches!(
        outputs[..],
        [
            Output::Build { .. },
            Output::Check { .. },
            Output::Fetch(Height(3)),
            Output::Blame(ReplicaId(1), Fault::Unjustified),
            Output::Prune(Seq(1)),
        ]
    ));
}

#[test]
#[should_panic(expected = "a promise must bind")]
fn what_binds_nobody_is_no_promise() {
    Outbox::<Toy>::new(Seq::NONE).promise(record(), ALL, Say::Ping(Height(1), 0));
}

#[test]
#[should_panic(expected = "a binding body must be promised")]
fn what_binds_is_not_just_sent() {
    Outbox::<Toy>::new(Seq::NONE).send(ALL, vote());
}

#[test]
#[should_panic(expected = "only a promise can be repeated")]
fn what_binds_nobody_is_not_repeated() {
    Outbox::<Toy>::new(Seq::NONE).repeat(Seq::NONE, ALL, Say::Ping(Height(1), 0));
}

#[test]
#[should_panic(expected = "is not written")]
fn what_was_never_promised_is_not_repeated() {
    Outbox::<Toy>::new(Seq(7)).repeat(Seq(8), ALL, vote());
}
