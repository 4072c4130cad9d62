//! How HotStuff replicas can deceive.

use super::deceit::{Deceit, another_payload, pick, pick_late, somewhere};
use super::recent::{Last, Recent};
use crate::SimulatedScheme;
use quorate_core::testing::Random;
use quorate_core::{
    Body as _, Digest, Height, Payload, QuorumCertificate, ReplicaId, Scheme, SignerSet, Verified,
    View,
};
use quorate_hotstuff::{
    Advance, Block, BlockRequest, Body, Certificate, CommitRule, FullBlock, Header, HotStuff,
    Proposal, Timeout, TimeoutCertificate, TimeoutGroup, Vote,
};
use std::collections::BTreeMap;

/// Who gave up a view, and with which highest certificate: all that it has signed.
type TimeoutsOf<S> = BTreeMap<(ReplicaId, View), <S as Scheme>::Signature>;

/// What an adversary remembers of a HotStuff cluster.
#[derive(Debug)]
pub struct Memory<S: SimulatedScheme> {
    scheme: S,
    /// Certificates of blocks.
    certificates: Recent<View, Certificate<S>>,
    /// Certificates of timeouts, as others have made them.
    given_up: Recent<View, TimeoutCertificate<S>>,
    /// Signatures on timeouts, to make others of.
    timeouts: Recent<View, TimeoutsOf<S>>,
    /// Blocks that were proposed in a view.
    proposed: Recent<View, Vec<Header>>,
    /// Payloads that were not empty.
    payloads: Last<Payload>,
}

/// Most timeouts that are kept of one view.
const TIMEOUTS: usize = 64;

impl<S: SimulatedScheme> Memory<S> {
    fn certificate(&mut self, certificate: &Certificate<S>) {
        let view = certificate.view();
        self.certificates.keep(view, certificate.clone());
    }

    fn timeout_certificate(&mut self, certificate: Option<&TimeoutCertificate<S>>) {
        if let Some(certificate) = certificate {
            self.given_up.keep(certificate.view, certificate.clone());
        }
    }

    fn proposal(&mut self, proposal: &Proposal<S>) {
        let header = proposal.block().header;
        let known = self.proposed.entry(header.view);
        if !known.contains(&header) && known.len() < 4 {
            known.push(header);
        }
        if !proposal.full.payload.is_empty() {
            self.payloads.keep(proposal.full.payload.clone());
        }
        self.certificate(&proposal.block().justify);
        self.timeout_certificate(proposal.timeout.as_ref());
    }

    /// The certificate that a view was given up, of those of a quorum's timeouts that know least.
    fn least(&self, view: View) -> Option<TimeoutCertificate<S>> {
        let signed = self.timeouts.get(&view)?;
        let validators = self.scheme.validators();
        let mut by_height: Vec<_> = signed.keys().map(|(by, high_qc)| (*high_qc, *by)).collect();
        by_height.sort_unstable();
        let (mut power, mut chosen) = (0, BTreeMap::new());
        for (high_qc, by) in by_height {
            if power < validators.quorum().quorum() && !chosen.contains_key(&by) {
                power += validators.power(by);
                chosen.insert(by, high_qc);
            }
        }
        if power < validators.quorum().quorum() {
            return None;
        }
        let mut views: Vec<_> = chosen.values().copied().collect();
        views.sort_unstable();
        views.dedup();
        let group = |high_qc: View| {
            let members = chosen.iter().filter(|(_, own)| **own == high_qc);
            let members: Vec<_> = members.map(|(by, _)| *by).collect();
            let mut signers = SignerSet::empty(validators.len());
            members.iter().for_each(|by| {
                signers.insert(*by);
            });
            let parts = members.iter().map(|by| (*by, &signed[&(*by, high_qc)]));
            let aggregate = self.scheme.aggregate(parts);
            let certificate = QuorumCertificate { signers, aggregate };
            TimeoutGroup {
                high_qc,
                certificate,
            }
        };
        let groups = views.into_iter().map(group).collect();
        Some(TimeoutCertificate { view, groups })
    }

    /// A certificate older than this view, and at least as high as that one.
    fn older(&self, than: View, from: View, random: &mut Random) -> Option<Certificate<S>> {
        let older = self.certificates.below(than);
        let older: Vec<_> = older.filter(|(view, _)| **view >= from).collect();
        pick_late(&older, random).map(|(_, certificate)| (*certificate).clone())
    }

    /// A proposal on an older certificate: with timeouts that justify it, if there are any.
    fn stale(&self, proposal: &Proposal<S>, random: &mut Random) -> Option<Proposal<S>> {
        let (block, payload) = (proposal.block(), &proposal.full.payload);
        let (view, newest) = (block.header.view, block.justify.view());
        let least = self.least(view.previous());
        let justified = least
            .as_ref()
            .and_then(|least| self.older(newest, least.highest(), random));
        let (justify, timeout) = match justified {
            Some(justify) => (justify, least),
            // Nobody is to vote for it.
            None => {
                let old = self.given_up.get(&view.previous()).cloned();
                let shown = proposal.timeout.clone().or(least).or(old);
                (self.older(newest, View::ZERO, random)?, shown)
            }
        };
        // A payload upon another parent repeats nothing there.
        let payload = another_payload(payload, self.payloads.iter().cloned(), random)
            .filter(|_| random.chance(300))
            .unwrap_or_else(|| payload.clone());
        let block = Block::extending(justify, view, *payload.digest());
        let full = FullBlock { block, payload };
        Some(Proposal { full, timeout })
    }
}

