//! Each planted bug is caught, by the oracle that it is for, within so many seeds.
//!
//! ```text
//! cargo test --profile planted -p quorate-simulator --features planted-bugs --test planted
//! ```

use quorate_simulator::{EngineKind, Planted, Setting, run_kind};

/// The seeds within which a bug must be caught.
const SEEDS: u64 = 200;

/// The first seed at which the bug's own oracle fires, and how often others fired before.
fn catch(bug: Planted, kind: EngineKind) -> Result<(u64, Vec<String>), Vec<String>> {
    let mut others = Vec::new();
    for seed in 0..SEEDS {
        let mut setting = Setting::draw(seed);
        setting.world.planted = Some(bug);
        let Some(failure) = run_kind(kind, &setting).failure else {
            continue;
        };
        if failure.oracle == bug.oracle() {
            println!("{kind} {}: seed {seed}: {failure}", bug.name());
            return Ok((seed, others));
        }
        others.push(format!("seed {seed}: {failure}"));
    }
    Err(others)
}

fn caught(bug: Planted) {
    for kind in bug.engines() {
        match catch(bug, *kind) {
            Ok((seed, others)) => println!(
                "{kind} {} is caught at seed {seed} by {}, after {} others: {others:#?}",
                bug.name(),
                bug.oracle(),
                others.len()
            ),
            Err(others) => panic!(
                "{kind} {} is not caught by {} in {SEEDS} seeds; others: {others:#?}",
                bug.name(),
                bug.oracle()
            ),
        }
    }
}

macro_rules! planted {
    ($($name:ident: $place:ident $bug:expr),+ $(,)?) => {
        $(#[test] fn $name() { caught(Planted::$place($bug)); })+

        /// No bug is forgotten here.
        #[test]
        fn every_bug_has_a_test() {
            let tested = [$(Planted::$place($bug)),+];
            assert_eq!(Planted::all(), tested);
        }
    };
}

use quorate_hotstuff::PlantedBug as HotStuff;
use quorate_pbft::PlantedBug as Pbft;
use quorate_replica::PlantedBug as Driver;
use quorate_tendermint::PlantedBug as Tendermint;

planted! {
    pbft_prepares_on_weak_quorum: Pbft Pbft::PreparesOnWeakQuorum,
    pbft_decides_on_weak_quorum: Pbft Pbft::DecidesOnWeakQuorum,
    pbft_new_view_forgets_prepared: Pbft Pbft::NewViewForgetsPrepared,
    pbft_restart_forgets_votes: Pbft Pbft::RestartForgetsVotes,
    hotstuff_votes_against_lock: HotStuff HotStuff::VotesAgainstLock,
    hotstuff_votes_for_each_proposal: HotStuff HotStuff::VotesForEachProposal,
    hotstuff_restart_forgets_vote: HotStuff HotStuff::RestartForgetsVote,
    hotstuff_commits_across_gaps: HotStuff HotStuff::CommitsAcrossGaps,
    tendermint_prevotes_against_lock: Tendermint Tendermint::PrevotesAgainstLock,
    tendermint_precommits_on_weak_polka: Tendermint Tendermint::PrecommitsOnWeakPolka,
    tendermint_restart_forgets_votes: Tendermint Tendermint::RestartForgetsVotes,
    tendermint_restart_forgets_lock: Tendermint Tendermint::RestartForgetsLock,
    vote_before_sync: Driver Driver::VoteBeforeSync,
}
