//! mbox alone: growth, rewriting, quoting, Takeout, directories.

use super::*;
use crate::mail::message::StoreId;

const FROM: &str = "From a@b Sat Jan  3 01:02:03 2026\n";

fn mail(number: usize) -> String {
    format!("{FROM}Subject: {number}\n\nbody {number}\n\n")
}

fn mails(numbers: std::ops::RangeInclusive<usize>) -> String {
    numbers.map(mail).collect()
}

fn write(path: &Path, text: &str, seconds: u64) {
    fs::write(path, text).unwrap();
    set_time(path, seconds);
}

async fn seen(store: &Mbox, folder: &str) -> (u32, Vec<String>, u64) {
    let mut scan = scan_of(folder, &Statement::default());
    scan.first = header();
    let meter = Arc::clone(&scan.meter);
    let found = read(store, scan).await.unwrap();
    (found[0].uid_validity.0, subjects(&found), meter.bytes.count())
}

fn open(place: &Place, name: &str) -> Mbox {
    Mbox::open(place.path(name), Some(place.cache())).unwrap()
}

#[tokio::test]
async fn an_index_is_kept_and_goes_on_when_the_file_grows() {
    let place = Place::new();
    let path = place.path("a.mbox");
    write(&path, &mails(1..=1000), 1000);
    let (validity, subjects, cold) = seen(&open(&place, "a.mbox"), "a").await;
    assert_eq!((validity, subjects.len(), subjects[0].as_str()), (1000, 1000, "1000"));
    let warm = open(&place, "a.mbox");
    let (validity, _, bytes) = seen(&warm, "a").await;
    assert_eq!((validity, bytes), (1000, cold - fs::metadata(&path).unwrap().len()));
    let mut text = mails(1..=1001);
    write(&path, &text, 2000);
    for store in [&warm, &open(&place, "a.mbox")] {
        let (validity, subjects, grown) = seen(store, "a").await;
        assert_eq!((validity, subjects[0].as_str()), (1000, "1001"));
        assert!(grown < bytes + 1000, "the whole file was read again: {grown}");
    }
    // Shorter, changed at its beginning, or of the same length: other uids.
    let mut known = vec![1000];
    text.replace_range(.., &mails(1..=10));
    for seconds in [3000, 3000, 4000] {
        text = text.replacen("From a@b", "From x@y", 1) + if known.len() == 2 { "more\n" } else { "" };
        fs::remove_file(&path).unwrap();
        write(&path, &text, seconds + u64::from(known.len() == 2));
        let (validity, subjects, _) = seen(&warm, "a").await;
        assert_eq!(subjects.len(), 10);
        assert!(!known.contains(&validity), "{validity} again");
        known.push(validity);
        text = text.replacen("From x@y", "From z@y", 1);
    }
}

