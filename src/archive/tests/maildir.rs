//! Maildir alone: layouts, flags, names that change, uids that do not.

use super::*;

/// Puts a message where a program that delivers mail would.
pub(super) fn deliver(folder: &Path, name: &str, mail: &str, seconds: u64) {
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    fs::write(folder.join(name), mail).unwrap();
    set_time(&folder.join(name), seconds);
}

fn flags() -> Fetch {
    Fetch { flags: true, received_at: true, ..Fetch::default() }
}

#[tokio::test]
async fn both_layouts_are_listed_with_decoded_names() {
    let place = Place::new();
    let root = place.path("dir");
    for folder in ["", ".Sent", ".Lists.rust", ".Entw&APw-rfe", ".R&D", "Plain/deep", "Work", "Work/2026", ".Grün"] {
        deliver(&root.join(folder), "cur/1.x:2,", "Subject: x\n\n", 1);
    }
    fs::create_dir_all(root.join(".git/objects")).unwrap();
    fs::create_dir_all(root.join("Work/cur/odd")).unwrap();
    fs::write(root.join("subscriptions"), "V\t2\n\nSent\nLists\trust\n").unwrap();
    let maildir = Maildir::open(root, None).unwrap();
    let wanted = ["INBOX", "Entwürfe", "Grün", "Lists/rust", "Plain/deep", "R&D", "Sent", "Work", "Work/2026"]
        .map(str::to_owned);
    assert_eq!(paths(&maildir).await, wanted);
    let named = FolderPattern::Named(vec!["inbox".to_owned(), "Lists/rust".to_owned(), "none".to_owned()]);
    let listed = maildir.folders(&named, StatusItems::default(), &Statement::default(), &Arc::default()).await.unwrap();
    let told: Vec<_> = listed.iter().map(|folder| (folder.path.as_str(), folder.subscribed, folder.messages)).collect();
    assert_eq!(told, [("INBOX", Some(false), None), ("Lists/rust", Some(true), None)]);
}

#[tokio::test]
async fn a_directory_of_maildirs_needs_no_inbox_and_names_stay_apart() {
    let place = Place::new();
    for folder in ["A", ".A", "B/.C.D"] {
        deliver(&place.path("dir").join(folder), "new/1", "Subject: x\n\n", 1);
    }
    let maildir = Maildir::open(place.path("dir"), None).unwrap();
    let mut found = paths(&maildir).await;
    found.sort();
    assert_eq!(found.len(), 3);
    assert_eq!(found, [".A", "A", "B/C/D"].map(str::to_owned));
}

#[tokio::test]
async fn flags_dates_and_counts_come_without_opening_a_file() {
    let place = Place::new();
    let root = place.path("dir");
    deliver(&root, "cur/a,S=1,W=100:2,FSa", "not read\n\n", 86_400);
    deliver(&root, "cur/b,W=200:2,", "not read\n\n", 86_399);
    deliver(&root, "new/c,W=300", "not read\n\n", 3 * 86_400);
    fs::write(root.join("cur/.hidden"), "").unwrap();
    fs::write(root.join("dovecot-keywords"), "0 $Forwarded\n").unwrap();
    let maildir = Maildir::open(root, Some(place.cache())).unwrap();
    let statement = Statement::default();
    let folder = folders(&maildir, &statement).await.unwrap().remove(0);
    let told = (folder.messages, folder.unseen, folder.uid_next, folder.size);
    assert_eq!(told, (Some(3), Some(2), Some(4), Some(600)));
    let mut scan = scan_of("INBOX", &statement);
    scan.first = Fetch { size: true, ..flags() };
    let meter = Arc::clone(&scan.meter);
    let found = read(&maildir, scan.clone()).await.unwrap();
    let told: Vec<_> = found.iter().map(|message| (message.uid.number(), message.size.unwrap())).collect();
    assert_eq!(told, [(3, 300), (2, 100), (1, 200)]);
    assert_eq!(found[1].flags.as_ref().unwrap().to_string(), "\\Flagged \\Seen $Forwarded");
    assert_eq!(found[1].received_at.unwrap().0, 86_400_000_000);
    assert_eq!(Some(found[1].uid_validity), folder.uid_validity);
    let day = chrono::NaiveDate::from_ymd_opt(1970, 1, 2).unwrap();
    scan.key = SearchKey::Since(day).and(!SearchKey::Flag(Flag::Seen));
    assert_eq!(uids(&read(&maildir, scan.clone()).await.unwrap()), [3]);
    scan.key = SearchKey::Before(day).or(SearchKey::Larger(299));
    assert_eq!(uids(&read(&maildir, scan).await.unwrap()), [3, 1]);
    assert_eq!((meter.bytes.count(), meter.bodies.count()), (0, 0));
}

