//! The undecided blocks, as a tree above the last decided one.

use crate::{Block, FullBlock, Header, TimeoutCertificate};
use quorate_core::{Digest, Height, Payload, Scheme, View};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Blocks kept whose parents are unknown.
const ORPHANS: usize = 256;

/// Decided blocks kept for replicas that are a little behind.
const RECENT: usize = 32;

/// A block in the tree.
#[derive(Clone, Debug)]
pub(crate) struct Node<S: Scheme> {
    pub(crate) block: Block<S>,
    /// `None` after a restart, until it has been read back.
    pub(crate) payload: Option<Payload>,
    /// How the block's view began, if not by the block's certificate. Needed to vote only.
    pub(crate) timeout: Option<TimeoutCertificate<S>>,
}

impl<S: Scheme> Node<S> {
    pub(crate) const fn header(&self) -> &Header {
        &self.block.header
    }
}

/// Every block in `nodes` descends from the root; orphans are blocks of which that is not known.
#[derive(Debug)]
pub(crate) struct Tree<S: Scheme> {
    root: Digest,
    root_header: Header,
    nodes: BTreeMap<Digest, Node<S>>,
    orphans: BTreeMap<Digest, Node<S>>,
    /// Decided blocks, oldest first.
    recent: VecDeque<(Digest, FullBlock<S>)>,
}

impl<S: Scheme> Tree<S> {
    pub(crate) const fn new(root: Digest, root_header: Header) -> Self {
        Self {
            root,
            root_header,
            nodes: BTreeMap::new(),
            orphans: BTreeMap::new(),
            recent: VecDeque::new(),
        }
    }

    /// The root that stands for the genesis.
    pub(crate) const fn genesis_header() -> Header {
        Header {
            view: View::ZERO,
            height: Height::GENESIS,
            parent: Digest::ZERO,
            parent_view: View::ZERO,
            payload: Digest::ZERO,
        }
    }

    /// Height of the last decided block.
    pub(crate) const fn height(&self) -> Height {
        self.root_header.height
    }

    /// View of the last decided block.
    pub(crate) const fn view(&self) -> View {
        self.root_header.view
    }

    /// Header of the root or of a block above it.
    pub(crate) fn header(&self, id: &Digest) -> Option<&Header> {
        if *id == self.root {
            return Some(&self.root_header);
        }
        self.nodes.get(id).map(Node::header)
    }

    pub(crate) fn get(&self, id: &Digest) -> Option<&Node<S>> {
        self.nodes.get(id)
    }

    /// How many undecided blocks descend from the root.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// How many blocks wait for their parents: no more than [`ORPHANS`].
    pub(crate) fn orphans(&self) -> usize {
        self.orphans.len()
    }

    /// How many decided blocks are at hand: no more than [`RECENT`].
    pub(crate) fn recent(&self) -> usize {
        self.recent.len()
    }

    /// Takes in a well-formed block. Returns the blocks that are attached by this, oldest first:
    /// none if its parent is unknown or if it is below the root.
    pub(crate) fn insert(&mut self, id: Digest, node: Node<S>) -> Vec<Digest> {
        if let Some(known) = self
            .nodes
            .get_mut(&id)
            .or_else(|| self.orphans.get_mut(&id))
        {
            if known.payload.is_none() {
                known.payload = node.payload;
            }
            if known.timeout.is_none() {
                known.timeout = node.timeout;
            }
            return Vec::new();
        }
        if id == self.root || node.header().height <= self.root_header.height {
            return Vec::new();
        }
        if self.header(&node.header().parent).is_none() {
            self.keep_orphan(id, node);
            return Vec::new();
        }
        self.nodes.insert(id, node);
        let mut attached = vec![id];
        self.adopt(&mut attached);
        attached
    }

    fn keep_orphan(&mut self, id: Digest, node: Node<S>) {
        self.orphans.insert(id, node);
        if self.orphans.len() > ORPHANS {
            let lowest = self
                .orphans
                .iter()
                .min_by_key(|(_, node)| node.header().view);
            let lowest = *lowest.expect("a map that is too large is not empty").0;
            self.orphans.remove(&lowest);
        }
    }

    /// Attaches the orphans whose parents are attached now, and theirs.
    fn adopt(&mut self, attached: &mut Vec<Digest>) {
        loop {
            let found = self.orphans.iter().find(|(_, node)| {
                let parent = &node.header().parent;
                *parent == self.root || self.nodes.contains_key(parent)
            });
            let Some(id) = found.map(|(id, _)| *id) else {
                return;
            };
            let node = self.orphans.remove(&id).expect("the orphan was just found");
            self.nodes.insert(id, node);
            attached.push(id);
        }
    }

