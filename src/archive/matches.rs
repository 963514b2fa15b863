//! Says whether a search key holds for a message, from the facts that are known of it.
//!
//! All keys are answered exactly, but text is not looked for: who asks reads the message, and checks that.
//! It reads nothing itself: facts are asked for when they are needed, cheap ones first. Which
//! messages are looked at at all is decided in `super::reading`.

use chrono::{NaiveDate, NaiveTime};

use crate::mail::message::Timestamp;
use crate::mail::{Flag, SearchKey, Uid};

/// What a key asks of a message; each may have to be read first.
pub trait Facts {
    /// Why a fact cannot be told.
    type Error;

    /// The message's uid.
    fn uid(&self) -> Uid;

    /// Whether the message has the flag.
    ///
    /// # Errors
    /// When it cannot be read.
    fn has(&mut self, flag: Flag) -> Result<bool, Self::Error>;

    /// When the store received the message, where that is known.
    ///
    /// # Errors
    /// When it cannot be read.
    fn received_at(&mut self) -> Result<Option<Timestamp>, Self::Error>;

    /// The message's size in octets, with CRLF line ends, where that is known.
    ///
    /// # Errors
    /// When it cannot be read.
    fn size(&mut self) -> Result<Option<u64>, Self::Error>;
}

/// Whether the key holds. Days are days in UTC; a message without a date is neither since nor
/// before any day, so the complements of both keys hold for it; and so with a size that is not known. A text key holds for every message,
/// and so does the complement of what has one in it.
///
/// # Errors
/// When a fact that decides cannot be read.
pub fn matches<F: Facts + ?Sized>(key: &SearchKey, facts: &mut F) -> Result<bool, F::Error> {
    Ok(match key {
        // What only a server can answer comes to no file; `super::reading` refuses it.
        SearchKey::All | SearchKey::Text(..) | SearchKey::Server(_) => true,
        SearchKey::Uid(uids) => uids.contains(facts.uid()),
        SearchKey::Flag(flag) => facts.has(*flag)?,
        SearchKey::Larger(octets) => facts.size()?.is_some_and(|size| size > *octets),
        SearchKey::Smaller(octets) => facts.size()?.is_some_and(|size| size < *octets),
        SearchKey::Since(day) => facts.received_at()?.is_some_and(|at| at >= start_of(*day)),
        SearchKey::Before(day) => facts.received_at()?.is_some_and(|at| at < start_of(*day)),
        SearchKey::Not(key) => has_text(key) || !matches(key, facts)?,
        SearchKey::And(keys) => {
            for key in cheapest_first(keys.iter().collect()) {
                if !matches(key, facts)? {
                    return Ok(false);
                }
            }
            true
        }
        SearchKey::Or(left, right) => {
            for key in cheapest_first(vec![left, right]) {
                if matches(key, facts)? {
                    return Ok(true);
                }
            }
            false
        }
    })
}

/// Whether uids alone decide, so that [`SearchKey::uids`] says everything.
pub(super) fn is_only_uids(key: &SearchKey) -> bool {
    matches!(key, SearchKey::All | SearchKey::Uid(_))
}

fn has_text(key: &SearchKey) -> bool {
    match key {
        SearchKey::Text(..) | SearchKey::Server(_) => true,
        SearchKey::Not(key) => has_text(key),
        SearchKey::And(keys) => keys.iter().any(has_text),
        SearchKey::Or(left, right) => has_text(left) || has_text(right),
        SearchKey::All
        | SearchKey::Uid(_)
        | SearchKey::Flag(_)
        | SearchKey::Larger(_)
        | SearchKey::Smaller(_)
        | SearchKey::Since(_)
        | SearchKey::Before(_) => false,
    }
}

fn cheapest_first(mut keys: Vec<&SearchKey>) -> Vec<&SearchKey> {
    keys.sort_by_key(|key| cost(key));
    keys
}

/// What a key may cost: nothing, a look at the file's times, or reading all of the file.
fn cost(key: &SearchKey) -> u8 {
    match key {
        SearchKey::All | SearchKey::Uid(_) | SearchKey::Flag(_) | SearchKey::Text(..) | SearchKey::Server(_) => 0,
        SearchKey::Since(_) | SearchKey::Before(_) => 1,
        SearchKey::Larger(_) | SearchKey::Smaller(_) => 2,
        SearchKey::Not(key) => cost(key),
        SearchKey::And(keys) => keys.iter().map(cost).max().unwrap_or_default(),
        SearchKey::Or(left, right) => cost(left).max(cost(right)),
    }
}

