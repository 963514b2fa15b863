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

    /// Whether the message has the flag; None if that is not known.
    ///
    /// # Errors
    /// When it cannot be read.
    fn has(&mut self, flag: Flag) -> Result<Option<bool>, Self::Error>;

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
    Ok(holds(key, facts)? == Some(true))
}

/// The key as a truth value of SQL: None if a flag that decides is not known.
fn holds<F: Facts + ?Sized>(key: &SearchKey, facts: &mut F) -> Result<Option<bool>, F::Error> {
    Ok(Some(match key {
        // What only a server can answer comes to no file; `super::reading` refuses it.
        SearchKey::All | SearchKey::Text(..) | SearchKey::Server(_) => true,
        SearchKey::Uid(uids) => uids.contains(facts.uid()),
        SearchKey::Flag(flag) => return facts.has(*flag),
        SearchKey::Larger(octets) => return Ok(facts.size()?.map(|size| size > *octets)),
        SearchKey::Smaller(octets) => return Ok(facts.size()?.map(|size| size < *octets)),
        SearchKey::Since(day) => facts.received_at()?.is_some_and(|at| at >= start_of(*day)),
        SearchKey::Before(day) => facts.received_at()?.is_some_and(|at| at < start_of(*day)),
        SearchKey::Not(key) => {
            return Ok(if has_text(key) { Some(true) } else { holds(key, facts)?.map(|holds| !holds) });
        }
        SearchKey::NotTrue(key) => has_text(key) || holds(key, facts)? != Some(true),
        SearchKey::And(keys) => return first_of(false, keys.iter().collect(), facts),
        SearchKey::Or(left, right) => return first_of(true, vec![left, right], facts),
    }))
}

/// The value if one of the keys has it; else None if one of them has none, and the opposite if all have that.
fn first_of<F: Facts + ?Sized>(value: bool, keys: Vec<&SearchKey>, facts: &mut F) -> Result<Option<bool>, F::Error> {
    let mut found = Some(!value);
    for key in cheapest_first(keys) {
        match holds(key, facts)? {
            Some(holds) if holds == value => return Ok(Some(value)),
            Some(_) => {}
            None => found = None,
        }
    }
    Ok(found)
}

/// Whether uids alone decide, so that [`SearchKey::uids`] says everything.
pub(super) fn is_only_uids(key: &SearchKey) -> bool {
    matches!(key, SearchKey::All | SearchKey::Uid(_))
}

fn has_text(key: &SearchKey) -> bool {
    match key {
        SearchKey::Text(..) | SearchKey::Server(_) => true,
        SearchKey::Not(key) | SearchKey::NotTrue(key) => has_text(key),
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
        SearchKey::Not(key) | SearchKey::NotTrue(key) => cost(key),
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
        flagged: Option<bool>,
        received_at: Option<i64>,
        size: Option<u64>,
        sizes_asked: usize,
    }

    impl Facts for Known {
        type Error = Infallible;

        fn uid(&self) -> Uid {
            Uid::new(self.uid).unwrap()
        }

        fn has(&mut self, flag: Flag) -> Result<Option<bool>, Infallible> {
            Ok(match flag {
                Flag::Seen => Some(self.seen),
                Flag::Flagged => self.flagged,
                Flag::Answered | Flag::Deleted | Flag::Draft => Some(false),
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
            let flagged = [None, Some(false), Some(true)];
            for (seen, flagged) in [false, true].into_iter().flat_map(|seen| flagged.map(|flagged| (seen, flagged))) {
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

    type Meaning = fn(&Known) -> Option<bool>;

    /// Each key with what it means, said in another way.
    fn leaves() -> Vec<(SearchKey, Meaning)> {
        let uids = UidSet::of([1, 3].into_iter().filter_map(Uid::new)).unwrap();
        vec![
            (SearchKey::All, |_| Some(true)),
            (SearchKey::Uid(uids), |known| Some(known.uid != 2)),
            (SearchKey::Flag(Flag::Seen), |known| Some(known.seen)),
            (SearchKey::Flag(Flag::Flagged), |known| known.flagged),
            (SearchKey::Flag(Flag::Draft), |_| Some(false)),
            (SearchKey::Larger(10), |known| known.size.map(|size| size == 11)),
            (SearchKey::Smaller(10), |known| known.size.map(|size| matches!(size, 0 | 9))),
            (SearchKey::Since(day(1)), |known| Some(matches!(known.received_at, Some(at) if at / DAY >= 1))),
            (SearchKey::Before(day(1)), |known| Some(matches!(known.received_at, Some(at) if at < DAY))),
        ]
    }

    #[test]
    fn every_key_and_every_pair_of_keys_agrees_with_brute_force() {
        let holds = |key: &SearchKey, known: &Known| matches(key, &mut known.clone()).unwrap();
        let yes = Some(true);
        for known in &everyone() {
            for (left, left_is) in &leaves() {
                let not = SearchKey::Not(Box::new(left.clone()));
                assert_eq!(holds(left, known), left_is(known) == yes, "{left}");
                assert_eq!(holds(&not, known), left_is(known) == Some(false), "{not}");
                let not_true = SearchKey::NotTrue(Box::new(left.clone()));
                assert_eq!(holds(&not_true, known), left_is(known) != yes, "{not_true}");
                assert_eq!(holds(&SearchKey::NotTrue(Box::new(not)), known), left_is(known) != Some(false), "{left}");
                for (right, right_is) in &leaves() {
                    let (one, other) = (left_is(known), right_is(known));
                    // The least or the greatest, where what is unknown is between false and true.
                    let rank = |value: Option<bool>| value.map_or(1, |value| 2 * u8::from(value));
                    let and = [one, other].into_iter().min_by_key(|value| rank(*value)).unwrap();
                    let or = [one, other].into_iter().max_by_key(|value| rank(*value)).unwrap();
                    let both = SearchKey::And(vec![left.clone(), right.clone()]);
                    let either = SearchKey::Or(Box::new(left.clone()), Box::new(right.clone()));
                    let neither = SearchKey::Not(Box::new(either.clone()));
                    let not_both = SearchKey::Not(Box::new(both.clone()));
                    let nested = SearchKey::Or(Box::new(neither.clone()), Box::new(both.clone()));
                    assert_eq!(holds(&both, known), and == yes, "{both}");
                    assert_eq!(holds(&either, known), or == yes, "{either}");
                    assert_eq!(holds(&neither, known), or == Some(false), "{neither}");
                    assert_eq!(holds(&not_both, known), and == Some(false), "{not_both}");
                    assert_eq!(holds(&nested, known), or == Some(false) || and == yes, "{nested}");
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
