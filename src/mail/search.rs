//! Search keys (RFC 9051 §6.4.4): what a store may be asked, as plain data.
//!
//! A key describes a superset of what a statement wants; nobody trusts it to be more. All but text is
//! answered by every store without losing a message; text is for stores whose user says that they do, and what a person
//! asks a server in its own words is answered by that server alone.

use std::fmt;

use chrono::NaiveDate;

use super::{Flag, SearchText, ServerSearch, TextField, UidSet};

/// A condition on a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchKey {
    /// Every message.
    All,
    /// Messages whose uid is in the set.
    Uid(UidSet),
    /// Messages with the flag.
    Flag(Flag),
    /// Messages of more octets than this.
    Larger(u64),
    /// Messages of fewer octets than this.
    Smaller(u64),
    /// Messages received on or after that day.
    Since(NaiveDate),
    /// Messages received before that day.
    Before(NaiveDate),
    /// Messages with the text in a field, in any case; what that means, every store knows best.
    Text(TextField, SearchText),
    /// Messages that a server finds by what a person asks it; a store that is no server refuses.
    Server(ServerSearch),
    /// Messages for which it is known that the key does not hold.
    Not(Box<SearchKey>),
    /// Messages for which it is not known that the key holds: those of [`SearchKey::Not`], and those with a flag that decides
    /// and is not known. To a server, which knows all flags, both are the same.
    NotTrue(Box<SearchKey>),
    /// Messages for which every key holds; the protocol has no word for it, keys just follow each other.
    And(Vec<SearchKey>),
    /// Messages for which either key holds.
    Or(Box<SearchKey>, Box<SearchKey>),
}

impl SearchKey {
    /// Both keys together.
    #[must_use]
    pub fn and(self, other: SearchKey) -> SearchKey {
        match (self, other) {
            (SearchKey::All, key) | (key, SearchKey::All) => key,
            (SearchKey::Uid(left), SearchKey::Uid(right)) => match left.intersection(&right) {
                Some(both) => SearchKey::Uid(both),
                None => SearchKey::And(vec![SearchKey::Uid(left), SearchKey::Uid(right)]),
            },
            (SearchKey::And(mut keys), SearchKey::And(more)) => {
                keys.extend(more);
                SearchKey::And(keys)
            }
            (SearchKey::And(mut keys), key) => {
                keys.push(key);
                SearchKey::And(keys)
            }
            (key, SearchKey::And(mut keys)) => {
                keys.insert(0, key);
                SearchKey::And(keys)
            }
            (left, right) => SearchKey::And(vec![left, right]),
        }
    }

    /// One key or the other.
    #[must_use]
    pub fn or(self, other: SearchKey) -> SearchKey {
        match (self, other) {
            (SearchKey::All, _) | (_, SearchKey::All) => SearchKey::All,
            (SearchKey::Uid(left), SearchKey::Uid(right)) => SearchKey::Uid(left.union(&right)),
            (left, right) => SearchKey::Or(Box::new(left), Box::new(right)),
        }
    }

    /// What of it is asked in a person's words, so that only a server can answer.
    pub fn server_search(&self) -> Option<&ServerSearch> {
        match self {
            SearchKey::Server(search) => Some(search),
            SearchKey::Not(key) | SearchKey::NotTrue(key) => key.server_search(),
            SearchKey::And(keys) => keys.iter().find_map(SearchKey::server_search),
            SearchKey::Or(left, right) => left.server_search().or_else(|| right.server_search()),
            SearchKey::All
            | SearchKey::Uid(_)
            | SearchKey::Flag(_)
            | SearchKey::Larger(_)
            | SearchKey::Smaller(_)
            | SearchKey::Since(_)
            | SearchKey::Before(_)
            | SearchKey::Text(..) => None,
        }
    }