fn start_of(day: NaiveDate) -> Timestamp {
    Timestamp(day.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::mail::{SearchText, TextField, UidSet};

    #[derive(Clone)]
    struct Known {
        uid: u32,
        seen: bool,
        flagged: bool,
        received_at: Option<i64>,
        size: Option<u64>,
        sizes_asked: usize,
    }

    impl Facts for Known {
        type Error = Infallible;

        fn uid(&self) -> Uid {
            Uid::new(self.uid).unwrap()
        }

        fn has(&mut self, flag: Flag) -> Result<bool, Infallible> {
            Ok(match flag {
                Flag::Seen => self.seen,
                Flag::Flagged => self.flagged,
                Flag::Answered | Flag::Deleted | Flag::Draft => false,
            })
        }

        fn received_at(&mut self) -> Result<Option<Timestamp>, Infallible> {
            Ok(self.received_at.map(Timestamp))
        }

        fn size(&mut self) -> Result<Option<u64>, Infallible> {
            self.sizes_asked += 1;
            Ok(self.size)
        }
    }

    fn everyone() -> Vec<Known> {
        let mut all = Vec::new();
        for uid in 1..=3 {
            for (seen, flagged) in [(false, false), (false, true), (true, false), (true, true)] {
                for received_at in [None, Some(-1), Some(0), Some(DAY - 1), Some(DAY), Some(2 * DAY)] {
                    for size in [None, Some(0), Some(9), Some(10), Some(11)] {
                        all.push(Known { uid, seen, flagged, received_at, size, sizes_asked: 0 });
                    }
                }
            }
        }
        all
    }

    const DAY: i64 = 86_400_000_000;

    fn day(number: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + chrono::Days::new(number.unsigned_abs())
    }

    type Meaning = fn(&Known) -> bool;

    /// Each key with what it means, said in another way.
    fn leaves() -> Vec<(SearchKey, Meaning)> {
        let uids = UidSet::of([1, 3].into_iter().filter_map(Uid::new)).unwrap();
        vec![
            (SearchKey::All, |_| true),
            (SearchKey::Uid(uids), |known| known.uid != 2),
            (SearchKey::Flag(Flag::Seen), |known| known.seen),
            (SearchKey::Flag(Flag::Flagged), |known| known.flagged),
            (SearchKey::Flag(Flag::Draft), |_| false),
            (SearchKey::Larger(10), |known| known.size == Some(11)),
            (SearchKey::Smaller(10), |known| matches!(known.size, Some(0 | 9))),
            (SearchKey::Since(day(1)), |known| matches!(known.received_at, Some(at) if at / DAY >= 1)),
            (SearchKey::Before(day(1)), |known| matches!(known.received_at, Some(at) if at < DAY)),
        ]
    }

    #[test]
    fn every_key_and_every_pair_of_keys_agrees_with_brute_force() {
        let holds = |key: &SearchKey, known: &Known| matches(key, &mut known.clone()).unwrap();
        for known in &everyone() {
            for (left, left_is) in &leaves() {
                let not = SearchKey::Not(Box::new(left.clone()));
                assert_eq!(holds(left, known), left_is(known), "{left}");
                assert_eq!(holds(&not, known), !left_is(known), "{not}");
                for (right, right_is) in &leaves() {
                    let (one, other) = (left_is(known), right_is(known));
                    let both = SearchKey::And(vec![left.clone(), right.clone()]);
                    let either = SearchKey::Or(Box::new(left.clone()), Box::new(right.clone()));
                    let neither = SearchKey::Not(Box::new(either.clone()));
                    let not_both = SearchKey::Not(Box::new(both.clone()));
                    let nested = SearchKey::Or(Box::new(neither.clone()), Box::new(both.clone()));
                    assert_eq!(holds(&both, known), one && other, "{both}");
                    assert_eq!(holds(&either, known), one || other, "{either}");
                    assert_eq!(holds(&neither, known), !(one || other), "{neither}");
                    assert_eq!(holds(&not_both, known), !(one && other), "{not_both}");
                    assert_eq!(holds(&nested, known), one == other, "{nested}");
                }
            }
        }
        assert!(holds(&SearchKey::And(Vec::new()), &everyone()[0]));
    }

    #[test]
    fn text_leaves_no_message_out() {
        let text = SearchKey::Text(TextField::Body, SearchText::new("invoice").unwrap());
        let seen = SearchKey::Flag(Flag::Seen);
        let both = SearchKey::And(vec![seen, text.clone()]);
        for mut known in everyone() {
            assert!(matches(&text, &mut known).unwrap());
            assert_eq!(matches(&both, &mut known).unwrap(), known.seen);
            for key in [&text, &both] {
                assert!(matches(&SearchKey::Not(Box::new(key.clone())), &mut known).unwrap());
            }
        }
    }

    #[test]
    fn a_costly_fact_is_asked_only_when_cheap_ones_leave_it_open() {
        let key = SearchKey::And(vec![SearchKey::Larger(5), SearchKey::Flag(Flag::Seen)]);
        for mut known in everyone() {
            matches(&key, &mut known).unwrap();
            assert_eq!(known.sizes_asked, usize::from(known.seen));
        }
    }
}
