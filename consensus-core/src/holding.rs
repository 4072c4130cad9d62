//! How much is held of what others can fill.

/// How much a part of a replica holds of something that its peers can make it hold.
///
/// Whoever keeps what peers send says so in a method `holdings`, an array with one of these for
/// each collection (or several of one bound, together): read-only, and no more than sums of
/// lengths. Each has a bound, which is documented where the collection is. Nothing in a replica
/// reads them: they are for operators, and for the simulator's oracle of bounded state, which has
/// its own idea of the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// What is counted, in the plural, as "view changes"; bytes if it says so. No two holdings of
    /// one part have the same name.
    pub what: &'static str,
    /// How much there is of it.
    pub amount: usize,
}

impl Holding {
    /// So much of this.
    #[must_use]
    pub const fn of(what: &'static str, amount: usize) -> Self {
        Self { what, amount }
    }
}
