//! One engine, driven by hand: each rule of the paper where it bites.

mod fuzz;
mod hand;
mod locks;
mod persistence;
#[cfg(feature = "planted-bugs")]
mod planted;
mod triage;
mod voting;
