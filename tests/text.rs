//! Text that a server is asked for: the same rows come as when it is not, as far as the server reads the mail as we do.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod answer;
mod backend;
mod mail;
mod server;

use std::collections::BTreeSet;

use backend::{Server, session};
use mailql::{Engine, ImapAccount, Tls};
use server::dovecot::{Dovecot, User};
use server::proxy::Proxy;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_finds_text_within_words_is_asked_and_gives_the_same_rows() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(mail::write_maildir);
    let (off, trust) = (engine(&user, dovecot.port()), engine(&user, dovecot.port()));
    trust_it(&trust).await;
    for predicate in PREDICATES {
        let sql = format!("SELECT folder, uid FROM MessageBody WHERE {predicate}");
        let rows = answer(&off, &sql).await;
        assert!(!rows.is_empty(), "what is true of nothing proves nothing: {predicate}");
        assert_eq!(answer(&trust, &sql).await, rows, "{predicate}");
        assert!(!explained(&off, &sql).await.contains("search="), "{predicate}");
        let plan = explained(&trust, &sql).await;
        assert!(plan.contains(" search=["), "{predicate}: {plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cyrus_finds_text_within_words_too() {
    let account = Server::Cyrus.account();
    let (off, trust) = (session(&account), session(&account));
    trust_it(&trust).await;
    for predicate in PREDICATES {
        let sql = format!("SELECT folder, uid FROM MessageBody WHERE {predicate}");
        assert_eq!(answer(&trust, &sql).await, answer(&off, &sql).await, "{predicate}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_finds_words_loses_rows_when_it_is_trusted_and_else_none() {
    let plain = session(&Server::Dovecot.account());
    let account = Server::Indexed.account();
    let (off, trust) = (session(&account), session(&account));
    trust_it(&trust).await;
    let mut lost = Vec::new();
    for predicate in PREDICATES {
        let sql = format!("SELECT folder, uid FROM MessageBody WHERE {predicate}");
        let rows = answer(&plain, &sql).await;
        assert_eq!(answer(&off, &sql).await, rows, "{predicate}");
        let found = answer(&trust, &sql).await;
        assert!(found.iter().all(|row| rows.contains(row)), "{predicate}: what is found is checked: {found:?}");
        if found.len() < rows.len() {
            lost.push(predicate);
        }
    }
    assert!(lost.contains(&"subject LIKE '%nvoic%'"), "{lost:?}");
    assert!(!lost.contains(&"subject LIKE '%invoice%'"), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_a_join_finds_are_asked_for_when_they_are_few() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(mail::write_maildir);
    let proxy = Proxy::before(dovecot.port()).start();
    let engine = engine(&user, proxy.port());
    for (condition, is_asked) in [("m.folder = 'Archive/2025' AND m.uid < 4", true), ("m.uid < 20", false)] {
        let sql = format!(
            "SELECT m.uid, a.folder, a.uid, a.subject FROM MessagesInFolder m \
             JOIN MessagesInFolder a ON a.in_reply_to = m.message_id WHERE {condition}"
        );
        answer(&engine, "SET mailql.text_pushdown = 'off'").await;
        let rows = answer(&engine, &sql).await;
        assert!(rows.len() >= 4, "{rows:?}");
        trust_it(&engine).await;
        proxy.forget();
        assert_eq!(answer(&engine, &sql).await, rows);
        assert_eq!(proxy.transcript().contains("HEADER In-Reply-To"), is_asked, "{}", proxy.transcript());
    }
}

const PREDICATES: [&str; 38] = [
    "subject ~ 'invoice [0-9]+'",
    "subject ~ '^Lamp.*1[67]$'",
    "subject ~* '(^|re: )LAMP invoice'",
    "regexp_like(subject, 'Lamp (in|out)voice [0-9]+')",
    "strpos(subject, 'invoice') > 0",
    "left(subject, 4) = 'Lamp'",
    "split_part(from_address, '@', 2) = 'example.net'",
    "(subject LIKE '%invoice%') IS TRUE",
    "subject LIKE '%invoice%'",
    "subject LIKE '%nvoic%'",
    "subject ILIKE '%INVOICE%'",
    "subject = 'Lamp invoice 17'",
    "lower(subject) = 'lamp invoice 17'",
    "lower(subject) LIKE 'lamp%17'",
    "contains(subject, 'invoice')",
    "starts_with(subject, 'Lamp inv')",
    "ends_with(subject, 'voice 17')",
    "subject IN ('Lamp invoice 17', 'invoice overdue', 'Which lamp?', 'Kept twice')",
    "subject LIKE '%invoice%' OR subject LIKE '%lamp%'",
    "subject LIKE '%invoice%' AND subject NOT LIKE '%Lamp%'",
    "subject LIKE '%voice%' AND body_text LIKE '%invoice%'",
    "subject LIKE 'Entwurf f_r%'",
    "subject LIKE '%Entwurf für K_ln%'",
    "subject = '[lamps] Warm or cold?'",
    "from_name ILIKE '%quist%'",
    // Servers read addresses that are written wrongly in their own ways.
    "from_name = 'Ada' AND subject <> 'addresses'",
    "from_name LIKE '%Jürgen%' OR from_name LIKE 'Ada Q%'",
    "from_address = 'ada@example.org' AND subject <> 'addresses'",
    "from_address LIKE '%@example.net'",
    "to_addresses LIKE '%me@example.com%'",
    "to_addresses LIKE '%carla@example.org'",
    "message_id = '<thread-3@example.org>'",
    "message_id IN ('<thread-1@example.org>', '<thread-2@example.org>', '<thread-3@example.org>', '<list@example.org>')",
    "in_reply_to = '<thread-1@example.org>'",
    "reference_ids LIKE '%<thread-2@example.org>%'",
    "body_text LIKE '%invoice of January%'",
    "body_text ILIKE '%two FOLDERS%'",
    "contains(lower(body_text), 'grüße aus köln')",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_value_of_the_corpus_is_found_but_in_mail_that_the_server_reads_otherwise() {
    assert_eq!(lost(Server::Dovecot).await, known(&LOST), "what is found after all is not in the list any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn cyrus_finds_every_value_of_the_corpus_but_in_mail_that_it_reads_otherwise() {
    assert_eq!(lost(Server::Cyrus).await, known(&LOST_BY_CYRUS), "what is found after all is not in the list any more");
}

fn known(lost: &[(&'static str, &str, &str)]) -> BTreeSet<(&'static str, String)> {
    lost.iter().map(|(column, value, _)| (*column, (*value).to_owned())).collect()
}

/// Columns and values that are in the corpus and that a server does not find.
async fn lost(server: Server) -> BTreeSet<(&'static str, String)> {
    let account = server.account();
    // All columns at once: what waits for the server keeps nobody else waiting.
    let columns: Vec<_> = COLUMNS.map(|column| tokio::spawn(lost_of(column, session(&account)))).into();
    let (mut lost, mut asked) = (BTreeSet::new(), 0);
    for column in columns {
        let (values, searches) = column.await.unwrap();
        lost.extend(values);
        asked += searches;
    }
    assert!(asked > 250, "the server is asked: {asked}");
    lost
}

/// The same of one column, and how many searches it took.
async fn lost_of(column: &'static str, engine: Engine) -> (Vec<(&'static str, String)>, usize) {
    let sql = format!("SELECT folder, uid, {column} FROM MessageBody WHERE length({column}) < 2000");
    let rows = answer(&engine, &sql).await;
    trust_it(&engine).await;
    // A place and a value, each row.
    let cells: Vec<(&str, &str)> =
        rows.iter().map(|row| row.split_at(row.match_indices('|').nth(1).unwrap().0)).collect();
    let (mut lost, mut asked) = (Vec::new(), 0);
    for value in cells.iter().map(|(_, value)| &value[1..]).collect::<BTreeSet<_>>() {
        // Cut in the middle of words.
        let letters: Vec<char> = value.chars().collect();
        let slice: String = letters[letters.len() / 5..letters.len() - letters.len() / 5].iter().collect();
        let table = if column == "body_text" { "MessageBody" } else { "MessagesInFolder" };
        let sql = format!(
            "SELECT folder, uid FROM {table} WHERE length({column}) < 2000 AND contains({column}, '{}')",
            slice.replace('\'', "''")
        );
        let found = answer(&engine, &sql).await;
        let expected: Vec<_> = cells.iter().filter(|(_, value)| value[1..].contains(&slice)).collect();
        assert!(found.iter().all(|place| expected.iter().any(|(expected, _)| place == expected)), "{sql}");
        let missing = expected.iter().filter(|(place, _)| !found.iter().any(|found| found == place));
        lost.extend(missing.map(|(_, value)| (column, value[1..].to_owned())));
        asked += usize::from(explained(&engine, &sql).await.contains(" search=["));
    }
    (lost, asked)
}

const COLUMNS: [&str; 10] = [
    "message_id",
    "in_reply_to",
    "reference_ids",
    "subject",
    "from_name",
    "from_address",
    "to_addresses",
    "cc_addresses",
    "bcc_addresses",
    "body_text",
];

/// Values that a plain Dovecot does not find, and why; `docs/pushdown.md` tells of each kind.
const LOST: [(&str, &str, &str); 16] = [
    ("message_id", "<spacedout@example.org>", "blanks within the id, which we remove"),
    ("subject", "!!not*base64!! end", "an encoded word that is not base64"),
    ("subject", "nuqneH", "an encoded word in an unknown character set"),
    ("subject", "colour and grey", "encoded words that tell their language (RFC 2231)"),
    ("from_name", "Ada", "a quote that is not closed"),
    ("from_name", "Sales; Support", "a semicolon in a name without quotes"),
    ("from_address", "ada@example.org", "the same, and lines that end with CR alone"),
    ("from_address", "first@example.org", "a bracket that is not closed"),
    ("from_address", "jo@example.org", "a list in brackets before it"),
    ("from_address", "john.doe@example.org", "blanks within the address, which we remove"),
    ("from_address", "john@example.org", "a comment within it, and a link"),
    ("from_address", "s@example.org", "a semicolon in the name before it"),
    ("body_text", "hello world", "text that should be base64 and is not"),
    ("body_text", "--x\n\nfirst\n--x--\n", "parts without a boundary between them"),
    ("body_text", "one", "a blank at the end of the boundary"),
    ("body_text", "text is text\n", "a media type that is none"),
];

/// The same of Cyrus.
const LOST_BY_CYRUS: [(&str, &str, &str); 13] = [
    ("message_id", "<spacedout@example.org>", "blanks within the id, which we remove"),
    ("message_id", "<two-message-ids@example.org>", "the first of two ids"),
    ("subject", "!!not*base64!! end", "an encoded word that is not base64"),
    ("subject", "nuqneH", "an encoded word in an unknown character set"),
    ("subject", "the first", "the first of two subjects"),
    ("from_address", "zoë@bücher.example", "an address beyond ASCII"),
    ("body_text", "“quoted” € 5\n", "letters of windows-1252 that should be of iso-8859-1"),
    ("from_name", "Ada", "a quote that is not closed"),
    ("from_address", "ada@example.org", "the same, and lines that end with CR alone"),
    ("from_address", "john.doe@example.org", "blanks within the address, which we remove"),
    ("body_text", "This is 中文 ~ text\n", "a character set that shifts"),
    ("body_text", "one", "a blank at the end of the boundary"),
    ("body_text", "éluty\n", "a character set of old machines"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_search_is_said_to_the_server_and_less_is_read() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(mail::write_maildir);
    let proxy = Proxy::before(dovecot.port()).start();
    let sql =
        "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen AND subject LIKE '%invoice%'";
    let mut read = Vec::new();
    for setting in ["off", "trust"] {
        let engine = engine(&user, proxy.port());
        answer(&engine, &format!("SET mailql.text_pushdown = {setting}")).await;
        answer(&engine, "SELECT count(*) FROM Folder").await;
        proxy.forget();
        let rows = answer(&engine, sql).await;
        read.push((rows, proxy.counts().from_server, proxy.transcript()));
    }
    let [(rows, octets, said), (trusted_rows, fewer_octets, trusted_said)] = &read[..] else { panic!() };
    assert_eq!(rows, trusted_rows);
    assert!(!said.contains("SUBJECT \""), "{said}");
    assert!(trusted_said.contains(" UNSEEN SUBJECT \"invoice\""), "{trusted_said}");
    assert!(fewer_octets * 4 < *octets, "{fewer_octets} octets, and {octets} without");
}

fn engine(user: &User, port: u16) -> Engine {
    let account = ImapAccount::new("127.0.0.1", &user.name).password(user.password).tls(Tls::None).port(port);
    Engine::builder().imap("mail", account).build().unwrap()
}

async fn trust_it(engine: &Engine) {
    answer(engine, "SET mailql.text_pushdown = 'trust'").await;
}

async fn explained(engine: &Engine, sql: &str) -> String {
    answer(engine, &format!("EXPLAIN {sql}")).await.join("\n")
}

/// The rows of an answer as text, sorted.
async fn answer(engine: &Engine, sql: &str) -> Vec<String> {
    answer::rows(&engine.sql(sql).await.expect(sql).collect().await.expect(sql))
}
