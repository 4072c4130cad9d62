use super::*;
use quorate_core::{Digest, Height, RequestRef};

/// Adds up numbers.
#[derive(Debug, Default)]
struct Sum(u64);

impl Application for Sum {
    fn execute(&mut self, _: Height, request: RequestRef<'_>) -> Vec<u8> {
        self.0 += u64::from(request.body[0]);
        self.0.to_le_bytes().to_vec()
    }

    fn check(&self, request: RequestRef<'_>) -> Result<(), quorate_core::Refusal> {
        let empty = || quorate_core::Refusal("empty".into());
        request.body.first().map(|_| ()).ok_or_else(empty)
    }

    fn query(&self, _: &[u8]) -> Vec<u8> {
        self.0.to_le_bytes().to_vec()
    }
}

/// The sum, and who computes it: the state is not the same on every replica.
struct Local(Sum, ReplicaId);

impl Application for Local {
    fn execute(&mut self, height: Height, request: RequestRef<'_>) -> Vec<u8> {
        self.0.execute(height, request)
    }

    fn digest(&self) -> Option<Digest> {
        let differs = self.0.0 * u64::from(self.1.0);
        Some(Digest::builder("test").number(differs).finish())
    }
}

/// Answers with who computes it, and has no digest.
struct Replier(ReplicaId);

impl Application for Replier {
    fn execute(&mut self, _: Height, _: RequestRef<'_>) -> Vec<u8> {
        self.0.0.to_le_bytes().to_vec()
    }
}

/// Panics when it is asked to divide by zero.
struct Divider;

