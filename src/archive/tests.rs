//! The stores together, on real files: what a statement sees, and what it costs.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures::{StreamExt, TryStreamExt};
use tempfile::TempDir;

use super::{Maildir, Mbox};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::{
    Fetch, Flag, Folder, FolderPattern, FolderScan, HeaderFetch, MailStore, Message, SearchKey, Sieve, Statement,
    StatusItems, Uid, UidSet,
};

mod compressed;
mod eml;
mod maildir;
mod mbox;

/// A directory for mail and one for the cache, which go when the test ends.
struct Place {
    mail: TempDir,
    cache: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { mail: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.mail.path().join(name)
    }

    fn cache(&self) -> PathBuf {
        self.cache.path().join("cache")
    }
}

/// A reading of a folder that begins with everything that costs nothing.
fn scan_of(folder: &str, statement: &Statement) -> FolderScan {
    FolderScan {
        folder: Folder::named(folder, Some('/')),
        key: SearchKey::All,
        first: Fetch::default(),
        then: None,
        likely_enough: None,
        statement: statement.clone(),
        meter: Arc::default(),
    }
}

async fn read(store: &dyn MailStore, scan: FolderScan) -> Result<Vec<Message>> {
    store.read(scan).try_concat().await
}

async fn folders(store: &dyn MailStore, statement: &Statement) -> Result<Vec<Folder>> {
    let status = StatusItems {
        messages: true,
        unseen: true,
        uid_next: true,
        uid_validity: true,
        highest_modseq: true,
        size: true,
    };
    store.folders(&FolderPattern::All, status, statement, &Arc::default()).await
}

async fn paths(store: &dyn MailStore) -> Vec<String> {
    let listed = store
        .folders(&FolderPattern::All, StatusItems::default(), &Statement::default(), &Arc::default())
        .await
        .unwrap();
    listed.into_iter().map(|folder| folder.path).collect()
}

fn uids(messages: &[Message]) -> Vec<u32> {
    messages.iter().map(|message| message.uid.number()).collect()
}

fn subjects(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .map(|message| message.header.as_ref().unwrap().text("subject").unwrap_or_default().into_owned())
        .collect()
}

fn header() -> Fetch {
    Fetch { header: HeaderFetch::All, ..Fetch::default() }
}

fn raw() -> Fetch {
    Fetch { raw: true, size: true, ..Fetch::default() }
}

/// Lets uids through that divide by a number, and counts what it was asked.
#[derive(Default)]
struct EveryNth {
    n: u32,
    asked: Mutex<Vec<u32>>,
}

impl Sieve for EveryNth {
    fn passes(&self, _folder: &Folder, messages: &mut [Message]) -> Result<Vec<bool>> {
        self.asked.lock().unwrap().extend(uids(messages));
        Ok(messages.iter().map(|message| message.uid.number().is_multiple_of(self.n)).collect())
    }
}

struct Refuses;

impl Sieve for Refuses {
    fn passes(&self, _folder: &Folder, _messages: &mut [Message]) -> Result<Vec<bool>> {
        Err(Error::new(ErrorKind::Query, "division by zero"))
    }
}

fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[tokio::test]
async fn both_stores_give_the_same_messages_newest_first() {
    let place = Place::new();
    let maildir = Maildir::open(place.path("dir"), Some(place.cache())).unwrap();
    let mbox = Mbox::open(place.path("INBOX.mbox"), Some(place.cache())).unwrap();
    let mut text = String::new();
    for number in 0..3000 {
        let mail = format!("Subject: {number}\nFrom: a@b\n\n{}\n>From me\n", "line\n".repeat(number % 50));
        maildir::deliver(&place.path("dir"), &format!("cur/{number:05}.x:2,"), &mail, number as u64);
        write!(text, "From a@b Sat Jan  3 01:02:03 2026\n{}\n", mail.replace(">From", ">>From")).unwrap();
    }
    fs::write(place.path("INBOX.mbox"), text).unwrap();
    let statement = Statement::default();
    let all = Fetch { structure: true, preview: true, text: true, ..raw() };
    let mut whole = scan_of("INBOX", &statement);
    (whole.first, whole.first.header) = (all.clone(), HeaderFetch::All);
    let mut split = scan_of("INBOX", &statement);
    split.first = header();
    split.then = Some((all, Arc::new(EveryNth { n: 1, ..EveryNth::default() })));
    split.likely_enough = Some(3);
    let expected = read(&maildir, whole.clone()).await.unwrap();
    assert_eq!(uids(&expected), (1..=3000).rev().collect::<Vec<_>>());
    assert_eq!(subjects(&expected)[0], "2999");
    let without_validity = |mut messages: Vec<Message>| {
        let validity = expected[0].uid_validity;
        for message in &mut messages {
            message.uid_validity = validity;
        }
        messages
    };
    for (store, scan) in [(&maildir as &dyn MailStore, split.clone()), (&mbox, whole), (&mbox, split)] {
        let found = without_validity(read(store, scan).await.unwrap());
        assert!(found == expected, "{store:?}");
    }
    for message in &expected {
        assert_eq!(message.size, message.raw.as_ref().map(|raw| raw.len() as u64));
    }
}

