use super::*;
use quorate_core::testing::Random;

fn lock(view: u64) -> Lock {
    Lock {
        view: View(view),
        height: Height(view),
        block: Digest::builder("test").number(view).finish(),
    }
}

fn vote(view: u64) -> Vote {
    Vote {
        view: View(view),
        height: Height(1),
        block: Digest::ZERO,
        commits: None,
    }
}

/// Whatever happens in whatever order, nothing goes back, and nothing forbidden becomes free.
#[test]
fn everything_is_monotone() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let mut safety = Safety::new(Digest::ZERO);
        let (mut highest, mut highest_lock, mut forbidden) = (View(0), View(0), View(0));
        for _ in 0..40 {
            let view = random.below(20);
            match random.below(4) {
                0 => safety.voted(&vote(view)),
                1 => safety.timed_out(View(view)),
                2 => safety.proposed(View(view)),
                _ => safety.raise_lock(lock(view)),
            }
            assert!(safety.highest() >= highest && safety.lock().view >= highest_lock);
            (highest, highest_lock) = (safety.highest(), safety.lock().view);
            let free = (0..25).map(View).find(|view| safety.vote_is_free(*view));
            let free = free.expect("no promise binds for ever");
            assert!(free > forbidden || forbidden == View(0));
            forbidden = free.previous();
            assert!(
                (0..25)
                    .map(View)
                    .all(|view| !safety.proposal_is_free(view) || safety.vote_is_free(view))
            );
        }
    }
}

#[test]
fn a_vote_and_a_timeout_forbid_votes_up_to_their_view() {
    let mut safety = Safety::new(Digest::ZERO);
    assert!(!safety.vote_is_free(View(0)) && safety.vote_is_free(View(1)));
    safety.voted(&vote(3));
    assert!(!safety.vote_is_free(View(3)) && safety.vote_is_free(View(4)));
    safety.timed_out(View(5));
    assert!(!safety.vote_is_free(View(5)) && safety.vote_is_free(View(6)));
    assert!(safety.has_timed_out(View(5)) && !safety.has_timed_out(View(6)));
    safety.proposed(View(6));
    assert!(!safety.proposal_is_free(View(6)) && safety.vote_is_free(View(6)));
}
