//! What a reading asks of a server, and in which steps: which messages, then what of them.
//!
//! Pure. A server is asked a superset of what is wanted, and only what it can be told; [`super::reading`] flies it.

use super::capability::Capabilities;
use super::command::{self, Command, SET_OCTETS, SearchResult};
use super::quirk::Family;
use crate::mail::store::Unreadable;
use crate::mail::{Fetch, Flag, FolderScan, SearchKey, Uid, UidSet};

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
            // Nothing else finds what it finds, however long it is.
            SearchKey::Server(_) => Way::Search(key.clone()),
            key => match key.uids() {
                // Too many to tell the server among other things: they say more than the rest does.
                Some(uids) if uids.to_string().len() > SET_OCTETS / 2 => Way::Uids(uids),
                _ => match weakened(key, family) {
                    SearchKey::All => Way::Everything,
                    SearchKey::Uid(uids) => Way::Uids(uids),
                    key if key.to_string().len() > SET_OCTETS => Way::Everything,
                    key => Way::Search(key),
                },
            },
        }
    }

    /// The key that finds the messages.
    pub fn key(&self) -> SearchKey {
        match self {
            Way::Everything => SearchKey::All,
            Way::Uids(uids) => weakened_set(uids),
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

    /// The same without the messages in a set, as far as they can be left out; nothing when none are left.
    pub fn without(&self, seen: &UidSet) -> Option<Self> {
        let rest = seen.complement()?;
        match self {
            Way::Everything => Some(Way::Uids(rest)),
            Way::Uids(uids) => uids.intersection(&rest).map(Way::Uids),
            // What it finds of the others is left out when it is there.
            Way::Search(key) => Some(Way::Search(key.clone())),
        }
    }
}

/// The steps of a scan, in order.
pub fn steps(scan: &FolderScan) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut first = scan.first.clone();
    let is_known = scan.key.uids().is_some_and(|uids| uids.count() <= FEW);
    if first.raw && !is_known {
        // Whole messages are not asked for before it is known how much that is.
        push(&mut steps, &Fetch { size: true, ..Fetch::default() }, false);
    }
    // The size of a whole message tells whether all of it came.
    first.size |= first.raw && is_known || scan.then.as_ref().is_some_and(|(rest, _)| rest.raw);
    if scan.statement.terms().unreadable == Unreadable::Skip && first.is_empty() {
        // A message that cannot be delivered shows only when something of it is asked for.
        first.flags = true;
    }
    push(&mut steps, &first, false);
    if let Some((rest, _)) = &scan.then {
        steps.push(Step::Sieve);
        push(&mut steps, rest, scan.first.structure || scan.first.has_content());
    }
    steps
}

/// So many messages are read whole without their sizes being asked for.
const FEW: u64 = 16;

