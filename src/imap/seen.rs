//! The uids that have come, so that each message is given once.
//!
//! Small for a folder that is read in order, whatever its size.

use crate::mail::{Uid, UidSet};

/// Uids as ranges that grow, mostly at their end.
#[derive(Debug, Default)]
pub struct Seen(Vec<(Uid, Uid)>);

impl Seen {
    /// Adds a uid, unless it is there.
    pub fn insert(&mut self, uid: Uid) -> bool {
        let after = self.0.partition_point(|(low, _)| *low <= uid);
        match after.checked_sub(1).map(|before| &mut self.0[before]) {
            Some((_, high)) if *high >= uid => return false,
            Some((_, high)) if high.number() + 1 == uid.number() => *high = uid,
            _ => self.0.insert(after, (uid, uid)),
        }
        true
    }

    /// All of them; nothing when there are none.
    pub fn set(&self) -> Option<UidSet> {
        UidSet::of_ranges(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_uid_is_new_once_in_whatever_order_they_come() {
        let mut seen = Seen::default();
        assert_eq!(seen.set(), None);
        let uid = |number| Uid::new(number).unwrap();
        for number in [5, 6, 1, 9, 7, 2] {
            assert!(seen.insert(uid(number)), "{number}");
        }
        for number in [1, 2, 5, 6, 7, 9] {
            assert!(!seen.insert(uid(number)), "{number}");
        }
        assert_eq!(seen.set().unwrap().to_string(), "1:2,5:7,9");
        assert!(seen.insert(Uid::MAX) && !seen.insert(Uid::MAX));
    }
}
