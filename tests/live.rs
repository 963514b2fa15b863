//! A live account: what a person does with it, against a real Dovecot, and what must not happen to the mail meanwhile.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod answer;
mod mail;
mod program;
mod server;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use datafusion::physical_plan::{ExecutionPlan, collect};
use futures::StreamExt;
use mailql::mail::mutf7;
use mailql::{Engine, ImapAccount, Tls};
use program::{Home, stderr};
use server::dovecot::{Dovecot, Options, User};
use server::proxy::Proxy;

#[tokio::test(flavor = "multi_thread")]
async fn reading_everything_marks_nothing_as_read_and_leaves_recent_messages_recent() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(mail::write_maildir);
    let before = states(dovecot, &user);
    assert!(before.iter().any(|state| state.contains("RECENT 1")), "there is something to lose: {before:?}");
    let engine = engine(dovecot, &user);
    for table in mailql::engine::tables() {
        engine.sql(&format!("SELECT * FROM {}", table.name)).await.unwrap().collect().await.unwrap();
        engine.sql(&format!("SELECT * FROM {} LIMIT 3", table.name)).await.unwrap().collect().await.unwrap();
    }
    let rows =
        answer(&engine, "SELECT count(raw), count(body_text) FROM MessageBody WHERE NOT seen AND size > 0").await;
    assert_ne!(rows, ["0|0"]);
    assert_eq!(states(dovecot, &user), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_messages_are_not_read_for_five_of_them() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write_many(maildir, 10_000));
    let engine = engine(dovecot, &user);
    let sql = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen \
               AND received_at > now() - interval '30 days' LIMIT 5";
    let plan = answer(&engine, &format!("EXPLAIN {sql}")).await.join("\n");
    assert!(plan.contains(" search=[UNSEEN SINCE "), "{plan}");
    let frame = engine.sql(sql).await.unwrap();
    let (context, plan) = (frame.task_ctx(), frame.create_physical_plan().await.unwrap());
    let rows = answer::rows(&collect(plan.clone(), context.into()).await.unwrap());
    assert_eq!(rows.len(), 5);
    let fetched = metric(plan.as_ref(), "messages_fetched");
    assert!((5..=10).contains(&fetched), "{fetched} messages were asked for");
    let newest = answer(&engine, sql).await;
    let all = answer(
        &engine,
        "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen ORDER BY uid DESC LIMIT 5",
    )
    .await;
    assert_eq!(newest, all);
    assert_eq!(answer(&engine, "SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX'").await, ["10000"]);
    assert_eq!(answer(&engine, "SELECT count(subject) FROM MessagesInFolder").await, ["10000"]);
    assert_eq!(answer(&engine, "SELECT count(subject) FROM MessagesInFolder WHERE uid % 2 = 0").await, ["5000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_body_is_downloaded_that_nobody_asked_for() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write_many(maildir, 300));
    let proxy = Proxy::before(dovecot.port()).start();
    let engine = engine_at(&user, proxy.port());
    let received = async |sql: &str| {
        proxy.forget();
        let rows = answer(&engine, sql).await;
        (rows.len(), proxy.counts().from_server, proxy.transcript())
    };
    received("SELECT count(*) FROM MessagesInFolder").await;
    // Each body has 3,000 octets of text and an attachment of 2,000.
    let (rows, octets, said) =
        received("SELECT subject, body_text FROM MessageBody WHERE folder = 'INBOX' AND subject LIKE '%invoice%'")
            .await;
    assert_eq!(rows, 3);
    assert_eq!(said.matches("BODY[1] {").count(), 3, "{said}");
    assert!(octets < 60_000, "{octets} octets");
    let (rows, octets, said) = received("SELECT * FROM MessageAttachments").await;
    assert_eq!(rows, 300);
    assert!(!said.contains("BODY["), "{said}");
    assert!(octets < 120_000, "{octets} octets");
    let (rows, octets, said) =
        received("SELECT name, content FROM AttachmentContent WHERE folder = 'INBOX' AND uid = 7").await;
    assert_eq!(rows, 1);
    assert_eq!(said.matches("BODY[").count(), 1, "{said}");
    assert!(octets < 4_000, "{octets} octets");
}

/// However the join is written, and whatever says which messages are wanted: the headers of no others go over the line.
#[tokio::test(flavor = "multi_thread")]
async fn a_join_by_key_asks_a_server_for_headers_of_what_matches_and_no_more() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write_many(maildir, 300));
    let proxy = Proxy::before(dovecot.port()).start();
    let engine = engine_at(&user, proxy.port());
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str| format!("'{}'", files.path().join(name).display());
    let (csv, parquet) = (file("keys.csv"), file("keys.parquet"));
    // There need not be a message for each key.
    fs::write(files.path().join("keys.csv"), "folder,uid\nINBOX,8\nINBOX,108\nNowhere,9\nINBOX,208\nINBOX,208\n")
        .unwrap();
    answer(&engine, &format!("COPY (SELECT * FROM {csv}) TO {parquet}")).await;
    let values = "(VALUES ('INBOX', 8), ('INBOX', 108), ('INBOX', 208)) k(folder, uid)";
    let invoices = "m.folder = 'INBOX' AND m.subject LIKE '%invoice%'";
    let both = "h.folder = k.folder AND h.uid = k.uid";
    let forms = [
        format!(
            "FROM MessagesInFolder m JOIN MessageHeaders h USING (account, folder, uid_validity, uid) WHERE {invoices}"
        ),
        format!(
            "FROM MessageHeaders h JOIN MessagesInFolder m USING (account, folder, uid_validity, uid) WHERE {invoices}"
        ),
        format!(
            "FROM MessagesInFolder m JOIN MessageHeaders h ON m.folder = h.folder AND m.uid = h.uid WHERE {invoices}"
        ),
        format!(
            "FROM MessageHeaders h JOIN MessagesInFolder m ON m.folder = h.folder AND m.uid = h.uid WHERE {invoices}"
        ),
        format!(
            "FROM MessageHeaders h WHERE folder = 'INBOX' AND uid IN (SELECT uid FROM MessagesInFolder m WHERE {invoices})"
        ),
        format!(
            "FROM MessageHeaders h WHERE EXISTS (SELECT 1 FROM MessagesInFolder m WHERE m.folder = h.folder AND m.uid = h.uid AND {invoices})"
        ),
        format!("FROM {csv} k JOIN MessageHeaders h ON {both}"),
        format!("FROM MessageHeaders h JOIN {csv} k ON {both}"),
        format!("FROM MessageHeaders h JOIN {csv} k USING (folder, uid)"),
        format!(
            "FROM MessageHeaders h WHERE folder = 'INBOX' AND uid IN (SELECT uid FROM {csv} WHERE folder = 'INBOX')"
        ),
        format!("FROM MessageHeaders h WHERE EXISTS (SELECT 1 FROM {csv} k WHERE {both})"),
        format!("FROM {parquet} k JOIN MessageHeaders h ON {both}"),
        format!("FROM MessageHeaders h JOIN {parquet} k ON {both}"),
        format!(
            "FROM MessageHeaders h WHERE folder = 'INBOX' AND uid IN (SELECT uid FROM {parquet} WHERE folder = 'INBOX')"
        ),
        format!("FROM MessageHeaders h WHERE EXISTS (SELECT 1 FROM {parquet} k WHERE {both})"),
        format!("FROM {values} JOIN MessageHeaders h ON {both}"),
        format!("FROM MessageHeaders h JOIN {values} ON {both}"),
        format!("FROM MessageHeaders h JOIN {values} USING (folder, uid)"),
        format!("FROM MessageHeaders h WHERE EXISTS (SELECT 1 FROM {values} WHERE {both})"),
    ];
    let mut wrong = String::new();
    for form in forms {
        let frame = engine.sql(&format!("SELECT DISTINCT h.uid, h.value {form}")).await.expect(&form);
        let (context, plan) = (frame.task_ctx(), frame.create_physical_plan().await.unwrap());
        proxy.forget();
        let rows = collect(plan.clone(), context.into()).await.expect(&form);
        let said = proxy.transcript();
        assert_eq!(answer::rows(&rows).len(), 3 * 5, "each mail has five header fields: {form}");
        let looked_at = if form.contains("MessagesInFolder") { 300 } else { 0 };
        let fetched = metric(plan.as_ref(), "messages_fetched") - looked_at;
        let asked: Vec<&str> = said.lines().filter(|line| line.contains(" UID FETCH ")).collect();
        let headers: Vec<_> = asked.iter().filter(|line| line.contains("BODY.PEEK[HEADER])")).collect();
        let is_of_matches = headers.len() == 1 && headers[0].contains(" UID FETCH 8,108,208 (");
        if fetched != 3 || !is_of_matches || asked.len() > 1 + usize::from(looked_at > 0) {
            writeln!(wrong, "{form}: {fetched} fetched, and said was {asked:#?}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_attachments_only_those_that_are_wanted_are_downloaded() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| {
        let part = |media_type: &str, name: &str| {
            format!("--b\nContent-Type: {media_type}; name={name}\nContent-Transfer-Encoding: base64\n\nQUJD\n")
        };
        let parts = part("application/zip", "a.zip") + &part("application/pdf", "b.pdf") + &part("image/png", "c.png");
        let raw = format!("Subject: three\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n{parts}--b--\n");
        fs::create_dir_all(maildir.join("cur")).unwrap();
        fs::write(maildir.join("cur/1700000000.M1P1.x:2,"), raw).unwrap();
    });
    let proxy = Proxy::before(dovecot.port()).start();
    let engine = engine_at(&user, proxy.port());
    let sql = "SELECT name, content FROM AttachmentContent WHERE folder = 'INBOX' AND media_type = 'application/pdf'";
    assert_eq!(answer(&engine, sql).await, ["b.pdf|414243"]);
    assert!(proxy.transcript().contains("(UID BODY.PEEK[3])"), "{}", proxy.transcript());
    let sql = "SELECT name, text FROM AttachmentContent WHERE folder = 'INBOX' AND (name LIKE 'a%' OR part = '4')";
    assert_eq!(answer(&engine, sql).await, ["a.zip|NULL", "c.png|NULL"]);
    assert!(proxy.transcript().contains("(UID BODY.PEEK[2] BODY.PEEK[4])"), "{}", proxy.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_is_enough_for_everything() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(mail::write_maildir);
    let proxy = Proxy::before(dovecot.port()).start();
    let engine = engine_at(&user, proxy.port());
    let statements = [
        "SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' UNION ALL \
         SELECT uid FROM MessagesInFolder WHERE folder = 'Lists' ORDER BY uid",
        "SELECT a.uid FROM MessagesInFolder a JOIN MessagesInFolder b ON a.from_address = b.from_address \
         WHERE a.folder = 'INBOX' AND b.folder = 'Archive/2025' ORDER BY 1",
        "SELECT a.uid, b.body_text FROM MessagesInFolder a JOIN MessageBody b USING (account, folder, uid_validity, uid) \
         WHERE a.subject LIKE '%e%' ORDER BY 1, 2",
        "SELECT count(*) FROM MessagesInFolder a, MessagesInFolder b WHERE a.folder = 'Lists'",
        "SELECT uid, (SELECT max(uid) FROM MessagesInFolder) FROM MessagesInFolder ORDER BY 1, 2",
    ];
    for sql in statements {
        let expected = tokio::time::timeout(Duration::from_secs(60), answer(&engine, sql)).await.unwrap();
        assert!(!expected.is_empty(), "{sql}");
        let alone = engine_at(&user, proxy.port());
        alone.sql("SET mailql.connections = 1").await.unwrap().collect().await.unwrap();
        proxy.forget();
        let found = tokio::time::timeout(Duration::from_secs(60), answer(&alone, sql)).await.expect(sql);
        assert_eq!(found, expected, "{sql}");
        assert_eq!(proxy.counts().connections, 1, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_stops_lets_others_have_the_connection_and_goes_on_later() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write_many(maildir, 6_000));
    let engine = engine(dovecot, &user);
    engine.sql("SET mailql.connections = 1").await.unwrap().collect().await.unwrap();
    let sql = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX'";
    let mut slow = engine.sql(sql).await.unwrap().execute_stream().await.unwrap();
    let mut rows = slow.next().await.unwrap().unwrap().num_rows();
    let other = answer(&engine, "SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX'");
    let other = tokio::time::timeout(Duration::from_secs(30), other).await.expect("the connection is given up");
    assert_eq!(other, ["6000"]);
    while let Some(batch) = slow.next().await {
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, 6_000, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_leaves_leaves_nothing_behind() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write_many(maildir, 3_000));
    let engine = engine(dovecot, &user);
    for _ in 0..5 {
        let mut stream = engine.sql("SELECT uid, raw FROM MessageBody").await.unwrap().execute_stream().await.unwrap();
        assert!(stream.next().await.unwrap().unwrap().num_rows() > 0);
        drop(stream);
        assert_eq!(answer(&engine, "SELECT max(uid), count(subject) FROM MessagesInFolder").await, ["3000|3000"]);
    }
}

/// Dovecot 2.3 finds only what has neither of two flags when it is asked for what lacks one of them.
#[tokio::test(flavor = "multi_thread")]
async fn what_lacks_one_of_two_flags_is_found() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(mail::write_maildir);
    let engine = engine(dovecot, &user);
    for condition in [
        "NOT seen OR NOT flagged",
        "NOT (seen AND deleted)",
        "NOT seen OR uid = 3 OR NOT answered",
        "(NOT seen AND uid < 90) OR (NOT flagged AND uid < 90)",
        "(NOT draft OR NOT flagged) AND (NOT seen OR NOT deleted)",
    ] {
        let sql = format!("SELECT folder, uid FROM MessagesInFolder WHERE {condition}");
        let found = answer(&engine, &sql).await;
        answer(&engine, "SET mailql.pushdown = false").await;
        let expected = answer(&engine, &sql).await;
        answer(&engine, "SET mailql.pushdown = true").await;
        assert!(expected.len() > 20);
        assert_eq!(found, expected, "{condition}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_every_name_are_listed_and_read() {
    for separator in ['/', '.'] {
        let dovecot = Dovecot::start(&Options { separator, ..Options::default() });
        let user = dovecot.user();
        let other = if separator == '/' { '.' } else { '/' };
        let deep = ["one", "two", "three", "four", "five"].join(&separator.to_string());
        let within = format!("a{other}b");
        let names = [
            "two words",
            "Ünï & \"quoted\"",
            "50%",
            "x*y",
            "back\\slash",
            "日本語",
            "📬 mail",
            "&",
            "&-",
            "#news",
            "(list)",
            "{5}",
            "~home",
            "]",
            "NIL",
            "'; DROP",
            &deep,
            &within,
        ];
        let mut raw = Raw::sign_in(&dovecot, &user);
        for name in names {
            let wire = mutf7::encode(name).replace('\\', "\\\\").replace('"', "\\\"");
            raw.ask(&format!("CREATE \"{wire}\""));
            let mail = format!("Subject: =?utf-8?B?{}?=\r\n\r\nx\r\n", base64(name.as_bytes()));
            raw.ask(&format!("APPEND \"{wire}\" {{{}+}}\r\n{mail}", mail.len()));
        }
        let engine = engine(&dovecot, &user);
        let listed = answer(&engine, "SELECT folder FROM Folder WHERE selectable").await;
        for name in names {
            assert!(listed.iter().any(|folder| folder == name), "{name} in {listed:?}");
            let quoted = name.replace('\'', "''");
            let found =
                answer(&engine, &format!("SELECT subject FROM MessagesInFolder WHERE folder = '{quoted}'")).await;
            assert_eq!(found, [name], "separator {separator}");
        }
        let all = answer(&engine, "SELECT folder FROM MessagesInFolder WHERE folder = subject").await;
        assert_eq!(all.len(), names.len());
        let levels = answer(&engine, "SELECT name, parent, delimiter FROM Folder WHERE name = 'five'").await;
        let parent = deep.rsplit_once(separator).unwrap().0;
        assert_eq!(levels, [format!("five|{parent}|{separator}")]);
        let error = engine.sql("SELECT uid FROM MessagesInFolder WHERE folder = 'two wrds'").await.unwrap();
        let error = mailql::Error::from(error.collect().await.unwrap_err());
        assert_eq!(error.to_string(), "there is no folder 'two wrds'");
        assert!(error.way_out().unwrap().contains("did you mean 'two words'?"), "{error:?}");
    }
}

/// What else there is, is not even opened.
#[tokio::test(flavor = "multi_thread")]
async fn only_folders_that_are_meant_are_opened() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user();
    let mut raw = Raw::sign_in(dovecot, &user);
    let folders = ["Archive/2024", "Archive/2025", "Archives", "Sent", "Lists/rust", "Drafts"];
    for folder in folders {
        raw.ask(&format!("CREATE \"{folder}\""));
        raw.ask(&format!("APPEND \"{folder}\" {{12+}}\r\nSubject: x\r\n\r\n"));
    }
    let proxy = Proxy::before(dovecot.port()).start();
    let engine = engine_at(&user, proxy.port());
    for (condition, expected) in [
        ("folder LIKE 'Archive/%'", &["Archive/2024", "Archive/2025"][..]),
        ("folder LIKE 'Archive/%' AND NOT folder LIKE '%2024'", &["Archive/2025"]),
        ("folder NOT LIKE '%e%' AND folder <> 'INBOX'", &["Drafts", "Lists/rust"]),
        ("lower(folder) = 'sent'", &["Sent"]),
        ("starts_with(folder, 'Lists/')", &["Lists/rust"]),
        ("folder ~ '^Archive/20[0-9]+$'", &["Archive/2024", "Archive/2025"]),
        ("folder IN (SELECT folder FROM Folder WHERE role = 'sent')", &["Sent"]),
        ("folder IN (SELECT folder FROM Folder WHERE role IN ('sent', 'drafts'))", &["Drafts", "Sent"]),
        ("folder = (SELECT folder FROM Folder WHERE role = 'sent')", &["Sent"]),
        ("EXISTS (SELECT 1 FROM Folder f WHERE f.folder = MessagesInFolder.folder AND f.role = 'sent')", &["Sent"]),
        ("folder IN (SELECT folder FROM Folder WHERE parent = 'Archive')", &["Archive/2024", "Archive/2025"]),
    ] {
        proxy.forget();
        let sql = format!("SELECT folder, subject FROM MessagesInFolder WHERE {condition}");
        let rows = answer(&engine, &sql).await;
        let expected_rows: Vec<String> = expected.iter().map(|folder| format!("{folder}|x")).collect();
        assert_eq!(rows, expected_rows, "{condition}");
        let said = proxy.transcript();
        let mut opened: Vec<&str> = said
            .lines()
            .filter_map(|line| line.split_once("EXAMINE \""))
            .map(|(_, name)| name.trim_end_matches('"'))
            .collect();
        opened.sort_unstable();
        opened.dedup();
        assert_eq!(opened, expected, "{condition}\n{said}");
    }
}

#[test]
fn a_folder_that_has_everything_is_told_to_who_reads_all_folders() {
    let more = "namespace inbox {\n  mailbox \"All Mail\" {\n    special_use = \\All\n    auto = create\n  }\n}\n";
    let dovecot = Dovecot::start(&Options { more, ..Options::default() });
    let user = dovecot.user_with(|maildir| write_many(maildir, 3));
    let url = format!("imap://{}@127.0.0.1:{}", user.name, dovecot.port());
    let home = Home::new();
    let ask = |sql: &str| {
        let output = home.command(&[&url, "-c", sql]).env("MAILQL_PASSWORD", user.password).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    };
    let told = ask("SELECT count(*) FROM MessagesInFolder");
    assert!(told.contains("labels repeat mail in several; WHERE folder = 'All Mail' has each once"), "{told}");
    assert_eq!(ask("SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX'"), "");
    assert_eq!(ask("SELECT role FROM Folder"), "");
}

fn engine(dovecot: &Dovecot, user: &User) -> Engine {
    engine_at(user, dovecot.port())
}

fn engine_at(user: &User, port: u16) -> Engine {
    let account = ImapAccount::new("127.0.0.1", &user.name).password(user.password).tls(Tls::None).port(port);
    Engine::builder().imap("mail", account).build().unwrap()
}

/// The rows of an answer as text, sorted.
async fn answer(engine: &Engine, sql: &str) -> Vec<String> {
    answer::rows(&engine.sql(sql).await.expect(sql).collect().await.expect(sql))
}

/// What the scans of a plan counted under a name.
fn metric(plan: &dyn ExecutionPlan, name: &str) -> usize {
    let own = plan.metrics().and_then(|metrics| metrics.sum_by_name(name)).map_or(0, |value| value.as_usize());
    own + plan.children().into_iter().map(|child| metric(child.as_ref(), name)).sum::<usize>()
}

/// Mails with a text of 3,000 octets and an attachment of 2,000, one a minute until now; each hundredth is an invoice,
/// each third is seen.
fn write_many(maildir: &Path, count: u64) {
    for inner in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(inner)).unwrap();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for number in 0..count {
        let received = now - (count - number) * 60;
        let what = if number % 100 == 7 { "invoice" } else { "note" };
        let mut raw = format!(
            "From: Person <p@example.org>\nSubject: {what} {number}\nMessage-ID: <{number}@example.org>\nMIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=b\n\n--b\n\n"
        );
        writeln!(raw, "{}", "word ".repeat(600)).unwrap();
        writeln!(
            raw,
            "--b\nContent-Type: application/pdf; name={number}.pdf\nContent-Transfer-Encoding: base64\n\n{}\n--b--",
            "QUJD".repeat(500)
        )
        .unwrap();
        let flags = if number % 3 == 0 { "S" } else { "" };
        let path = maildir.join("cur").join(format!("{received}.M{number:06}P1.x:2,{flags}"));
        fs::write(&path, raw).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(received)).unwrap();
    }
}

