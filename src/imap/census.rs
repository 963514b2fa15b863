//! A census of a folder: whether as many messages came as there were, says the server, when it was opened.
//!
//! Knows numbers only; what is to be done about those that did not come, [`super::backlog`] decides.

use std::collections::BTreeSet;

use crate::mail::{Uid, UidSet};

/// What a server said of the messages of a folder when it was opened, and what became of them since.
#[derive(Debug, Default)]
pub struct Census {
    /// How many there were.
    existed: u64,
    /// What came later has this uid or a higher one.
    uid_next: Option<u64>,
    /// How many are gone since.
    gone: u64,
    /// Messages that came and are none of the statement's.
    others: BTreeSet<Uid>,
}

impl Census {
    /// A folder that was just opened.
    pub fn of(exists: u32, uid_next: Option<u64>) -> Self {
        Self { existed: exists.into(), uid_next, ..Self::default() }
    }

    /// So many messages are gone.
    pub fn gone(&mut self, messages: u64) {
        self.gone += messages;
    }

    /// A message came that is none of the statement's.
    pub fn other(&mut self, uid: Uid) {
        // More are a flood.
        if self.others.len() < OTHERS {
            self.others.insert(uid);
        }
    }

    /// Whether a message was there when the folder was opened, as its number tells.
    pub fn had(&self, sequence: u32) -> bool {
        self.gone == 0 && u64::from(sequence) <= self.existed
    }

    /// How many messages should have come beside these, and did not; some of them may be gone since.
    pub fn missing(&self, came: Option<&UidSet>) -> u64 {
        let next = self.uid_next.unwrap_or(u64::MAX);
        let old =
            |&(low, high): &(Uid, Uid)| (u64::from(high.number()) + 1).min(next).saturating_sub(low.number().into());
        let came: u64 = came.map_or(&[][..], UidSet::ranges).iter().map(old).sum();
        let others: u64 = self.others.iter().map(|uid| old(&(*uid, *uid))).sum();
        self.existed.saturating_sub(came + others)
    }

    /// The same when uids are no sign of what came later.
    pub fn missing_of_all(&self, came: Option<&UidSet>) -> u64 {
        Self { uid_next: None, others: self.others.clone(), ..*self }.missing(came)
    }
}

/// Messages of others that are remembered.
const OTHERS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_counted_against_what_there_was() {
        let came = UidSet::parse("2:3,7,9");
        let mut census = Census::of(4, Some(10));
        assert_eq!((census.missing(came.as_ref()), census.missing(None)), (0, 4));
        assert!(census.had(4) && !census.had(5));
        census.gone(1);
        assert_eq!(census.missing(UidSet::parse("9").as_ref()), 3);
        assert!(!census.had(1), "numbers moved");
    }

    #[test]
    fn what_came_later_counts_for_nothing() {
        let mut census = Census::of(4, Some(9));
        assert_eq!(census.missing(UidSet::parse("7:10").as_ref()), 2);
        assert_eq!(census.missing_of_all(UidSet::parse("7:10").as_ref()), 0);
        for uid in [8, 8, 9, 30] {
            census.other(Uid::new(uid).unwrap());
        }
        assert_eq!(census.missing(UidSet::parse("1:2").as_ref()), 1);
        assert_eq!(Census::of(4, None).missing(UidSet::parse("1:*").as_ref()), 0);
    }
}
