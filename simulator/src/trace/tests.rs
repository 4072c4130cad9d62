use super::*;

fn event(what: Happening) -> TraceEvent {
    TraceEvent {
        time_ns: 1_234_567_890,
        replica: Some(3),
        what,
    }
}

fn vote() -> Happening {
    Happening::Sent {
        to: Some(1),
        message: Message {
            kind: "vote",
            height: 7,
            view: 2,
            digest: "00ff".into(),
            detail: "Vote {\n many words }".into(),
        },
    }
}

#[test]
fn lines_have_columns_and_fit() {
    let decided = event(Happening::Decided {
        height: 9,
        payload: "ab12".into(),
        bytes: 30,
    });
    assert_eq!(
        decided.line(80, Ink::Plain),
        "    1.234567  r3   decided       h9 ab12, 30 bytes"
    );
    assert_eq!(
        event(vote()).line(100, Ink::Plain),
        "    1.234567  r3   sent          -> r1  vote         h7 v2 00ff  Vote {  many words }"
    );
    for width in 0..100 {
        let line = event(vote()).line(width, Ink::Plain);
        assert!(line.chars().count() <= width, "{line:?} in {width}");
    }
    let mut everywhere = event(Happening::links("healed"));
    everywhere.replica = None;
    assert_eq!(
        everywhere.line(80, Ink::Plain),
        "    1.234567       links         healed"
    );
}

#[test]
fn colours_are_around_the_same_line() {
    let crash = event(Happening::Crashed {
        durable: 5,
        amnesia: true,
    });
    let plain = crash.line(40, Ink::Plain);
    assert_eq!(
        crash.line(40, Ink::Coloured),
        format!("\x1b[31m{plain}\x1b[0m")
    );
}

#[test]
fn json_is_one_flat_object_a_line() {
    let json = serde_json::to_string(&event(vote())).expect("events are plain data");
    assert_eq!(
        json,
        r#"{"time_ns":1234567890,"replica":3,"event":"sent","to":1,"kind":"vote","height":7,"view":2,"digest":"00ff","detail":"Vote {\n many words }"}"#
    );
    let mut healed = event(Happening::links("healed"));
    healed.replica = None;
    let json = serde_json::to_string(&healed).expect("events are plain data");
    assert_eq!(
        json,
        r#"{"time_ns":1234567890,"event":"links","text":"healed"}"#
    );
}

#[test]
fn a_tracer_without_takers_is_off() {
    let mut tracer = Tracer::default();
    assert!(!tracer.is_on());
    let (sender, receiver) = std::sync::mpsc::channel();
    tracer.set_sink(Box::new(move |event| {
        sender.send(event.clone()).expect("the test listens");
    }));
    assert!(tracer.is_on());
    tracer.take(Time(7), Some(ReplicaId(2)), Happening::note("x"));
    let taken = receiver.try_recv().expect("the event");
    assert_eq!((taken.time_ns, taken.replica), (7, Some(2)));
    assert_eq!(tracer.recent().count(), 0);
    let mut options = Options::new(0, 4);
    options.trace = true;
    let mut keeping = Tracer::of(&options);
    (0..RECENT + 5).for_each(|at| keeping.take(Time(at as u64), None, Happening::note("y")));
    assert_eq!(keeping.recent().count(), RECENT);
}