impl<S: SimulatedScheme, R: CommitRule> Deceit for HotStuff<S, R> {
    type Memory = Memory<S>;

    fn memory(scheme: &S) -> Memory<S> {
        Memory {
            scheme: scheme.clone(),
            certificates: Recent::new(32),
            given_up: Recent::new(8),
            timeouts: Recent::new(8),
            proposed: Recent::new(32),
            payloads: Last::new(16),
        }
    }

    fn learn(memory: &mut Memory<S>, message: &Verified<Self>) {
        match message.body() {
            Body::Proposal(it) => memory.proposal(it),
            Body::Timeout(it) => {
                memory.certificate(&it.high_qc);
                let signed = memory.timeouts.entry(it.view);
                if signed.len() < TIMEOUTS {
                    let key = (message.by(), it.high_qc.view());
                    signed.insert(key, message.signature().clone());
                }
            }
            Body::Advance(it) => {
                memory.certificate(&it.high_qc);
                memory.timeout_certificate(it.timeout.as_ref());
            }
            Body::Blocks(it) => {
                let blocks = it.blocks.iter();
                blocks.for_each(|full| memory.certificate(&full.block.justify));
            }
            Body::Vote(_) | Body::BlockRequest(_) => {}
        }
    }

    fn contradict(body: &Body<S>, memory: &Memory<S>, random: &mut Random) -> Option<Body<S>> {
        match body {
            Body::Proposal(it) => {
                let (block, payload) = (it.block(), &it.full.payload);
                let payload = another_payload(payload, memory.payloads.iter().cloned(), random)?;
                let justify = block.justify.clone();
                let block = Block::extending(justify, block.header.view, *payload.digest());
                Some(Body::Proposal(Proposal {
                    full: FullBlock { block, payload },
                    timeout: it.timeout.clone(),
                }))
            }
            Body::Vote(vote) => {
                let known = memory.proposed.get(&vote.view).into_iter().flatten();
                let named = known.map(|header| (header.height, header.id()));
                let rivals: Vec<_> = named.filter(|(_, block)| *block != vote.block).collect();
                let nothing = Digest::builder("quorate simulator rival")
                    .digest(&vote.block)
                    .finish();
                let rival = pick(&rivals, random).copied();
                let (height, block) = rival.unwrap_or((vote.height, nothing));
                Some(Body::Vote(Vote {
                    height,
                    block,
                    ..*vote
                }))
            }
            Body::Timeout(_) | Body::Advance(_) | Body::BlockRequest(_) | Body::Blocks(_) => None,
        }
    }

    fn lie(body: &Body<S>, _: ReplicaId, memory: &Memory<S>, random: &mut Random) -> Vec<Body<S>> {
        let lie = match body {
            Body::Proposal(it) => memory.stale(it, random).map(Body::Proposal),
            Body::Timeout(it) => {
                let older = memory.older(it.high_qc.view(), View::ZERO, random);
                older.map(|high_qc| {
                    Body::Timeout(Timeout {
                        high_qc,
                        // Without it others may not come to the newest certificate.
                        vote: it.vote.clone().filter(|_| random.chance(200)),
                        ..it.clone()
                    })
                })
            }
            Body::Advance(it) => {
                let given_up: Vec<_> = memory.given_up.iter().map(|(_, it)| it).collect();
                let timeout = pick_late(&given_up, random).copied().cloned();
                let from = timeout.as_ref().map_or(View::ZERO, |it| it.highest());
                let than = timeout.as_ref().map_or(it.high_qc.view(), |it| it.view);
                let older = memory.older(than, from, random);
                older.map(|high_qc| Body::Advance(Advance { high_qc, timeout }))
            }
            // It claims to decide something else, or nothing.
            Body::Vote(vote) => {
                let parent = vote.commits.map(|mut commits| {
                    commits.height = commits.height.next();
                    commits
                });
                let commits = parent.filter(|_| random.chance(500));
                let differs = commits != vote.commits && random.chance(300);
                differs.then(|| Body::Vote(Vote { commits, ..*vote }))
            }
            Body::BlockRequest(_) | Body::Blocks(_) => None,
        };
        lie.into_iter().collect()
    }

    fn nonsense(body: &Body<S>, random: &mut Random) -> Option<Body<S>> {
        let here = body.place();
        let view = View(somewhere(here.view.0, random));
        let height = Height(somewhere(here.height.0, random));
        match body {
            Body::Proposal(it) => {
                let mut proposal = it.clone();
                let header = &mut proposal.full.block.header;
                match random.below(4) {
                    0 => header.view = view,
                    1 => header.height = height,
                    2 => header.parent_view = view,
                    _ => header.parent = Digest::ZERO,
                }
                Some(Body::Proposal(proposal))
            }
            Body::Vote(it) => Some(Body::Vote(Vote {
                view,
                height,
                ..*it
            })),
            Body::Timeout(it) => Some(Body::Timeout(Timeout { view, ..it.clone() })),
            Body::Advance(it) => Some(Body::Advance(Advance {
                timeout: None,
                ..it.clone()
            })),
            Body::BlockRequest(it) => Some(Body::BlockRequest(BlockRequest {
                above: height,
                block: it.block,
            })),
            Body::Blocks(it) => {
                let mut blocks = it.clone();
                blocks.blocks.reverse();
                Some(Body::Blocks(blocks))
            }
        }
    }

    fn is_worth_hiding(body: &Body<S>) -> bool {
        matches!(
            body,
            Body::Proposal(_) | Body::Timeout(_) | Body::Advance(_)
        )
    }
}
