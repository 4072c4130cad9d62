//! What is missing or wrong is said in clear words, before anything starts.

use crate::support::{Journal, Site, Snapshots, keys, within};
use quorate::{
    ConfigError, Engine, LocalCluster, Member, Replica, ReplicaBuilder, ReplicaConfig, SchemeKind,
    StartError,
};
use std::time::Duration;

fn site() -> Site {
    Site::new(Engine::compiled()[0])
}

fn journal() -> Journal {
    Journal::new(Snapshots::Missing)
}

/// Starts what must not start; the message must contain these words.
async fn refused(builder: ReplicaBuilder<Journal>, words: &[&str]) -> ConfigError {
    let error = within("a refusal", builder.start())
        .await
        .expect_err("it must not start");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{text:?} lacks {word:?}");
    }
    error
}

#[tokio::test]
async fn what_is_missing_is_named_with_what_gives_it() {
    let site = site();
    let bare = || Replica::builder(journal()).engine(site.engine);
    let error = refused(bare(), &[".keys(", "ReplicaKeys::load"]).await;
    assert!(matches!(error, ConfigError::NoKeys));

    let error = refused(bare().keys(keys(0)), &[".members("]).await;
    assert!(matches!(error, ConfigError::NoMembers));

    let builder = bare().keys(keys(0)).members(site.members.clone());
    let error = refused(builder, &[".directory(", ".in_memory()"]).await;
    assert!(matches!(error, ConfigError::NoDirectory));
}

#[tokio::test]
async fn members_must_make_sense() {
    let site = site();
    let ready = || site.builder(0, Snapshots::Missing).in_memory();
    let error = refused(
        ready().keys(keys(9)),
        &["identity key", "not that of any member"],
    )
    .await;
    assert!(matches!(error, ConfigError::NotAMember));

    for address in ["somewhere", "127.0.0.1", "127.0.0.1:99999", ""] {
        let mut members = site.members.clone();
        members[2].address = address.into();
        let words = ["member 2", address, "host:port"];
        let error = refused(ready().members(members), &words).await;
        assert!(matches!(error, ConfigError::Address { member: 2, .. }));
    }

    let mut members = site.members.clone();
    members[1] = members[0].clone();
    let error = refused(ready().members(members), &[]).await;
    assert!(matches!(error, ConfigError::Members(_)), "{error}");

    let error = refused(ready().timeout(Duration::ZERO), &["timeout of zero"]).await;
    assert!(matches!(error, ConfigError::NoTime));
}

#[tokio::test]
async fn messages_must_hold_what_is_said() {
    let site = site();
    let short = |config: &mut ReplicaConfig| config.frame_bytes = (4 << 20) + (1 << 19) - 1;
    let ready = site.builder(0, Snapshots::Missing).in_memory();
    let words = ["frame_bytes", "4718591", "at least 4718592"];
    let error = refused(ready.configure(short), &words).await;
    assert!(matches!(
        error,
        ConfigError::Start(StartError::FrameBytes {
            least: 4_718_592,
            ..
        })
    ));
    let cluster = LocalCluster::builder(4)
        .engine(site.engine)
        .configure(short);
    let started = within("a refusal", cluster.start(|_| journal())).await;
    let error = started.expect_err("it must not start");
    assert!(matches!(
        error,
        ConfigError::Start(StartError::FrameBytes { .. })
    ));
}

#[tokio::test]
async fn keys_must_suit_the_scheme() {
    let site = site();
    let member = |index: usize, scheme: SchemeKind| Member {
        validator: scheme.validator(&keys(index), 1),
        address: site.members[index].address.clone(),
    };
    // Registered for ed25519: there is no voting key, and no proof that its owner has it.
    let members = (0..4)
        .map(|index| member(index, SchemeKind::Ed25519))
        .collect();
    let builder = site.builder(0, Snapshots::Missing).in_memory();
    let error = refused(builder.scheme(SchemeKind::Bls).members(members), &["bls"]).await;
    assert!(matches!(
        error,
        ConfigError::Keys {
            scheme: SchemeKind::Bls,
            ..
        }
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_and_a_directory_have_one_user() {
    let site = site();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let builder = || site.builder(0, Snapshots::Missing);
    let first = builder()
        .directory(directory.path())
        .start()
        .await
        .expect("all is well");

    let error = refused(builder().in_memory(), &[&site.members[0].address]).await;
    assert!(matches!(error, ConfigError::Network(_)));

    let elsewhere = "127.0.0.1:0".parse().expect("an address");
    let second = builder().directory(directory.path()).listen(elsewhere);
    let error = refused(second, &["in use"]).await;
    assert!(matches!(error, ConfigError::Storage(_)));

    within("the stop", first.stop()).await;
    // Both are free again as soon as it has stopped.
    let again = builder()
        .directory(directory.path())
        .start()
        .await
        .expect("all is free");
    within("the stop", again.stop()).await;
}

#[tokio::test]
async fn a_cluster_needs_replicas_and_time() {
    let start = |builder: quorate::LocalClusterBuilder| async {
        let engine = Engine::compiled()[0];
        let started = builder.engine(engine).start(|_| journal());
        within("a refusal", started)
            .await
            .expect_err("it must not start")
    };
    assert!(matches!(
        start(LocalCluster::builder(0)).await,
        ConfigError::Members(_)
    ));
    let builder = LocalCluster::builder(4).timeout(Duration::ZERO);
    assert!(matches!(start(builder).await, ConfigError::NoTime));
}
