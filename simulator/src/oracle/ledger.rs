//! Who has signed what: the memory that the oracles share.

use super::{Table, Trial};
use crate::fact::{Block, Fact, Said};
use quorate_core::{Digest, Height, Kind, Place, ReplicaId, Seq, Statement, View};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// Uses the first bytes of a digest as its hash. Nothing here is iterated over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        for (at, byte) in bytes.iter().take(8).enumerate() {
            self.0 ^= u64::from(*byte) << (8 * at);
        }
    }

    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A map by digest.
pub(crate) type ByDigest<K, V> = HashMap<K, V, BuildHasherDefault<FirstBytes>>;

/// Everyone who has signed one statement.
#[derive(Clone, Debug)]
pub struct Tally {
    digest: Digest,
    about: Digest,
    exclusive: bool,
    binds: bool,
    power: u64,
    /// In the order of replicas, each with the record that it was promised with.
    signatures: Vec<(ReplicaId, Seq)>,
}

impl Tally {
    /// What of all that could be said in the slot.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// What it counts for.
    #[must_use]
    pub const fn about(&self) -> Digest {
        self.about
    }

    /// Whether a correct replica says only one thing in this slot.
    #[must_use]
    pub const fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// Whether it binds its signers.
    #[must_use]
    pub const fn binds(&self) -> bool {
        self.binds
    }

    /// Power of all signers together.
    #[must_use]
    pub const fn power(&self) -> u64 {
        self.power
    }

    /// The record that a replica's signature was promised with ([`Seq::NONE`] if without); `None`
    /// if it has not signed.
    #[must_use]
    pub fn signed_by(&self, id: ReplicaId) -> Option<Seq> {
        let at = self.signatures.binary_search_by_key(&id, |(by, _)| *by);
        Some(self.signatures[at.ok()?].1)
    }

    /// The signers, in the order of replicas.
    pub fn signers(&self) -> impl Iterator<Item = ReplicaId> {
        self.signatures.iter().map(|(by, _)| *by)
    }
}

/// All signatures that have been made and can still be known to anybody, and all blocks.
///
/// A correct replica's signature is struck out when its record is lost in a crash before it has
/// left: nobody has seen it and nothing remembers it, so the replica may say something else. All
/// others stay for ever: somebody may show an old certificate at any time. That costs about 150
/// bytes for each statement and 16 for each signature; all oracles together take a few kilobytes
/// for each height.
#[derive(Debug)]
pub struct Ledger {
    table: Table,
    correct: Vec<bool>,
    /// In the order in which they were first signed.
    tallies: Vec<Tally>,
    /// Where each is.
    places: ByDigest<Statement, usize>,
    /// Those that bind or are exclusive, by their slots. Of reports and questions, which are
    /// neither, any number may be in one slot.
    slots: BTreeMap<(Kind, Place), Vec<usize>>,
    blocks: ByDigest<Digest, Block>,
    /// Up to where each replica's log is durable.
    durable: Vec<Seq>,
    /// Signatures of correct replicas that a crash would strike out.
    volatile: Vec<VecDeque<(Seq, Statement)>>,
    new: bool,
}

impl Ledger {
    /// An empty one.
    #[must_use]
    pub fn new(trial: &Trial) -> Self {
        let replicas = trial.powers.len();
        let ids = (0..replicas).map(|index| ReplicaId(index as u16));
        Self {
            table: Table::new(&trial.powers),
            correct: ids.map(|id| trial.is_correct(id)).collect(),
            tallies: Vec::new(),
            places: ByDigest::default(),
            slots: BTreeMap::new(),
            blocks: ByDigest::default(),
            durable: vec![Seq::NONE; replicas],
            volatile: vec![VecDeque::new(); replicas],
            new: false,
        }
    }

    /// Powers and thresholds.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    /// Whether a replica must follow the protocol.
    #[must_use]
    pub fn is_correct(&self, id: ReplicaId) -> bool {
        self.correct[id.index()]
    }