#[tokio::test]
async fn flags_that_programs_change_in_the_file_are_read_again() {
    let place = Place::new();
    let path = place.path("a.mbox");
    let text =
        |flags: &str| format!("{FROM}X-Status:  \n\n\n{FROM}Subject: x\nX-Status: {flags}\n\n\n{}", mail(3).repeat(40));
    write(&path, &text(" "), 1000);
    let mbox = open(&place, "a.mbox");
    let flagged = |statement: Statement| {
        let mut scan = scan_of("a", &statement);
        scan.key = SearchKey::Flag(Flag::Flagged);
        read(&mbox, scan)
    };
    assert_eq!(flagged(Statement::default()).await.unwrap(), []);
    write(&path, &(text("F") + &mail(4)), 2000);
    let found = flagged(Statement::default()).await.unwrap();
    assert_eq!((uids(&found), found[0].uid_validity.0), (vec![2], 1000));
    // In place, and as if nothing had been written.
    #[cfg(unix)]
    {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        write(&path, &(text(" ") + &mail(4)), 2000);
        assert_eq!(flagged(Statement::default()).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_statement_that_saw_the_file_change_fails_instead_of_telling_half() {
    let place = Place::new();
    let path = place.path("a.mbox");
    for change in ["", &mails(1..=1999), &mails(1..=2001), &mails(3..=2002)] {
        write(&path, &mails(1..=2000), 1000);
        let mbox = open(&place, "a.mbox");
        let mut scan = scan_of("a", &Statement::default());
        scan.first = raw();
        let mut stream = mbox.read(scan.clone());
        assert!(stream.next().await.unwrap().is_ok());
        write(&path, change, 2000);
        let error = stream.try_concat().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mail);
        assert!(error.to_string().ends_with("a.mbox changed while it was read") && error.way_out().is_some());
        // The same statement does not see the new state; the next one does.
        assert!(read(&mbox, scan.clone()).await.is_err());
        scan.statement = Statement::default();
        assert!(read(&mbox, scan).await.is_ok());
    }
}

#[tokio::test]
async fn quoting_is_undone_whatever_the_line_ends_are() {
    let place = Place::new();
    let text = format!("{FROM}Subject: q\n>From x: y\n\n>From me\n>>From you\nFrom now on\n> From far\n\n{}", mail(2));
    let wanted = "Subject: q\n>From x: y\n\nFrom me\n>From you\nFrom now on\n> From far\n".replace('\n', "\r\n");
    for text in [text.replace('\n', "\r\n"), text] {
        write(&place.path("a"), &text, 1000);
        let mut scan = scan_of("a", &Statement::default());
        scan.first = Fetch { text: true, ..raw() };
        let found = read(&open(&place, "a"), scan).await.unwrap();
        assert_eq!(found[1].raw.as_deref(), Some(wanted.as_bytes()));
        assert_eq!(found[1].size, Some(wanted.len() as u64));
        assert_eq!(found[0].contents.values().next().unwrap(), &b"body 2\r\n"[..]);
    }
}

#[tokio::test]
async fn a_takeout_archive_gives_labels_threads_and_flags() {
    let place = Place::new();
    let text = "From 1718@xxx Mon Jan 01 12:00:00 +0000 2024\r\nX-GM-THRID: 1718\r\nX-GM-MSGID: 99\r\n\
        X-Gmail-Labels: =?UTF-8?Q?Inbox,Starred,=22Caf=C3=A9,_x=22?=\r\nSubject: x\r\n\r\nbody\r\n\r\n\
        From 1719@xxx Tue Jan 02 12:00:00 +0000 2024\r\nX-Gmail-Labels: Unread\r\n\r\nbody";
    write(&place.path("All mail Including Spam and Trash.mbox"), text, 1000);
    let mbox = open(&place, "All mail Including Spam and Trash.mbox");
    let mut scan = scan_of("All mail Including Spam and Trash", &Statement::default());
    let all =
        Fetch { flags: true, received_at: true, labels: true, thread_id: true, email_id: true, ..Fetch::default() };
    scan.first = all;
    let found = read(&mbox, scan.clone()).await.unwrap();
    assert_eq!(found[1].labels.as_deref(), Some(&["Inbox", "Starred", "Café, x"].map(str::to_owned)[..]));
    let ids = [&found[1].thread_id, &found[1].email_id].map(|id| id.as_ref().and_then(StoreId::given));
    assert_eq!(ids, [Some("1718"), Some("99")]);
    assert_eq!(found[1].flags.as_ref().unwrap().to_string(), "\\Flagged \\Seen");
    assert_eq!(found[1].received_at.unwrap().0, 1_704_110_400_000_000);
    assert_eq!(found[0].flags.as_ref().unwrap().to_string(), "");
    assert_eq!(found[0].labels.as_deref(), Some(&["Unread".to_owned()][..]));
    scan.key = SearchKey::Flag(Flag::Seen);
    scan.first = Fetch::default();
    assert_eq!(uids(&read(&mbox, scan).await.unwrap()), [1]);
    let folder = folders(&mbox, &Statement::default()).await.unwrap().remove(0);
    assert_eq!((folder.messages, folder.unseen, folder.uid_next), (Some(2), Some(1), Some(3)));
}

#[tokio::test]
async fn a_directory_is_searched_for_files_in_every_style() {
    let place = Place::new();
    for name in
        ["Inbox", "Inbox.sbd/Work", "Inbox.sbd/Work.sbd/Deep", "Archive/2025.mbox", "Exported.mbox/mbox", "a", "a.mbox"]
    {
        fs::create_dir_all(place.path(name).parent().unwrap()).unwrap();
        write(&place.path(name), &mail(1), 1000);
    }
    for (name, text) in
        [("Inbox.msf", "// <!-- <mdb:mork"), ("notes.txt", "From me to you"), (".hidden", FROM), ("Trash", "")]
    {
        write(&place.path(name), text, 1000);
    }
    let wanted = ["Archive/2025", "Exported", "Inbox", "Inbox/Work", "Inbox/Work/Deep", "Trash", "a", "a.mbox"];
    assert_eq!(paths(&open(&place, "")).await, wanted.map(str::to_owned));
    assert_eq!(folders(&open(&place, ""), &Statement::default()).await.unwrap()[5].messages, Some(0));
}

#[tokio::test]
async fn what_a_truncated_file_still_holds_is_read() {
    let place = Place::new();
    write(&place.path("a"), &format!("{}{FROM}Subject: cut\nTo: someo", mail(1)), 1000);
    let mut scan = scan_of("a", &Statement::default());
    (scan.first, scan.first.header) = (raw(), HeaderFetch::All);
    let found = read(&open(&place, "a"), scan).await.unwrap();
    assert_eq!(subjects(&found), ["cut", "1"]);
    assert_eq!(found[0].raw.as_deref(), Some(&b"Subject: cut\r\nTo: someo"[..]));
}

/// The index counts what reading gives: sizes, headers, borders, for files of every shape.
#[tokio::test]
async fn sizes_in_the_index_are_those_of_what_is_read() {
    let place = Place::new();
    let pieces =
        ["\n", "\r\n", FROM, "From x\n", ">From y\r\n", ">>From z\n", "a: b\n", "text", "\r", "\n\n", "\u{feff}"];
    let mut seed = 12_345_u64;
    for round in 0..150 {
        let mut text = if round % 2 == 0 { FROM.to_owned() } else { "From x\n".to_owned() };
        for _ in 0..40 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[usize::try_from(seed >> 33).unwrap() % pieces.len()]);
        }
        write(&place.path("a"), &text, 1000 + round);
        let mut scan = scan_of("a", &Statement::default());
        scan.first = raw();
        let whole = read(&open(&place, "a"), scan.clone()).await.unwrap();
        scan.first.raw = false;
        scan.first.header = HeaderFetch::All;
        let headers = read(&open(&place, "a"), scan).await.unwrap();
        for (message, short) in whole.iter().zip(&headers) {
            let raw = message.raw.clone().unwrap();
            assert_eq!(message.size, Some(raw.len() as u64), "{text:?}");
            let header = crate::mail::Header::parse(super::super::entry::header_of(&raw));
            assert_eq!(short.header.as_ref(), Some(&header), "{text:?}");
        }
    }
}