#[tokio::test]
async fn what_does_not_pass_is_never_read_further() {
    let place = Place::new();
    let mut text = String::new();
    for number in 1..=500 {
        let mail = format!("Subject: {number}\n\nbody\n");
        maildir::deliver(&place.path("dir"), &format!("cur/{number:05}.x:2,"), &mail, number);
        write!(text, "From a@b Sat Jan  3 01:02:03 2026\n{mail}\n").unwrap();
    }
    fs::write(place.path("INBOX.mbox"), text).unwrap();
    let maildir = Maildir::open(place.path("dir"), Some(place.cache())).unwrap();
    let mbox = Mbox::open(place.path("INBOX.mbox"), Some(place.cache())).unwrap();
    for store in [&maildir as &dyn MailStore, &mbox] {
        let sieve = Arc::new(EveryNth { n: 100, ..EveryNth::default() });
        let mut scan = scan_of("INBOX", &Statement::default());
        scan.first = header();
        scan.then = Some((raw(), sieve.clone()));
        let meter = Arc::clone(&scan.meter);
        let found = read(store, scan.clone()).await.unwrap();
        assert_eq!(uids(&found), [500, 400, 300, 200, 100]);
        assert_eq!((meter.messages.count(), meter.bodies.count()), (500, 5));
        assert_eq!(*sieve.asked.lock().unwrap(), (1..=500).rev().collect::<Vec<_>>());
        scan.then = Some((raw(), Arc::new(Refuses)));
        assert_eq!(read(store, scan).await.unwrap_err().to_string(), "division by zero");
    }
}

#[tokio::test]
async fn a_key_with_uids_looks_at_those_messages_only() {
    let place = Place::new();
    let mut text = String::new();
    for number in 1..=300 {
        write!(text, "From a@b Sat Jan  3 01:02:03 2026\nSubject: {number}\n\nbody\n\n").unwrap();
    }
    fs::write(place.path("x.mbox"), text).unwrap();
    let mbox = Mbox::open(place.path("x.mbox"), None).unwrap();
    let mut scan = scan_of("x", &Statement::default());
    scan.first = header();
    let some = UidSet::of([7, 8, 250, 9000].into_iter().filter_map(Uid::new)).unwrap();
    scan.key = SearchKey::Uid(some).and(!SearchKey::Flag(Flag::Seen));
    let meter = Arc::clone(&scan.meter);
    assert_eq!(subjects(&read(&mbox, scan.clone()).await.unwrap()), ["250", "8", "7"]);
    assert_eq!(meter.messages.count(), 3);
    scan.key = SearchKey::Uid(UidSet::range(Uid::new(301).unwrap(), Uid::MAX).unwrap());
    assert_eq!(read(&mbox, scan).await.unwrap(), []);
}

#[tokio::test]
async fn few_messages_come_first_when_few_are_likely_to_be_enough() {
    let place = Place::new();
    for number in 0..2000 {
        maildir::deliver(&place.path("dir"), &format!("cur/{number:05}.x:2,"), "Subject: x\n\n", number);
    }
    let maildir = Maildir::open(place.path("dir"), None).unwrap();
    let mut scan = scan_of("INBOX", &Statement::default());
    (scan.first, scan.likely_enough) = (header(), Some(3));
    let meter = Arc::clone(&scan.meter);
    let chunks: Vec<usize> = maildir.read(scan).take(3).map(|chunk| chunk.unwrap().len()).collect().await;
    assert_eq!(chunks, [3, 6, 12]);
    assert_eq!(meter.messages.count(), 21);
}

#[tokio::test]
async fn content_is_read_in_chunks_of_some_megabytes() {
    let place = Place::new();
    let body = "0123456789abcde\n".repeat(1 << 17);
    let mut text = String::new();
    for number in 0..20 {
        let mail = format!("Subject: {number}\n\n{body}");
        maildir::deliver(&place.path("dir"), &format!("cur/{number:05}.x:2,"), &mail, number);
        write!(text, "From a@b Sat Jan  3 01:02:03 2026\n{mail}\n").unwrap();
    }
    fs::write(place.path("INBOX.mbox"), text).unwrap();
    let maildir = Maildir::open(place.path("dir"), None).unwrap();
    let mbox = Mbox::open(place.path("INBOX.mbox"), None).unwrap();
    for store in [&maildir as &dyn MailStore, &mbox] {
        let mut direct = scan_of("INBOX", &Statement::default());
        direct.first = raw();
        let mut later = scan_of("INBOX", &Statement::default());
        later.then = Some((raw(), Arc::new(EveryNth { n: 1, ..EveryNth::default() })));
        for scan in [direct, later] {
            let chunks: Vec<usize> = store.read(scan).map(|chunk| chunk.unwrap().len()).collect().await;
            assert_eq!(chunks.iter().sum::<usize>(), 20);
            assert!(chunks.iter().all(|messages| *messages <= 4), "{chunks:?}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_or_something_else_is_one_clear_line_with_a_hint() {
    let place = Place::new();
    fs::write(place.path("notes.txt"), "Dear diary\n").unwrap();
    fs::create_dir_all(place.path("empty")).unwrap();
    maildir::deliver(&place.path("dir"), "cur/1.x:2,", "Subject: x\n\n", 1);
    let maildir = |name: &str| Maildir::open(place.path(name), None).unwrap();
    let mbox = |name: &str| Mbox::open(place.path(name), None).unwrap();
    let stores: [(Box<dyn MailStore>, &str); 7] = [
        (Box::new(maildir("gone")), "cannot open the Maildir"),
        (Box::new(maildir("notes.txt")), "is no Maildir"),
        (Box::new(maildir("empty")), "is no Maildir"),
        (Box::new(mbox("gone")), "cannot open"),
        (Box::new(mbox("notes.txt")), "is no mbox file"),
        (Box::new(mbox("empty")), "no mbox file in"),
        (Box::new(mbox("dir")), "no mbox file in"),
    ];
    for (store, words) in stores {
        let error = folders(store.as_ref(), &Statement::default()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(words) && text.contains(&*place.mail.path().to_string_lossy()), "{text}");
        assert!(error.way_out().is_some() && !text.contains('\n'), "{text}");
    }
    let error = read(&maildir("dir"), scan_of("Nowhere", &Statement::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
