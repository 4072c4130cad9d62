//! How PBFT replicas can deceive.

use super::deceit::{Deceit, another_payload, pick, pick_late, somewhere};
use super::recent::{Last, Recent};
use crate::SimulatedScheme;
use quorate_core::testing::Random;
use quorate_core::{
    Body as _, Checkpoint, Digest, Height, Payload, Place, ReplicaId, Scheme, Verified, View,
    VoteSet,
};
use quorate_pbft::{
    Body, InView, Lagging, NewView, Pbft, PrePrepare, PreparedCertificate, SignedNewView,
    SignedViewChange, ViewChange, Vote,
};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What an adversary remembers of a PBFT cluster.
#[derive(Debug)]
pub struct Memory<S: SimulatedScheme> {
    scheme: S,
    /// Prepares, and pre-prepares, which count as such.
    prepares: Recent<Place, VoteSet<Pbft<S>>>,
    /// Certificates made of them or seen in view changes; of one height, one for each view.
    prepared: Recent<Height, BTreeMap<View, PreparedCertificate<S>>>,
    /// Digests said to be proposed.
    proposed: Recent<Place, Vec<Digest>>,
    /// Payloads that were not empty.
    payloads: Last<Payload>,
    /// Signed view changes: those of one author may differ.
    view_changes: Recent<View, Vec<SignedViewChange<S>>>,
    /// Signed new-views.
    new_views: Recent<View, SignedNewView<S>>,
    /// Stable checkpoints.
    stable: Recent<Height, Checkpoint<S>>,
}

/// Most view changes that are kept of one view.
const VIEW_CHANGES: usize = 32;

impl<S: SimulatedScheme> Memory<S> {
    fn certify(&mut self, prepared: &PreparedCertificate<S>) {
        let views = self.prepared.entry(prepared.height);
        views.entry(prepared.view).or_insert(prepared.clone());
        while views.len() > 8 {
            views.pop_first();
        }
    }

    fn prepare(&mut self, message: &Verified<Pbft<S>>) {
        let place = message.body().place();
        let signing = message.body().signing();
        let digests = self.proposed.entry(place);
        if !digests.contains(&signing.digest) && digests.len() < 4 {
            digests.push(signing.digest);
        }
        let validators = self.scheme.validators();
        let votes = self.prepares.entry(place);
        let _ = votes.add(validators, message.clone());
        if votes.power(&signing.digest) >= validators.quorum().quorum() {
            let certificate = votes.certificate(&self.scheme, &signing.digest);
            self.certify(&PreparedCertificate {
                height: place.height,
                view: place.view,
                digest: signing.digest,
                certificate,
            });
        }
    }

    fn view_change(&mut self, signed: SignedViewChange<S>) {
        let view_change = &signed.view_change;
        if let Some(stable) = &view_change.stable {
            self.stable.keep(stable.claim.height, stable.clone());
        }
        for prepared in &view_change.prepared {
            self.certify(prepared);
        }
        let known = self.view_changes.entry(view_change.view);
        let same = |it: &SignedViewChange<S>| {
            it.by == signed.by && digest(&it.view_change) == digest(&signed.view_change)
        };
        if known.len() < VIEW_CHANGES && !known.iter().any(same) {
            known.push(signed);
        }
    }

    /// View changes of a quorum for a new-view: one of each author, chosen at random.
    fn choose(&self, view: View, random: &mut Random) -> Option<NewView<S>> {
        let mut left = self.view_changes.get(&view)?.clone();
        let validators = self.scheme.validators();
        let mut chosen: BTreeMap<ReplicaId, SignedViewChange<S>> = BTreeMap::new();
        let mut power = 0;
        while power < validators.quorum().quorum() {
            let most = left.len() as u64;
            let next = left.swap_remove((most > 0).then(|| random.below(most))? as usize);
            if let Entry::Vacant(place) = chosen.entry(next.by) {
                power += validators.power(next.by);
                place.insert(next);
            }
        }
        let view_changes = chosen.into_values().collect();
        Some(NewView { view, view_changes })
    }

