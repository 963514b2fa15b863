//! `imap_search` and `gmail`: what a server finds in its own words, by itself and together with everything else.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod answer;
mod server;

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use datafusion::common::ScalarValue;
use datafusion::prelude::SessionContext;
use mailql::{AccountConfig, Config, Engine, Error, ErrorKind, ImapAccount, Tls};
use server::dovecot::{Dovecot, User};
use server::proxy::Proxy;
use server::scripted::{Action, Command, Context, Script};

/// Conditions on INBOX, and the uids for which they hold.
const CONDITIONS: [(&str, &str); 36] = [
    (r#"imap_search('SUBJECT "invoice"')"#, "1 2 6"),
    (r#"imap_search('subject invoice unseen')"#, "2 6"),
    (r#"imap_search('TEXT "invoice"')"#, "1 2 4 6"),
    (r#"imap_search('TEXT "invoice" UNSEEN')"#, "2 6"),
    (r#"imap_search('KEYWORD $Invoices')"#, "5"),
    (r#"imap_search('OR SUBJECT "note" (KEYWORD $Invoices FLAGGED)')"#, "4 5"),
    (r#"imap_search('SUBJECT "Köln"')"#, "3"),
    (r#"imap_search('OR SUBJECT "grüße" UID 5:*')"#, "3 5 6"),
    (r#"imap_search('SUBJECT "6 (final) \"x\""')"#, "6"),
    (r#"imap_search('HEADER Message-ID "<4@"')"#, "4"),
    (r#"imap_search('ALL')"#, "1 2 3 4 5 6"),
    (r#"imap_search('SUBJECT "nowhere"')"#, ""),
    (r#"NOT imap_search('SUBJECT "invoice"')"#, "3 4 5"),
    (r#"NOT imap_search('SUBJECT "nowhere"')"#, "1 2 3 4 5 6"),
    (r#"imap_search('SUBJECT "invoice"') AND NOT seen"#, "2 6"),
    (r#"imap_search('SUBJECT "invoice"') AND subject LIKE '%e 1%'"#, "1"),
    (r#"imap_search('SUBJECT "invoice"') OR subject = 'note 5'"#, "1 2 5 6"),
    (r#"NOT (imap_search('SUBJECT "invoice"') OR seen)"#, "3 5"),
    (r#"NOT (imap_search('SUBJECT "invoice"') AND seen)"#, "2 3 4 5 6"),
    (r#"imap_search('SUBJECT "invoice"') AND imap_search('UNSEEN')"#, "2 6"),
    (r#"imap_search('SUBJECT "note"') OR imap_search('FLAGGED')"#, "4 5 6"),
    (r#"imap_search('UNSEEN') <> seen"#, "1 2 3 4 5 6"),
    (r#"imap_search('UNSEEN') IS NOT TRUE"#, "1 4"),
    (r#"imap_search('UNSEEN') = false"#, "1 4"),
    (r#"CASE WHEN seen THEN imap_search('SUBJECT "note"') ELSE uid = 2 END"#, "2 4"),
    (r#"imap_search('SUBJECT "in' || 'voice"')"#, "1 2 6"),
    (r#"imap_search(NULL)"#, ""),
    (r#"imap_search(NULL) OR seen"#, "1 4"),
    (r#"imap_search('UNSEEN', uid)"#, "2 3 5 6"),
    (r#"imap_search('UNSEEN') AND uid > 4"#, "5 6"),
    (r#"imap_search('UNSEEN') AND received_at >= '2025-01-05'"#, "5 6"),
    (r#"imap_search('UNSEEN') AND uid = (SELECT max(uid) FROM MessagesInFolder WHERE folder = 'INBOX')"#, "6"),
    (
        r#"imap_search('UNSEEN') OR uid = (SELECT min(uid) FROM MessagesInFolder WHERE imap_search('SEEN'))"#,
        "1 2 3 5 6",
    ),
    (r#"uid IN (SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND imap_search('FLAGGED'))"#, "6"),
    (
        r#"EXISTS (SELECT 1 FROM MessageHeaders h WHERE h.folder = 'INBOX' AND h.uid = MessagesInFolder.uid AND imap_search('SEEN'))"#,
        "1 4",
    ),
    (r#"imap_search('SEEN') AND seen IN (SELECT seen FROM MessagesInFolder)"#, "1 4"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_search_goes_with_every_other_condition() {
    let (dovecot, user) = mailbox();
    let pushed = engine(&user, dovecot.port());
    let plain = engine(&user, dovecot.port());
    rows(&plain, "SET mailql.pushdown = false").await.unwrap();
    for (condition, uids) in CONDITIONS {
        let expected: Vec<&str> = uids.split_whitespace().collect();
        for engine in [&pushed, &plain] {
            let sql = format!("SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND ({condition})");
            assert_eq!(rows(engine, &sql).await.expect(condition), expected, "{condition}");
            let sql = format!("SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX' AND ({condition})");
            assert_eq!(rows(engine, &sql).await.unwrap(), [expected.len().to_string()], "{condition}");
            let sql = format!(
                "SELECT DISTINCT uid, body_text FROM MessageBody AS MessagesInFolder WHERE folder = 'INBOX' AND ({condition}) ORDER BY uid LIMIT 99"
            );
            assert_eq!(rows(engine, &sql).await.unwrap().len(), expected.len(), "{condition}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_folder_is_asked_for_its_own_messages() {
    let (dovecot, user) = mailbox();
    let engine = engine(&user, dovecot.port());
    let found = async |condition: &str| {
        rows(&engine, &format!("SELECT folder || ' ' || uid FROM MessagesInFolder WHERE {condition}")).await.unwrap()
    };
    assert_eq!(found("imap_search('SUBJECT invoice')").await, ["Archive 1", "INBOX 1", "INBOX 2", "INBOX 6"]);
    assert_eq!(found("folder <> 'INBOX' AND NOT imap_search('SUBJECT invoice')").await, ["Archive 2"]);
    assert_eq!(found("folder LIKE 'A%' AND imap_search('ALL')").await, ["Archive 1", "Archive 2"]);
    let sql = "SELECT folder, count(*) FROM MessagesInFolder WHERE imap_search('TEXT invoice') GROUP BY folder";
    assert_eq!(rows(&engine, sql).await.unwrap(), ["Archive|1", "INBOX|4"]);
    let sql = "SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND imap_search('UNSEEN') LIMIT 2";
    assert_eq!(rows(&engine, sql).await.unwrap(), ["5", "6"]);
    for table in mailql::engine::tables().iter().filter(|table| table.name != "Folder") {
        let sql = format!("SELECT DISTINCT uid FROM {} WHERE folder = 'INBOX' AND imap_search('UID 4')", table.name);
        let expected: &[&str] = if table.name.contains("Attachment") { &[] } else { &["4"] };
        assert_eq!(rows(&engine, &sql).await.unwrap(), expected, "{sql}");
    }
}

/// DataFusion hands a condition on one side of a join to the other side, as far as their columns are equal.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_join_it_is_asked_of_the_table_that_is_meant() {
    let (dovecot, user) = mailbox();
    let engine = engine(&user, dovecot.port());
    let found = async |sql: &str| rows(&engine, sql).await.expect(sql);
    let of_two = "SELECT a.uid, b.uid FROM MessagesInFolder a JOIN MessagesInFolder b ON a.uid = b.uid \
                  WHERE a.folder = 'INBOX' AND b.folder = 'Archive' AND";
    // In the archive, 1 is the invoice and 2 is not.
    assert_eq!(found(&format!("{of_two} imap_search('SUBJECT invoice', a.uid)")).await, ["1|1", "2|2"]);
    assert_eq!(found(&format!("{of_two} imap_search('SUBJECT invoice', b.uid)")).await, ["1|1"]);
    assert_eq!(found(&format!("{of_two} NOT imap_search('SUBJECT invoice', b.uid)")).await, ["2|2"]);
    let by_key = "SELECT h.value FROM MessagesInFolder m JOIN MessageHeaders h \
                  USING (account, folder, uid_validity, uid) WHERE h.name = 'Subject' AND";
    for whose in ["m", "h"] {
        let sql = format!("{by_key} imap_search('UNSEEN SUBJECT invoice', {whose}.uid)");
        assert_eq!(found(&sql).await, ["INVOICE 6 (final) \"x\"", "Kettle invoice 2", "old invoice"], "{sql}");
    }
    let left = "SELECT m.uid, n.uid FROM MessagesInFolder m LEFT JOIN MessagesInFolder n \
                ON n.folder = m.folder AND n.uid = m.uid AND imap_search('SEEN', n.uid) WHERE m.folder = 'INBOX'";
    assert_eq!(found(left).await, ["1|1", "2|NULL", "3|NULL", "4|4", "5|NULL", "6|NULL"]);
    let within = "SELECT s.subject FROM (SELECT * FROM MessagesInFolder WHERE imap_search('FLAGGED')) s \
                  JOIN MessagesInFolder m ON m.folder = s.folder AND m.uid = s.uid";
    assert_eq!(found(within).await, ["INVOICE 6 (final) \"x\""]);
    for sql in [
        "WITH m AS (SELECT * FROM MessagesInFolder) SELECT uid FROM m WHERE imap_search('FLAGGED')",
        "SELECT number FROM (SELECT uid AS number, account, folder FROM MessagesInFolder) WHERE imap_search('FLAGGED')",
        "SELECT f.uid FROM (SELECT * FROM MessagesInFolder UNION ALL SELECT * FROM MessagesInFolder LIMIT 0) u RIGHT JOIN \
         (SELECT uid FROM MessagesInFolder WHERE imap_search('FLAGGED')) f USING (uid)",
        "SELECT m.uid FROM (VALUES (6), (1)) v(number) JOIN MessagesInFolder m ON m.uid = v.number \
         WHERE imap_search('FLAGGED')",
    ] {
        assert_eq!(found(sql).await, ["6"], "{sql}");
    }
    let both = "SELECT folder, uid FROM (SELECT account, folder, uid FROM MessagesInFolder WHERE folder = 'INBOX' \
                UNION ALL SELECT account, folder, uid FROM MessagesInFolder WHERE folder = 'Archive') \
                WHERE imap_search('SUBJECT invoice')";
    assert_eq!(found(both).await, ["Archive|1", "INBOX|1", "INBOX|2", "INBOX|6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_text_may_be_a_parameter() {
    let (dovecot, user) = mailbox();
    let engine = engine(&user, dovecot.port());
    let frame =
        engine.sql("SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND imap_search($1)").await.unwrap();
    for (search, uids) in [("FLAGGED", "6"), ("SUBJECT kettle", "2")] {
        let frame = frame.clone().with_param_values(vec![ScalarValue::from(search)]).unwrap();
        assert_eq!(answer::rows(&frame.collect().await.unwrap()), [uids]);
    }
    rows(&engine, "PREPARE p(TEXT) AS SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND imap_search($1)")
        .await
        .unwrap();
    assert_eq!(rows(&engine, "EXECUTE p('SUBJECT lamp')").await.unwrap(), ["1"]);
    assert_eq!(rows(&engine, "EXECUTE p('SUBJECT kettle')").await.unwrap(), ["2"]);
    rows(&engine, "CREATE VIEW flagged AS SELECT * FROM MessagesInFolder WHERE imap_search('FLAGGED')").await.unwrap();
    assert_eq!(rows(&engine, "SELECT uid FROM flagged WHERE imap_search('UNSEEN')").await.unwrap(), ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_asked_once_and_only_matches_are_fetched() {
    let (dovecot, user) = mailbox();
    let proxy = Proxy::before(dovecot.port()).delay(Duration::from_millis(10)).start();
    let engine = engine(&user, proxy.port());
    rows(&engine, "SET mailql.connections = 1").await.unwrap();
    let said = async |sql: &str| {
        rows(&engine, "SELECT folder FROM Folder").await.unwrap();
        proxy.forget();
        rows(&engine, sql).await.expect(sql);
        (proxy.transcript(), proxy.counts().flights)
    };
    let (transcript, flights) =
        said("SELECT subject FROM MessagesInFolder WHERE folder = 'INBOX' AND imap_search('TEXT invoice UNSEEN')")
            .await;
    assert!(transcript.contains("UID SEARCH RETURN (ALL) TEXT invoice UNSEEN\n"), "{transcript}");
    assert!(transcript.contains("UID FETCH 2,6 (UID "), "{transcript}");
    assert_eq!(flights, 2, "{transcript}");
    let (transcript, _) =
        said("SELECT count(*) FROM MessagesInFolder WHERE folder = 'INBOX' AND imap_search('UNSEEN')").await;
    assert!(!transcript.contains("FETCH"), "{transcript}");
    let (transcript, _) = said(
        "SELECT a.uid FROM MessagesInFolder a JOIN MessageHeaders b ON a.folder = b.folder AND a.uid = b.uid \
         WHERE a.folder = 'INBOX' AND imap_search('UNSEEN', a.uid) AND imap_search('UNSEEN', b.uid) \
         AND (imap_search('UNSEEN', a.uid) OR a.seen)",
    )
    .await;
    assert_eq!(transcript.matches("SEARCH RETURN (ALL) UNSEEN\n").count(), 1, "{transcript}");
    let (transcript, _) =
        said("SELECT subject FROM MessagesInFolder WHERE folder = 'INBOX' AND uid < 0 AND imap_search('UNSEEN')").await;
    assert!(!transcript.contains("SEARCH"), "what is impossible anyway is not asked: {transcript}");
    let (transcript, _) =
        said("SELECT subject FROM MessagesInFolder WHERE folder = 'INBOX' AND imap_search('SUBJECT none')").await;
    assert!(transcript.contains("SEARCH") && !transcript.contains("FETCH"), "{transcript}");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_asks_nobody_and_explain_analyze_tells_what_was_asked() {
    let (dovecot, user) = mailbox();
    let gone = engine(&user, 1);
    let sql = "SELECT subject FROM MessagesInFolder WHERE folder = 'INBOX' AND imap_search('TEXT \"invoice\" UNSEEN')";
    let plan = rows(&gone, &format!("EXPLAIN {sql}")).await.unwrap().join("\n");
    let then = "then=[folder = INBOX AND imap_search(TEXT \"invoice\" UNSEEN, account, folder, uid)]";
    assert!(plan.contains(then) && plan.contains("fetch=[UID HEADER.FIELDS (SUBJECT)] lanes=1"), "{plan}");
    let error = rows(&gone, "SELECT uid FROM MessagesInFolder WHERE imap_search('1:5')").await.unwrap_err();
    assert!(error.to_string().contains("UID 1:5 stands for uids"), "{error}");
    let engine = engine(&user, dovecot.port());
    let plan = rows(&engine, &format!("EXPLAIN ANALYZE {sql}")).await.unwrap().join("\n");
    assert!(plan.contains("UID SEARCH RETURN (ALL) TEXT \"invoice\" UNSEEN; UID FETCH 2,6 (UID"), "{plan}");
    assert!(plan.contains("messages_fetched=2"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_server_can_be_asked_it_is_an_error() {
    let (dovecot, user) = mailbox();
    let engine = engine(&user, dovecot.port());
    rows(&engine, "CREATE VIEW numbers AS SELECT * FROM (VALUES (1), (2)) v(uid)").await.unwrap();
    let outside = "imap_search stands where no mail server can be asked";
    for (sql, message) in [
        ("SELECT imap_search('SEEN') FROM MessagesInFolder", outside),
        ("SELECT uid FROM MessagesInFolder ORDER BY imap_search('SEEN')", outside),
        ("SELECT count(*) FILTER (WHERE imap_search('SEEN')) FROM MessagesInFolder", outside),
        ("SELECT imap_search('SEEN', uid) FROM MessagesInFolder", outside),
        ("SELECT imap_search('SEEN')", outside),
        ("SELECT * FROM (SELECT * FROM MessagesInFolder LIMIT 3) WHERE imap_search('SEEN')", outside),
        (
            "SELECT uid FROM MessagesInFolder WHERE imap_search('SUBJECT ' || subject)",
            "imap_search takes one text for all messages",
        ),
        ("SELECT * FROM numbers WHERE imap_search('SEEN')", "imap_search asks about messages, and none are in sight"),
        ("SELECT * FROM Folder WHERE imap_search('SEEN')", "imap_search asks about messages, and none are in sight"),
        (
            "SELECT * FROM (SELECT uid, subject FROM MessagesInFolder) WHERE imap_search('SEEN')",
            "imap_search needs the column account, which is not in sight",
        ),
        (
            "SELECT * FROM (SELECT uid, account, subject AS folder FROM MessagesInFolder) WHERE imap_search('SEEN')",
            "imap_search needs the column folder, which is not in sight",
        ),
        (
            "SELECT m.uid FROM MessagesInFolder m JOIN MessageBody b ON m.uid = b.uid WHERE imap_search('SEEN')",
            "imap_search may be about several tables of messages here",
        ),
        (
            "SELECT uid FROM MessagesInFolder WHERE imap_search('SEEN', size)",
            "size is not the uid of a table of messages",
        ),
        ("SELECT uid FROM MessagesInFolder WHERE imap_search('SEEN', 7)", "7) is not the uid of a table of messages"),
        ("SELECT uid FROM MessagesInFolder WHERE imap_search(7)", "imap_search takes one text"),
        ("SELECT uid FROM MessagesInFolder WHERE imap_search()", "imap_search takes one text"),
        ("SELECT uid FROM MessagesInFolder WHERE gmail('x')", "gmail asks a server of Gmail, and this is none"),
        (
            "SELECT uid FROM MessagesInFolder WHERE folder = 'Nowhere' AND imap_search('SEEN')",
            "there is no folder 'Nowhere'",
        ),
    ] {
        let error = rows(&engine, sql).await.expect_err(sql);
        assert!(error.to_string().contains(message) && error.way_out().is_some(), "{sql}: {error:?}");
    }
    let error =
        rows(&engine, "SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND imap_search('X-ODD 5')").await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    let said = error.to_string();
    assert!(said.starts_with("the server refused imap_search: ") && said.contains("X-ODD"), "{said}");
    assert!(said.contains("(search X-ODD 5, folder INBOX"), "{said}");
    assert!(error.way_out().unwrap().contains("RFC 9051"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_have_no_server_and_the_account_is_named() {
    let (dovecot, user) = mailbox();
    let place = tempfile::tempdir().unwrap();
    write_mail(place.path());
    let mbox = place.path().join("older.mbox");
    fs::write(&mbox, "From ada Mon Jan  6 10:00:00 2025\nSubject: x\n\ny\n").unwrap();
    let engine = Engine::builder()
        .maildir("old", place.path())
        .mbox("older", &mbox)
        .imap("work", account(&user, dovecot.port()))
        .build()
        .unwrap();
    let error = rows(&engine, "SELECT uid FROM old.MessagesInFolder WHERE imap_search('SEEN')").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(error.to_string(), "imap_search asks a mail server, and this account is files (account old)");
    assert!(error.way_out().is_some());
    let error = rows(&engine, "SELECT uid FROM older.MessagesInFolder WHERE gmail('x')").await.unwrap_err();
    assert_eq!(error.to_string(), "gmail asks a mail server, and this account is files (account older)");
    let sql = "SELECT account, uid FROM accounts.MessagesInFolder WHERE folder = 'INBOX' AND";
    assert!(rows(&engine, &format!("{sql} imap_search('FLAGGED')")).await.is_err());
    let found = rows(&engine, &format!("{sql} imap_search('FLAGGED') AND account = 'work'")).await.unwrap();
    assert_eq!(found, ["work|6"]);
    let error = rows(&engine, &format!("{sql} gmail('x') AND account = 'work'")).await.unwrap_err();
    assert!(error.to_string().contains("account work"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_a_search_can_be_said() {
    let (dovecot, user) = mailbox();
    let proxy = Proxy::before(dovecot.port()).start();
    let engine = engine(&user, proxy.port());
    let ask = async |search: &str| {
        let frame =
            engine.sql("SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND imap_search($1)").await.unwrap();
        let frame = frame.with_param_values(vec![ScalarValue::from(search)]).unwrap();
        frame.collect().await.map(|batches| answer::rows(&batches)).map_err(Error::from)
    };
    for search in [
        "ALL\r\nA2 DELETE INBOX",
        "ALL\nA2 DELETE INBOX",
        "SUBJECT \"x\r\nA2 DELETE INBOX\"",
        "SUBJECT {3}\r\nabc",
        "SUBJECT {3+}\r\nabc",
        "SUBJECT {3}",
        "SUBJECT \"x",
        "SUBJECT \"x\\",
        "(SEEN",
        "SEEN)",
        "SEEN) (FLAGGED",
        "SUBJECT \"a\" \"b",
        "SUBJECT \u{0}",
        "RETURN (SAVE) SEEN",
        "CHARSET X SEEN",
        "1:*",
        "*",
        "$",
        "",
        "%",
    ] {
        let error = ask(search).await.expect_err(search);
        assert_eq!(error.kind(), ErrorKind::Query, "{search:?}: {error}");
    }
    assert!(!proxy.transcript().contains("SEARCH"), "{}", proxy.transcript());
    for search in
        ["SUBJECT \"x\\\" SEEN DELETE \\\\\"", "SUBJECT A2", "HEADER DELETE INBOX", "TEXT \"{5}\"", "TEXT \"{5+}ü\""]
    {
        assert_eq!(ask(search).await.expect(search), Vec::<String>::new());
    }
    assert_eq!(ask("ALL").await.unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn gmail_is_asked_in_its_own_language() {
    let hook = |command: &Command, _, _: &Context| match command.name.as_str() {
        "UID SEARCH" if command.line.contains("X-GM-RAW \"has:attachment \\\"50%\\\"\"") => Some(vec![
            Action::send(format!("* ESEARCH (TAG \"{}\") UID ALL 2,5\r\n", command.tag)),
            Action::tagged(command, "OK done"),
        ]),
        "UID SEARCH" if command.line.contains("CHARSET UTF-8 X-GM-RAW") && command.line.contains("Grüße") => {
            Some(vec![
                Action::send(format!("* ESEARCH (TAG \"{}\") UID ALL 5\r\n", command.tag)),
                Action::tagged(command, "OK done"),
            ])
        }
        "UID SEARCH" if command.line.contains("X-GM-RAW") => {
            Some(vec![Action::tagged(command, "BAD Could not parse command")])
        }
        _ => None,
    };
    let able = "IMAP4rev1 AUTH=PLAIN SASL-IR ESEARCH X-GM-EXT-1";
    let server = Script::new().capabilities(able).on_command(hook).start();
    let engine = scripted(server.port()).await;
    let sql = |query: &str| format!("SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND gmail('{query}')");
    assert_eq!(rows(&engine, &sql("has:attachment \"50%\"")).await.unwrap(), ["2", "5"]);
    assert_eq!(rows(&engine, &format!("{} AND uid > 2", sql("has:attachment \"50%\""))).await.unwrap(), ["5"]);
    assert_eq!(rows(&engine, &sql("Grüße")).await.unwrap(), ["5"]);
    let error = rows(&engine, &sql("from:")).await.unwrap_err();
    assert!(
        error.to_string().starts_with("the server refused gmail: Could not parse command (search X-GM-RAW \"from:\""),
        "{error}"
    );
    assert!(server.is_clean(), "{:?}", server.not_reading());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_knows_ascii_only_says_so() {
    for refusal in ["NO [BADCHARSET (US-ASCII)] no such charset", "BAD no literals"] {
        let hook = move |command: &Command, _, _: &Context| {
            (command.name == "UID SEARCH" && command.line.contains("CHARSET"))
                .then(|| vec![Action::tagged(command, refusal)])
        };
        let server = Script::new().on_command(hook).start();
        let engine = scripted(server.port()).await;
        let sql = "SELECT uid FROM MessagesInFolder WHERE folder = 'INBOX' AND imap_search('SUBJECT \"Köln\"')";
        let error = rows(&engine, sql).await.unwrap_err();
        assert!(error.to_string().starts_with("the server refused imap_search: no "), "{error}");
        assert!(error.way_out().unwrap().contains("letters beyond ASCII"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_counts_in_an_empty_folder_and_a_host_has_the_functions_too() {
    let hook = |command: &Command, _, _: &Context| {
        (command.name == "UID SEARCH" && command.line.contains("X-ODD"))
            .then(|| vec![Action::tagged(command, "BAD what?")])
    };
    let server = Script::new().on_command(hook).start();
    let engine = scripted(server.port()).await;
    let sql = "SELECT uid FROM MessagesInFolder WHERE folder = 'Archive' AND imap_search('X-ODD')";
    let error = rows(&engine, sql).await.unwrap_err();
    assert!(error.to_string().starts_with("the server refused imap_search: what?"), "{error}");

    let context = SessionContext::new();
    let mut config = Config::default();
    let account = ImapAccount::new("127.0.0.1", "me").password("secret").tls(Tls::None).port(server.port());
    config.accounts.insert("work".to_owned(), AccountConfig::Imap(account));
    mailql::register(&context, &config).unwrap();
    let sql = "SELECT uid FROM mail.work.MessagesInFolder WHERE folder = 'INBOX' AND imap_search('UNSEEN')";
    assert_eq!(answer::rows(&context.sql(sql).await.unwrap().collect().await.unwrap()), ["2", "5"]);
}

/// A user with six messages in INBOX and two in Archive, as [`CONDITIONS`] know them.
fn mailbox() -> (&'static Dovecot, User) {
    let dovecot = Dovecot::shared();
    (dovecot, dovecot.user_with(write_mail))
}

fn write_mail(maildir: &Path) {
    let inbox = [
        ("Lamp invoice 1", "pay", "S"),
        ("Kettle invoice 2", "pay", ""),
        ("=?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=", "hello", ""),
        ("note 4", "the invoice is paid", "S"),
        ("note 5", "nothing", "a"),
        ("INVOICE 6 (final) \"x\"", "pay", "F"),
    ];
    write_folder(maildir, &inbox);
    fs::write(maildir.join("dovecot-keywords"), "0 $Invoices\n").unwrap();
    write_folder(&maildir.join(".Archive"), &[("old invoice", "pay", ""), ("old note", "nothing", "")]);
}

fn write_folder(folder: &Path, mails: &[(&str, &str, &str)]) {
    for inner in ["cur", "new", "tmp"] {
        fs::create_dir_all(folder.join(inner)).unwrap();
    }
    for (number, (subject, text, flags)) in (1..).zip(mails) {
        let received = 1_735_689_600 + number * 86_400;
        let path = folder.join("cur").join(format!("{received}.M{number}P1.x:2,{flags}"));
        let raw =
            format!("From: Ada <ada@example.org>\nMessage-ID: <{number}@example.org>\nSubject: {subject}\n\n{text}\n");
        fs::write(&path, raw).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(received)).unwrap();
    }
}

fn engine(user: &User, port: u16) -> Engine {
    Engine::builder().imap("mail", account(user, port)).build().unwrap()
}

fn account(user: &User, port: u16) -> ImapAccount {
    ImapAccount::new("127.0.0.1", &user.name).password(user.password).tls(Tls::None).port(port)
}

async fn scripted(port: u16) -> Engine {
    let account = ImapAccount::new("127.0.0.1", "me").password("secret").tls(Tls::None).port(port);
    let engine = Engine::builder().imap("work", account).build().unwrap();
    rows(&engine, "SET mailql.connections = 1").await.unwrap();
    engine
}

/// The rows of an answer as text, sorted; one that hangs is a failure.
async fn rows(engine: &Engine, sql: &str) -> Result<Vec<String>, Error> {
    let asked = async { Ok(answer::rows(&engine.sql(sql).await?.collect().await?)) };
    tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap_or_else(|_| panic!("it hangs: {sql}"))
}
