//! A real server behind a line that lies, and one whose mail is moved, deleted and renamed meanwhile.
//!
//! An answer is right, or an error; it is never short. `MAILQL_LIES` and `MAILQL_STATEMENTS` say how many are tried.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use crate::chance::Chance;
use crate::server::conversation::Conversation;
use crate::server::dovecot::{Dovecot, User};
use crate::server::proxy::Proxy;
use crate::server::proxy::lying::{Lie, Mischief};
use crate::{engine_of, rows};
use mailql::{Engine, ImapAccount, Tls};

/// Ways to ask for mail.
const SHAPES: [&str; 10] = [
    "SELECT uid, subject, seen, size FROM MessagesInFolder WHERE folder = 'INBOX'",
    "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen",
    "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND uid > 40",
    "SELECT uid, subject, body_text FROM MessageBody WHERE folder = 'INBOX' AND subject LIKE '%7%'",
    "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' ORDER BY received_at DESC LIMIT 15",
    "SELECT folder, count(*) FROM MessagesInFolder GROUP BY folder",
    "SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen",
    "SELECT uid, part, name, text FROM AttachmentContent",
    "SELECT uid, octet_length(encode(raw, 'hex')) FROM MessageBody WHERE folder = 'INBOX'",
    "SELECT h.uid, h.value FROM MessageHeaders h JOIN MessagesInFolder m USING (account, folder, uid_validity, uid) \
     WHERE h.name = 'X-Number' AND m.subject LIKE '%3' AND m.folder = 'INBOX' AND h.folder = 'INBOX'",
];

/// What comes in between: news that are true of nothing.
const WORDS: [&str; 7] = [
    "* OK still here\r\n",
    "* NO the disk is nearly full\r\n",
    "* 2 FETCH (FLAGS (\\Seen))\r\n",
    "* 3 EXPUNGE\r\n",
    "* VANISHED 5\r\n",
    "* CAPABILITY IMAP4rev1\r\n",
    "* 1 FETCH (UID 4000000000 FLAGS ())\r\n",
];

fn write(maildir: &Path, count: usize) {
    for folder in ["", ".Archive"] {
        let place = maildir.join(folder).join("cur");
        fs::create_dir_all(&place).unwrap();
        for number in 1..=count {
            let file = if number % 5 == 0 { "Content-Disposition: attachment; filename=f.txt\n" } else { "" };
            let text = format!(
                "From: a@example.org\nMIME-Version: 1.0\nSubject: keep {number}\nX-Number: {number}\n{file}\nText {number} .\n"
            );
            let path = place.join(format!(
                "{}.{number}.host:2,{}",
                1_700_000_000 + number,
                if number % 3 == 0 { "S" } else { "" }
            ));
            fs::write(&path, text).unwrap();
            let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + number as u64);
            fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        }
    }
}

async fn engine_at(user: &User, port: u16) -> Engine {
    let account = ImapAccount::new("127.0.0.1", &user.name).password(user.password).tls(Tls::None).port(port);
    engine_of(account.compress(false)).await
}

fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_over_a_line_that_lies_is_right_or_an_error() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write(maildir, 60));
    let honest = Proxy::before(dovecot.port()).start();
    let direct = engine_at(&user, honest.port()).await;
    let mut expected = Vec::new();
    for sql in SHAPES {
        honest.forget();
        expected.push(rows(&direct, sql).await.unwrap());
        assert!(!expected.last().unwrap().is_empty(), "{sql}\n{}", honest.transcript());
    }
    let (mut errors, mut lies) = (0, 0);
    for seed in 0..number("MAILQL_LIES", 60) {
        let mut chance = Chance::of(seed as u64);
        let mischief = match chance.below(9) {
            0 => Mischief::Cut,
            1 => Mischief::Stall,
            2 | 3 => Mischief::Drop,
            4 => Mischief::Double,
            5 => Mischief::Reorder,
            6 => Mischief::Inject(chance.one(&WORDS)),
            7 => Mischief::WithoutItem,
            _ => chance.one(&[&Mischief::Unreadable, &Mischief::Shorter]).to_owned(),
        };
        // The first few responses are the way in.
        let lie = Lie { mischief, from: 8 + chance.below(70) };
        let proxy = Proxy::before(dovecot.port()).lie(lie).start();
        let engine = engine_at(&user, proxy.port()).await;
        rows(&engine, "SET mailql.retries = 2").await.unwrap();
        let shape = seed % SHAPES.len();
        match rows(&engine, SHAPES[shape]).await {
            Ok(rows) => assert_eq!(rows, expected[shape], "seed {seed}: {lie:?}: {}\n", SHAPES[shape]),
            Err(error) => {
                errors += 1;
                assert!(!error.to_string().is_empty());
            }
        }
        lies += usize::from(proxy.has_lied());
    }
    println!("{lies} lies told, {errors} errors");
    assert!(lies > 0 && errors < lies);
}

