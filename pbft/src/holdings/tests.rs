//! What peers can make a replica keep.

use crate::body::{Body, InView, PrePrepare, Vote};
use crate::{Config, Pbft, PreparedCertificate, ViewChange};
use quorate_core::testing::{Mock, mock_validators};
use quorate_core::{
    Body as _, ChainId, Epoch, Height, Input, KeyRole, Outbox, Payload, Protocol,
    QuorumCertificate, Recovered, ReplicaId, Rotation, Scheme, Seq, Setup, Signed, SignerSet, Time,
    Verified, View,
};
use std::sync::Arc;

const REPLICAS: u16 = 4;
const WINDOW: u64 = 8;
/// The first backup.
const ME: ReplicaId = ReplicaId(1);

struct Flooded {
    engine: Pbft<Mock>,
    out: Outbox<Pbft<Mock>>,
    setup: Setup<Pbft<Mock>>,
    now: Time,
}

impl Flooded {
    fn new() -> Self {
        let validators = mock_validators(&[1; REPLICAS as usize]);
        let setup = Setup {
            me: ME,
            chain: ChainId(1),
            epoch: Epoch(0),
            leaders: Arc::new(Rotation::by_view(&validators)),
            scheme: Mock::new(Arc::clone(&validators), [1; 32]),
            validators,
            config: Config {
                window: WINDOW,
                ..Config::default()
            },
        };
        let mut out = Outbox::new(Seq::NONE);
        let engine = Pbft::start(setup.clone(), Recovered::default(), Time::ZERO, &mut out);
        let now = Time::ZERO;
        Self {
            engine,
            out,
            setup,
            now,
        }
    }

    /// Steps with a message whatever triage says of it.
    fn hear(&mut self, by: u16, body: Body<Mock>) {
        let (by, signing) = (ReplicaId(by), body.signing());
        let domain = self.setup.domain();
        let statement = signing.statement(&domain);
        let signature = self.setup.scheme.sign(by, signing.key, statement);
        let signed = Signed {
            by,
            body,
            signature,
        };
        let mut checked = Verified::check(&domain, &self.setup.scheme, vec![signed]);
        let message = checked.remove(0).expect("the test signs what holds");
        self.engine
            .step(self.now, Input::Message(message), &mut self.out);
        drop(self.out.drain());
        self.assert_bounded();
    }

    fn held(&self, what: &str) -> u64 {
        let holdings = self.engine.holdings();
        let found = holdings.iter().find(|it| it.what == what);
        found.expect("it is one of the holdings").amount as u64
    }

    fn assert_bounded(&self) {
        let replicas = u64::from(REPLICAS);
        for (what, most) in [
            ("slots", WINDOW),
            ("votes", 2 * replicas * WINDOW),
            ("payloads", 5 * WINDOW),
            ("planned slots", WINDOW),
            ("payload checks", WINDOW),
            ("view changes, reports and early commits", 3 * replicas),
            ("certificates in view changes", replicas * WINDOW),
            ("view changes of a new view", replicas),
            ("replicas helped", replicas),
        ] {
            let held = self.held(what);
            assert!(held <= most, "{held} {what}, and not {most}");
        }
    }

    /// A certificate that three replicas prepared this.
    fn prepared(&self, view: u64, height: u64) -> PreparedCertificate<Mock> {
        let vote = vote(view, height, 0);
        let statement = Body::<Mock>::Prepare(vote)
            .signing()
            .statement(&self.setup.domain());
        let mut signers = SignerSet::empty(usize::from(REPLICAS));
        let sign = |id: u16| {
            let id = ReplicaId(id);
            (id, self.setup.scheme.sign(id, KeyRole::Voting, statement))
        };
        let parts: Vec<_> = (0..3).map(sign).collect();
        for (id, _) in &parts {
            signers.insert(*id);
        }
        let parts = parts.iter().map(|(id, signature)| (*id, signature));
        PreparedCertificate {
            height: vote.height,
            view: vote.view,
            digest: vote.digest,
            certificate: QuorumCertificate {
                signers,
                aggregate: self.setup.scheme.aggregate(parts),
            },
        }
    }
}

fn payload(height: u64, number: u64) -> Payload {
    Payload::new([height.to_le_bytes(), number.to_le_bytes()].concat())
}

fn vote(view: u64, height: u64, number: u64) -> Vote {
    Vote {
        view: View(view),
        height: Height(height),
        digest: *payload(height, number).digest(),
    }
}

#[test]
fn a_flood_fills_the_window_and_no_more() {
    let mut flooded = Flooded::new();
    for number in 0..3 {
        for height in (0..64).chain([1 << 40, u64::MAX]) {
            for view in [0, 1, 2] {
                let body = Body::PrePrepare(PrePrepare {
                    view: View(view),
                    height: Height(height),
                    payload: payload(height, number),
                });
                flooded.hear((view % 4) as u16, body);
                for by in 0..REPLICAS {
                    // Everybody votes for something else, so nothing is decided.
                    let vote = vote(view, height, number + u64::from(by));
                    flooded.hear(by, Body::Prepare(vote));
                    flooded.hear(by, Body::Commit(vote));
                }
            }
        }
    }
    assert_eq!(flooded.held("slots"), WINDOW);
    assert_eq!(flooded.held("votes"), 2 * WINDOW * u64::from(REPLICAS));
    assert_eq!(flooded.held("payload checks"), WINDOW);
    assert!(flooded.held("payloads") >= WINDOW);
}

#[test]
fn a_flood_of_views_leaves_one_message_of_each_replica() {
    let mut flooded = Flooded::new();
    let window = |flooded: &Flooded, view: u64| {
        let heights = 1..=WINDOW;
        heights
            .map(|height| flooded.prepared(view, height))
            .collect()
    };
    let all = window(&flooded, 0);
    let mut most = [0; 2];
    for view in 1..200 {
        flooded.now = Time::from_millis(10 * view);
        for by in 0..REPLICAS {
            let at = View(view * 4 + u64::from(by));
            flooded.hear(
                by,
                Body::ViewChange(ViewChange {
                    view: at,
                    stable: None,
                    prepared: Vec::clone(&all),
                }),
            );
            let reproposed = Height(view + u64::from(by));
            let report = InView {
                view: at,
                reproposed,
            };
            flooded.hear(by, Body::InView(report));
            flooded.hear(by, Body::Commit(vote(at.0, 1, 0)));
        }
        for (most, what) in most.iter_mut().zip([
            "view changes, reports and early commits",
            "certificates in view changes",
        ]) {
            *most = flooded.held(what).max(*most);
        }
    }
    let replicas = u64::from(REPLICAS);
    assert_eq!(most[0], 3 * replicas);
    assert_eq!(most[1], replicas * WINDOW);
    assert!(flooded.engine.status().place.view > View(600));
}

#[test]
fn a_new_view_plans_no_more_than_the_window() {
    let mut flooded = Flooded::new();
    assert_eq!(flooded.held("planned slots"), 0);
    let prepared: Vec<_> = (1..=WINDOW).map(|it| flooded.prepared(0, it)).collect();
    // This replica leads view 1 and opens it.
    for by in 0..REPLICAS {
        let view_change = ViewChange {
            view: View(1),
            stable: None,
            prepared: prepared.clone(),
        };
        flooded.hear(by, Body::ViewChange(view_change));
    }
    assert_eq!(flooded.engine.status().place.view, View(1));
    assert_eq!(flooded.held("planned slots"), WINDOW);
    assert_eq!(flooded.held("slots"), WINDOW);
    assert_eq!(flooded.held("view changes, reports and early commits"), 0);
}
