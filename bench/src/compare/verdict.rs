//! Whether the replicas of a row did what they are for.

use super::ledger::History;
use super::load::Observed;
use quorate_core::Height;

/// What is wrong with a run, for people; `None` if the survivors agree.
///
/// They agree if their executed histories are equal up to the lowest survivor's height, that
/// height is at least 90 % of the highest, and every acknowledged request is executed exactly
/// once.
pub(super) fn complaint(
    decided: u64,
    survivors: &[(Height, History)],
    seen: &Observed,
) -> Option<String> {
    let heights = || survivors.iter().map(|(height, _)| *height);
    let (lowest, highest) = (heights().min()?, heights().max()?);
    if decided == 0 {
        return Some("nothing was decided while the load was measured".into());
    }
    let (_, first) = survivors.first()?;
    let differs = |(index, (_, history)): (usize, &(Height, History))| {
        first
            .first_difference(history, lowest)
            .map(|height| (index, height))
    };
    if let Some((index, height)) = survivors.iter().enumerate().find_map(differs) {
        return Some(format!(
            "the executed histories of survivors 0 and {index} differ at height {height}"
        ));
    }
    if u128::from(lowest.0) * 10 < u128::from(highest.0) * 9 {
        return Some(format!(
            "a replica is at height {lowest} while another is at {highest}"
        ));
    }
    let repeated: u64 = survivors.iter().map(|(_, history)| history.repeated).sum();
    if repeated > 0 {
        return Some(format!("{repeated} requests were executed more than once"));
    }
    let (_, fullest) = survivors.iter().max_by_key(|(height, _)| *height)?;
    let lost = seen
        .acknowledged
        .iter()
        .find(|(client, sequences)| !fullest.includes(**client, sequences));
    if let Some((client, _)) = lost {
        return Some(format!(
            "a request of client {} was acknowledged but not executed",
            client.0
        ));
    }
    (seen.failed > 0).then(|| format!("{} requests failed", seen.failed))
}
