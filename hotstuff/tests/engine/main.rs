//! One engine at a time, driven by hand; its rules; its encodings.

mod builder;
mod checks;
mod golden;
mod hurry;
mod permutations;
mod restart;
mod rules;
mod schedules;
mod views;
