//! Which messages are worth the check of their signatures.

use crate::engine::WINDOW;
use crate::{Advance, Blocks, Body, CommitRule, HotStuff, Proposal, Timeout, Vote};
use quorate_core::{Fault, ReplicaId, Scheme, Triage, View};

/// Believes nothing, changes nothing, and costs a few comparisons.
pub(crate) fn triage<S: Scheme, R: CommitRule>(
    engine: &HotStuff<S, R>,
    by: ReplicaId,
    body: &Body<S>,
) -> Triage {
    match body {
        Body::Proposal(proposal) => proposed(engine, by, proposal),
        Body::Vote(vote) => voted(engine, vote),
        Body::Timeout(timeout) => timed_out(engine, by, timeout),
        Body::Advance(advance) => advanced(engine, advance),
        Body::BlockRequest(request) => {
            if engine.tree.full(&request.block).is_some() {
                Triage::Check
            } else {
                Triage::Stale
            }
        }
        Body::Blocks(blocks) => answered(engine, blocks),
    }
}

/// Proposals come from any view: the certificates in them are what lets us into it. Those of
/// views gone by may be the blocks that later ones stand on.
fn proposed<S: Scheme, R: CommitRule>(
    engine: &HotStuff<S, R>,
    by: ReplicaId,
    proposal: &Proposal<S>,
) -> Triage {
    let header = &proposal.block().header;
    if engine.leader(header.view) != by {
        return Triage::Fault(Fault::NotLeader);
    }
    if header.view <= engine.tree.view() {
        return Triage::Stale;
    }
    Triage::Check
}

/// Once a view has its certificate, no more of its votes are needed: the slowest third of all
/// votes is never checked.
fn voted<S: Scheme, R: CommitRule>(engine: &HotStuff<S, R>, vote: &Vote) -> Triage {
    let collector = vote.view.next();
    if !engine.leads(collector)
        || vote.view <= engine.high_qc.view()
        || collector < engine.pacemaker.view
    {
        return Triage::Stale;
    }
    within_window(engine, vote.view)
}

fn timed_out<S: Scheme, R: CommitRule>(
    engine: &HotStuff<S, R>,
    by: ReplicaId,
    timeout: &Timeout<S>,
) -> Triage {
    if timeout.view < engine.pacemaker.view {
        // A late timeout may still carry the vote that completes a certificate.
        let useful = timeout.vote.as_ref().is_some_and(|carried| {
            carried.vote.view > engine.high_qc.view()
                && timeout.view.next() >= engine.pacemaker.view
        });
        return if useful { Triage::Check } else { Triage::Stale };
    }
    if engine.timeouts.has(by, timeout.view) {
        return Triage::Stale;
    }
    within_window(engine, timeout.view)
}

fn advanced<S: Scheme, R: CommitRule>(engine: &HotStuff<S, R>, advance: &Advance<S>) -> Triage {
    let given_up = advance.timeout.as_ref().map_or(View::ZERO, |tc| tc.view);
    if advance.high_qc.view() > engine.high_qc.view() || given_up >= engine.pacemaker.view {
        Triage::Check
    } else {
        Triage::Stale
    }
}

fn answered<S: Scheme, R: CommitRule>(engine: &HotStuff<S, R>, blocks: &Blocks<S>) -> Triage {
    let Some(first) = blocks.blocks.first() else {
        return Triage::Fault(Fault::BadAnswer);
    };
    let wanted = engine.fetcher.wanted();
    if wanted == Some(first.block.header.id()) {
        Triage::Check
    } else {
        Triage::Stale
    }
}

fn within_window<S: Scheme, R: CommitRule>(engine: &HotStuff<S, R>, view: View) -> Triage {
    if view.0 > engine.pacemaker.view.0.saturating_add(WINDOW) {
        Triage::TooFar
    } else {
        Triage::Check
    }
}
