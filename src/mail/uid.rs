//! Unique identifiers of messages, and sets of them (RFC 9051 §2.3.1.1, `sequence-set`).
//!
//! A [`Uid`] is never zero and a [`UidSet`] never empty: what IMAP cannot say cannot be built.

use std::fmt;
use std::num::NonZeroU32;

/// The identifier of a message in its folder, ascending in order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(NonZeroU32);

impl Uid {
    /// The lowest uid there is.
    pub const MIN: Uid = Uid(NonZeroU32::MIN);
    /// The highest uid there is.
    pub const MAX: Uid = Uid(NonZeroU32::MAX);

    /// Takes a number as a uid, unless it is zero.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number.
    pub fn number(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Says whether the uids of a folder still mean the same messages (RFC 9051 §2.3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UidValidity(pub u32);

/// A set of uids, at least one, kept as ascending ranges that do not touch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UidSet(Vec<(Uid, Uid)>);

impl UidSet {
    /// The uids from `low` to `high`, both included; nothing when `low > high`.
    pub fn range(low: Uid, high: Uid) -> Option<Self> {
        (low <= high).then(|| Self(vec![(low, high)]))
    }

    /// The set of these uids, in any order; nothing when there are none.
    pub fn of(uids: impl IntoIterator<Item = Uid>) -> Option<Self> {
        Self::of_ranges(uids.into_iter().map(|uid| (uid, uid)).collect())
    }

    /// The set as IMAP writes it, in any order and with ranges either way round; nothing when that is no set.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| if text == "*" { Some(Uid::MAX) } else { text.parse().ok().and_then(Uid::new) };
        let range = |item: &str| {
            let (low, high) = item.split_once(':').unwrap_or((item, item));
            let (low, high) = (number(low)?, number(high)?);
            Some((low.min(high), low.max(high)))
        };
        text.split(',').map(range).collect::<Option<Vec<_>>>().and_then(Self::of_ranges)
    }

    /// The uids in both sets; nothing when there are none.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let mut both = Vec::new();
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(&&(a, b)), Some(&&(c, d))) = (left.peek(), right.peek()) {
            if a.max(c) <= b.min(d) {
                both.push((a.max(c), b.min(d)));
            }
            if b < d {
                left.next()
            } else {
                right.next()
            };
        }
        Self::of_ranges(both)
    }

    /// The uids in either set.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.0.extend_from_slice(&other.0);
        Self(merged(self.0))
    }

    /// The uids that are not in the set; nothing when it holds all of them.
    pub fn complement(&self) -> Option<Self> {
        let mut gaps = Vec::new();
        let mut next = Some(Uid::MIN);
        for &(low, high) in &self.0 {
            if let Some(start) = next
                && let Some(end) = Uid::new(low.number() - 1)
                && start <= end
            {
                gaps.push((start, end));
            }
            next = high.number().checked_add(1).and_then(Uid::new);
        }
        gaps.extend(next.map(|start| (start, Uid::MAX)));
        Self::of_ranges(gaps)
    }

    /// Whether the uid is in the set.
    pub fn contains(&self, uid: Uid) -> bool {
        let after = self.0.partition_point(|&(low, _)| low <= uid);
        after > 0 && self.0[after - 1].1 >= uid
    }

    /// The same as a server is asked: the highest uid of all is left out where it stands alone beside others. No message
    /// has it, as the next one needs a higher one, and Cyrus 3.6 finds nothing of `3,4294967295`.
    #[must_use]
    pub fn askable(&self) -> Self {
        match self.0.as_slice() {
            [rest @ .., (Uid::MAX, Uid::MAX)] if !rest.is_empty() => Self(rest.to_vec()),
            _ => self.clone(),
        }
    }

    /// How many uids are in the set.
    pub fn count(&self) -> u64 {
        self.ranges().iter().map(|(low, high)| u64::from(high.number() - low.number()) + 1).sum()
    }

    /// The ranges, ascending, both ends included.
    pub fn ranges(&self) -> &[(Uid, Uid)] {
        &self.0
    }

    /// The set of these ranges, in any order; nothing when there are none.
    pub fn of_ranges(ranges: Vec<(Uid, Uid)>) -> Option<Self> {
        (!ranges.is_empty()).then(|| Self(merged(ranges)))
    }
}

impl fmt::Display for UidSet {
    /// As IMAP writes it: `1:5,9,12:*` without spaces, the highest possible uid as `*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, &(low, high)) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            match (low == high, high == Uid::MAX) {
                (true, _) => write!(f, "{comma}{low}")?,
                (false, true) => write!(f, "{comma}{low}:*")?,
                (false, false) => write!(f, "{comma}{low}:{high}")?,
            }
        }
        Ok(())
    }
}

fn merged(mut ranges: Vec<(Uid, Uid)>) -> Vec<(Uid, Uid)> {
    ranges.sort_unstable();
    let mut whole: Vec<(Uid, Uid)> = Vec::with_capacity(ranges.len());
    for (low, high) in ranges {
        match whole.last_mut() {
            Some(last) if low.number() <= last.1.number().saturating_add(1) => last.1 = last.1.max(high),
            _ => whole.push((low, high)),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[u32]) -> UidSet {
        UidSet::of(numbers.iter().copied().filter_map(Uid::new)).unwrap()
    }

    #[test]
    fn what_no_message_can_have_is_not_asked_for_beside_others() {
        for (numbers, askable) in
            [(&[3, 9, u32::MAX][..], "3,9"), (&[u32::MAX], "4294967295"), (&[u32::MAX - 1, u32::MAX], "4294967294:*")]
        {
            assert_eq!(set(numbers).askable().to_string(), askable);
        }
    }

    #[test]
    fn neighbours_become_a_range() {
        assert_eq!(set(&[3, 1, 2, 9, 5, 3]).to_string(), "1:3,5,9");
    }

    #[test]
    fn a_set_meets_its_complement_nowhere_and_covers_everything_with_it() {
        let some = set(&[1, 4, 5, 4_294_967_295]);
        let rest = some.complement().unwrap();
        assert_eq!(rest.to_string(), "2:3,6:4294967294");
        assert_eq!(some.intersection(&rest), None);
        assert_eq!(some.union(&rest).complement(), None);
    }

    #[test]
    fn an_intersection_holds_what_both_hold() {
        let left = UidSet::range(Uid::new(3).unwrap(), Uid::MAX).unwrap();
        assert_eq!(left.intersection(&set(&[1, 2, 3, 7])), Some(set(&[3, 7])));
        assert!(left.contains(Uid::MAX) && !left.contains(Uid::MIN));
        assert_eq!(left.to_string(), "3:*");
    }

    #[test]
    fn a_set_is_read_as_it_is_written() {
        for text in ["1", "1:5,9", "3:*"] {
            assert_eq!(UidSet::parse(text).map(|set| set.to_string()).as_deref(), Some(text));
        }
        assert_eq!(UidSet::parse("9:5,6,1").unwrap().to_string(), "1,5:9");
        for text in ["", "0", "1,", "1:", "a", "1:2:3", "-1", "4294967296", "1 2"] {
            assert_eq!(UidSet::parse(text), None, "{text}");
        }
    }
}
