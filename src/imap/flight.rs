//! What a reading asks of a server, and in which steps: which messages, then what of them.
//!
//! Pure. A server is asked a superset of what is wanted, and only what it can be told; [`super::reading`] flies it.

use super::command::SET_OCTETS;
use super::quirk::Family;
use crate::mail::{Fetch, FolderScan, SearchKey, Uid, UidSet};

/// How the messages of a folder are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// All of them are wanted.
    Everything,
    /// Their uids are known.
    Uids(UidSet),
    /// The server searches.
    Search(SearchKey),
}

/// A step that messages go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What one look gives.
    Items(Fetch),
    /// Contents of parts, which only the structure names.
    Contents(Fetch),
    /// Messages that do not pass are done with.
    Sieve,
}

impl Way {
    /// How to find the messages for which a key holds.
    pub fn of(key: &SearchKey, family: &Family) -> Self {
        match key {
            SearchKey::All => Way::Everything,
            SearchKey::Uid(uids) => Way::Uids(uids.clone()),
            key => match key.uids() {
                // Too many to tell the server among other things: they say more than the rest does.
                Some(uids) if uids.to_string().len() > SET_OCTETS / 2 => Way::Uids(uids),
                _ => match weakened(key, family) {
                    Weakened { key: SearchKey::All, .. } => Way::Everything,
                    Weakened { key: SearchKey::Uid(uids), .. } => Way::Uids(uids),
                    Weakened { key, .. } if key.to_string().len() > SET_OCTETS => Way::Everything,
                    Weakened { key, .. } => Way::Search(key),
                },
            },
        }
    }

    /// The key that finds the messages.
    pub fn key(&self) -> SearchKey {
        match self {
            Way::Everything => SearchKey::All,
            Way::Uids(uids) => weakened_set(uids).key,
            Way::Search(key) => key.clone(),
        }
    }

    /// Whether a message may be among them, as far as its uid tells.
    pub fn may_have(&self, uid: Uid) -> bool {
        match self {
            Way::Everything | Way::Search(_) => true,
            Way::Uids(uids) => uids.contains(uid),
        }
    }

    /// The same without the messages in a set; nothing when none are left.
    pub fn without(&self, seen: &UidSet) -> Option<Self> {
        let rest = seen.complement()?;
        match self {
            Way::Everything => Some(Way::Uids(rest)),
            Way::Uids(uids) => uids.intersection(&rest).map(Way::Uids),
            Way::Search(key) => Some(Way::Search(weakened_set(&rest).key.and(key.clone()))),
        }
    }
}

/// The steps of a scan, in order.
pub fn steps(scan: &FolderScan) -> Vec<Step> {
    let mut steps = Vec::new();
    push(&mut steps, &scan.first);
    if let Some((rest, _)) = &scan.then {
        steps.push(Step::Sieve);
        push(&mut steps, rest);
    }
    steps
}

fn push(steps: &mut Vec<Step>, fetch: &Fetch) {
    let of_parts = fetch.preview || fetch.text || fetch.attachments;
    let mut items = fetch.clone();
    // The whole message has everything that its parts have.
    items.structure &= !fetch.raw;
    if !fetch.raw {
        (items.preview, items.text, items.attachments) = (false, false, false);
    }
    if !items.is_empty() {
        steps.push(Step::Items(items));
    }
    if of_parts && !fetch.raw {
        steps.push(Step::Contents(fetch.clone()));
    }
}

/// A key that finds no less, and whether it finds no more.
struct Weakened {
    key: SearchKey,
    is_exact: bool,
}

/// What can be asked instead of a key, without leaving a message out.
fn weakened(key: &SearchKey, family: &Family) -> Weakened {
    let exact = |key: SearchKey| Weakened { key, is_exact: true };
    let weaker = |key: SearchKey| Weakened { key, is_exact: false };
    match key {
        SearchKey::All | SearchKey::Flag(_) | SearchKey::Since(_) | SearchKey::Before(_) => exact(key.clone()),
        SearchKey::Uid(uids) => weakened_set(uids),
        SearchKey::Larger(_) | SearchKey::Smaller(_) if !family.has_exact_sizes() => weaker(SearchKey::All),
        // Numbers have 32 bits on the wire (RFC 3501 §9).
        SearchKey::Larger(octets) if *octets > u64::from(u32::MAX) => weaker(SearchKey::Larger(u32::MAX.into())),
        SearchKey::Smaller(octets) if *octets > u64::from(u32::MAX) => weaker(SearchKey::All),
        SearchKey::Larger(_) | SearchKey::Smaller(_) => exact(key.clone()),
        SearchKey::Not(inner) => match weakened(inner, family) {
            Weakened { key, is_exact: true } => exact(!key),
            Weakened { is_exact: false, .. } => weaker(SearchKey::All),
        },
        SearchKey::And(keys) => {
            let mut all = exact(SearchKey::All);
            for key in keys.iter().map(|key| weakened(key, family)) {
                all = Weakened { key: all.key.and(key.key), is_exact: all.is_exact && key.is_exact };
            }
            all
        }
        SearchKey::Or(left, right) => {
            let (left, right) = (weakened(left, family), weakened(right, family));
            Weakened { key: left.key.or(right.key), is_exact: left.is_exact && right.is_exact }
        }
    }
}