    /// The uids that a message must be among, where the key says so by itself.
    pub fn uids(&self) -> Option<UidSet> {
        match self {
            SearchKey::Uid(uids) => Some(uids.clone()),
            SearchKey::And(keys) => {
                keys.iter().filter_map(SearchKey::uids).reduce(|left, right| left.intersection(&right).unwrap_or(left))
            }
            SearchKey::All
            | SearchKey::Flag(_)
            | SearchKey::Larger(_)
            | SearchKey::Smaller(_)
            | SearchKey::Since(_)
            | SearchKey::Before(_)
            | SearchKey::Text(..)
            | SearchKey::Server(_)
            | SearchKey::Not(_)
            | SearchKey::NotTrue(_)
            | SearchKey::Or(..) => None,
        }
    }
}

/// The complement.
impl std::ops::Not for SearchKey {
    type Output = SearchKey;

    fn not(self) -> SearchKey {
        match self {
            SearchKey::Not(key) => *key,
            key => SearchKey::Not(Box::new(key)),
        }
    }
}

impl fmt::Display for SearchKey {
    /// As the SEARCH command writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SearchKey::All => f.write_str("ALL"),
            SearchKey::Uid(uids) => write!(f, "UID {uids}"),
            SearchKey::Flag(flag) => f.write_str(flag.key()),
            SearchKey::Larger(octets) => write!(f, "LARGER {octets}"),
            SearchKey::Smaller(octets) => write!(f, "SMALLER {octets}"),
            SearchKey::Since(day) => write!(f, "SINCE {}", day.format("%-d-%b-%Y")),
            SearchKey::Before(day) => write!(f, "BEFORE {}", day.format("%-d-%b-%Y")),
            SearchKey::Text(field, text) => write!(f, "{field} {text}"),
            SearchKey::Server(search) => search.fmt(f),
            SearchKey::Not(key) => match key.as_ref() {
                SearchKey::Flag(flag) => f.write_str(flag.unset_key()),
                key => {
                    f.write_str("NOT ")?;
                    key.operand(f)
                }
            },
            SearchKey::NotTrue(key) => write!(f, "{}", !key.as_ref().clone()),
            SearchKey::And(keys) => {
                for (position, key) in keys.iter().enumerate() {
                    f.write_str(if position == 0 { "" } else { " " })?;
                    write!(f, "{key}")?;
                }
                Ok(())
            }
            SearchKey::Or(left, right) => {
                f.write_str("OR ")?;
                left.operand(f)?;
                f.write_str(" ")?;
                right.operand(f)
            }
        }
    }
}

impl SearchKey {
    fn operand(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SearchKey::And(_) => write!(f, "({self})"),
            key => write!(f, "{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Uid;

    #[test]
    fn keys_are_written_as_the_rfc_writes_them() {
        let day = NaiveDate::from_ymd_opt(2025, 12, 1).unwrap();
        let unseen = !SearchKey::Flag(Flag::Seen);
        let key = unseen.clone().and(SearchKey::Since(day)).and(SearchKey::Larger(10));
        assert_eq!(key.to_string(), "UNSEEN SINCE 1-Dec-2025 LARGER 10");
        assert_eq!((!key.clone()).to_string(), "NOT (UNSEEN SINCE 1-Dec-2025 LARGER 10)");
        assert_eq!(key.or(unseen).to_string(), "OR (UNSEEN SINCE 1-Dec-2025 LARGER 10) UNSEEN");
    }

    #[test]
    fn text_is_written_in_quotes() {
        let text = |text| SearchText::new(text).unwrap();
        let subject = SearchKey::Text(TextField::Subject, text("50% off"));
        let id = SearchKey::Text(TextField::MessageId, text("1@example.org"));
        assert_eq!(
            subject.clone().and(id.clone()).to_string(),
            r#"SUBJECT "50% off" HEADER Message-ID "1@example.org""#
        );
        assert_eq!(subject.or(id).to_string(), r#"OR SUBJECT "50% off" HEADER Message-ID "1@example.org""#);
    }

    #[test]
    fn uids_that_exclude_each_other_find_nothing() {
        let one = |number| SearchKey::Uid(UidSet::of(Uid::new(number)).unwrap());
        assert_eq!(one(1).and(one(2)).to_string(), "UID 1 UID 2");
        assert_eq!(one(1).or(one(2)).to_string(), "UID 1:2");
    }
}
