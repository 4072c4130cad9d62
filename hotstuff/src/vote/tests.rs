use super::*;
use crate::TwoChain;
use quorate_core::Output;
use quorate_core::testing::Mock;

type Engine = HotStuff<Mock, TwoChain>;

fn pruned(promises: &mut Promises, height: u64) -> Option<Seq> {
    let mut out = Outbox::<Engine>::new(Seq(1000));
    promises.executed(Height(height), &mut out);
    out.drain().find_map(|output| match output {
        Output::Prune(seq) => Some(seq),
        _ => None,
    })
}

#[test]
fn the_log_keeps_the_newest_record_and_accepted_blocks() {
    let mut promises = Promises::new(Seq::NONE);
    for height in 1..=3 {
        promises.stored(Seq(height * 2 - 1));
        promises.accepted(Seq(height * 2), Height(height));
    }
    assert_eq!(
        pruned(&mut promises, 1),
        Some(Seq(3)),
        "the payload at height 2"
    );
    assert_eq!(pruned(&mut promises, 1), None, "nothing new");
    promises.renewed(Seq(7));
    assert_eq!(
        pruned(&mut promises, 2),
        Some(Seq(5)),
        "the payload at height 3"
    );
    assert_eq!(pruned(&mut promises, 3), Some(Seq(7)), "the newest record");
    promises.accepted(Seq(8), Height(3));
    assert_eq!(
        pruned(&mut promises, 3),
        Some(Seq(8)),
        "an executed block is not needed"
    );
}