    /// The blocks from just above the root to `id`, oldest first. `None` if it is not attached.
    pub(crate) fn path(&self, id: &Digest) -> Option<Vec<Digest>> {
        let mut path = Vec::new();
        let mut at = *id;
        while at != self.root {
            path.push(at);
            at = self.nodes.get(&at)?.header().parent;
        }
        path.reverse();
        Some(path)
    }

    /// Whether `id`, attached, descends from `ancestor` or is it. What is at or below the root is
    /// decided, and everything here descends from it.
    pub(crate) fn extends(&self, id: &Digest, ancestor: &Digest, height: Height) -> bool {
        let mut at = *id;
        while let Some(node) = self.nodes.get(&at) {
            if node.header().height <= height {
                return at == *ancestor;
            }
            at = node.header().parent;
        }
        height <= self.root_header.height
    }

    /// The first block on the way down from `id` that is not here, and the height and the
    /// certificate's signers by which it is known.
    pub(crate) fn missing_below<'a>(
        &'a self,
        justify: &'a crate::Certificate<S>,
    ) -> Option<&'a crate::Certificate<S>> {
        let mut justify = justify;
        loop {
            let id = &justify.vote.block;
            if *id == self.root
                || self.nodes.contains_key(id)
                || justify.vote.height <= self.root_header.height
            {
                return None;
            }
            match self.orphans.get(id) {
                Some(orphan) => justify = &orphan.block.justify,
                None => return Some(justify),
            }
        }
    }

    /// Gives the blocks with this payload their payload; says whether there was one without.
    pub(crate) fn fill(&mut self, payload: &Payload) -> bool {
        let mut filled = false;
        for node in self.nodes.values_mut().chain(self.orphans.values_mut()) {
            if node.payload.is_none() && node.header().payload == *payload.digest() {
                node.payload = Some(payload.clone());
                filled = true;
            }
        }
        filled
    }

    /// The blocks whose payloads are not here.
    pub(crate) fn unfilled(&self) -> impl Iterator<Item = &Node<S>> {
        self.nodes.values().filter(|node| node.payload.is_none())
    }

    /// Makes an attached child of the root, just decided, the root.
    ///
    /// # Panics
    ///
    /// If the block is not that, or has no payload.
    pub(crate) fn decide(&mut self, id: Digest) {
        let node = self.nodes.remove(&id).expect("a decided block is attached");
        assert_eq!(
            node.header().parent,
            self.root,
            "blocks are decided in order"
        );
        let header = *node.header();
        let payload = node.payload.expect("a decided block has its payload");
        let full = FullBlock {
            block: node.block,
            payload,
        };
        self.recent.push_back((id, full));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        self.re_root(id, header);
    }

    /// Makes a block decided elsewhere the root, and drops all that does not descend from it.
    /// Returns the blocks that are attached by this.
    pub(crate) fn re_root(&mut self, id: Digest, header: Header) -> Vec<Digest> {
        self.root = id;
        self.root_header = header;
        let mut rest: Vec<(Digest, Node<S>)> =
            std::mem::take(&mut self.nodes).into_iter().collect();
        rest.sort_unstable_by_key(|(_, node)| node.header().height);
        for (id, node) in rest {
            let above = node.header().height > header.height;
            if above && self.header(&node.header().parent).is_some() {
                self.nodes.insert(id, node);
            }
        }
        self.orphans
            .retain(|_, node| node.header().height > header.height);
        let mut attached = Vec::new();
        self.adopt(&mut attached);
        attached
    }

    /// Drops the blocks of views below `view` that none of `tips` stands on.
    pub(crate) fn drop_branches(&mut self, tips: &[Digest], view: View) {
        let keep: BTreeSet<Digest> = tips
            .iter()
            .filter_map(|tip| self.path(tip))
            .flatten()
            .collect();
        self.nodes
            .retain(|id, node| keep.contains(id) || node.header().view >= view);
        // A block kept for its view stays only if its parent did.
        let stranded = |tree: &Self| {
            let lost =
                |(_, node): &(&Digest, &Node<S>)| tree.header(&node.header().parent).is_none();
            tree.nodes.iter().find(lost).map(|(id, _)| *id)
        };
        while let Some(id) = stranded(self) {
            self.nodes.remove(&id);
        }
    }

    /// A block with its payload, undecided or decided of late, for a replica that asks.
    pub(crate) fn full(&self, id: &Digest) -> Option<FullBlock<S>> {
        if let Some(node) = self.nodes.get(id).or_else(|| self.orphans.get(id)) {
            return Some(FullBlock {
                block: node.block.clone(),
                payload: node.payload.clone()?,
            });
        }
        self.recent
            .iter()
            .find(|(decided, _)| decided == id)
            .map(|(_, full)| full.clone())
    }
}

#[cfg(test)]
mod tests;
