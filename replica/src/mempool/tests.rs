mod model;

use super::*;
use quorate_core::ClientId;

const T: Time = Time::ZERO;

fn id(sequence: u64) -> RequestId {
    RequestId {
        client: ClientId(7),
        sequence,
    }
}

fn request(sequence: u64, len: usize) -> Request {
    Request {
        id: id(sequence),
        body: vec![sequence as u8; len],
    }
}

fn ids(payload: &Payload) -> Vec<u64> {
    Requests::new(payload.bytes())
        .map(|request| request.unwrap().id.sequence)
        .collect()
}

/// Batches of at most three requests.
fn pool() -> Mempool {
    Mempool::new(MempoolLimits {
        batch_requests: 3,
        ..MempoolLimits::default()
    })
}

fn admit(pool: &mut Mempool, sequences: impl IntoIterator<Item = u64>) {
    for sequence in sequences {
        pool.admit(T, request(sequence, 10), Origin::Local).unwrap();
    }
}

fn payload(sequences: &[u64]) -> Payload {
    let mut batch = Vec::new();
    for sequence in sequences {
        let request = request(*sequence, 10);
        let (id, body) = (request.id, &request.body[..]);
        RequestRef { id, body }.append_to(&mut batch);
    }
    Payload::new(batch)
}

fn error(pool: &mut Mempool, request: Request, origin: Origin) -> AdmissionError {
    let (returned, error) = pool.admit(T, request.clone(), origin).unwrap_err();
    assert_eq!(returned, request);
    error
}

#[test]
fn pipelined_batches_repeat_nothing_and_keep_the_order() {
    let mut pool = pool();
    admit(&mut pool, 1..=8);
    let first = pool.build(&[]);
    let second = pool.build(&[*first.digest()]);
    let both = [*first.digest(), *second.digest()];
    assert_eq!((ids(&first), ids(&second)), (vec![1, 2, 3], vec![4, 5, 6]));
    pool.decided(T, &first);
    admit(&mut pool, [9]);
    let third = pool.build(&both[1..]);
    assert_eq!(ids(&third), [7, 8, 9]);
    assert!(!pool.has_ready(&[both[1], *third.digest()]));
    pool.decided(T, &second);
    pool.decided(T, &third);
    assert!(pool.is_empty() && pool.pending_bytes() == 0);
    assert_eq!(pool.oldest_waiting(), None);
    assert!(pool.build(&[]).is_empty());
}

#[test]
fn an_abandoned_batch_goes_first_again_in_its_old_order() {
    let mut pool = pool();
    admit(&mut pool, 1..=6);
    let first = pool.build(&[]);
    let second = pool.build(&[*first.digest()]);
    // The second stands, but not on the first.
    let third = pool.build(&[*second.digest()]);
    assert_eq!(ids(&third), [1, 2, 3]);
    // A batch that was built before may be built again.
    assert_eq!(pool.build(&[]), first);
    pool.forget(first.digest());
    assert_eq!(pool.build(&[]), first);
}

#[test]
fn requests_in_others_payloads_are_not_repeated_even_if_they_come_later() {
    let mut pool = pool();
    admit(&mut pool, [1, 2]);
    let theirs = payload(&[2, 3]);
    pool.observe(&theirs);
    admit(&mut pool, [4]);
    assert!(pool.any_requests_in(&[*theirs.digest()]));
    assert!(!pool.any_requests_in(&[*Payload::empty().digest()]));
    let ours = pool.build(&[*theirs.digest()]);
    assert_eq!(ids(&ours), [1, 4]);
    admit(&mut pool, [3]);
    let undecided = [*theirs.digest(), *ours.digest()];
    assert!(!pool.has_ready(&undecided));
    // On another branch they are ours to propose.
    assert!(pool.has_ready(&undecided[1..]));
    assert_eq!(ids(&pool.build(&undecided[1..])), [2, 3]);
}

#[test]
fn what_was_decided_is_not_admitted_again() {
    let mut pool = pool();
    admit(&mut pool, [1]);
    assert_eq!(
        error(&mut pool, request(1, 10), Origin::Local),
        AdmissionError::Duplicate
    );
    pool.decided(T, &payload(&[1, 2]));
    assert!(pool.is_empty());
    for sequence in [1, 2] {
        assert_eq!(
            error(&mut pool, request(sequence, 10), Origin::Local),
            AdmissionError::Decided
        );
    }
    // Only the newest are remembered: the reply table knows the others.
    let many = (10..).take(Mempool::REMEMBERED - 1).map(id);
    pool.executed(T, many);
    assert_eq!(pool.known.len(), Mempool::REMEMBERED);
    admit(&mut pool, [1]);
    assert_eq!(
        error(&mut pool, request(2, 10), Origin::Local),
        AdmissionError::Decided
    );
}

