//! A bounded memory of what has been worked out before.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A shared map that forgets what has not been used for long.
///
/// Entries live in two generations. When the young one is full it becomes the old one, and the
/// old one is dropped; an entry that is used moves to the young one. So at most twice the
/// capacity is kept, and whatever was among the last `capacity` different keys used is there.
#[derive(Debug)]
pub(crate) struct Cache<K, V>(Mutex<Generations<K, V>>);

#[derive(Debug)]
struct Generations<K, V> {
    capacity: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Mutex::new(Generations {
            capacity,
            young: HashMap::new(),
            old: HashMap::new(),
        }))
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let mut entries = self.lock();
        if let Some(value) = entries.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = entries.old.remove_entry(key)?;
        entries.insert(key, value.clone());
        Some(value)
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        self.lock().insert(key, value);
    }

    /// Entries are written whole, so a panic elsewhere leaves none half-made.
    fn lock(&self) -> MutexGuard<'_, Generations<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.capacity {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_used_and_stays_bounded() {
        let cache = Cache::new(8);
        cache.insert(0u32, "used");
        for key in 1..1000 {
            cache.insert(key, "once");
            assert_eq!(cache.get(&0), Some("used"), "after {key}");
            let entries = cache.lock();
            assert!(entries.young.len() + entries.old.len() <= 16);
        }
        assert_eq!(cache.get(&1), None);
        assert_eq!(cache.get(&999), Some("once"));
    }
}