impl Application for Divider {
    fn execute(&mut self, _: Height, request: RequestRef<'_>) -> Vec<u8> {
        vec![100u8.checked_div(request.body[0]).expect("no zero comes")]
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn sums(engine: EngineKind) -> Cluster<Sum> {
    Cluster::new(4)
        .engine(engine)
        .application(|_| Sum::default())
}

#[test]
fn requests_are_answered_and_everybody_gets_there() -> Result<(), ClusterError> {
    for engine in EngineKind::ALL {
        let mut cluster = sums(engine).start()?;
        assert_eq!(cluster.call(0, [5])?, 5u64.to_le_bytes());
        let request = cluster.submit(1, [6])?;
        assert_eq!(cluster.reply(1, request), None);
        cluster.settle()?;
        for replica in 0..4 {
            assert_eq!(cluster.application(replica, |sum| sum.0), Some(11));
            assert_eq!(
                cluster.query(replica, b""),
                Some(11u64.to_le_bytes().into())
            );
            assert_eq!(
                cluster.reply(replica, request),
                Some(11u64.to_le_bytes().into())
            );
        }
        assert!(cluster.now() < 5 * SECOND, "{:?}", cluster.now());
        assert_eq!(cluster.counts().requests, 2);
    }
    Ok(())
}

#[test]
fn crashes_and_cuts_are_survived() -> Result<(), ClusterError> {
    for engine in EngineKind::ALL {
        let mut cluster = sums(engine).lossy(20).seed(7).start()?;
        cluster.call(0, [1])?;
        cluster.crash(3)?;
        assert!(!cluster.is_up(3));
        assert!(matches!(
            cluster.submit(3, [1]).unwrap_err().cause,
            Cause::Down(ReplicaId(3))
        ));
        cluster.call(0, [2])?;
        cluster.restart(3)?;
        cluster.cut([1])?;
        let alone = cluster.submit(1, [4])?;
        cluster.run_for(5 * SECOND)?;
        assert_eq!(cluster.reply(1, alone), None);
        cluster.heal()?;
        cluster.settle()?;
        assert_eq!(cluster.application(1, |sum| sum.0), Some(7));
        assert_eq!(cluster.application(3, |sum| sum.0), Some(7));
    }
    Ok(())
}

#[test]
fn the_same_seed_and_calls_give_the_same_run() -> Result<(), ClusterError> {
    let run = |seed| -> Result<_, ClusterError> {
        let mut cluster = sums(EngineKind::Pbft).seed(seed).start()?;
        cluster.call(2, [1])?;
        cluster.run_for(SECOND)?;
        Ok(cluster.hash())
    };
    assert_eq!(run(1)?, run(1)?);
    assert_ne!(run(1)?, run(2)?);
    Ok(())
}

#[test]
fn every_scheme_serves() -> Result<(), ClusterError> {
    for scheme in SchemeKind::ALL {
        let mut cluster = sums(EngineKind::HotStuffTwoChain).scheme(scheme).start()?;
        assert_eq!(cluster.call(3, [9])?, 9u64.to_le_bytes());
    }
    Ok(())
}

#[test]
fn liars_change_nothing() -> Result<(), ClusterError> {
    let behaviours = [
        Behaviour::Silent,
        Behaviour::Equivocate,
        Behaviour::Withhold,
        Behaviour::Select,
        Behaviour::SlowDrip,
        Behaviour::Lie,
    ];
    for engine in EngineKind::ALL {
        for (seed, behaviour) in (0..).zip(behaviours) {
            let cluster = Cluster::new(7).engine(engine).seed(seed);
            let mut cluster = cluster
                .application(|_| Sum::default())
                .byzantine([2, 4], behaviour)
                .start()?;
            for round in 0..10 {
                cluster.submit([0, 1, 3, 5, 6][round % 5], [1])?;
                cluster.run_for(SECOND / 5)?;
            }
            cluster.settle()?;
            assert_eq!(cluster.application(6, |sum| sum.0), Some(10));
        }
    }
    Ok(())
}

#[test]
fn states_that_differ_are_caught() {
    for engine in EngineKind::ALL {
        let cluster = Cluster::new(4).engine(engine);
        let cluster = cluster.application(|id| Local(Sum::default(), id));
        caught(cluster, [1]);
        let cluster = Cluster::new(4).engine(engine);
        caught(cluster.application(Replier), [1]);
    }
}

fn caught<A: Application>(cluster: Cluster<A>, body: [u8; 1]) {
    let mut cluster = cluster.start().expect("four replicas are a cluster");
    let error = cluster
        .submit(0, body)
        .and_then(|_| cluster.run_for(10 * SECOND))
        .expect_err("the replicas' states differ");
    assert!(matches!(error.cause, Cause::Violation(_)), "{error}");
    assert_eq!(cluster.outcome(), Err(error.clone()));
    assert_eq!(cluster.heal(), Err(error));
}

#[test]
fn a_panic_of_the_application_is_a_violation() {
    let cluster = Cluster::new(4).application(|_| Divider);
    let mut cluster = cluster.start().expect("four replicas are a cluster");
    assert_eq!(cluster.call(0, [50]).expect("100 / 50"), [2]);
    let error = cluster.call(0, [0]).expect_err("100 / 0");
    let text = error.to_string();
    assert!(text.starts_with("pbft, seed 0: panic at "), "{text}");
    assert!(text.ends_with("no zero comes"), "{text}");
    assert_eq!(cluster.submit(0, [1]), Err(error));
}

#[test]
fn what_is_wrong_is_said() {
    let too_many = Cluster::new(4).byzantine([1, 2], Behaviour::Silent);
    let error = too_many.start().map(drop).expect_err("one is tolerated");
    assert_eq!(
        error.cause,
        Cause::TooManyAdversaries {
            power: 2,
            tolerated: 1
        }
    );
    let heavy = Cluster::new(0).powers([4, 1, 1, 1]);
    let error = heavy.byzantine([0], Behaviour::Silent).start();
    assert!(error.is_err(), "four of seven are too many");
    for cluster in [
        Cluster::new(0),
        Cluster::new(4).powers([1, 0]),
        Cluster::new(4).byzantine([4], Behaviour::Silent),
    ] {
        assert!(cluster.start().is_err());
    }
    let mut cluster = sums(EngineKind::Pbft).start().expect("a fine cluster");
    for error in [
        cluster.submit(4, [1]).map(drop),
        cluster.submit(0, []).map(drop),
        cluster.restart(0),
        cluster.crash(9),
        cluster.cut([0, 7]),
        cluster.run_until(SECOND, |it| it.executed(0).0 > 1_000),
    ] {
        let error = error.expect_err("each of these is wrong").to_string();
        assert!(error.starts_with("pbft, seed 0: "), "{error}");
    }
}

#[test]
fn too_many_adversaries_stop_a_cluster_if_asked_for() -> Result<(), ClusterError> {
    let cluster = Cluster::new(4).byzantine([2, 3], Behaviour::Silent);
    let mut cluster = cluster.allow_too_many().start()?;
    let error = cluster.call(0, "anything").expect_err("there is no quorum");
    assert!(matches!(error.cause, Cause::Unmet { .. }), "{error}");
    Ok(())
}
