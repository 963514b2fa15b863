//! The contract of the seam: what every place where mail is kept must do, asked of each backend.
//!
//! Nothing of SQL is here; a new backend has only to be added to [`stores`].

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod chance;
mod mail;
#[cfg(unix)]
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use chance::Chance;
use chrono::{DateTime, Days, NaiveDate};
use futures::TryStreamExt;
use mailql::archive::{Eml, Maildir, Mbox};
use mailql::mail::body::preview;
use mailql::mail::{
    Fetch, Flag, Folder, FolderPattern, FolderScan, HeaderFetch, MailStore, Message, Meter, SearchKey, Sieve,
    Statement, StatusItems, Uid, UidSet,
};
use mailql::{Engine, engine};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_finds_what_brute_force_finds() {
    for (backend, store) in stores(&place()) {
        for folder in folders(store.as_ref()).await {
            let all = read(store.as_ref(), &folder, SearchKey::All, everything(), None).await;
            for seed in 0..100 {
                let mut chance = Chance::of(seed);
                let key = key(&mut chance, 3);
                let fetch = if chance.once_in(16) { everything() } else { some_of(&mut chance) };
                let told = fetch.to_string();
                let found = read(store.as_ref(), &folder, key.clone(), fetch, None).await;
                let expected: Vec<Uid> =
                    all.iter().filter(|message| holds(&key, message)).map(|message| message.uid).collect();
                let mut found = uids(&found);
                if is_server(backend) {
                    found.sort_unstable_by(|left, right| right.cmp(left));
                }
                // A server may be asked for more, never for less: there is no such number on the wire, and a range
                // without an end has the last message (RFC 9051 §9, seq-range). What lacks one of two flags is not asked.
                let last = all.first().map(|message| message.uid);
                let is_vague = mentions_huge_size(&key) || flags(&key).len() > 1;
                let may_be_more = |uid: &Uid| is_vague || mentions_uids(&key) && Some(*uid) == last;
                if is_server(backend) {
                    found.retain(|uid| expected.contains(uid) || !may_be_more(uid));
                }
                assert_eq!(found, expected, "seed {seed} on {backend}, {}: {key}, {told}", folder.path);
            }
        }
    }
}

#[tokio::test]
async fn every_message_comes_once_and_the_newest_first() {
    for (backend, store) in stores(&place()) {
        let mut messages = 0;
        for folder in folders(store.as_ref()).await {
            let all = uids(&read(store.as_ref(), &folder, SearchKey::All, Fetch::default(), None).await);
            assert!(all.is_sorted_by(|left, right| left > right), "{backend}, {}: {all:?}", folder.path);
            messages += all.len();
        }
        assert_eq!(messages, mail::corpus().len(), "{backend}");
    }
}

#[tokio::test]
async fn nothing_is_read_when_nothing_is_asked_for() {
    for (backend, store) in stores(&place()) {
        // An mbox file is looked through once; after that its index answers.
        for folder in folders(store.as_ref()).await {
            read(store.as_ref(), &folder, SearchKey::All, Fetch::default(), None).await;
            let meter = Arc::new(Meter::default());
            let scan = FolderScan { meter: Arc::clone(&meter), ..scan(&folder, SearchKey::All, Fetch::default()) };
            store.read(scan).try_concat().await.unwrap();
            assert_eq!((meter.messages.count(), meter.bodies.count()), (0, 0), "{backend}, {}", folder.path);
            // A server has to be asked which messages there are.
            let bound = if is_server(backend) { 1_000 } else { 0 };
            assert!(meter.bytes.count() <= bound, "{} octets of {backend}, {}", meter.bytes.count(), folder.path);
        }
    }
}

