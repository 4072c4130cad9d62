//! Both block stores keep the same promises; only one survives the process.

use quorate_core::{BlockStore, Digest, Height, SafetyLog, Seq, StorageError, StoredBlock};
use quorate_storage::{MemoryLog, MemoryStore, RedbStore};
use tempfile::TempDir;

fn block(height: u64, payload: u8) -> StoredBlock {
    StoredBlock {
        height: Height(height),
        payload: Digest([payload; 32]),
        decision: vec![payload; 1000 + usize::try_from(height).unwrap()],
    }
}

fn keeps_its_promises(store: &dyn BlockStore) {
    assert_eq!(store.bounds().unwrap(), None);
    assert_eq!(store.checkpoint().unwrap(), None);
    store.put(&[]).unwrap();
    store.put(&[block(1, 1), block(2, 0), block(3, 0)]).unwrap();
    store.put(&[block(4, 4), block(5, 0)]).unwrap();
    assert_eq!(store.bounds().unwrap(), Some((Height(1), Height(5))));
    assert_eq!(store.get(Height(4)).unwrap(), Some(block(4, 4)));
    assert_eq!(store.get(Height(6)).unwrap(), None);
    let found = store.find(&Digest([0; 32])).unwrap();
    assert_eq!(found, Some(block(5, 0)), "the highest of several");
    assert_eq!(store.find(&Digest([9; 32])).unwrap(), None);

    store.put(&[block(5, 7)]).unwrap();
    let found = store.find(&Digest([0; 32])).unwrap();
    assert_eq!(found, Some(block(3, 0)), "the replaced block is not found");
    assert_eq!(store.find(&Digest([7; 32])).unwrap(), Some(block(5, 7)));

    store.prune(Height(3)).unwrap();
    assert_eq!(store.bounds().unwrap(), Some((Height(3), Height(5))));
    assert_eq!(store.get(Height(2)).unwrap(), None);
    assert_eq!(store.find(&Digest([1; 32])).unwrap(), None);
    assert_eq!(store.find(&Digest([0; 32])).unwrap(), Some(block(3, 0)));
    store.prune(Height(100)).unwrap();
    assert_eq!(store.bounds().unwrap(), None);
    assert_eq!(store.find(&Digest([0; 32])).unwrap(), None);

    store.put_checkpoint(b"older").unwrap();
    store.put_checkpoint(b"newer").unwrap();
    assert_eq!(store.checkpoint().unwrap(), Some(b"newer".to_vec()));
}

#[test]
fn memory_store() {
    keeps_its_promises(&MemoryStore::new());
}

#[test]
fn redb_store() {
    let directory = TempDir::new().unwrap();
    keeps_its_promises(&RedbStore::open(directory.path().join("new/blocks.redb")).unwrap());
}

#[test]
fn redb_store_survives_reopening_and_has_one_user() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("blocks.redb");
    let store = RedbStore::open(&path).unwrap();
    let blocks: Vec<_> = (1..=600).map(|height| block(height, 1)).collect();
    store.put(&blocks).unwrap();
    store.put_checkpoint(b"checkpoint").unwrap();
    assert!(matches!(
        RedbStore::open(&path),
        Err(StorageError::Locked(_))
    ));
    drop(store);
    let store = RedbStore::open(&path).unwrap();
    store.prune(Height(590)).unwrap();
    drop(store);
    let store = RedbStore::open(&path).unwrap();
    assert_eq!(store.bounds().unwrap(), Some((Height(590), Height(600))));
    assert_eq!(store.get(Height(595)).unwrap(), Some(block(595, 1)));
    assert_eq!(store.checkpoint().unwrap(), Some(b"checkpoint".to_vec()));
}

#[test]
fn redb_store_refuses_garbage_and_damaged_blocks() {
    let directory = TempDir::new().unwrap();
    let garbage = directory.path().join("garbage.redb");
    std::fs::write(&garbage, vec![0x5a; 10_000]).unwrap();
    assert!(matches!(
        RedbStore::open(&garbage),
        Err(StorageError::Database { .. })
    ));

    let path = directory.path().join("blocks.redb");
    let store = RedbStore::open(&path).unwrap();
    store.put(&[block(1, 0xc3)]).unwrap();
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let decision = bytes.windows(900).rposition(|window| window == [0xc3; 900]);
    bytes[decision.unwrap() + 500] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let result = RedbStore::open(&path).and_then(|store| store.get(Height(1)));
    assert!(
        matches!(result, Err(StorageError::Database { .. })),
        "{result:?}"
    );
}

#[test]
fn memory_log_forgets_what_was_not_synced() {
    let log = MemoryLog::new();
    let mut writer = log.clone();
    writer.append(Seq(1), b"one").unwrap();
    writer.append(Seq(2), b"two").unwrap();
    assert_eq!(writer.sync().unwrap(), Seq(2));
    writer.append(Seq(3), b"three").unwrap();
    log.crash();
    assert_eq!(
        log.entries(),
        [(Seq(1), b"one".to_vec()), (Seq(2), b"two".to_vec())]
    );
    writer.append(Seq(3), b"another").unwrap();
    writer.sync().unwrap();
    writer.prune(Seq(9)).unwrap();
    assert_eq!(log.entries(), [(Seq(3), b"another".to_vec())]);
}