    /// Of some choices the one that proposes least again.
    fn choose_least(&self, view: View, random: &mut Random) -> Option<NewView<S>> {
        let choices = (0..6).filter_map(|_| self.choose(view, random));
        choices.min_by_key(|choice| {
            let view_changes = choice.view_changes.iter().map(|it| &it.view_change);
            let plan = quorate_pbft::compute(view_changes);
            let full = plan.slots.iter().filter(|it| it.prepared_by.is_some());
            (full.count(), plan.max_s)
        })
    }

    /// Another digest that could be proposed at a place.
    fn rival(&self, place: Place, than: Digest) -> Digest {
        let known = self.proposed.get(&place).into_iter().flatten();
        let mut known = known.copied().filter(|digest| *digest != than);
        known.next().unwrap_or_else(|| {
            Digest::builder("quorate simulator rival")
                .digest(&than)
                .finish()
        })
    }

    /// A view change that claims less than this one, or older things.
    fn weaken(&self, view_change: &ViewChange<S>, random: &mut Random) -> ViewChange<S> {
        let mut weak = view_change.clone();
        match random.below(4) {
            0 => weak.prepared.clear(),
            1 if !weak.prepared.is_empty() => {
                let index = random.below(weak.prepared.len() as u64);
                weak.prepared.remove(index as usize);
            }
            // An older checkpoint takes nothing away from what was prepared above a newer one.
            2 => {
                let below = view_change.stable_height();
                let older: Vec<_> = self.stable.below(below).map(|(_, it)| Some(it)).collect();
                let older = pick(&older, random).copied().flatten();
                weak.stable = older.cloned();
            }
            _ => {
                for prepared in &mut weak.prepared {
                    let known = self.prepared.get(&prepared.height);
                    let older = known.and_then(|known| known.range(..prepared.view).next());
                    if let Some((_, older)) = older {
                        *prepared = older.clone();
                    }
                }
            }
        }
        weak
    }
}

/// Makes a new-view out of too few view changes, or of the same twice.
fn unjustify<S: Scheme>(new_view: &mut NewView<S>, random: &mut Random) {
    let least = |it: &SignedViewChange<S>| it.view_change.prepared.len();
    let weakest = new_view.view_changes.iter().min_by_key(|it| least(it));
    let Some(weakest) = weakest.cloned() else {
        return;
    };
    if random.chance(500) {
        new_view.view_changes = vec![weakest; new_view.view_changes.len()];
    } else {
        let strongest = (0..).zip(&new_view.view_changes);
        let strongest = strongest.max_by_key(|(_, it)| least(it));
        let (index, _): (usize, _) = strongest.expect("there is a weakest");
        new_view.view_changes.remove(index);
    }
}

fn digest<S: Scheme>(view_change: &ViewChange<S>) -> Digest {
    Body::ViewChange(view_change.clone()).signing().digest
}

impl<S: SimulatedScheme> Deceit for Pbft<S> {
    type Memory = Memory<S>;

    fn memory(scheme: &S) -> Memory<S> {
        Memory {
            scheme: scheme.clone(),
            prepares: Recent::new(64),
            prepared: Recent::new(64),
            proposed: Recent::new(64),
            payloads: Last::new(16),
            view_changes: Recent::new(4),
            new_views: Recent::new(4),
            stable: Recent::new(4),
        }
    }

    fn learn(memory: &mut Memory<S>, message: &Verified<Self>) {
        let (by, signature) = (message.by(), message.signature().clone());
        match message.body() {
            Body::PrePrepare(it) => {
                if !it.payload.is_empty() {
                    memory.payloads.keep(it.payload.clone());
                }
                memory.prepare(message);
            }
            Body::Prepare(_) => memory.prepare(message),
            Body::ViewChange(it) => memory.view_change(SignedViewChange {
                by,
                view_change: it.clone(),
                signature,
            }),
            Body::NewView(it) => {
                let view_changes = it.view_changes.iter().cloned();
                view_changes.for_each(|it| memory.view_change(it));
                let new_view = it.clone();
                memory.new_views.keep(
                    it.view,
                    SignedNewView {
                        by,
                        new_view,
                        signature,
                    },
                );
            }
            Body::NewViewCopy(it) => memory.new_views.keep(it.new_view.view, it.clone()),
            Body::Commit(_) | Body::Lagging(_) | Body::InView(_) => {}
        }
    }

