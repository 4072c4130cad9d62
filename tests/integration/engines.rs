//! Which engine runs when none is named.

use crate::support::{Journal, Snapshots, agreed, submit, within};
use quorate::{ClientId, ConfigError, Engine, LocalCluster};

/// A cluster that names no engine.
async fn unnamed() -> Result<LocalCluster, ConfigError> {
    let builder = LocalCluster::builder(4);
    within(
        "the start",
        builder.start(|_| Journal::new(Snapshots::Missing)),
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_engine_is_the_default_and_several_are_no_choice() {
    let Some(only) = Engine::only() else {
        let error = unnamed()
            .await
            .expect_err("several engines, and none named");
        assert!(matches!(error, ConfigError::ChooseEngine), "{error}");
        let text = error.to_string();
        assert!(text.contains(".engine(...)"), "{text}");
        for engine in Engine::compiled() {
            assert!(text.contains(engine.name()), "{text} lacks {engine}");
        }
        return;
    };
    assert!(Engine::compiled().contains(&only));
    let cluster = unnamed().await.expect("the only engine is the default");
    submit(cluster.replica(2), ClientId(1), 5).await;
    let replicas: Vec<_> = cluster.replicas().iter().collect();
    agreed(&replicas, 5).await;
    cluster.stop().await;
}

#[test]
fn features_say_which_engines_there_are() {
    let features = [
        (cfg!(feature = "pbft"), Engine::Pbft),
        (cfg!(feature = "hotstuff"), Engine::HotStuffTwoChain),
        (cfg!(feature = "hotstuff"), Engine::HotStuffThreeChain),
        (cfg!(feature = "tendermint"), Engine::Tendermint),
    ];
    for (enabled, engine) in features {
        assert_eq!(Engine::compiled().contains(&engine), enabled, "{engine}");
    }
    let count = [
        cfg!(feature = "pbft"),
        cfg!(feature = "hotstuff"),
        cfg!(feature = "tendermint"),
    ];
    let count = count.into_iter().filter(|enabled| *enabled).count();
    assert_eq!(Engine::only().is_some(), count == 1);
    if count == 1 && cfg!(feature = "hotstuff") {
        assert_eq!(Engine::only(), Some(Engine::HotStuffTwoChain));
    }
}

#[tokio::test]
async fn an_engine_that_is_not_compiled_in_is_named_with_its_feature() {
    let all = [
        Engine::Pbft,
        Engine::HotStuffTwoChain,
        Engine::HotStuffThreeChain,
        Engine::Tendermint,
    ];
    for engine in all
        .into_iter()
        .filter(|engine| !Engine::compiled().contains(engine))
    {
        let builder = LocalCluster::builder(4).engine(engine);
        let error = builder.start(|_| Journal::new(Snapshots::Missing)).await;
        let error = error.expect_err("it is not there");
        assert!(matches!(error, ConfigError::NotCompiled(found) if found == engine));
        assert!(error.to_string().contains(engine.name()), "{error}");
    }
}
