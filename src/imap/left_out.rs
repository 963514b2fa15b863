//! Messages that were left out, as their server cannot deliver them (`mailql.unreadable = 'skip'`).
//!
//! What one statement left out, the next ones leave out too, so that rows, counts and the tables of parts agree.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::mail::{Uid, UidSet, UidValidity};

/// The messages that were left out, by folder.
#[derive(Debug, Default)]
pub struct LeftOut(Mutex<BTreeMap<String, (UidValidity, UidSet)>>);

impl LeftOut {
    /// Adds a message of a folder.
    pub fn add(&self, path: &str, uid_validity: UidValidity, uid: Uid) {
        let Some(one) = UidSet::range(uid, uid) else { return };
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = match folders.remove(path) {
            Some((validity, known)) if validity == uid_validity => known.union(&one),
            // Its uids mean other messages now.
            Some(_) | None => one,
        };
        folders.insert(path.to_owned(), (uid_validity, all));
    }

    /// Those of a folder, as long as its uids mean the same.
    pub fn of(&self, path: &str, uid_validity: UidValidity) -> Option<UidSet> {
        let folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        folders.get(path).filter(|(validity, _)| *validity == uid_validity).map(|(_, uids)| uids.clone())
    }
}