/// Somebody was just writing the line that decides: whether others need a date, or whether a message begins at all.
#[tokio::test]
async fn a_line_that_was_half_written_decides_nothing() {
    let place = Place::new();
    let first = format!("{FROM}Subject: 1\n\nbody\n\n");
    for (name, part, rest, subjects) in [
        (
            "a",
            &FROM[..FROM.len() - 6],
            &format!("{}Subject: 1\n\nbody\n\nFrom the start.\n\n", &FROM[FROM.len() - 6..]),
            vec!["1"],
        ),
        ("b", &format!("{first}From 1990 until 10:00"), &"00 it was text.\n\n".to_owned(), vec!["1"]),
        (
            "c",
            &format!("{first}From a@b Sat Jan  3 01:02:0"),
            &"3 2026\nSubject: 2\n\nbody\n".to_owned(),
            vec!["2", "1"],
        ),
    ] {
        let path = place.path(&format!("{name}.mbox"));
        write(&path, part, 1000);
        let store = open(&place, &format!("{name}.mbox"));
        seen(&store, name).await;
        write(&path, &format!("{part}{rest}"), 2000);
        assert_eq!(seen(&store, name).await.1, subjects, "{name}");
    }
}

/// What the index keeps of the messages before must be what a scan of the whole file finds.
#[tokio::test]
async fn a_file_that_grew_is_read_as_one_that_was_there_at_once() {
    let place = Place::new();
    let problems = |found: &[Message]| found.iter().map(|message| message.problems.clone()).collect::<Vec<_>>();
    // A Content-Length that points beyond the end, and to a message later on.
    let length = "x\n\n".len() + mails(2..=5).len();
    let open_length = format!("{FROM}Subject: 1\nContent-Length: {length}\n\nx\n\n{}", mails(2..=4));
    let no_empty_lines = format!("{FROM}Subject: 1\n\nx\n").repeat(5);
    for (name, before, more, wanted) in
        [("a", open_length, mails(5..=6), 2), ("b", no_empty_lines, format!("\n{}", mail(6)), 6)]
    {
        let file = format!("{name}.mbox");
        let mut found = Vec::new();
        let grown = open(&place, &file);
        for text in [before.clone(), before.clone() + &more] {
            write(&place.path(&file), &text, 1000 + text.len() as u64);
            let fresh = Mbox::open(place.path(&file), None).unwrap();
            let mut both = Vec::new();
            for store in [&grown, &fresh] {
                let mut scan = scan_of(name, &Statement::default());
                scan.first = raw();
                both.push(read(store, scan).await.unwrap());
            }
            assert_eq!(problems(&both[0]), problems(&both[1]), "{name}");
            let raws = |found: &[Message]| found.iter().map(|message| message.raw.clone()).collect::<Vec<_>>();
            assert_eq!(raws(&both[0]), raws(&both[1]), "{name}");
            found = both.remove(0);
        }
        assert_eq!(found.len(), wanted, "{name}");
    }
}