fn push(steps: &mut Vec<Step>, fetch: &Fetch, knows_structure: bool) {
    let of_parts = fetch.preview || fetch.text || fetch.attachments;
    let mut items = fetch.clone();
    // Only the structure names parts. The whole message has everything that its parts have.
    items.structure = (fetch.structure || of_parts) && !fetch.raw && !knows_structure;
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

/// Leaves out of the steps what the server does not have, so that nobody waits for it.
pub fn limit(steps: &mut [Step], able: &Capabilities) {
    for step in steps {
        if let Step::Items(items) = step {
            let is_gmail = able.has("X-GM-EXT-1");
            items.labels &= is_gmail;
            items.thread_id &= is_gmail || able.has("OBJECTID");
            items.email_id &= is_gmail || able.has("OBJECTID");
            items.mod_seq &= able.has("CONDSTORE");
        }
    }
}

/// What a server is asked of messages: where its structures are to be checked, the sizes that this needs come with them.
pub fn asked(items: &Fetch, family: &Family) -> Fetch {
    Fetch { size: items.size || items.structure && family.needs_checked_structures(), ..items.clone() }
}

/// The command that tells how many messages there are of a set, where the set does not tell: nothing for a few uids,
/// which are mostly there.
pub fn counted(uids: &UidSet, family: &Family, able: &Capabilities) -> Option<Command> {
    if uids.count() <= FEW {
        return None;
    }
    let key = exactly(&SearchKey::Uid(uids.clone()), family)?;
    let result = if able.has("ESEARCH") { SearchResult::Number } else { SearchResult::Uids };
    Some(command::search(&key, result, able))
}

/// The key that finds just the messages for which a key holds, neither fewer nor more; nothing where it cannot be said.
///
/// No OR: Dovecot 2.3 finds too few for some, so they are weakened.
pub fn exactly(key: &SearchKey, family: &Family) -> Option<SearchKey> {
    bounded(all_of(exact_parts(key, false, family)?))
}

/// The keys that must all hold, where each can be asked exactly; of the complement when it is negated.
fn exact_parts(key: &SearchKey, is_negated: bool, family: &Family) -> Option<Vec<SearchKey>> {
    let parts = |keys: &[&SearchKey]| {
        let parts = keys.iter().map(|key| exact_parts(key, is_negated, family)).collect::<Option<Vec<_>>>();
        parts.map(|parts| parts.concat())
    };
    let is_exact = match key {
        SearchKey::All | SearchKey::Flag(_) => true,
        SearchKey::Uid(uids) => uids.to_string().len() <= SET_OCTETS / 2,
        SearchKey::Larger(octets) | SearchKey::Smaller(octets) => family.has_exact_sizes() && *octets <= MOST_OCTETS,
        SearchKey::Not(inner) | SearchKey::NotTrue(inner) => return exact_parts(inner, !is_negated, family),
        SearchKey::And(keys) if !is_negated => return parts(&keys.iter().collect::<Vec<_>>()),
        SearchKey::Or(left, right) if is_negated => return parts(&[left, right]),
        SearchKey::Since(_)
        | SearchKey::Before(_)
        | SearchKey::Text(..)
        | SearchKey::Server(_)
        | SearchKey::And(_)
        | SearchKey::Or(..) => false,
    };
    let part = || if is_negated { weakened_complement(key, family) } else { weakened(key, family) };
    is_exact.then(|| vec![part()])
}

/// The same without stars: `9:*` has the last message, whatever its uid is (RFC 9051 §9, seq-range).
fn bounded(key: SearchKey) -> Option<SearchKey> {
    Some(match key {
        // No message has the highest uid of all, as the next one needs a higher one.
        SearchKey::Uid(uids) => match UidSet::range(Uid::MIN, Uid::new(u32::MAX - 1)?)?.intersection(&uids) {
            Some(uids) => SearchKey::Uid(uids),
            None => !SearchKey::All,
        },
        SearchKey::And(keys) => SearchKey::And(keys.into_iter().map(bounded).collect::<Option<_>>()?),
        key => key,
    })
}

/// The highest size that is said to a server. Numbers have 32 bits on the wire (RFC 3501 §9), but Cyrus 3.6 reads them with
/// a sign, and ends the connection at a higher one.
const MOST_OCTETS: u64 = 0x7fff_ffff;

/// What can be asked instead of a key: it finds no less.
fn weakened(key: &SearchKey, family: &Family) -> SearchKey {
    match key {
        SearchKey::Uid(uids) => weakened_set(uids),
        SearchKey::Text(..) if !family.finds_substrings() => SearchKey::All,
        SearchKey::Larger(_) | SearchKey::Smaller(_) if !family.has_exact_sizes() => SearchKey::All,
        SearchKey::Larger(octets) => SearchKey::Larger((*octets).min(MOST_OCTETS)),
        SearchKey::Smaller(octets) if *octets > MOST_OCTETS => SearchKey::All,
        SearchKey::All
        | SearchKey::Flag(_)
        | SearchKey::Smaller(_)
        | SearchKey::Since(_)
        | SearchKey::Before(_)
        | SearchKey::Text(..)
        | SearchKey::Server(_) => key.clone(),
        SearchKey::Not(inner) | SearchKey::NotTrue(inner) => weakened_complement(inner, family),
        SearchKey::And(keys) => all_of(keys.iter().map(|key| weakened(key, family))),
        SearchKey::Or(left, right) => one_of(weakened(left, family), weakened(right, family)),
    }
}

/// What can be asked instead of the complement of a key.
///
/// Nothing but a flag is negated. What is weakened and then negated would leave messages out; and Dovecot 2.3 forgets
/// negations where it simplifies: `OR NOT (SEEN DELETED) DELETED` is `DELETED` to it, and the later of two days counts
/// in `OR NOT BEFORE 2-Jan-2025 NOT BEFORE 9-Jan-2025`.
fn weakened_complement(key: &SearchKey, family: &Family) -> SearchKey {
    let complement = |key: &SearchKey| weakened_complement(key, family);
    match key {
        SearchKey::All => nothing(),
        // What contains a text differs from server to server; the complement would lose messages.
        SearchKey::Text(..) | SearchKey::Server(_) => SearchKey::All,
        SearchKey::Flag(_) => !key.clone(),
        SearchKey::Uid(uids) => uids.complement().map_or_else(nothing, |rest| weakened_set(&rest)),
        SearchKey::Larger(octets) => {
            octets.checked_add(1).map_or(SearchKey::All, |octets| weakened(&SearchKey::Smaller(octets), family))
        }
        SearchKey::Smaller(octets) => {
            octets.checked_sub(1).map_or(SearchKey::All, |octets| weakened(&SearchKey::Larger(octets), family))
        }
        SearchKey::Since(day) => SearchKey::Before(*day),
        SearchKey::Before(day) => SearchKey::Since(*day),
        SearchKey::Not(inner) | SearchKey::NotTrue(inner) => weakened(inner, family),
        SearchKey::And(keys) => keys.iter().map(complement).reduce(one_of).unwrap_or_else(nothing),
        SearchKey::Or(left, right) => all_of([complement(left), complement(right)]),
    }
}

fn nothing() -> SearchKey {
    !SearchKey::All
}

/// All of the keys, each once: what is said twice, or together with what is impossible, confuses Dovecot 2.3.
fn all_of(keys: impl IntoIterator<Item = SearchKey>) -> SearchKey {
    let mut all: Vec<SearchKey> = Vec::new();
    for key in keys {
        if key == nothing() {
            return key;
        }
        if !all.contains(&key) {
            all.push(key);
        }
    }
    all.into_iter().fold(SearchKey::All, SearchKey::and)
}

/// One key or the other. Of two flags that are not set, Dovecot 2.3 finds only messages that have neither, so such an OR is
/// not asked: `OR UNSEEN UNFLAGGED`, and `OR (UNSEEN DRAFT) (UNFLAGGED DRAFT)`, which it makes the same of.
fn one_of(left: SearchKey, right: SearchKey) -> SearchKey {
    if left == nothing() || left == right {
        return right;
    }
    if right == nothing() {
        return left;
    }
    let mut unset = unset_flags(&left);
    unset.extend(unset_flags(&right));
    if unset.iter().any(|flag| *flag != unset[0]) { SearchKey::All } else { left.or(right) }
}

/// Flags that must not be set, wherever that stands in a key.
fn unset_flags(key: &SearchKey) -> Vec<Flag> {
    match key {
        SearchKey::Not(inner) | SearchKey::NotTrue(inner) => match inner.as_ref() {
            SearchKey::Flag(flag) => vec![*flag],
            inner => unset_flags(inner),
        },
        SearchKey::And(keys) => keys.iter().flat_map(unset_flags).collect(),
        SearchKey::Or(left, right) => [unset_flags(left), unset_flags(right)].concat(),
        SearchKey::All
        | SearchKey::Uid(_)
        | SearchKey::Flag(_)
        | SearchKey::Larger(_)
        | SearchKey::Smaller(_)
        | SearchKey::Since(_)
        | SearchKey::Before(_)
        | SearchKey::Text(..)
        | SearchKey::Server(_) => Vec::new(),
    }
}

/// A set that is too long for a command becomes all from its lowest to its highest.
fn weakened_set(uids: &UidSet) -> SearchKey {
    let uids = uids.askable();
    let ranges = uids.ranges();
    if ranges == [(Uid::MAX, Uid::MAX)] {
        // It would be one of a set with others that are asked for beside it.
        return nothing();
    }
    if uids.to_string().len() <= SET_OCTETS / 2 {
        return SearchKey::Uid(uids);
    }
    let hull = ranges.first().zip(ranges.last()).and_then(|(first, last)| UidSet::range(first.0, last.1));
    hull.map_or(SearchKey::All, SearchKey::Uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{SearchText, TextField};

    #[test]
    fn what_a_server_does_not_have_is_not_waited_for() {
        let items =
            Fetch { flags: true, labels: true, thread_id: true, email_id: true, mod_seq: true, ..Fetch::default() };
        let limited = |capabilities: &[&str]| {
            let mut steps = [Step::Sieve, Step::Items(items.clone())];
            limit(&mut steps, &Capabilities::of(capabilities));
            let Step::Items(items) = &steps[1] else { unreachable!("steps stay what they are") };
            items.to_string()
        };
        assert_eq!(limited(&["IMAP4REV1"]), "UID FLAGS");
        assert_eq!(limited(&["OBJECTID", "CONDSTORE"]), "UID FLAGS THREADID EMAILID MODSEQ");
        assert_eq!(limited(&["X-GM-EXT-1"]), "UID FLAGS LABELS THREADID EMAILID");
    }

    #[test]
    fn a_key_is_asked_without_negations_and_numbers_that_are_none() {
        let uids = |text: &str| SearchKey::Uid(UidSet::parse(text).unwrap());
        let day = |day| SearchKey::Before(chrono::NaiveDate::from_ymd_opt(2025, 1, day).unwrap());
        let (seen, deleted) = (SearchKey::Flag(Flag::Seen), SearchKey::Flag(Flag::Deleted));
        let both = seen.clone().and(deleted.clone());
        let huge = || SearchKey::Larger(u64::MAX);
        for (key, expected) in [
            // `105:*` has the last message, whatever its uid is (RFC 9051 §9, seq-range): its contrary must not be asked.
            (!uids("105:*"), "UID 1:104"),
            (SearchKey::Not(Box::new(SearchKey::Not(Box::new(!uids("105:*"))))), "UID 1:104"),
            (!uids("5,9"), "UID 1:4,6:8,10:*"),
            (!uids("1:*"), "NOT ALL"),
            (!(uids("105:*").or(SearchKey::Smaller(3))), "UID 1:104 LARGER 2"),
            (!huge(), "ALL"),
            (!SearchKey::Larger(u32::MAX.into()), "ALL"),
            (SearchKey::Larger(2_147_483_648), "LARGER 2147483647"),
            // No message has the highest uid, and Cyrus finds nothing of a set with it.
            (uids("4").or(SearchKey::Larger(2)).or(uids("4294967295")), "OR UID 4 LARGER 2"),
            (uids("4,4294967295").or(SearchKey::Larger(2)), "OR UID 4 LARGER 2"),
            (SearchKey::Smaller(2_147_483_647), "SMALLER 2147483647"),
            (!SearchKey::Larger(2_147_483_647), "ALL"),
            (!SearchKey::Smaller(0), "ALL"),
            (!SearchKey::Larger(7), "SMALLER 8"),
            (SearchKey::Smaller(1 << 32), "ALL"),
            (huge().or(!SearchKey::And(vec![])), "LARGER 2147483647"),
            (!(huge().or(seen.clone())), "UNSEEN"),
            (SearchKey::And(vec![]), "ALL"),
            // Dovecot 2.3 finds what has neither flag.
            (!both.clone(), "ALL"),
            ((!both).or(deleted.clone()), "ALL"),
            ((!seen.clone()).and(huge()).or(!deleted.clone()), "ALL"),
            ((!seen.clone()).or(!seen.clone()).or(deleted.clone()), "OR UNSEEN DELETED"),
            ((!seen.clone()).and(!deleted.clone()), "UNSEEN UNDELETED"),
            (seen.clone().and(seen.clone()).and(nothing()).or(deleted.clone().and(deleted)), "DELETED"),
            ((!day(2)).or(!day(9)), "OR SINCE 2-Jan-2025 SINCE 9-Jan-2025"),
            (!((!day(2)).and(!seen)), "OR BEFORE 2-Jan-2025 SEEN"),
        ] {
            assert_eq!(weakened(&key, Family::of("", "", &Capabilities::default())).to_string(), expected, "{key}");
        }
    }

    #[test]
    fn what_is_counted_is_asked_exactly_or_not_at_all() {
        let uids = |text: &str| SearchKey::Uid(UidSet::parse(text).unwrap());
        let exchange = "The Microsoft Exchange IMAP4 service is ready.";
        let day = SearchKey::Since(chrono::NaiveDate::from_ymd_opt(2025, 1, 2).unwrap());
        let seen = SearchKey::Flag(Flag::Seen);
        for (key, greeting, expected) in [
            (SearchKey::All, "", Some("ALL")),
            (uids("9:*"), "", Some("UID 9:4294967294")),
            (!uids("1:8"), "", Some("UID 9:4294967294")),
            (seen.clone().and(!uids("5")), "", Some("SEEN UID 1:4,6:4294967294")),
            (SearchKey::Larger(7).or(seen.clone()), "", None),
            (!(SearchKey::Larger(7).or(seen.clone())), "", Some("SMALLER 8 UNSEEN")),
            (!(SearchKey::Flag(Flag::Flagged).and(seen.clone())), "", None),
            (!SearchKey::All, "", Some("NOT ALL")),
            (SearchKey::Larger(7), exchange, None),
            (SearchKey::Smaller(1 << 32), "", None),
            (seen.clone().or(day.clone()), "", None),
            (!day, "", None),
            (SearchKey::Uid(scattered()), "", None),
            (SearchKey::Text(TextField::Subject, SearchText::new("invoice").unwrap()), "", None),
        ] {
            let asked = exactly(&key, Family::of(greeting, "", &Capabilities::default()));
            assert_eq!(asked.map(|key| key.to_string()).as_deref(), expected, "{key}");
        }
    }

    #[test]
    fn contents_of_parts_bring_their_structure_once() {
        let steps = |fetch: &Fetch, knows_structure| {
            let mut steps = Vec::new();
            push(&mut steps, fetch, knows_structure);
            steps
        };
        let text = Fetch { text: true, ..Fetch::default() };
        let structure = Fetch { structure: true, ..Fetch::default() };
        assert_eq!(steps(&text, false), [Step::Items(structure.clone()), Step::Contents(text.clone())]);
        assert_eq!(steps(&text, true), [Step::Contents(text)]);
        assert_eq!(steps(&structure, true), []);
    }

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
        assert_eq!(way(&!SearchKey::Uid(set)), "1:*", "the complement of more would be less");
    }

    #[test]
    fn a_server_that_estimates_sizes_is_not_asked_for_them() {
        let exchange = "The Microsoft Exchange IMAP4 service is ready.";
        let key = SearchKey::Larger(10).and(SearchKey::Flag(Flag::Seen));
        assert_eq!(way(&key), "search LARGER 10 SEEN");
        assert_eq!(of(&key, exchange), "search SEEN");
        assert_eq!(of(&!key, exchange), "everything", "half of it cannot be asked");
        assert_eq!(of(&SearchKey::Larger(10).or(SearchKey::Flag(Flag::Seen)), exchange), "everything");
    }

    #[test]
    fn what_was_seen_is_not_asked_again() {
        let seen = UidSet::range(Uid::MIN, Uid::new(9).unwrap()).unwrap();
        assert_eq!(Way::Everything.without(&seen), UidSet::range(Uid::new(10).unwrap(), Uid::MAX).map(Way::Uids));
        let rest = Way::Search(SearchKey::Flag(Flag::Seen)).without(&seen).unwrap();
        assert_eq!(rest.key().to_string(), "SEEN", "what came is left out when it comes again");
        assert_eq!(Way::Uids(seen.clone()).without(&seen), None);
    }

    #[test]
    fn text_is_asked_for_and_its_complement_is_not() {
        let family = Family::of("", "", &Capabilities::default());
        let text = SearchKey::Text(TextField::Subject, SearchText::new("invoice").unwrap());
        let unseen = !SearchKey::Flag(Flag::Seen);
        let both = unseen.clone().and(text.clone());
        assert_eq!(Way::of(&both, family), Way::Search(both.clone()));
        assert_eq!(Way::of(&!text.clone(), family), Way::Everything);
        let gmail = Family::of("Gimap ready", "", &Capabilities::default());
        assert_eq!(Way::of(&text, gmail), Way::Everything, "it finds words");
        assert_eq!(Way::of(&!both, family), Way::Everything, "half of it cannot be asked");
        assert_eq!(Way::of(&(!text).and(unseen.clone()), family), Way::Search(unseen));
    }
}