#[tokio::test]
async fn flags_are_known_without_opening_a_message() {
    for (backend, store) in stores(&place()) {
        for folder in folders(store.as_ref()).await {
            let fetch = Fetch { flags: true, ..Fetch::default() };
            read(store.as_ref(), &folder, SearchKey::All, fetch.clone(), None).await;
            let meter = Arc::new(Meter::default());
            let key = SearchKey::Flag(Flag::Seen).or(!SearchKey::Flag(Flag::Flagged));
            let scan = FolderScan { meter: Arc::clone(&meter), ..scan(&folder, key, fetch) };
            let found: Vec<Message> = store.read(scan).try_concat().await.unwrap();
            assert!(found.iter().all(|message| message.flags.is_some()));
            let bound = match backend {
                DOVECOT => 1_000 + 60 * found.len() as u64,
                // Nothing but the header tells them; a file is read to its end, or a block of it.
                EML => {
                    8_192
                        * uids(&read(store.as_ref(), &folder, SearchKey::All, Fetch::default(), None).await).len()
                            as u64
                }
                _ => 0,
            };
            assert!(meter.bytes.count() <= bound, "{} octets of {backend}, {}", meter.bytes.count(), folder.path);
            assert_eq!(meter.bodies.count(), 0, "{backend}, {}", folder.path);
            assert_eq!(meter.messages.count(), found.len() as u64, "{backend}, {}", folder.path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_phases_read_the_same_as_one() {
    for (backend, store) in stores(&place()) {
        for folder in folders(store.as_ref()).await {
            for seed in 0..30 {
                let mut chance = Chance::of(seed);
                let key = key(&mut chance, 2);
                let (first, wanted) = (some_of(&mut chance), some_of(&mut chance));
                let then = (wanted.without(&first), EveryNth(u32::try_from(1 + chance.below(4)).unwrap()));
                let mut expected = read(store.as_ref(), &folder, key.clone(), joined(&first, &wanted), None).await;
                expected.retain(|message| message.uid.number().is_multiple_of(then.1.0));
                let mut found = read(store.as_ref(), &folder, key.clone(), first.clone(), Some(then)).await;
                if is_server(backend) {
                    expected.sort_by_key(|message| std::cmp::Reverse(message.uid));
                    found.sort_by_key(|message| std::cmp::Reverse(message.uid));
                }
                assert_eq!(uids(&found), uids(&expected), "seed {seed} on {backend}, {}: {key}", folder.path);
                for (found, expected) in found.iter().zip(&expected) {
                    let what =
                        format!("seed {seed} on {backend}, {} {}: {first} then {wanted}", folder.path, found.uid);
                    assert_same(found, expected, &joined(&first, &wanted), &what);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_wants_a_few_gets_the_newest_first() {
    for (backend, store) in stores(&place()) {
        for folder in folders(store.as_ref()).await {
            for seed in 0..30 {
                let mut chance = Chance::of(seed);
                let (key, first, wanted) = (key(&mut chance, 2), some_of(&mut chance), some_of(&mut chance));
                let sieve: Arc<dyn Sieve> = Arc::new(EveryNth(u32::try_from(1 + chance.below(4)).unwrap()));
                let then = Some((wanted.without(&first), sieve));
                let all = FolderScan { then, ..scan(&folder, key, first) };
                let few = FolderScan { likely_enough: Some(1 + chance.below(200)), ..all.clone() };
                let found = uids(&store.read(few).try_concat().await.unwrap());
                let mut expected = uids(&store.read(all).try_concat().await.unwrap());
                expected.sort_unstable_by(|left, right| right.cmp(left));
                assert_eq!(found, expected, "seed {seed} on {backend}, {}", folder.path);
            }
        }
    }
}

#[tokio::test]
async fn reading_again_gives_the_same() {
    let place = place();
    for ((backend, store), (_, opened_again)) in stores(&place).into_iter().zip(stores(&place)) {
        for folder in folders(store.as_ref()).await {
            let first = read(store.as_ref(), &folder, SearchKey::All, everything(), None).await;
            for store in [&store, &opened_again] {
                let again = read(store.as_ref(), &folder, SearchKey::All, everything(), None).await;
                assert!(first == again, "{backend}, {}", folder.path);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_every_table_in_full_changes_nothing() {
    let place = place();
    let before = place.snapshot();
    let mail = place.files.path();
    let builder = Engine::builder()
        .maildir("maildir", mail.join("maildir"))
        .mbox("directory", mail.join("directory"))
        .mbox("file", mail.join("one.mbox"))
        .eml("eml", mail.join("eml"));
    #[cfg(unix)]
    let builder = builder.account("server", mailql::AccountConfig::Imap(place.account()));
    let engine = builder.build().unwrap();
    for table in engine::tables() {
        let statement = format!("SELECT * FROM accounts.{}", table.name);
        let batches = engine.sql(&statement).await.unwrap().collect().await.unwrap();
        assert!(batches.iter().any(|batch| batch.num_rows() > 0), "{}", table.name);
    }
    assert_eq!(place.snapshot(), before);
}

/// Lets uids through that divide by a number.
#[derive(Clone, Copy)]
struct EveryNth(u32);

impl Sieve for EveryNth {
    fn passes(&self, _folder: &Folder, messages: &mut [Message]) -> mailql::Result<Vec<bool>> {
        Ok(messages.iter().map(|message| message.uid.number().is_multiple_of(self.0)).collect())
    }
}

/// Where the same mail is kept in several ways.
struct Place {
    files: TempDir,
    #[cfg(unix)]
    user: server::dovecot::User,
}

fn place() -> Place {
    let files = tempfile::tempdir().unwrap();
    for directory in ["maildir", "directory", "eml"] {
        std::fs::create_dir(files.path().join(directory)).unwrap();
    }
    mail::write_maildir(&files.path().join("maildir"));
    mail::write_mbox(&files.path().join("directory"));
    mail::write_eml(&files.path().join("eml"));
    mail::write_one_mbox(&files.path().join("one.mbox"));
    Place {
        files,
        #[cfg(unix)]
        user: server::dovecot::Dovecot::shared().user_with(mail::write_maildir),
    }
}

impl Place {
    /// The account of the user of the server.
    #[cfg(unix)]
    fn account(&self) -> mailql::ImapAccount {
        let dovecot = server::dovecot::Dovecot::shared();
        mailql::ImapAccount::new("localhost", &self.user.name)
            .password(self.user.password)
            .port(dovecot.tls_port())
            .ca_file(dovecot.ca_file())
    }

    /// Everything of it; of what the server keeps, the messages. Its indexes are its own affair.
    fn snapshot(&self) -> BTreeMap<PathBuf, (SystemTime, Option<Vec<u8>>)> {
        let mut all = snapshot(self.files.path());
        #[cfg(unix)]
        {
            let mut served = snapshot(self.user.maildir());
            served
                .retain(|path, _| path.components().any(|part| part.as_os_str() == "cur" || part.as_os_str() == "new"));
            assert!(served.values().filter(|(_, content)| content.is_some()).count() == mail::corpus().len());
            all.append(&mut served);
        }
        all
    }
}

/// Every backend, over the same mail; what they keep of it is the same when they are opened again.
fn stores(place: &Place) -> Vec<(&'static str, Box<dyn MailStore>)> {
    let at = |name: &str| place.files.path().join(name);
    let cache = || Some(at("cache"));
    vec![
        ("a Maildir", Box::new(Maildir::open(at("maildir"), cache()).unwrap())),
        ("a directory of mbox files", Box::new(Mbox::open(at("directory"), cache()).unwrap())),
        ("an mbox file", Box::new(Mbox::open(at("one.mbox"), cache()).unwrap())),
        (EML, Box::new(Eml::open(at("eml"), cache()).unwrap())),
        #[cfg(unix)]
        (DOVECOT, Box::new(mailql::imap::Imap::new(place.account(), Arc::default()))),
    ]
}

const DOVECOT: &str = "Dovecot";

const EML: &str = "a directory of .eml files";

fn is_server(backend: &str) -> bool {
    backend == DOVECOT
}

async fn folders(store: &dyn MailStore) -> Vec<Folder> {
    let (status, statement) = (StatusItems::default(), Statement::default());
    store.folders(&FolderPattern::All, status, &statement, &Arc::default()).await.unwrap()
}

fn scan(folder: &Folder, key: SearchKey, first: Fetch) -> FolderScan {
    let (statement, meter) = (Statement::default(), Arc::default());
    FolderScan { folder: folder.clone(), key, first, then: None, likely_enough: None, statement, meter }
}

async fn read(
    store: &dyn MailStore,
    folder: &Folder,
    key: SearchKey,
    first: Fetch,
    then: Option<(Fetch, EveryNth)>,
) -> Vec<Message> {
    let then = then.map(|(fetch, sieve)| (fetch, Arc::new(sieve) as Arc<dyn Sieve>));
    store.read(FolderScan { then, ..scan(folder, key, first) }).try_concat().await.unwrap()
}

fn uids(messages: &[Message]) -> Vec<Uid> {
    messages.iter().map(|message| message.uid).collect()
}

fn everything() -> Fetch {
    Fetch {
        flags: true,
        received_at: true,
        size: true,
        labels: true,
        thread_id: true,
        email_id: true,
        mod_seq: true,
        header: HeaderFetch::All,
        structure: true,
        preview: true,
        text: true,
        attachments: true,
        raw: true,
    }
}

fn some_of(chance: &mut Chance) -> Fetch {
    let mut yes = || chance.once_in(3);
    let mut fetch = Fetch {
        flags: yes(),
        received_at: yes(),
        size: yes(),
        labels: yes(),
        thread_id: yes(),
        email_id: yes(),
        mod_seq: yes(),
        header: if yes() { HeaderFetch::All } else { HeaderFetch::None },
        structure: yes(),
        preview: yes(),
        text: yes(),
        attachments: yes(),
        raw: yes(),
    };
    if yes() {
        fetch.fields(&["subject", "from"]);
    }
    if yes() {
        fetch.fields(&["date"]);
    }
    fetch
}

/// What is in either.
fn joined(one: &Fetch, other: &Fetch) -> Fetch {
    let mut both = Fetch {
        flags: one.flags || other.flags,
        received_at: one.received_at || other.received_at,
        size: one.size || other.size,
        labels: one.labels || other.labels,
        thread_id: one.thread_id || other.thread_id,
        email_id: one.email_id || other.email_id,
        mod_seq: one.mod_seq || other.mod_seq,
        header: one.header.clone(),
        structure: one.structure || other.structure,
        preview: one.preview || other.preview,
        text: one.text || other.text,
        attachments: one.attachments || other.attachments,
        raw: one.raw || other.raw,
    };
    match &other.header {
        HeaderFetch::None => {}
        HeaderFetch::All => both.header = HeaderFetch::All,
        HeaderFetch::Fields(names) => both.fields(&names.iter().copied().collect::<Vec<_>>()),
    }
    both
}

/// What was asked for is there and the same; a store may read more on the way.
fn assert_same(found: &Message, expected: &Message, asked: &Fetch, what: &str) {
    assert_eq!(found.uid_validity, expected.uid_validity, "{what}");
    let same = [
        !asked.flags || found.flags == expected.flags,
        !asked.received_at || found.received_at == expected.received_at,
        !asked.size || found.size == expected.size,
        !asked.labels || found.labels == expected.labels,
        !asked.thread_id || found.thread_id == expected.thread_id,
        !asked.email_id || found.email_id == expected.email_id,
        !asked.mod_seq || found.mod_seq == expected.mod_seq,
        asked.header == HeaderFetch::None || found.header == expected.header,
        !asked.structure || found.structure == expected.structure,
        found.contents == expected.contents,
        // The text has it in it.
        asked.text || found.beginnings == expected.beginnings,
        !asked.preview || preview(found) == preview(expected),
        found.raw == expected.raw,
        found.problems == expected.problems,
    ];
    assert!(same.iter().all(|same| *same), "{what}: {same:?}");
}

/// A key of all kinds, nested so deep at most.
fn key(chance: &mut Chance, depth: usize) -> SearchKey {
    if depth > 0 && !chance.once_in(4) {
        return match chance.below(4) {
            0 => SearchKey::Not(Box::new(key(chance, depth - 1))),
            1 => SearchKey::NotTrue(Box::new(key(chance, depth - 1))),
            2 => SearchKey::And((0..chance.below(4)).map(|_| key(chance, depth - 1)).collect()),
            _ => SearchKey::Or(Box::new(key(chance, depth - 1)), Box::new(key(chance, depth - 1))),
        };
    }
    let uid = |chance: &mut Chance| {
        Uid::new(if chance.once_in(9) { u32::MAX } else { u32::try_from(1 + chance.below(160)).unwrap() }).unwrap()
    };
    let octets = |chance: &mut Chance| [0, 1, 200, 250, 300, 400, 1000, 70_000, u64::MAX][chance.below(9)];
    let day = |chance: &mut Chance| {
        let offset = u64::try_from(chance.below(14)).unwrap();
        NaiveDate::from_ymd_opt(2025, 1, 3).unwrap() + Days::new(offset)
    };
    match chance.below(8) {
        0 => SearchKey::All,
        1 => SearchKey::Uid(UidSet::of((0..=chance.below(5)).map(|_| uid(chance))).unwrap()),
        2 => {
            let (one, other) = (uid(chance), uid(chance));
            SearchKey::Uid(UidSet::range(one.min(other), one.max(other)).unwrap())
        }
        3 => SearchKey::Larger(octets(chance)),
        4 => SearchKey::Smaller(octets(chance)),
        5 => SearchKey::Since(day(chance)),
        6 => SearchKey::Before(day(chance)),
        _ => SearchKey::Flag(Flag::ALL[chance.below(Flag::ALL.len())]),
    }
}

fn mentions_huge_size(key: &SearchKey) -> bool {
    let is_huge = |key: &SearchKey| match key {
        SearchKey::Larger(octets) | SearchKey::Smaller(octets) => *octets >= u64::from(u32::MAX),
        _ => false,
    };
    mentions(key, &is_huge)
}

fn mentions_uids(key: &SearchKey) -> bool {
    mentions(key, &|key| matches!(key, SearchKey::Uid(_)))
}

fn mentions(key: &SearchKey, what: &dyn Fn(&SearchKey) -> bool) -> bool {
    match key {
        SearchKey::Not(key) | SearchKey::NotTrue(key) => mentions(key, what),
        SearchKey::And(keys) => keys.iter().any(|key| mentions(key, what)),
        SearchKey::Or(left, right) => mentions(left, what) || mentions(right, what),
        simple => what(simple),
    }
}

/// The flags in a key, each once.
fn flags(key: &SearchKey) -> BTreeSet<&'static str> {
    match key {
        SearchKey::Flag(flag) => [flag.name()].into(),
        SearchKey::Not(key) | SearchKey::NotTrue(key) => flags(key),
        SearchKey::And(keys) => keys.iter().flat_map(flags).collect(),
        SearchKey::Or(left, right) => flags(left).into_iter().chain(flags(right)).collect(),
        _ => BTreeSet::new(),
    }
}

/// Whether a key holds for a message of which everything is known, by the words of RFC 9051 §6.4.4.
fn holds(key: &SearchKey, message: &Message) -> bool {
    let size = message.raw.as_ref().unwrap().len() as u64;
    // Of a message that nobody knows the day of, none is the day, and so the contrary of both holds.
    let day = || Some(DateTime::from_timestamp_micros(message.received_at?.0).unwrap().date_naive());
    match key {
        SearchKey::All => true,
        SearchKey::Uid(uids) => uids.ranges().iter().any(|(low, high)| (*low..=*high).contains(&message.uid)),
        SearchKey::Flag(flag) => message.flags.as_ref().unwrap().to_string().contains(flag.name()),
        SearchKey::Larger(octets) => size > *octets,
        SearchKey::Smaller(octets) => size < *octets,
        SearchKey::Since(since) => day().is_some_and(|day| day >= *since),
        SearchKey::Before(before) => day().is_some_and(|day| day < *before),
        SearchKey::Text(..) | SearchKey::Server(_) => unreachable!("no text is among these keys"),
        SearchKey::Not(key) | SearchKey::NotTrue(key) => !holds(key, message),
        SearchKey::And(keys) => keys.iter().all(|key| holds(key, message)),
        SearchKey::Or(left, right) => holds(left, message) || holds(right, message),
    }
}

/// Every file with its content and time, and every directory with its time.
fn snapshot(directory: &Path) -> BTreeMap<PathBuf, (SystemTime, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(path) = open.pop() {
        let modified = path.metadata().unwrap().modified().unwrap();
        let content = if path.is_dir() {
            open.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
            None
        } else {
            Some(std::fs::read(&path).unwrap())
        };
        found.insert(path, (modified, content));
    }
    found
}