/// A set that is too long for a command becomes all from its lowest to its highest.
fn weakened_set(uids: &UidSet) -> Weakened {
    let ranges = uids.ranges();
    if uids.to_string().len() <= SET_OCTETS / 2 {
        return Weakened { key: SearchKey::Uid(uids.clone()), is_exact: true };
    }
    let hull = ranges.first().zip(ranges.last()).and_then(|(first, last)| UidSet::range(first.0, last.1));
    Weakened { key: hull.map_or(SearchKey::All, SearchKey::Uid), is_exact: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::capability::Capabilities;
    use crate::mail::Flag;

    fn of(key: &SearchKey, greeting: &str) -> String {
        match Way::of(key, Family::of(greeting, "", &Capabilities::default())) {
            Way::Everything => "everything".to_owned(),
            Way::Uids(uids) => uids.to_string(),
            Way::Search(key) => format!("search {key}"),
        }
    }

    fn way(key: &SearchKey) -> String {
        of(key, "")
    }

    /// Every other uid: too many ranges for a command.
    fn scattered() -> UidSet {
        UidSet::of((1..5_000).filter_map(|number| Uid::new(number * 2))).unwrap()
    }

    #[test]
    fn what_needs_no_search_is_not_searched() {
        assert_eq!(way(&SearchKey::All), "everything");
        let uids = UidSet::of([Uid::new(5).unwrap()]).unwrap();
        assert_eq!(way(&SearchKey::Uid(uids.clone())), "5");
        assert_eq!(way(&SearchKey::Uid(uids).and(SearchKey::Flag(Flag::Seen))), "search UID 5 SEEN");
    }

    #[test]
    fn a_set_that_is_too_long_is_fetched_and_not_searched() {
        let set = scattered();
        assert_eq!(way(&SearchKey::Uid(set.clone()).and(SearchKey::Flag(Flag::Seen))), set.to_string());
        let either = SearchKey::Uid(set.clone()).or(SearchKey::Flag(Flag::Seen));
        assert_eq!(way(&either), "search OR UID 2:9998 SEEN");
        assert_eq!(way(&!SearchKey::Uid(set)), "everything", "the complement of more would be less");
    }

    #[test]
    fn a_server_that_estimates_sizes_is_not_asked_for_them() {
        let exchange = "The Microsoft Exchange IMAP4 service is ready.";
        let key = SearchKey::Larger(10).and(SearchKey::Flag(Flag::Seen));
        assert_eq!(way(&key), "search LARGER 10 SEEN");
        assert_eq!(of(&key, exchange), "search SEEN");
        assert_eq!(of(&!key, exchange), "everything");
        assert_eq!(of(&SearchKey::Larger(10).or(SearchKey::Flag(Flag::Seen)), exchange), "everything");
    }

    #[test]
    fn numbers_that_the_wire_cannot_hold_are_weakened() {
        assert_eq!(way(&SearchKey::Larger(1 << 40)), "search LARGER 4294967295");
        assert_eq!(way(&!SearchKey::Larger(1 << 40)), "everything");
        assert_eq!(way(&SearchKey::Smaller(1 << 40)), "everything");
    }

    #[test]
    fn keys_without_words_are_made_sayable() {
        assert_eq!(way(&SearchKey::And(Vec::new())), "everything");
        assert_eq!(way(&!SearchKey::And(Vec::new())), "search NOT ALL");
    }

    #[test]
    fn what_was_seen_is_not_asked_again() {
        let seen = UidSet::range(Uid::MIN, Uid::new(9).unwrap()).unwrap();
        assert_eq!(Way::Everything.without(&seen), UidSet::range(Uid::new(10).unwrap(), Uid::MAX).map(Way::Uids));
        let rest = Way::Search(SearchKey::Flag(Flag::Seen)).without(&seen).unwrap();
        assert_eq!(rest.key().to_string(), "UID 10:* SEEN");
        assert_eq!(Way::Uids(seen.clone()).without(&seen), None);
    }

    #[test]
    fn contents_are_a_step_of_their_own_unless_the_whole_message_is_read() {
        let text = Fetch { structure: true, text: true, ..Fetch::default() };
        let mut steps = Vec::new();
        push(&mut steps, &text);
        assert_eq!(steps, [Step::Items(Fetch { structure: true, ..Fetch::default() }), Step::Contents(text.clone())]);
        steps.clear();
        push(&mut steps, &Fetch { raw: true, ..text.clone() });
        assert_eq!(steps, [Step::Items(Fetch { raw: true, structure: false, ..text })]);
    }
}
