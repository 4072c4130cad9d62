use super::*;
use crate::partition::Direction;

const A: ReplicaId = ReplicaId(0);
const B: ReplicaId = ReplicaId(1);

fn options() -> NetworkOptions {
    NetworkOptions {
        delay: Duration::from_millis(1)..=Duration::from_millis(2),
        tail: Duration::from_millis(3),
        loss: 200,
        duplication: 100,
        reordering: 50,
        held: Duration::from_millis(40),
    }
}

fn arrivals(options: NetworkOptions) -> (Vec<Arrivals>, NetworkCounts) {
    let mut network = Network::new(options, 9);
    let all = (0..5_000).map(|at| network.route(A, B, Time(at))).collect();
    (all, network.counts())
}

/// What is not lost arrives just as if nothing were.
#[test]
fn switching_loss_off_moves_nothing_else() {
    let (with, counts) = arrivals(options());
    let (without, calm) = arrivals(NetworkOptions {
        loss: 0,
        ..options()
    });
    assert!(counts.lost > 800 && calm.lost == 0, "{counts:?}");
    for (with, without) in with.iter().zip(&without) {
        assert!(without[0].is_some());
        assert!(with[0].is_none() || with == without);
    }
}

/// Each message takes as long as if none came twice.
#[test]
fn switching_duplication_off_moves_nothing_else() {
    let (with, counts) = arrivals(options());
    let (without, calm) = arrivals(NetworkOptions {
        duplication: 0,
        ..options()
    });
    assert!(
        counts.duplicated > 300 && calm.duplicated == 0,
        "{counts:?}"
    );
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(with[0], without[0]);
    }
}

#[test]
fn switching_reordering_off_moves_nothing_else() {
    let (with, counts) = arrivals(options());
    let (without, calm) = arrivals(NetworkOptions {
        reordering: 0,
        ..options()
    });
    assert!(counts.reordered > 150 && calm.reordered == 0, "{counts:?}");
    let moved = with
        .iter()
        .zip(&without)
        .filter(|(with, without)| with != without);
    assert_eq!(moved.count() as u64, counts.reordered);
}

#[test]
fn a_calm_network_only_takes_its_time() {
    let mut network = Network::new(options(), 9);
    network.calm();
    let calm: Vec<_> = (0..500).map(|at| network.route(A, B, Time(at))).collect();
    assert!(calm.iter().all(|it| it[0].is_some() && it[1].is_none()));
    network.trouble();
    let troubled = (0..500).map(|at| network.route(A, B, Time(at)));
    assert!(troubled.filter(|it| it[0].is_none()).count() > 50);
}

#[test]
fn flapping_links_drop_what_leaves_or_arrives_in_between() {
    let mut network = Network::new(options(), 9);
    let partition = Partition::around(&[A], &[A, B], Direction::Out, Time(0));
    network.part(partition.flapping(Duration::from_millis(10)));
    assert_eq!(network.route(A, B, Time::from_millis(5)), [None; 2]);
    assert!(!network.carries(A, B, Time::from_millis(25)));
    assert!(network.carries(A, B, Time::from_millis(15)));
    assert!(network.carries(B, A, Time::from_millis(5)));
    network.heal(Time::from_millis(42));
    assert!(network.carries(A, B, Time::from_millis(45)));
    let counts = network.counts();
    assert_eq!((counts.cut, counts.flaps, counts.partitions), (2, 4, 1));
}
