//! Tests of the contract that all engines share.

mod cluster;
mod decision;
mod evidence;
mod golden;
mod intake;
mod keys;
mod outbox;
mod payload;
mod quorum;
mod scripts;
mod signers;
mod statement;
mod time;
mod toy;
mod validators;
mod votes;
mod wire;