#[test]
fn memory_is_bounded_in_all_and_by_peer() {
    let each = request(1, 100).encoded_len() + MempoolLimits::HELD_OVERHEAD;
    let mut pool = Mempool::new(MempoolLimits {
        bytes: 8 * each,
        forwarded_bytes: 3 * each,
        request_bytes: 128,
        batch_bytes: 256,
        batch_requests: 10,
    });
    let peer = |peer| Origin::Forwarded(ReplicaId(peer));
    let too_long = error(&mut pool, request(1, 101), Origin::Local);
    assert_eq!(
        too_long,
        AdmissionError::TooLong {
            len: 129,
            limit: 128
        }
    );
    for sequence in 1..=3 {
        pool.admit(T, request(sequence, 100), peer(1)).unwrap();
    }
    let quota = error(&mut pool, request(4, 100), peer(1));
    assert!(matches!(
        quota,
        AdmissionError::Quota {
            by: ReplicaId(1),
            ..
        }
    ));
    pool.admit(T, request(4, 100), peer(2)).unwrap();
    // Peers together may have half.
    let quota = error(&mut pool, request(5, 100), peer(2));
    assert!(matches!(
        quota,
        AdmissionError::Quota {
            by: ReplicaId(2),
            ..
        }
    ));
    for sequence in 5..=8 {
        pool.admit(T, request(sequence, 100), Origin::Local)
            .unwrap();
    }
    let full = error(&mut pool, request(9, 100), Origin::Local);
    assert!(matches!(full, AdmissionError::Full { .. }));
    // A local client takes over what a peer forwarded, and the peer has its share back.
    let again = error(&mut pool, request(1, 100), Origin::Local);
    assert_eq!(again, AdmissionError::Duplicate);
    pool.executed(T, [id(8)]);
    pool.admit(T, request(9, 100), peer(1)).unwrap();
    pool.executed(T, (1..=9).map(id));
    assert_eq!(
        (pool.charged, pool.charged_forwarded, pool.encoded),
        (0, 0, 0)
    );
    assert!(pool.charged_by.values().all(|charged| *charged == 0));
}

#[test]
fn a_forwarded_request_becomes_local_at_the_end_of_the_queue() {
    let mut pool = pool();
    let early = Time::from_millis(1);
    let late = Time::from_millis(2);
    let peer = Origin::Forwarded(ReplicaId(1));
    pool.admit(early, request(1, 10), peer).unwrap();
    pool.admit(early, request(2, 10), Origin::Local).unwrap();
    assert_eq!(pool.local_from(Arrival::START).count(), 1);
    let _ = pool.admit(late, request(1, 10), Origin::Local);
    let local: Vec<_> = pool
        .local_from(Arrival::START)
        .map(|waiting| (waiting.request.id.sequence, waiting.received))
        .collect();
    assert_eq!(local, [(2, early), (1, late)]);
    assert_eq!(ids(&pool.build(&[])), [2, 1]);
}

#[test]
fn a_batch_ends_where_the_next_request_does_not_fit() {
    let mut pool = Mempool::new(MempoolLimits {
        request_bytes: 100,
        batch_bytes: 100,
        ..MempoolLimits::default()
    });
    for (sequence, len) in [(1, 10), (2, 10), (3, 10), (4, 1)] {
        pool.admit(T, request(sequence, len), Origin::Local)
            .unwrap();
    }
    let first = pool.build(&[]);
    assert_eq!((ids(&first), first.len()), (vec![1, 2], 76));
    assert_eq!(ids(&pool.build(&[*first.digest()])), [3, 4]);
}

#[test]
fn local_progress_is_the_last_decision_on_local_requests() {
    let mut pool = pool();
    admit(&mut pool, [1, 2]);
    let peer = Origin::Forwarded(ReplicaId(1));
    pool.admit(T, request(3, 10), peer).unwrap();
    let at = Time::from_millis(5);
    pool.executed(at, [id(3)]);
    assert_eq!(pool.local_progress(), LocalProgress::default());
    pool.executed(at, [id(2)]);
    let progress = pool.local_progress();
    assert_eq!(progress.at, at);
    let first = pool.local_from(Arrival::START).next().unwrap();
    assert!(first.arrival < progress.arrival);
}

#[test]
fn observed_payloads_are_bounded() {
    let mut pool = pool();
    admit(&mut pool, [1]);
    let own = pool.build(&[]);
    for sequence in 0..2000 {
        pool.observe(&payload(&[1000 + sequence]));
    }
    // The oldest are forgotten, even what was in flight: it is eligible again.
    assert!(!pool.any_requests_in(&[*own.digest()]));
    assert!(pool.any_requests_in(&[*payload(&[2999]).digest()]));
    assert_eq!(ids(&pool.build(&[*own.digest()])), [1]);
}
