//! Whole clusters of HotStuff replicas in a deterministic world, under both rules.

mod normal;
