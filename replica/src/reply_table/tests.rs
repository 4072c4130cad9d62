use super::*;
use proptest::prelude::*;

fn id(client: u128, sequence: u64) -> RequestId {
    RequestId {
        client: ClientId(client),
        sequence,
    }
}

fn limits(clients: usize) -> ReplyLimits {
    ReplyLimits {
        clients,
        replies: 2,
        reply_bytes: 10,
    }
}

fn executed(reply: &'static [u8]) -> RequestStatus {
    RequestStatus::Executed(Some(Bytes::from_static(reply)))
}

#[test]
fn the_newest_replies_are_kept() {
    let mut table = ReplyTable::new(limits(10));
    let mut run = |sequence, reply: &'static [u8]| {
        table.executed(Height(1), id(1, sequence), Bytes::from_static(reply));
        (1..=5)
            .map(|sequence| table.status(id(1, sequence)))
            .collect::<Vec<_>>()
    };
    let gone = RequestStatus::Executed(None);
    let fresh = RequestStatus::Fresh;
    let all = |statuses: [&RequestStatus; 5]| statuses.map(Clone::clone).to_vec();
    assert_eq!(
        run(2, b"two"),
        all([&fresh, &executed(b"two"), &fresh, &fresh, &fresh])
    );
    run(1, b"one");
    let three = run(3, b"three");
    assert_eq!(
        three,
        all([
            &executed(b"one"),
            &gone,
            &executed(b"three"),
            &fresh,
            &fresh
        ])
    );
    // By bytes as well: what is longer than all is not kept.
    let four = run(4, b"four five!!");
    assert_eq!(four, all([&gone, &gone, &gone, &gone, &fresh]));
}

#[test]
fn the_window_slides_over_what_has_been_executed() {
    let mut table = ReplyTable::new(limits(10));
    let mut run = |sequence| table.executed(Height(1), id(1, sequence), Bytes::new());
    (2..=1024).for_each(&mut run);
    assert_eq!(
        table.status(id(1, 1025)),
        RequestStatus::BeyondWindow { end: 1024 }
    );
    table.executed(Height(1), id(1, 1), Bytes::new());
    assert_eq!(table.status(id(1, 1025)), RequestStatus::Fresh);
    assert_eq!(table.status(id(1, 2048)), RequestStatus::Fresh);
    assert_eq!(
        table.status(id(1, 2049)),
        RequestStatus::BeyondWindow { end: 2048 }
    );
    // Zero is no sequence number.
    assert!(matches!(table.status(id(1, 0)), RequestStatus::Executed(_)));
    assert!(matches!(
        table.status(id(9, 0)),
        RequestStatus::Forgotten { floor: 0 }
    ));
    let end = RequestStatus::BeyondWindow { end: 2048 };
    assert_eq!(table.status(id(1, u64::MAX)), end);
}

#[test]
fn a_forgotten_client_repeats_nothing() {
    let mut table = ReplyTable::new(limits(2));
    for (height, client, sequence) in [(1, 5, 1), (1, 5, 700), (2, 6, 1), (3, 5, 2), (4, 4, 1)] {
        table.executed(Height(height), id(client, sequence), Bytes::new());
    }
    // Client 6 was idle longest; it used only number 1, so newcomers start at 2.
    assert_eq!((table.clients(), table.horizon), (2, 1));
    assert_eq!(
        table.status(id(6, 1)),
        RequestStatus::Forgotten { floor: 1 }
    );
    assert_eq!(table.status(id(6, 2)), RequestStatus::Fresh);
    table.executed(Height(4), id(6, 2), Bytes::new());
    // Now client 5 is gone, with its highest number, holes included.
    assert_eq!(table.horizon, 700);
    for sequence in [1, 2, 3, 700] {
        assert_eq!(
            table.status(id(5, sequence)),
            RequestStatus::Forgotten { floor: 700 }
        );
    }
    assert_eq!(table.status(id(5, 701)), RequestStatus::Fresh);
    // Whoever is remembered is not affected.
    assert_eq!(table.status(id(6, 3)), RequestStatus::Fresh);
}

