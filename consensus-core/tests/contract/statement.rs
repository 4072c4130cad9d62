//! What is signed: no two different things have one statement.

use proptest::prelude::*;
use quorate_core::{
    ChainId, CheckpointClaim, Digest, Domain, Epoch, Height, Place, Slot, Statement, View,
};

type Fields = ((u8, u16, u64, u64), (u8, u64, u64), [u8; 32]);

/// Changes one field, and names it.
type Change = (&'static str, fn(&mut Fields));

fn statement(fields: Fields) -> Statement {
    let ((engine, wire, chain, epoch), (kind, height, view), digest) = fields;
    let domain = Domain {
        engine,
        wire,
        chain: ChainId(chain),
        epoch: Epoch(epoch),
    };
    let place = Place::new(Height(height), View(view));
    domain.statement(Slot { kind, place }, &Digest(digest))
}

#[test]
fn every_field_is_signed() {
    let base: Fields = ((1, 1, 1, 1), (1, 1, 1), [1; 32]);
    let changes: [Change; 8] = [
        ("engine", |it| it.0.0 = 2),
        ("wire", |it| it.0.1 = 2),
        ("chain", |it| it.0.2 = 2),
        ("epoch", |it| it.0.3 = 2),
        ("kind", |it| it.1.0 = 2),
        ("height", |it| it.1.1 = 2),
        ("view", |it| it.1.2 = 2),
        ("digest", |it| it.2[31] = 2),
    ];
    let mut all = vec![statement(base)];
    for (field, change) in changes {
        let mut fields = base;
        change(&mut fields);
        let changed = statement(fields);
        assert!(!all.contains(&changed), "{field} is not signed");
        all.push(changed);
    }
}

#[test]
fn every_bit_of_every_number_is_signed() {
    let base: Fields = ((0, 0, 0, 0), (0, 0, 0), [0; 32]);
    let mut all = vec![statement(base)];
    for bit in 0..64u32 {
        let number = 1u64 << bit;
        let mut fields = vec![
            ((0, 0, number, 0), (0, 0, 0), [0; 32]),
            ((0, 0, 0, number), (0, 0, 0), [0; 32]),
            ((0, 0, 0, 0), (0, number, 0), [0; 32]),
            ((0, 0, 0, 0), (0, 0, number), [0; 32]),
        ];
        if bit < 16 {
            fields.push(((0, 1 << bit, 0, 0), (0, 0, 0), [0; 32]));
        }
        if bit < 8 {
            fields.push(((1 << bit, 0, 0, 0), (0, 0, 0), [0; 32]));
            fields.push(((0, 0, 0, 0), (1 << bit, 0, 0), [0; 32]));
        }
        all.extend(fields.into_iter().map(statement));
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn every_field_of_a_checkpoint_is_signed() {
    let domain = Domain {
        engine: 1,
        wire: 1,
        chain: ChainId(1),
        epoch: Epoch(1),
    };
    let base = CheckpointClaim {
        height: Height(1),
        payload: Digest([1; 32]),
        state: Digest([2; 32]),
    };
    let changed = [
        CheckpointClaim {
            height: Height(2),
            ..base
        },
        CheckpointClaim {
            payload: Digest([2; 32]),
            ..base
        },
        CheckpointClaim {
            state: Digest([1; 32]),
            ..base
        },
        CheckpointClaim {
            payload: base.state,
            state: base.payload,
            ..base
        },
    ];
    for other in changed {
        assert_ne!(other.statement(&domain), base.statement(&domain));
    }
    let elsewhere = Domain {
        chain: ChainId(2),
        ..domain
    };
    assert_ne!(base.statement(&elsewhere), base.statement(&domain));
}

#[test]
fn builders_keep_domains_and_lengths_apart() {
    let digests = [
        Digest::builder("a").finish(),
        Digest::builder("b").finish(),
        Digest::builder("a").bytes(b"").finish(),
        Digest::builder("a").bytes(b"x").bytes(b"").finish(),
        Digest::builder("a").bytes(b"").bytes(b"x").finish(),
        Digest::builder("a").bytes(b"x").finish(),
        Digest::builder("a").number(1).number(0).finish(),
        Digest::builder("a").number(0).number(1).finish(),
    ];
    for (index, digest) in digests.iter().enumerate() {
        assert!(!digests[..index].contains(digest));
    }
}

fn fields() -> impl Strategy<Value = Fields> {
    // Small numbers, so that fields of one are often equal to other fields of the other.
    let small = || prop_oneof![0..3u64, any::<u64>()];
    let domain = (0..3u8, 0..3u16, small(), small());
    let slot = (0..3u8, small(), small());
    (domain, slot, prop_oneof![Just([0; 32]), any::<[u8; 32]>()])
}

proptest! {
    #[test]
    fn different_things_have_different_statements(first in fields(), second in fields()) {
        prop_assert_eq!(statement(first) == statement(second), first == second);
        prop_assert_eq!(statement(first), statement(first));
    }
}
