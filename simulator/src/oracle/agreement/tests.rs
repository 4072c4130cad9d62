use crate::oracle::history::{History, LIAR, PBFT, crashes, decides, starts};

#[test]
fn one_payload_at_a_height() {
    let mut history = History::of("agreement", PBFT);
    history.all(0..3, |by| decides(by, 1, "a", &[]));
    history.fine(decides(0, 2, "b", &[]));
    // An adversary may say what it likes.
    history.fine(decides(LIAR, 2, "c", &[]));
    history.fires(decides(1, 2, "c", &[]), "others");
}

#[test]
fn for_ever_and_across_restarts() {
    let mut history = History::of("agreement", PBFT);
    history
        .fine(decides(0, 1, "a", &[]))
        .fine(decides(0, 2, "b", &[]));
    // Its store has but the first; it may decide the second again, the same.
    history.fine(crashes(0, 0)).fine(starts(0, 2, 1));
    history.fine(decides(0, 2, "b", &[]));
    history.fine(crashes(0, 0)).fine(starts(0, 3, 1));
    history.fires(decides(0, 2, "c", &[]), "others");
}

#[test]
fn height_after_height() {
    let mut history = History::of("agreement", PBFT);
    history.fine(starts(0, 1, 4)).fine(decides(0, 5, "a", &[]));
    history.fires(decides(0, 7, "b", &[]), "after h5");
    let mut history = History::of("agreement", PBFT);
    history.fine(decides(0, 1, "a", &[]));
    history.fires(decides(0, 1, "a", &[]), "after h1");
}
