//! What is said to a real server for each shape of query, word for word, and in how many round trips.
//!
//! The conversations are kept in `tests/transcripts/`; `MAILQL_COMPLETE=1` writes them anew, to be read before they are
//! committed. A line of 20 ms in each direction stands before the server, so that round trips can be counted.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use mailql::{Engine, ImapAccount, Tls};
use server::dovecot::Dovecot;
use server::proxy::Proxy;

/// A shape of query, and the round trips that it may take after signing in.
const SHAPES: [(&str, &str, u64); 28] = [
    ("names of folders", "SELECT folder FROM Folder", 1),
    ("folders with counts", "SELECT folder, messages, unseen, size FROM Folder", 1),
    ("count", "SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX'", 1),
    ("count with a flag", "SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen", 1),
    (
        "count with sizes and uids",
        "SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX' AND size > 9 AND uid > 3",
        1,
    ),
    ("counts of all folders", "SELECT folder, count(*) FROM MessagesInFolder GROUP BY folder", 1),
    ("highest uid", "SELECT max(uid), min(uid) FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen", 1),
    ("newest by uid", "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' ORDER BY uid DESC LIMIT 2", 2),
    ("oldest by uid", "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' ORDER BY uid LIMIT 2", 2),
    (
        "newest by date",
        "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' ORDER BY date DESC LIMIT 2",
        2,
    ),
    (
        "newest by arrival",
        "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen ORDER BY received_at DESC LIMIT 2",
        2,
    ),
    (
        "largest with a predicate",
        "SELECT uid, subject, body_text FROM MessageBody WHERE folder = 'INBOX' AND NOT seen ORDER BY size DESC, uid LIMIT 2",
        3,
    ),
    (
        "headers of matches",
        "SELECT h.name, h.value FROM MessagesInFolder m JOIN MessageHeaders h USING (account, folder, uid_validity, uid) \
         WHERE m.folder = 'INBOX' AND m.subject LIKE '%invoice%'",
        2,
    ),
    (
        "attachments of a kind",
        "SELECT name, content FROM AttachmentContent WHERE folder = 'INBOX' AND media_type = 'application/pdf'",
        2,
    ),
    ("every row", "SELECT uid, subject, size FROM MessagesInFolder WHERE folder = 'INBOX'", 1),
    (
        "exact predicate",
        "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen AND size < 5000",
        1,
    ),
    ("days", "SELECT subject FROM MessagesInFolder WHERE folder = 'INBOX' AND received_at >= '2025-01-02'", 1),
    ("uids", "SELECT subject FROM MessagesInFolder WHERE folder = 'INBOX' AND uid IN (2, 3, 5, 99)", 1),
    (
        "predicate checked here",
        "SELECT uid, flags FROM MessagesInFolder WHERE folder = 'INBOX' AND subject LIKE '%invoice%'",
        2,
    ),
    ("limit", "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' LIMIT 2", 2),
    ("limit with a predicate", "SELECT subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen LIMIT 2", 2),
    ("all headers", "SELECT uid, name FROM MessageHeaders WHERE folder = 'INBOX'", 1),
    ("attachments", "SELECT uid, name, size FROM MessageAttachments WHERE folder = 'INBOX'", 1),
    ("content of one mail", "SELECT name, size FROM AttachmentContent WHERE folder = 'INBOX' AND uid = 3", 2),
    (
        "bodies of matches",
        "SELECT subject, body_text FROM MessageBody WHERE folder = 'INBOX' AND subject LIKE '%invoice%'",
        3,
    ),
    ("previews", "SELECT uid, preview FROM MessageBody WHERE folder = 'INBOX'", 2),
    ("raw", "SELECT uid, raw FROM MessageBody WHERE folder = 'INBOX' AND uid > 4", 2),
    ("several folders", "SELECT folder, uid FROM MessagesInFolder ORDER BY 1, 2", 3),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_shape_of_query_is_said_in_so_many_words() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(write_mail);
    let proxy = Proxy::before(dovecot.port()).delay(Duration::from_millis(20)).start();
    let mut wrong = Vec::new();
    for (name, sql, budget) in SHAPES {
        let engine = engine(&user.name, user.password, proxy.port());
        // Two connections would talk at the same time, in any order.
        engine.sql("SET mailql.connections = 1").await.unwrap().collect().await.unwrap();
        // Signing in is another story.
        engine.sql("SELECT count(*) FROM Folder").await.unwrap().collect().await.unwrap();
        proxy.forget();
        engine.sql(sql).await.unwrap().collect().await.unwrap();
        let (flights, transcript) = (proxy.counts().flights, proxy.transcript());
        if flights > budget {
            wrong.push(format!("{name}: {flights} round trips, and {budget} are enough\n{transcript}"));
        }
        let told = format!("{sql}\nround trips: {flights}\n\n{}", comparable(&transcript));
        wrong.extend(compare(name, &told));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_is_one_flight_after_the_greeting() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(write_mail);
    let proxy = Proxy::before(dovecot.port()).delay(Duration::from_millis(20)).start();
    let engine = engine(&user.name, user.password, proxy.port());
    engine.sql("SELECT folder FROM Folder").await.unwrap().collect().await.unwrap();
    assert_eq!(proxy.counts().flights, 2, "{}", proxy.transcript());
    assert_eq!(proxy.counts().connections, 1);
    let told = format!("SELECT folder FROM Folder\nround trips: 2\n\n{}", comparable(&proxy.transcript()));
    assert_eq!(compare("signing in", &told), None);
    assert!(!proxy.transcript().contains(user.password));
}

fn engine(user: &str, password: &str, port: u16) -> Engine {
    let account = ImapAccount::new("127.0.0.1", user).password(password).tls(Tls::None).port(port);
    Engine::builder().imap("mail", account).build().unwrap()
}

/// Five plain mails with an attachment, and one invoice; one more folder.
fn write_mail(maildir: &Path) {
    for folder in ["", ".Archive"] {
        for inner in ["cur", "new", "tmp"] {
            fs::create_dir_all(maildir.join(folder).join(inner)).unwrap();
        }
    }
    for number in 1..=6 {
        let what = if number == 3 { "invoice" } else { "note" };
        let raw = format!(
            "From: Ada <ada@example.org>\nSubject: {what} {number}\nDate: Wed, {number} Jan 2025 10:00:00 +0000\n\
             Message-ID: <{number}@example.org>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
             --b\n\nhello {number}\n--b\nContent-Type: application/pdf; name={number}.pdf\n\
             Content-Transfer-Encoding: base64\n\nQUJD\n--b--\n"
        );
        let received = 1_735_689_600 + number * 86_400;
        let flags = if number % 2 == 0 { "S" } else { "" };
        let path = maildir.join("cur").join(format!("{received}.M{number}P1.x:2,{flags}"));
        fs::write(&path, raw).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(received)).unwrap();
    }
}

/// The transcript without what differs from run to run.
fn comparable(transcript: &str) -> String {
    let mut lines = String::new();
    for line in transcript.lines() {
        let line = match (line.find(" (0."), line.ends_with(" secs).")) {
            (Some(at), true) => &line[..at],
            _ => line,
        };
        let mut line = line.to_owned();
        for name in ["UIDVALIDITY ", "HIGHESTMODSEQ "] {
            if let Some(at) = line.find(name) {
                let digits = line[at + name.len()..].bytes().take_while(u8::is_ascii_digit).count();
                line.replace_range(at + name.len()..at + name.len() + digits, "N");
            }
        }
        lines.push_str(&line);
        lines.push('\n');
    }
    lines
}

/// What is wrong with it, against what is kept.
fn compare(name: &str, told: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/transcripts")
        .join(format!("{}.txt", name.replace(' ', "-")));
    if std::env::var_os("MAILQL_COMPLETE").is_some() {
        fs::write(path, told).unwrap();
        return None;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    (kept != told).then(|| format!("{name} is said in other words than in {}:\n{told}", path.display()))
}