    /// Whether the signature of the last fact, a [`Fact::Signed`], was not here before.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.new
    }

    /// Up to where a replica's log is durable.
    #[must_use]
    pub fn durable(&self, id: ReplicaId) -> Seq {
        self.durable[id.index()]
    }

    /// All that has been signed in a slot, of what binds or is exclusive.
    pub fn slot(&self, kind: Kind, place: Place) -> impl Iterator<Item = &Tally> {
        let slot = self.slots.get(&(kind, place));
        let slot = slot.into_iter().flatten();
        slot.map(|at| &self.tallies[*at])
    }

    /// All that has been signed of a kind at a height, in views from the first and below the
    /// second, the last first.
    pub fn views(
        &self,
        kind: Kind,
        height: Height,
        views: std::ops::Range<View>,
    ) -> impl Iterator<Item = (View, &Tally)> {
        let [from, to] = [views.start, views.end].map(|view| (kind, Place::new(height, view)));
        let slots = self.slots.range(from..to.max(from)).rev();
        let tallies = |(slot, at): (&(Kind, Place), usize)| (slot.1.view, &self.tallies[at]);
        slots
            .flat_map(|(slot, tallies)| tallies.iter().map(move |at| (slot, *at)))
            .map(tallies)
    }

    /// Who has signed a statement, if anybody has.
    #[must_use]
    pub fn find(&self, statement: &Statement) -> Option<&Tally> {
        let at = self.places.get(statement)?;
        Some(&self.tallies[*at])
    }

    /// Who has said this, if it binds or is exclusive and anybody has.
    #[must_use]
    pub fn said(&self, said: &Said) -> Option<&Tally> {
        let mut slot = self.slot(said.kind, said.place);
        slot.find(|tally| tally.digest == said.digest)
    }

    /// Whether a quorum has signed this.
    #[must_use]
    pub fn has_quorum(&self, tally: &Tally) -> bool {
        tally.power >= self.table.quorum()
    }

    /// A block that was proposed.
    #[must_use]
    pub fn block(&self, id: &Digest) -> Option<&Block> {
        self.blocks.get(id)
    }

    /// Takes in what has happened.
    pub fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Signed { .. } => self.signed(fact),
            Fact::Sent { by, statement } => {
                // It is known to others now, whatever becomes of its record.
                self.volatile[by.index()].retain(|(_, signed)| signed != statement);
            }
            Fact::Durable { by, to } => self.keep(*by, *to),
            Fact::Crashed { by, durable, .. } => {
                self.keep(*by, *durable);
                self.durable[by.index()] = *durable;
                for (_, lost) in std::mem::take(&mut self.volatile[by.index()]) {
                    self.strike_out(*by, &lost);
                }
            }
            Fact::Proposed(block) => {
                self.blocks.entry(block.id).or_insert(*block);
            }
            _ => {}
        }
    }

    fn signed(&mut self, fact: &Fact) {
        let Fact::Signed {
            by,
            statement,
            said,
            about,
            exclusive,
            binds,
            record,
        } = fact
        else {
            return;
        };
        let next = self.tallies.len();
        let at = *self.places.entry(*statement).or_insert(next);
        if at == next {
            self.tallies.push(Tally {
                digest: said.digest,
                about: *about,
                exclusive: *exclusive,
                binds: *binds,
                power: 0,
                signatures: Vec::new(),
            });
            if *binds || *exclusive {
                let slot = self.slots.entry((said.kind, said.place)).or_default();
                slot.push(at);
            }
        }
        let tally = &mut self.tallies[at];
        let signatures = &mut tally.signatures;
        let known = signatures.binary_search_by_key(by, |(by, _)| *by);
        self.new = known.is_err();
        let Err(at) = known else {
            return;
        };
        let record = record.unwrap_or(Seq::NONE);
        signatures.insert(at, (*by, record));
        tally.power += self.table.power(*by);
        if self.correct[by.index()] && record > self.durable[by.index()] {
            self.volatile[by.index()].push_back((record, *statement));
        }
    }

    fn keep(&mut self, by: ReplicaId, to: Seq) {
        self.durable[by.index()] = to;
        let volatile = &mut self.volatile[by.index()];
        while volatile.front().is_some_and(|(record, _)| *record <= to) {
            volatile.pop_front();
        }
    }

    fn strike_out(&mut self, by: ReplicaId, statement: &Statement) {
        let at = self.places.get(statement).expect("what was signed is here");
        let tally = &mut self.tallies[*at];
        tally.signatures.retain(|(signer, _)| *signer != by);
        tally.power -= self.table.power(by);
    }
}