/// What the server itself says of each folder.
fn states(dovecot: &Dovecot, user: &User) -> Vec<String> {
    let mut raw = Raw::sign_in(dovecot, user);
    let mut states = raw.ask("LIST \"\" \"*\" RETURN (STATUS (MESSAGES RECENT UNSEEN UIDNEXT HIGHESTMODSEQ))");
    states.retain(|line| line.starts_with("* STATUS"));
    assert!(states.len() > 3, "{states:?}");
    states
}

/// A conversation with the server that is not ours.
struct Raw(BufReader<TcpStream>);

impl Raw {
    fn sign_in(dovecot: &Dovecot, user: &User) -> Self {
        let mut raw = Self(BufReader::new(TcpStream::connect(("127.0.0.1", dovecot.port())).unwrap()));
        let mut greeting = String::new();
        raw.0.read_line(&mut greeting).unwrap();
        raw.ask(&format!("LOGIN {} {}", user.name, user.password));
        raw
    }

    /// The lines of the answer, which must be OK.
    fn ask(&mut self, command: &str) -> Vec<String> {
        self.0.get_mut().write_all(format!("t {command}\r\n").as_bytes()).unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "{command}");
            let line = line.trim_end().to_owned();
            if line.starts_with("t ") {
                assert!(line.starts_with("t OK"), "{command}: {line}");
                return lines;
            }
            lines.push(line);
        }
    }
}

fn base64(octets: &[u8]) -> String {
    use std::process::{Command, Stdio};
    let mut child = Command::new("base64").arg("-w0").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(octets).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}
