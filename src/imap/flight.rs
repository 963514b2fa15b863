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
        // What contains a text differs from server to server; the complement would lose messages.
        SearchKey::Text(..) => weaker(key.clone()),
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
    use crate::mail::{Flag, SearchText, TextField};

    #[test]
    fn text_is_asked_for_and_its_complement_is_not() {
        let family = Family::of("", "", &Capabilities::default());
        let text = SearchKey::Text(TextField::Subject, SearchText::new("invoice").unwrap());
        let unseen = !SearchKey::Flag(Flag::Seen);
        let both = unseen.clone().and(text.clone());
        assert_eq!(Way::of(&both, family), Way::Search(both.clone()));
        assert_eq!(Way::of(&!text.clone(), family), Way::Everything);
        assert_eq!(Way::of(&!both, family), Way::Everything);
        assert_eq!(Way::of(&(!text).and(unseen.clone()), family), Way::Search(unseen));
    }
}