/// What other clients do meanwhile: they move, delete and append mail of their own, and rename a folder.
fn churn(port: u16, user: &User, is_over: &AtomicBool) -> usize {
    let mut client = Conversation::plain(port);
    client.imap(&format!("LOGIN {} {}", user.name, user.password));
    client.imap("CREATE Elsewhere");
    let (mut chance, mut names, mut done) = (Chance::of(7), ["Box A", "Box B"], 0);
    while !is_over.load(Ordering::Relaxed) {
        client.imap("SELECT INBOX");
        let found = client.imap("UID SEARCH FLAGGED");
        let found: Vec<&str> = found.lines().next().unwrap().split(' ').skip(2).collect();
        let some = found[..found.len().min(3)].join(",");
        match chance.below(5) {
            2 if !found.is_empty() => drop(client.imap(&format!("UID MOVE {some} Elsewhere"))),
            3 if !found.is_empty() => {
                client.imap(&format!("UID STORE {some} +FLAGS (\\Deleted)"));
                client.imap("EXPUNGE");
            }
            4 => {
                assert!(client.imap(&format!("RENAME \"{}\" \"{}\"", names[0], names[1])).contains(" OK"));
                names.swap(0, 1);
            }
            _ => {
                let text = "Subject: churn\r\nX-Number: churn\r\n\r\nchurn\r\n";
                client.imap(&format!("APPEND INBOX (\\Flagged) {{{}+}}\r\n{text}", text.len()));
            }
        }
        done += 1;
        std::thread::sleep(Duration::from_millis(1));
    }
    done
}

/// Statements about mail that nobody touches, which lies among mail that comes and goes.
const UNTOUCHED: [&str; 9] = [
    "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND subject LIKE 'keep%'",
    "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT flagged",
    "SELECT uid, subject, body_text FROM MessageBody WHERE folder = 'INBOX' AND subject LIKE 'keep%'",
    "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND uid BETWEEN 10 AND 50",
    "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' ORDER BY uid LIMIT 5",
    "SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT flagged",
    "SELECT count(*), count(DISTINCT subject) FROM MessagesInFolder WHERE subject LIKE 'keep%'",
    "SELECT count(*), count(DISTINCT text) FROM AttachmentContent",
    "SELECT count(*) FROM MessageHeaders WHERE name = 'X-Number' AND value <> 'churn'",
];

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_others_move_delete_append_and_rename_meanwhile_makes_no_answer_wrong() {
    let dovecot = Dovecot::shared();
    let user = Arc::new(dovecot.user_with(|maildir| {
        write(maildir, 60);
        fs::rename(maildir.join(".Archive"), maildir.join(".Box A")).unwrap();
    }));
    let engine = engine_at(&user, dovecot.port()).await;
    rows(&engine, "SET mailql.retries = 3").await.unwrap();
    let mut expected = Vec::new();
    for sql in UNTOUCHED {
        expected.push(rows(&engine, sql).await.unwrap());
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let others = {
        let (user, is_over, port) = (Arc::clone(&user), Arc::clone(&is_over), dovecot.port());
        std::thread::spawn(move || churn(port, &user, &is_over))
    };
    let (mut wrong, mut errors) = (Vec::new(), Vec::new());
    let statements = number("MAILQL_STATEMENTS", 150);
    for round in 0..statements {
        let which = round % UNTOUCHED.len();
        match rows(&engine, UNTOUCHED[which]).await {
            Ok(rows) if rows == expected[which] => {}
            Ok(rows) => wrong.push((UNTOUCHED[which], rows)),
            Err(error) => errors.push((UNTOUCHED[which], error.to_string())),
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let done = others.join().unwrap();
    println!("{statements} statements, {done} changes, {} errors", errors.len());
    assert!(done > 20, "{done} changes");
    assert_eq!(wrong, [], "of {statements}");
    // A folder that is renamed when a part of it was read cannot be read on.
    errors.retain(|(_, error)| !error.contains("is gone while it was read"));
    assert_eq!(errors, [], "of {statements}");
}
