//! How much a replica may hold of what others can fill: the simulator's own reckoning.
//!
//! Engines and the driver say how much they hold ([`Holding`]), and the bounds here follow from
//! the number of replicas, the options, and what the protocols' documents promise. Nothing says
//! itself how much it may be. A holding without a bound stops the run: whoever adds a collection
//! adds its bound here.

use crate::node::driver_config;
use crate::{Engine, World};
use quorate_core::{Holding, ReplicaId};
use quorate_replica::DriverConfig;

/// Every so many turns of a replica the oracles are told what it holds.
const EVERY: u64 = 16;

/// Entries that a safety log may have however young its stable checkpoint is: views given up while
/// nothing can be decided, and what was written since the log was last pruned.
const LOG_BASE: u64 = 2_000;
/// Entries that it may have for each height above that.
const LOG_ENTRIES: u64 = 16;

/// What was held, and the most that it may be.
pub(crate) type Bounded = (Holding, u64);

/// Stops the run: nothing may be held without a bound.
pub(crate) fn unbounded(what: &str) -> ! {
    panic!("no bound is stated for {what}")
}

/// The most that a driver around an engine may hold, in a cluster of so many replicas.
pub(crate) fn of_driver(what: &str, replicas: u64, config: &DriverConfig) -> u64 {
    let (queue, later) = (config.intake.queue, config.intake.later);
    let messages = (queue.messages + later.messages) as u64;
    match what {
        "messages of one peer to check" => messages,
        "bytes of one peer to check" => (queue.bytes + later.bytes) as u64,
        "messages of one peer for later" => later.messages as u64,
        "bytes of one peer for later" => later.bytes as u64,
        // Each peer speaks as an author and as a relay.
        "messages active or aside" => 2 * replicas * messages,
        "batches being checked" => config.intake.batches as u64,
        "checkpoint votes under check" => 2 * replicas * 32,
        "checkpoint votes" => replicas * 16,
        "payloads asked for" | "verdicts on payloads" | "payloads in the mempool's memory" => 1_024,
        "payloads wanted" => 2_048,
        "answers under check" => 3,
        "decisions at hand" => config.recent_decisions as u64,
        "bytes of payloads at hand" => config.payload_cache_bytes as u64,
        "bytes in the mempool" => config.mempool.bytes as u64,
        what => unbounded(what),
    }
}

/// The most that PBFT may hold: at most four payloads and a decision in each slot of the window.
pub(crate) fn of_pbft(what: &str, replicas: u64, window: u64) -> u64 {
    match what {
        "slots" | "planned slots" | "payload checks" => window,
        "votes" => 2 * replicas * window,
        "payloads" => 5 * window,
        "view changes, reports and early commits" => 3 * replicas,
        "certificates in view changes" => replicas * window,
        "view changes of a new view" | "replicas helped" => replicas,
        what => unbounded(what),
    }
}

/// The most that HotStuff may hold, so many views above the one decided last.
///
/// A tree with more blocks than it may have keeps what is certified, one block a view, and what
/// is proposed in this view. Votes matter from two views back to 64 ahead, and timeouts from this
/// view on.
pub(crate) fn of_hotstuff(what: &str, replicas: u64, undecided: u64, views: u64) -> u64 {
    match what {
        "undecided blocks" => undecided.max(views + 2),
        "blocks without a parent" => 256,
        "decided blocks" => 32,
        "votes" => 67 * replicas,
        "timeouts" => 65 * replicas,
        "first proposals" => 10,
        what => unbounded(what),
    }
}

/// The most that Tendermint may hold.
///
/// This round, the sixteen before it, and one above that has a certificate; of what comes early,
/// a proposal and two votes of each sender in two rounds.
pub(crate) fn of_tendermint(what: &str, replicas: u64) -> u64 {
    match what {
        "rounds" => 18,
        "votes" => 18 * 2 * replicas,
        "early messages of one sender" | "messages of one sender for the next height" => 2 * 3,
        "payloads" => 10,
        "replicas ahead or accused" => 2 * replicas,
        what => unbounded(what),
    }
}

/// Everything that a replica holds.
fn all<P: Engine>(world: &World<P>, by: ReplicaId) -> Option<Vec<Bounded>> {
    let node = &world.nodes[by.index()];
    let running = node.running.as_ref()?;
    let replicas = world.nodes.len() as u64;
    let driver = &running.driver;
    let mut held = driver.engine().held(&world.options, replicas);
    let config = driver_config(&world.options);
    let mempool = Holding::of("bytes in the mempool", driver.pending_bytes());
    let around = driver.holdings().chain([mempool]);
    held.extend(around.map(|it| (it, of_driver(it.what, replicas, &config))));
    let stable = node.store.stable().map_or(0, |it| it.claim.height.0);
    let open = running.executor.height().0.saturating_sub(stable);
    held.push((
        Holding::of("entries in the safety log", node.log.entries()),
        LOG_BASE + LOG_ENTRIES * open,
    ));
    Some(held)
}

impl<P: Engine> World<P> {
    /// How much a replica holds of what could grow.
    pub(crate) fn tell_holdings(&mut self, by: ReplicaId) {
        let Some(running) = &mut self.nodes[by.index()].running else {
            return;
        };
        running.turns += 1;
        if !running.turns.is_multiple_of(EVERY) {
            return;
        }
        for (Holding { what, amount }, bound) in all(self, by).into_iter().flatten() {
            let amount = amount as u64;
            self.tell(&crate::fact::Fact::Holds {
                by,
                what,
                amount,
                bound,
            });
        }
    }
}
