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
fn redb_store_keeps_decisions_of_every_length() {
    let directory = TempDir::new().unwrap();
    let store = RedbStore::open(directory.path().join("blocks.redb")).unwrap();
    // Around the lengths at which one more piece fills its pages.
    let full = [
        4076,
        2 * 4096 - 20,
        65_516,
        262_124,
        262_124 + 4076,
        600_000,
    ];
    let around = full
        .into_iter()
        .flat_map(|length| [length - 1, length, length + 1]);
    let lengths: Vec<_> = [0, 1].into_iter().chain(around).collect();
    let block = |height: usize, length: usize| StoredBlock {
        height: Height(height as u64),
        payload: Digest([u8::try_from(height).unwrap(); 32]),
        decision: (0..length).map(|at| (at / 7 + height) as u8).collect(),
    };
    let blocks: Vec<_> = lengths
        .iter()
        .zip(1..)
        .map(|(&length, height)| block(height, length))
        .collect();
    store.put(&blocks).unwrap();
    for expected in &blocks {
        assert!(store.get(expected.height).unwrap().as_ref() == Some(expected));
        assert!(store.find(&expected.payload).unwrap().as_ref() == Some(expected));
    }
    // Shorter and longer ones in the same places, of which nothing old is left.
    let replaced: Vec<_> = lengths
        .iter()
        .rev()
        .zip(1..)
        .map(|(&length, height)| block(height, length))
        .collect();
    store.put(&replaced).unwrap();
    for expected in &replaced {
        assert!(store.get(expected.height).unwrap().as_ref() == Some(expected));
    }
    store.prune(Height(10)).unwrap();
    assert_eq!(store.get(Height(9)).unwrap(), None);
    assert!(store.get(Height(10)).unwrap().as_ref() == Some(&replaced[9]));
}

#[test]
fn redb_store_writes_little_more_than_it_stores() {
    const LENGTH: usize = (256 << 10) + 500;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("blocks.redb");
    let store = RedbStore::open(&path).unwrap();
    for height in 1..=64 {
        let block = StoredBlock {
            height: Height(height),
            payload: Digest([1; 32]),
            decision: vec![0x11; LENGTH],
        };
        store.put(&[block]).unwrap();
    }
    drop(store);
    // Closing gives back what was never used.
    let stored = 64 * LENGTH as u64;
    let length = std::fs::metadata(&path).unwrap().len();
    assert!(length < stored * 5 / 4, "{length} bytes for {stored}");
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

    // One is in its head alone, one has pieces.
    for length in [1000, 100_000] {
        let path = directory.path().join(format!("blocks {length}.redb"));
        let store = RedbStore::open(&path).unwrap();
        let block = StoredBlock {
            decision: vec![0xc3; length],
            ..block(1, 0x3c)
        };
        store.put(&[block]).unwrap();
        drop(store);
        let mut bytes = std::fs::read(&path).unwrap();
        let decision = bytes.windows(900).rposition(|window| window == [0xc3; 900]);
        bytes[decision.unwrap() + 500] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let result = RedbStore::open(&path).and_then(|store| store.get(Height(1)));
        assert!(
            matches!(result, Err(StorageError::Database { .. })),
            "{length}: {result:?}"
        );
    }
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
