//! One engine at a time, driven by hand; its rules; its encodings.

mod bounds;
mod builder;
mod checks;
mod golden;
mod hurry;
mod permutations;
#[cfg(feature = "planted-bugs")]
mod planted;
mod restart;
mod rules;
mod schedules;
mod views;
