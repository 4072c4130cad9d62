//! A bounded memory.

use std::collections::BTreeMap;

/// Keeps what has the highest keys.
#[derive(Clone, Debug)]
pub(crate) struct Recent<K, V> {
    kept: BTreeMap<K, V>,
    most: usize,
}

impl<K: Ord + Copy, V> Recent<K, V> {
    /// Keeps so many.
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            kept: BTreeMap::new(),
            most,
        }
    }

    /// What is kept there, or a new one. It may be dropped with the next key.
    pub(crate) fn entry(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        if !self.kept.contains_key(&key) {
            while self.kept.len() >= self.most {
                self.kept.pop_first();
            }
        }
        self.kept.entry(key).or_default()
    }

    /// Keeps a value, unless there is one.
    pub(crate) fn keep(&mut self, key: K, value: V) {
        self.kept.entry(key).or_insert(value);
        while self.kept.len() > self.most {
            self.kept.pop_first();
        }
    }

    /// What is kept there.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.kept.get(key)
    }

    /// Everything with a key below.
    pub(crate) fn below(&self, key: K) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.kept.range(..key)
    }

    /// Everything, by ascending keys.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.kept.iter()
    }
}

/// The last few things, each once, in the order in which they came.
#[derive(Clone, Debug)]
pub(crate) struct Last<V> {
    kept: Vec<V>,
    most: usize,
}

impl<V: PartialEq> Last<V> {
    /// Keeps so many.
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            kept: Vec::new(),
            most,
        }
    }

    /// Keeps one more.
    pub(crate) fn keep(&mut self, value: V) {
        if !self.kept.contains(&value) {
            if self.kept.len() >= self.most {
                self.kept.remove(0);
            }
            self.kept.push(value);
        }
    }

    /// Everything, the oldest first.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, V> {
        self.kept.iter()
    }
}
