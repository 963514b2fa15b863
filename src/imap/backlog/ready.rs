//! What is handed over, in which order, and which uids are read next.
//!
//! Decides nothing about the server; what is missing is seen in [`super::landing`].

use super::{BLOCK, Backlog, HEAVY_BLOCK, Todo, WINDOW};
use crate::error::Result;
use crate::imap::flight::{Step, Way};
use crate::mail::{FolderScan, Message, Uid, UidSet};

impl Backlog {
    /// The next messages to hand over; `asked` when somebody wants more than was handed over.
    ///
    /// # Errors
    /// When the sieve fails.
    pub fn ready(&mut self, scan: &FolderScan, asked: bool) -> Result<Option<Vec<Message>>> {
        // Where the uid is all that the first step knows, nobody need be asked for it.
        let is_known = !matches!(self.steps.first(), Some(Step::Items(_)));
        let may_go_on = |this: &Self| match this.enough {
            Some(_) => asked && this.upcoming.is_empty() && this.flying.is_empty(),
            None => this.flying.len() < WINDOW && this.waiting() < BLOCK,
        };
        while is_known && self.ready.is_empty() && may_go_on(self) {
            let Some(block) = self.next_block() else { break };
            self.advance(0, block, scan)?;
        }
        Ok(if self.is_by_demand() { self.next_in_order() } else { self.ready.pop_front() })
    }

    /// What is ready and newer than all that is still on its way.
    fn next_in_order(&mut self) -> Option<Vec<Message>> {
        let jobs = self.upcoming.iter().chain(&self.flying).flat_map(|job| job.messages.keys().copied());
        let arrived = self.arrived.iter().flat_map(|(_, messages, _)| messages.iter().map(|message| message.uid));
        let suspects = self.suspects.iter().map(|suspect| suspect.message.uid);
        let awaited = jobs.chain(arrived).chain(suspects).max();
        let mut ready: Vec<Message> = self.ready.drain(..).flatten().collect();
        ready.sort_unstable_by_key(|message| std::cmp::Reverse(message.uid));
        let older = ready.split_off(ready.partition_point(|message| awaited.is_none_or(|uid| message.uid > uid)));
        self.ready.extend((!older.is_empty()).then_some(older));
        (!ready.is_empty()).then_some(ready)
    }

    /// Takes a chunk back that could not be handed over.
    pub fn put_back(&mut self, chunk: Vec<Message>) {
        self.ready.push_front(chunk);
    }

    /// The uids that messages of the statement can have: others came later.
    pub(super) fn known(&self) -> Option<UidSet> {
        let last = match self.opened.and_then(|opened| opened.uid_next) {
            Some(next) => u32::try_from(next - 1).map_or(Some(Uid::MAX), Uid::new)?,
            None => Uid::MAX,
        };
        UidSet::range(Uid::MIN, last)
    }

    /// Those of the uids that the statement wants.
    pub(super) fn wanted(&self, found: &UidSet) -> Option<UidSet> {
        let found = self.known()?.intersection(found)?;
        let found = match self.seen.set() {
            Some(seen) => found.intersection(&seen.complement()?)?,
            None => found,
        };
        match &self.way {
            Way::Uids(uids) => found.intersection(uids),
            Way::Everything | Way::Search(_) => Some(found),
        }
    }

    /// Takes the highest uids that nobody read yet.
    pub(super) fn next_block(&mut self) -> Option<Vec<Message>> {
        let opened = self.opened?;
        if self.todo == Todo::Blocks(None) && !self.later.is_empty() {
            self.todo = Todo::Blocks(UidSet::of(self.later.drain(..)));
            self.toll.told_again();
        }
        let Todo::Blocks(left) = &mut self.todo else { return None };
        let uids = left.take()?;
        let heavy = matches!(self.steps.first(), Some(Step::Items(items)) if items.raw);
        let size = if heavy { self.block.min(HEAVY_BLOCK) } else { self.block };
        self.block = (self.block * 2).min(BLOCK);
        let (block, rest) = highest(&uids, size);
        *left = rest;
        for uid in &block {
            self.seen.insert(*uid);
        }
        Some(block.into_iter().map(|uid| Message::new(uid, opened.uid_validity)).collect())
    }
}

/// The highest uids of a set, and the rest of it.
fn highest(uids: &UidSet, size: usize) -> (Vec<Uid>, Option<UidSet>) {
    let mut block = Vec::with_capacity(size);
    let mut rest = uids.ranges().to_vec();
    while block.len() < size
        && let Some((low, high)) = rest.pop()
    {
        block.push(high);
        if let Some(below) = Uid::new(high.number() - 1).filter(|below| *below >= low) {
            rest.push((low, below));
        }
    }
    (block, UidSet::of_ranges(rest))
}