#[tokio::test]
async fn a_header_is_read_without_the_body_and_a_long_one_to_its_end() {
    let place = Place::new();
    let body = "x".repeat(1 << 20);
    deliver(&place.path("dir"), "cur/a:2,", &format!("Subject: short\n\n{body}"), 1);
    let long = format!("X-Long: {}\nSubject: long\n\n{body}", "y".repeat(100_000));
    deliver(&place.path("dir"), "cur/b:2,", &long, 2);
    deliver(&place.path("dir"), "cur/c:2,", "Subject: only", 3);
    deliver(&place.path("dir"), "cur/d:2,", &format!("Subject: endless\nX: {}", body.repeat(2)), 4);
    let maildir = Maildir::open(place.path("dir"), None).unwrap();
    let mut scan = scan_of("INBOX", &Statement::default());
    scan.first = header();
    let meter = Arc::clone(&scan.meter);
    let found = read(&maildir, scan).await.unwrap();
    assert_eq!(subjects(&found), ["endless", "only", "long", "short"]);
    assert_eq!(found.iter().map(|message| message.problems.len()).collect::<Vec<_>>(), [1, 0, 0, 0]);
    assert_eq!(meter.bytes.count(), (1 << 20) + 13 + (128 << 10) + (8 << 10));
    assert_eq!(meter.bodies.count(), 0);
}

#[tokio::test]
async fn a_statement_sees_the_names_of_its_beginning() {
    let place = Place::new();
    let root = place.path("dir");
    deliver(&root, "cur/a:2,", "Subject: a\n\n", 1);
    deliver(&root, "new/b", "Subject: b\n\n", 2);
    deliver(&root, "cur/c:2,", "Subject: c\n\n", 3);
    let maildir = Maildir::open(root.clone(), Some(place.cache())).unwrap();
    let (before, mut after) = (Statement::default(), scan_of("INBOX", &Statement::default()));
    let mut scan = scan_of("INBOX", &before);
    scan.first = Fetch { header: HeaderFetch::All, ..flags() };
    after.first = scan.first.clone();
    assert_eq!(subjects(&read(&maildir, scan.clone()).await.unwrap()), ["c", "b", "a"]);
    fs::rename(root.join("cur/a:2,"), root.join("cur/a:2,S")).unwrap();
    fs::rename(root.join("new/b"), root.join("cur/b:2,F")).unwrap();
    fs::remove_file(root.join("cur/c:2,")).unwrap();
    deliver(&root, "cur/d:2,", "Subject: d\n\n", 4);
    // Found again under other names; what is gone is left out, what came later is not there yet.
    let again = read(&maildir, scan.clone()).await.unwrap();
    assert_eq!(subjects(&again), ["b", "a"]);
    assert_eq!(again[1].flags.as_ref().unwrap().has(Flag::Seen), Some(false));
    let new = read(&maildir, after).await.unwrap();
    assert_eq!((subjects(&new), uids(&new)), (["d", "b", "a"].map(str::to_owned).to_vec(), vec![4, 2, 1]));
    assert_eq!(new[2].flags.as_ref().unwrap().has(Flag::Seen), Some(true));
}

#[tokio::test]
async fn uids_hold_when_the_store_is_opened_again() {
    let place = Place::new();
    let root = place.path("dir");
    for (name, seconds) in [("b", 1), ("c", 1), ("a", 2)] {
        deliver(&root, &format!("cur/{name}:2,"), &format!("Subject: {name}\n\n"), seconds);
    }
    let mut scan = scan_of("INBOX", &Statement::default());
    scan.first = header();
    let first = read(&Maildir::open(root.clone(), Some(place.cache())).unwrap(), scan.clone()).await.unwrap();
    assert_eq!(subjects(&first), ["a", "c", "b"]);
    fs::remove_file(root.join("cur/c:2,")).unwrap();
    deliver(&root, "new/0", "Subject: 0\n\n", 0);
    scan.statement = Statement::default();
    let second = read(&Maildir::open(root.clone(), Some(place.cache())).unwrap(), scan.clone()).await.unwrap();
    assert_eq!((subjects(&second), uids(&second)), (["0", "a", "b"].map(str::to_owned).to_vec(), vec![4, 3, 1]));
    assert_eq!(first[0].uid_validity, second[0].uid_validity);
    // Nothing was written to the mail.
    let names: Vec<_> = fs::read_dir(&root).unwrap().map(|child| child.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_done_without() {
    let place = Place::new();
    deliver(&place.path("dir"), "cur/a:2,", "Subject: a\n\n", 1);
    fs::write(place.path("file"), "in the way").unwrap();
    let maildir = Maildir::open(place.path("dir"), Some(place.path("file"))).unwrap();
    let mut validity = Vec::new();
    for count in 1..=2 {
        let found = read(&maildir, scan_of("INBOX", &Statement::default())).await.unwrap();
        assert_eq!(found.len(), count);
        validity.push(found.last().unwrap().uid_validity);
        deliver(&place.path("dir"), "cur/b:2,", "Subject: b\n\n", 2);
    }
    assert_eq!(validity[0], validity[1]);
}
