//! Keys at rest.

use quorate_core::{Digest, KeyRole, Statement};
use quorate_crypto::{Bls, Ed25519, KeyFileError, KeyedScheme, ReplicaKeys};
use std::fs;

fn same(one: &ReplicaKeys, other: &ReplicaKeys) -> bool {
    one.identity_public() == other.identity_public() && one.voting_public() == other.voting_public()
}

#[test]
fn keys_survive_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let keys = ReplicaKeys::random().unwrap();
    keys.save(&path).unwrap();
    let loaded = ReplicaKeys::load(&path).unwrap();
    assert!(same(&keys, &loaded));
    let statement = Statement(Digest([1; 32]));
    for role in [KeyRole::Identity, KeyRole::Voting] {
        assert_eq!(
            Bls::sign_with(&keys, role, statement),
            Bls::sign_with(&loaded, role, statement)
        );
        assert_eq!(
            Ed25519::sign_with(&keys, role, statement),
            Ed25519::sign_with(&loaded, role, statement)
        );
    }
}

#[test]
fn keys_are_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let first = ReplicaKeys::from_seed(&[1; 32]);
    first.save(&path).unwrap();
    let error = ReplicaKeys::from_seed(&[2; 32]).save(&path).unwrap_err();
    assert!(matches!(error, KeyFileError::Exists(_)));
    assert!(same(&first, &ReplicaKeys::load(&path).unwrap()));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    ReplicaKeys::from_seed(&[1; 32]).save(&path).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    for exposed in [0o604, 0o640, 0o644, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(exposed)).unwrap();
        let error = ReplicaKeys::load(&path).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("keys.json") && text.contains("chmod 600"),
            "{text}"
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(ReplicaKeys::load(&path).is_ok());
}

#[test]
fn damage_is_noticed_and_no_secret_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let keys = ReplicaKeys::from_seed(&[1; 32]);
    keys.save(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let secret: String = keys
        .identity_secret()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert!(text.contains(&secret));
    let mut refused = 0;
    for place in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[place] = if bytes[place] == b'7' { b'8' } else { b'7' };
        fs::write(&path, bytes).unwrap();
        match ReplicaKeys::load(&path) {
            Ok(loaded) => assert!(same(&keys, &loaded), "byte {place}"),
            Err(error) => {
                refused += 1;
                let told = error.to_string();
                assert!(
                    told.contains("damaged") && !told.contains(&secret[..16]),
                    "{told}"
                );
            }
        }
    }
    assert!(refused > 300, "{refused}");
    for length in 0..text.trim_end().len() {
        fs::write(&path, &text[..length]).unwrap();
        assert!(ReplicaKeys::load(&path).is_err(), "cut to {length}");
    }
    fs::remove_file(&path).unwrap();
    let error = ReplicaKeys::load(&path).unwrap_err().to_string();
    assert!(
        error.contains("keys.json") && error.contains("open"),
        "{error}"
    );
}

#[test]
fn seeds_make_keys_and_nothing_prints_them() {
    let keys = ReplicaKeys::from_seed(&[1; 32]);
    assert!(same(&keys, &ReplicaKeys::from_seed(&[1; 32])));
    assert!(!same(&keys, &ReplicaKeys::from_seed(&[2; 32])));
    let printed = format!("{keys:?}");
    let secret: String = keys
        .identity_secret()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert!(printed.starts_with("private keys of ") && printed.len() < 40);
    assert!(!printed.contains(&secret[..8]));
    let identity = keys.identity_secret();
    assert!(ReplicaKeys::from_secrets(&identity, &[0; 32]).is_none());
    assert!(ReplicaKeys::from_secrets(&identity, &[0xff; 32]).is_none());
}
