use super::*;
use quorate_core::Statement;
use quorate_core::testing::{Mock, mock_validators};

fn kept(powers: &[u64], timeouts: &[(u16, u64, u64)]) -> (Mock, Timeouts<Mock>) {
    let scheme = Mock::new(mock_validators(powers), [1; 32]);
    let mut kept = Timeouts::default();
    for (by, view, high_qc) in timeouts {
        let by = ReplicaId(*by);
        let signature = scheme.sign(by, KeyRole::Voting, Statement(Digest::ZERO));
        kept.add(by, View(*view), View(*high_qc), &signature);
    }
    (scheme, kept)
}

#[test]
fn only_timeouts_of_one_view_add_up() {
    let (scheme, kept) = kept(&[1; 4], &[(0, 3, 2), (1, 4, 2), (2, 3, 2), (0, 3, 1)]);
    assert!(kept.certificate(&scheme, View(3)).is_none());
    assert!(kept.certificate(&scheme, View(4)).is_none());
}

#[test]
fn groups_are_by_the_view_of_the_highest_certificate() {
    let (scheme, kept) = kept(&[1; 4], &[(3, 3, 2), (1, 3, 0), (0, 3, 2)]);
    let certificate = kept
        .certificate(&scheme, View(3))
        .expect("three are a quorum");
    assert_eq!(certificate.check(scheme.validators()), Ok(()));
    assert_eq!(certificate.highest(), View(2));
    let groups: Vec<_> = certificate
        .groups
        .iter()
        .map(|group| {
            (
                group.high_qc.0,
                group.certificate.signers.iter().collect::<Vec<_>>(),
            )
        })
        .collect();
    let expected = vec![
        (0, vec![ReplicaId(1)]),
        (2, vec![ReplicaId(0), ReplicaId(3)]),
    ];
    assert_eq!(groups, expected);
}

#[test]
fn a_view_is_reached_by_those_in_it_and_beyond() {
    let (scheme, kept) = kept(&[1; 7], &[(0, 9, 2), (1, 4, 2), (2, 6, 2), (3, 5, 2)]);
    let validators = scheme.validators();
    // Of seven, two may lie: the third highest view is the highest that a correct one is in.
    assert_eq!(kept.reached(validators, Threshold::Weak), Some(View(5)));
    assert_eq!(kept.reached(validators, Threshold::Any), Some(View(9)));
    assert_eq!(kept.reached(validators, Threshold::Quorum), None);
}