    fn contradict(body: &Body<S>, memory: &Memory<S>, random: &mut Random) -> Option<Body<S>> {
        let other = match body {
            Body::PrePrepare(it) => Body::PrePrepare(PrePrepare {
                payload: another_payload(&it.payload, memory.payloads.iter().cloned(), random)?,
                ..it.clone()
            }),
            Body::Prepare(it) => Body::Prepare(Vote {
                digest: memory.rival(body.place(), it.digest),
                ..*it
            }),
            Body::Commit(it) => Body::Commit(Vote {
                digest: memory.rival(body.place(), it.digest),
                ..*it
            }),
            Body::ViewChange(it) => Body::ViewChange(memory.weaken(it, random)),
            Body::NewView(it) => Body::NewView(memory.choose(it.view, random)?),
            Body::Lagging(_) | Body::InView(_) | Body::NewViewCopy(_) => return None,
        };
        (other.signing().digest != body.signing().digest).then_some(other)
    }

    fn lie(body: &Body<S>, _: ReplicaId, memory: &Memory<S>, random: &mut Random) -> Vec<Body<S>> {
        match body {
            // What is prepared at this height or below, in this view or an earlier one, and now
            // something else.
            Body::PrePrepare(it) => {
                let below = it.height.next();
                let heights: Vec<_> = memory.prepared.below(below).map(|(it, _)| *it).collect();
                let height = pick_late(&heights, random).copied().unwrap_or(it.height);
                let other = another_payload(&it.payload, memory.payloads.iter().cloned(), random);
                let Some(payload) = other else {
                    return Vec::new();
                };
                vec![
                    Body::PrePrepare(PrePrepare {
                        height,
                        payload,
                        ..it.clone()
                    }),
                    body.clone(),
                ]
            }
            // As if a quorum had prepared already.
            Body::Prepare(it) => vec![Body::Prepare(*it), Body::Commit(*it)],
            Body::ViewChange(it) => {
                let weak = memory.weaken(it, random);
                if digest(&weak) == digest(it) {
                    return Vec::new();
                }
                vec![Body::ViewChange(weak)]
            }
            Body::NewView(it) => {
                let mut choice = memory.choose_least(it.view, random);
                if let Some(choice) = choice.as_mut().filter(|_| random.chance(200)) {
                    unjustify(choice, random);
                }
                choice.map(Body::NewView).into_iter().collect()
            }
            Body::NewViewCopy(_) => {
                let known: Vec<_> = memory.new_views.iter().map(|(_, it)| it.clone()).collect();
                let known = pick(&known, random).cloned();
                known.map(Body::NewViewCopy).into_iter().collect()
            }
            Body::InView(it) => vec![Body::InView(InView {
                view: View(it.view.0.saturating_add(random.below(3))),
                reproposed: Height(random.below(it.reproposed.0.saturating_add(4))),
            })],
            Body::Lagging(it) => vec![Body::Lagging(Lagging {
                view: View::ZERO,
                ..*it
            })],
            Body::Commit(_) => Vec::new(),
        }
    }

    fn nonsense(body: &Body<S>, random: &mut Random) -> Option<Body<S>> {
        let here = body.place();
        let view = View(somewhere(here.view.0, random));
        let height = Height(somewhere(here.height.0, random));
        let vote = |it: &Vote| {
            let (view, height) = if it.digest.0[0].is_multiple_of(2) {
                (view, it.height)
            } else {
                (view, height)
            };
            Vote {
                view,
                height,
                ..*it
            }
        };
        Some(match body {
            Body::PrePrepare(it) => Body::PrePrepare(PrePrepare {
                view,
                height,
                ..it.clone()
            }),
            Body::Prepare(it) => Body::Prepare(vote(it)),
            Body::Commit(it) => Body::Commit(vote(it)),
            Body::ViewChange(it) => Body::ViewChange(ViewChange { view, ..it.clone() }),
            Body::NewView(it) => Body::NewView(NewView { view, ..it.clone() }),
            Body::Lagging(_) => Body::Lagging(Lagging { view, height }),
            Body::InView(_) => Body::InView(InView {
                view,
                reproposed: height,
            }),
            Body::NewViewCopy(_) => return None,
        })
    }

    fn is_worth_hiding(body: &Body<S>) -> bool {
        matches!(
            body,
            Body::Commit(_) | Body::NewView(_) | Body::ViewChange(_)
        )
    }
}
