//! Mbox files as mail programs write them, through SQL: which messages there are, what is known of them, and what is told.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

use std::fs;
use std::path::Path;
use std::process::Command;

use datafusion::arrow::util::display::array_value_to_string;
use mailql::Engine;

/// A mail with these line ends.
fn mail(subject: &str, ends: &str) -> String {
    let header = "From: ann@example.org\nDate: Sat, 3 Jan 2015 01:02:03 +0000\nMessage-ID: <x@example.org>\n";
    format!("{header}Subject: {subject}\n\nbody of {subject}\n").replace('\n', ends)
}

/// As Thunderbird wrote it before, and writes it now.
fn old(subject: &str) -> String {
    format!("From - Mon Jan 05 10:00:00 2026\r\nX-Mozilla-Status: 0001\r\n{}\r\n", mail(subject, "\r\n"))
}

fn new(subject: &str) -> String {
    format!("From \r\nX-Mozilla-Status: 0000\r\n{}\r\n", mail(subject, "\r\n"))
}

fn full(subject: &str, second: u32) -> String {
    format!("From ann@example.org Mon Jan  5 10:00:{second:02} 2026\n{}", mail(subject, "\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_thunderbird_has_all_its_folders_and_messages() {
    let place = tempfile::tempdir().unwrap();
    let received = "Received: from x by y; Fri, 2 Jan 2015 10:00:00 +0100\r\n";
    for (path, text) in [
        ("Mail/Local Folders/Inbox", [old("a1"), old("a2")].concat()),
        ("Mail/Local Folders/Mixed", [old("b1"), old("b2"), new("b3"), new("b4"), new("b5")].concat()),
        ("Mail/Local Folders/Sent", [new("c1"), new("c2")].concat()),
        ("Mail/Local Folders/Archives", String::new()),
        ("Mail/Local Folders/Archives.sbd/2026", [new("d1"), new("d2")].concat()),
        ("Mail/Local Folders/Drafts", new("e1").replace("Message-ID", &format!("{received}Message-ID"))),
        ("ImapMail/imap.example.org/INBOX", format!("From -\r\n{}\r\n", mail("f1", "\r\n"))),
        ("ImapMail/imap.example.org/INBOX.msf", "// <!-- <mdb:mork:z v=\"1.4\"/> -->\n".to_owned()),
        ("Mail/Local Folders/Sent.msf", String::new()),
        ("Mail/Local Folders/msgFilterRules.dat", "version=\"9\"\n".to_owned()),
        ("notes", "From Russia with love\nNote: bring shoes\n".to_owned()),
    ] {
        let path = place.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let engine = Engine::builder().mbox("mail", place.path()).build().unwrap();
    let folders = rows(&engine, "SELECT folder, messages, unseen FROM Folder ORDER BY folder").await;
    let wanted = [
        "ImapMail/imap.example.org/INBOX|1|1",
        "Mail/Local Folders/Archives|0|0",
        "Mail/Local Folders/Archives/2026|2|2",
        "Mail/Local Folders/Drafts|1|1",
        "Mail/Local Folders/Inbox|2|0",
        "Mail/Local Folders/Mixed|5|3",
        "Mail/Local Folders/Sent|2|2",
    ];
    assert_eq!(folders, wanted);
    let all = "SELECT subject, uid, seen, received_at, body_text, problems FROM MessageBody ORDER BY subject";
    let found = rows(&engine, all).await;
    assert_eq!(found.len(), 13);
    let row = |subject: &str, uid: u32, seen: bool, received: &str| {
        format!("{subject}|{uid}|{seen}|2015-01-0{received}Z|body of {subject}\n|NULL")
    };
    for (found, (subject, uid, seen)) in found.iter().zip([
        ("a1", 1, true),
        ("a2", 2, true),
        ("b1", 1, true),
        ("b2", 2, true),
        ("b3", 3, false),
        ("b4", 4, false),
        ("b5", 5, false),
        ("c1", 1, false),
        ("c2", 2, false),
        ("d1", 1, false),
        ("d2", 2, false),
        ("e1", 1, false),
        ("f1", 1, false),
    ]) {
        let received = if subject == "e1" { "2T09:00:00" } else { "3T01:02:03" };
        assert_eq!(*found, row(subject, uid, seen, received));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_each_program_have_the_messages_that_were_written() {
    let place = tempfile::tempdir().unwrap();
    let missing = "no empty line before the message";
    let noeol = full("a", 1).trim_end().to_owned();
    let eudora = |subject: &str| {
        format!("From ???@??? Tue Jun 24 09:15:00 1997\r\n{}", mail(subject, "\r\n").trim_end_matches("\r\n")) + "\r\n"
    };
    let prose = |line: &str| full("a", 1).replace("body of a\n", &format!("text 1\n\n{line}\n\n")) + &full("b", 2);
    let length = "x\n\nFrom ann@example.org Mon Jan  5 10:00:01 2026\nSubject: inner\n\ny\n";
    let lengths = full("a", 1).replace("Subject", &format!("Content-Length: {}\nSubject", length.len()));
    let lengths = lengths.replace("body of a\n", length) + "\n" + &full("b", 2);
    for (name, text, wanted) in [
        ("mixed", [old("a"), old("b"), new("c"), new("d"), new("e")].concat(), vec!["a|", "b|", "c|", "d|", "e|"]),
        ("onlynew", [new("a"), new("b")].concat(), vec!["a|", "b|"]),
        ("noblank", [full("a", 1), full("b", 2), full("c", 3)].concat(), vec!["a|", "b|+", "c|+"]),
        (
            "some",
            [full("a", 1) + "\n", full("b", 2), full("c", 3) + "\n", full("d", 4)].concat(),
            vec!["a|", "b|", "c|+", "d|"],
        ),
        ("noeol", [noeol + "\n", full("b", 2) + "\n", full("c", 3)].concat(), vec!["a|", "b|+", "c|"]),
        ("eudora", [eudora("a"), eudora("b"), eudora("c")].concat(), vec!["a|", "b|+", "c|+"]),
        ("prose", prose("From Monday 3 June 2024 10:00 the office is closed\nsecond line"), vec!["a|", "b|"]),
        ("shoes", prose("From Monday 3 June 2024 10:00 the office is closed\nNote: bring shoes"), vec!["a|", "b|"]),
        ("here", prose("From here: see below\nNote: bring shoes"), vec!["a|", "b|"]),
        (
            "russia",
            new("a").replace("body", "x\r\n\r\nFrom Russia with love\r\n\r\nbody") + &new("b"),
            vec!["a|", "b|"],
        ),
        ("dash", format!("From - \n{}\nFrom Russia with love\n\n", mail("a", "\n")) + &full("b", 2), vec!["a|", "b|"]),
        ("undated", ["a", "b"].map(|name| format!("From a@b\n{}\n", mail(name, "\n"))).concat(), vec!["a|", "b|"]),
        ("marked", format!("\u{feff}{}", full("a", 1).replace('\n', "\r\n")), vec!["a|"]),
        ("lengths", lengths, vec!["a|?", "b|"]),
    ] {
        let path = place.path().join(format!("{name}.mbox"));
        fs::write(&path, text).unwrap();
        let engine = Engine::builder().mbox("mail", &path).build().unwrap();
        let found = rows(&engine, "SELECT subject, coalesce(problems, '') FROM MessagesInFolder ORDER BY uid").await;
        let maybe = "a line \"From …\" in the message may begin another one";
        let wanted = wanted.iter().map(|row| row.replace('+', missing).replace('?', maybe));
        assert_eq!(found, wanted.collect::<Vec<_>>(), "{name}");
    }
    let error = Engine::builder().mbox("mail", place.path()).build().unwrap();
    fs::write(place.path().join("broken.mbox"), "no mail\n").unwrap();
    let error = error.sql("SELECT * FROM MessagesInFolder").await.unwrap().collect().await.unwrap_err();
    assert!(error.to_string().contains("broken.mbox is no mbox file"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_are_known_in_languages_that_are_known_and_null_in_others() {
    let place = tempfile::tempdir().unwrap();
    let labelled = |labels: &[&str]| {
        let mail = |labels: &&str| {
            format!(
                "From 1@xxx Mon Jan 05 10:00:00 +0000 2026\r\nX-Gmail-Labels: {labels}\r\n{}\r\n",
                mail("x", "\r\n")
            )
        };
        labels.iter().map(mail).collect::<String>()
    };
    let german =
        ["Posteingang,Ungelesen", "Posteingang,=?UTF-8?Q?Ge=C3=B6ffnet?=,Markiert", "=?UTF-8?Q?Entw=C3=BCrfe?="];
    fs::write(place.path().join("de.mbox"), labelled(&german)).unwrap();
    fs::write(place.path().join("lv.mbox"), labelled(&["=?UTF-8?Q?Ies=C5=ABtne,Nelas=C4=ABti?=", "Inbox"])).unwrap();
    let engine = Engine::builder().mbox("mail", place.path()).build().unwrap();
    let folders = rows(&engine, "SELECT folder, messages, unseen FROM Folder ORDER BY folder").await;
    assert_eq!(folders, ["de|3|1", "lv|2|NULL"]);
    let all = "SELECT folder, uid, seen, flagged, draft, deleted, flags FROM MessagesInFolder ORDER BY folder, uid";
    let wanted = [
        "de|1|false|false|false|false|",
        "de|2|true|true|false|false|\\Flagged \\Seen",
        "de|3|true|false|true|false|\\Seen \\Draft",
        "lv|1|NULL|NULL|NULL|false|",
        "lv|2|true|false|false|false|\\Seen",
    ];
    assert_eq!(rows(&engine, all).await, wanted);
    for (condition, uids) in [
        ("seen", "2"),
        ("NOT seen", ""),
        ("seen = false", ""),
        ("seen <> true", ""),
        ("seen IS NULL", "1"),
        ("seen IS NOT TRUE", "1"),
        ("seen IS NOT FALSE", "1 2"),
        ("seen IS DISTINCT FROM true", "1"),
        ("NOT (seen AND flagged)", "2"),
        ("NOT (seen OR uid = 2)", ""),
        ("NOT (seen AND uid = 2)", "1"),
        ("NOT seen OR uid = 1", "1"),
        ("(NOT seen OR draft) IS NOT TRUE", "1 2"),
        ("(seen OR uid = 1) IS NOT FALSE", "1 2"),
        ("NOT deleted", "1 2"),
        ("uid = 1 AND NOT (flagged AND deleted)", "1"),
        ("NOT (NOT seen)", "2"),
    ] {
        let all = format!("SELECT uid FROM MessagesInFolder WHERE folder = 'lv' AND ({condition}) ORDER BY uid");
        for pushdown in ["true", "false"] {
            engine.sql(&format!("SET mailql.pushdown = {pushdown}")).await.unwrap().collect().await.unwrap();
            assert_eq!(rows(&engine, &all).await.join(" "), uids, "{condition}, pushdown {pushdown}");
        }
        let count = format!("SELECT count(*) FROM MessagesInFolder WHERE folder = 'lv' AND ({condition})");
        engine.sql("SET mailql.pushdown = true").await.unwrap().collect().await.unwrap();
        assert_eq!(rows(&engine, &count).await, [uids.split_whitespace().count().to_string()], "{condition}");
    }
}

/// Python's `mailbox.mbox` takes every line `From …` for a separator, so it is asked about files without such text, and its
/// count of the others is known to be higher.
#[tokio::test(flavor = "multi_thread")]
async fn python_finds_the_same_number_of_messages() {
    let place = tempfile::tempdir().unwrap();
    let undated = |name: &str| format!("From ann@example.org\n{}\n", mail(name, "\n"));
    let mut files = Vec::new();
    for (number, write) in [old, new, |name: &str| full(name, 1), |name: &str| full(name, 2) + "\n"].iter().enumerate()
    {
        for count in [1, 2, 7] {
            files.push((format!("{number}-{count}"), (0..count).map(|name| write(&name.to_string())).collect(), 0));
        }
    }
    files.push(("undated".to_owned(), [undated("a"), undated("b")].concat(), 0));
    files.push(("every".to_owned(), [old("a"), new("b"), full("c", 1), undated("d"), full("e", 5)].concat(), 0));
    let quoted = full("a", 1) + "\n>From the office\n\n";
    files.push(("quoted".to_owned(), quoted.repeat(3), 0));
    // Text that Python takes for a separator.
    let prose = full("a", 1) + "\nFrom the office\nsecond line\n\n";
    files.push(("prose".to_owned(), prose.repeat(3), 3));
    let names: Vec<_> = files.iter().map(|(name, _, _)| place.path().join(format!("{name}.mbox"))).collect();
    for ((_, text, _), path) in files.iter().zip(&names) {
        fs::write(path, text).unwrap();
    }
    let theirs = python(&names.iter().map(|path| path.as_path()).collect::<Vec<_>>());
    for (((name, _, more), path), theirs) in files.iter().zip(&names).zip(theirs) {
        let engine = Engine::builder().mbox("mail", path).build().unwrap();
        let ours = rows(&engine, "SELECT count(*) FROM MessagesInFolder").await;
        assert_eq!(ours, [(theirs - more).to_string()], "{name}");
    }
}

fn python(files: &[&Path]) -> Vec<usize> {
    let script = "import mailbox, sys\nfor file in sys.argv[1:]:\n    print(len(mailbox.mbox(file)))\n";
    let output = Command::new("python3").arg("-c").arg(script).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

/// The rows of an answer, their values with `|` between.
async fn rows(engine: &Engine, sql: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in engine.sql(sql).await.unwrap().collect().await.unwrap() {
        for row in 0..batch.num_rows() {
            let value = |column: &datafusion::arrow::array::ArrayRef| {
                if column.is_null(row) { "NULL".to_owned() } else { array_value_to_string(column, row).unwrap() }
            };
            rows.push(batch.columns().iter().map(value).collect::<Vec<_>>().join("|"));
        }
    }
    rows
}