#[test]
fn of_clients_equally_idle_the_least_is_forgotten_but_not_the_newcomer() {
    let mut table = ReplyTable::new(limits(2));
    for client in [9, 8, 1] {
        table.executed(Height(1), id(client, 1 + table.horizon), Bytes::new());
    }
    assert!(table.session(ClientId(8)).is_none());
    assert!(table.session(ClientId(9)).is_some() && table.session(ClientId(1)).is_some());
}

#[test]
#[should_panic(expected = "is not fresh")]
fn executing_twice_is_a_bug() {
    let mut table = ReplyTable::new(limits(2));
    table.executed(Height(1), id(1, 1), Bytes::new());
    table.executed(Height(2), id(1, 1), Bytes::new());
}

#[test]
fn bytes_that_no_table_encodes_to_are_refused() {
    let mut table = ReplyTable::new(limits(4));
    for client in 1..=3 {
        table.executed(Height(2), id(client, 2), Bytes::from_static(b"reply"));
    }
    let bytes = table.encode();
    assert!(ReplyTable::decode(limits(4), &bytes).is_ok());
    assert!(
        ReplyTable::decode(limits(5), &bytes).is_err(),
        "other limits"
    );
    for len in 0..bytes.len() {
        assert!(
            ReplyTable::decode(limits(4), &bytes[..len]).is_err(),
            "cut at {len}"
        );
    }
    let digest = table.digest();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1 << bit;
            // Not every forgery is malformed; the digest tells.
            if let Ok(mut forged) = ReplyTable::decode(limits(4), &wrong) {
                assert_ne!(forged.digest(), digest, "bit {bit} of byte {at}");
                assert_ne!(forged.encode(), bytes);
            }
        }
    }
}

#[test]
fn a_floor_at_the_end_of_the_numbers_is_harmless() {
    let mut table = ReplyTable::new(limits(1));
    table.executed(Height(1), id(1, 1), Bytes::new());
    let mut bytes = table.encode();
    // limits, horizon, number of sessions, client; then the floor.
    let floor = 24 + 8 + 4 + 16;
    bytes[floor..floor + 8].fill(255);
    // The highest number follows the window.
    let highest = floor + 8 + 128;
    bytes[highest..highest + 8].fill(255);
    let table = ReplyTable::decode(limits(1), &bytes).unwrap();
    assert_eq!(table.status(id(1, u64::MAX)), RequestStatus::Executed(None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Against a set of everything ever executed: nothing fresh is in it, and whatever is within
    /// the window of a remembered client and not in it is fresh. The digest depends on the content
    /// alone, however it was reached and whenever it was asked for.
    #[test]
    fn behaves_like_a_set(
        requests in prop::collection::vec((0u128..6, 1u64..2300, any::<bool>()), 1..300)
    ) {
        let mut table = ReplyTable::new(limits(4));
        let mut set = BTreeSet::new();
        for (index, (client, sequence, ask)) in requests.into_iter().enumerate() {
            let id = id(client, sequence);
            let floor = table.session(id.client).map(|session| session.floor);
            match table.status(id) {
                RequestStatus::Fresh => {
                    prop_assert!(set.insert(id), "{:?} is executed again", id);
                    let height = Height(index as u64 / 3);
                    table.executed(height, id, vec![index as u8; index % 4].into());
                    prop_assert!(matches!(table.status(id), RequestStatus::Executed(Some(_))));
                }
                RequestStatus::Executed(_) => {
                    // A session that began above the horizon does not know what was below.
                    prop_assert!(set.contains(&id) || table.horizon >= sequence);
                }
                RequestStatus::BeyondWindow { end } => {
                    prop_assert!(sequence > end);
                    prop_assert_eq!(floor.unwrap_or(table.horizon) + 1024, end);
                }
                RequestStatus::Forgotten { floor } => prop_assert!(sequence <= floor),
            }
            if ask {
                table.digest();
            }
        }
        let bytes = table.encode();
        let mut copy = ReplyTable::decode(limits(4), &bytes).unwrap();
        prop_assert_eq!(copy.digest(), table.digest());
        prop_assert_eq!(copy.encode(), bytes);
        prop_assert_eq!(copy.by_age, table.by_age);
    }
}
