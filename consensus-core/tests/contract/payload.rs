//! Payloads and batches of requests.

use proptest::prelude::*;
use quorate_core::{ClientId, MalformedBatch, Payload, Request, RequestId, RequestRef, Requests};

fn request(client: u128, sequence: u64, body: Vec<u8>) -> Request {
    let client = ClientId(client);
    let id = RequestId { client, sequence };
    Request { id, body }
}

fn batch(requests: &[Request]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Request { id, body } in requests {
        RequestRef { id: *id, body }.append_to(&mut bytes);
    }
    bytes
}

#[test]
fn payloads_are_named_by_their_bytes() {
    let [first, second] = [vec![1], vec![2]].map(Payload::new);
    assert_ne!(first, second);
    assert_eq!(first, Payload::new(vec![1]));
    assert!(Payload::empty().is_empty());
    assert_eq!(first.len(), 1);
    let bytes = borsh::to_vec(&first).unwrap();
    assert_eq!(bytes, [1, 0, 0, 0, 1]);
    let decoded: Payload = borsh::from_slice(&bytes).unwrap();
    assert_eq!(decoded.digest(), first.digest());
    assert!(borsh::from_slice::<Payload>(&[255, 255, 255, 255, 1]).is_err());
}

#[test]
fn a_batch_ends_where_it_is_malformed() {
    let good = request(1, 2, vec![3; 5]);
    let mut bytes = batch(std::slice::from_ref(&good));
    let end = bytes.len();
    assert_eq!(end, good.encoded_len());
    // A second head that promises more than there is.
    bytes.extend_from_slice(&[0xff; 28]);
    bytes.extend_from_slice(&[1; 100]);
    let parsed: Vec<_> = Requests::new(&bytes).collect();
    assert_eq!(parsed.len(), 2);
    assert_eq!(parsed[0].unwrap().body, good.body);
    assert_eq!(parsed[1], Err(MalformedBatch(end)));
}

proptest! {
    #[test]
    fn batches_come_back(
        requests in prop::collection::vec(
            (any::<u128>(), any::<u64>(), prop::collection::vec(any::<u8>(), 0..40)),
            0..20,
        ),
    ) {
        let requests: Vec<_> = requests.into_iter().map(|(c, s, b)| request(c, s, b)).collect();
        let bytes = batch(&requests);
        prop_assert_eq!(bytes.len(), requests.iter().map(Request::encoded_len).sum::<usize>());
        let parsed: Result<Vec<_>, _> = Requests::new(&bytes).collect();
        let parsed = parsed.unwrap();
        let own = parsed.iter().map(|it| Request { id: it.id, body: it.body.to_vec() });
        prop_assert_eq!(own.collect::<Vec<_>>(), requests);
    }

    #[test]
    fn any_bytes_are_parsed_to_their_end_or_to_one_error(
        bytes in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..300),
    ) {
        let parsed: Vec<_> = Requests::new(&bytes).collect();
        let good: Vec<_> = parsed.iter().filter_map(|it| it.ok()).collect();
        prop_assert!(parsed.len() - good.len() <= 1);
        let again: Vec<_> = good
            .iter()
            .map(|it| Request { id: it.id, body: it.body.to_vec() })
            .collect();
        let again = batch(&again);
        prop_assert!(bytes.starts_with(&again));
        match parsed.last() {
            Some(Err(MalformedBatch(at))) => prop_assert_eq!(*at, again.len()),
            _ => prop_assert_eq!(again.len(), bytes.len()),
        }
    }
}
