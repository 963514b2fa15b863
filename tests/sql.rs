//! Every file of `tests/sql/` holds on every backend: one corpus, one set of answers.
//!
//! What a server cannot serve as it is in files lies in a folder of its own: what it gives on the backends of files is
//! in `tests/sql/files/`, and what Dovecot makes of it in the file of the same name in `tests/sql/server/`, and Cyrus in
//! `tests/sql/cyrus/`, where each row that differs is explained. Where Cyrus differs besides, [`otherwise`] lists it.
//! `MAILQL_COMPLETE=1` writes the answers of the Maildir backend into the files, and those of servers into the ones for
//! them, to be read before they are committed.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod backend;
mod mail;
#[cfg(unix)]
mod otherwise;
#[cfg(unix)]
mod server;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
#[cfg(unix)]
use backend::Server;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
#[cfg(unix)]
use mailql::{AccountConfig, ImapAccount};
use mailql::{Engine, Error};
use sqllogictest::{DBOutput, DefaultColumnType, Runner, Validator};

#[tokio::test(flavor = "multi_thread")]
async fn every_file_holds_on_a_maildir() {
    let directory = tempfile::tempdir().unwrap();
    mail::write_maildir(directory.path());
    let open = || Engine::builder().maildir("mail", directory.path()).build();
    run("tests/sql", Completing::Here, open).await;
    mail::write_odd_maildir(directory.path());
    run("tests/sql/files", Completing::Here, open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_holds_on_a_directory_of_mbox_files() {
    let directory = tempfile::tempdir().unwrap();
    mail::write_mbox(directory.path());
    let open = || Engine::builder().mbox("mail", directory.path()).build();
    run("tests/sql", Completing::Elsewhere, open).await;
    mail::write_odd_mbox(directory.path());
    run("tests/sql/files", Completing::Elsewhere, open).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn every_file_holds_on_a_directory_of_eml_files_but_for_what_they_do_not_hold() {
    let directory = tempfile::tempdir().unwrap();
    mail::write_eml(directory.path());
    let open = || Engine::builder().eml("mail", directory.path()).build();
    let mut files = files("tests/sql");
    files.retain(|file| otherwise::eml::is_asked(file));
    run_files(files, Completing::Elsewhere, otherwise::eml::holds, open).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn every_file_holds_on_dovecot() {
    on_dovecot(Server::Dovecot, Completing::Here, |account| account).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn every_file_holds_on_dovecot_when_it_is_compressed() {
    on_dovecot(Server::Dovecot, Completing::Elsewhere, |account| account.compress(true)).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn every_file_holds_on_dovecot_with_an_index() {
    on_dovecot(Server::Indexed, Completing::Elsewhere, |account| account).await;
}

#[cfg(unix)]
async fn on_dovecot(server: Server, completing: Completing, set: fn(ImapAccount) -> ImapAccount) {
    let open = |account: ImapAccount| {
        let account = set(account);
        move || Engine::builder().account("mail", AccountConfig::Imap(account.clone())).build()
    };
    run("tests/sql", Completing::Elsewhere, open(server.account())).await;
    run("tests/sql/server", completing, open(server.odd_account())).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn every_file_holds_on_cyrus_but_for_what_it_reads_otherwise() {
    let open =
        |account: ImapAccount| move || Engine::builder().account("mail", AccountConfig::Imap(account.clone())).build();
    let account = Server::Cyrus.account();
    run_validated("tests/sql", Completing::Elsewhere, otherwise::holds_on_cyrus, open(account)).await;
    run("tests/sql/cyrus", Completing::Here, open(Server::Cyrus.odd_account())).await;
    if std::env::var_os("MAILQL_COMPLETE").is_none() {
        assert_eq!(otherwise::forgotten_on_cyrus(), [], "what does not differ is not listed");
    }
}

/// One message has one reading: what a column says does not depend on what else is selected.
#[tokio::test(flavor = "multi_thread")]
async fn every_column_says_the_same_whatever_else_is_selected() {
    let mut backends: Vec<(&str, Engine)> = Vec::new();
    let (_maildir, engine) = backend::maildir();
    backends.push(("Maildir", engine));
    let (_mbox, engine) = backend::mbox();
    backends.push(("mbox", engine));
    let (_eml, engine) = backend::eml();
    backends.push((".eml files", engine));
    #[cfg(unix)]
    for server in [Server::Dovecot, Server::Cyrus] {
        for (name, account) in [("corpus", server.account()), ("odd", server.odd_account())] {
            let name = format!("{server:?}, {name}").leak();
            backends.push((name, Engine::builder().account("mail", AccountConfig::Imap(account)).build().unwrap()));
        }
    }
    let mut wrong = Vec::new();
    #[cfg(unix)]
    let mut known = std::collections::BTreeSet::new();
    for (backend, engine) in &backends {
        let mut differences: Vec<String> = Vec::new();
        for table in [
            "MessageBody",
            "MessagesInFolder",
            "MessageAttachments",
            "AttachmentContent",
            "MessageHeaders",
            "MessageAddresses",
        ] {
            let mut columns = columns(engine, table).await;
            let key = if columns.iter().any(|column| column == "part") { "folder, uid, part" } else { "folder, uid" };
            let key = if columns.iter().any(|column| column == "position") { "folder, uid, position" } else { key };
            let key = if columns.iter().any(|column| column == "role") { "folder, uid, role, position" } else { key };
            columns.retain(|column| !key.split(", ").any(|name| name == column));
            let together = format!("SELECT {key}, {} FROM {table} ORDER BY {key}", columns.join(", "));
            let together = Session(engine.clone()).rows(&together).await;
            for (place, column) in (key.split(',').count()..).zip(&columns) {
                let alone = format!("SELECT {key}, {column} FROM {table} ORDER BY {key}");
                let alone = Session(engine.clone()).rows(&alone).await;
                let pick = |row: &Vec<String>| format!("{} {}: {}", row[0], row[1], row[place.min(row.len() - 1)]);
                let one: Vec<_> = together.iter().map(pick).collect();
                let other: Vec<_> =
                    alone.iter().map(|row| format!("{} {}: {}", row[0], row[1], row[row.len() - 1])).collect();
                let differs = one.iter().zip(&other).filter(|(one, other)| one != other);
                differences.extend(differs.map(|(one, other)| format!("{table}.{column}: {one} and alone {other}")));
                assert_eq!(one.len(), other.len(), "{backend}: {table}.{column}");
            }
        }
        // What a server dropped without a sign is the exception; docs/reliability.md lists it.
        #[cfg(unix)]
        differences.retain(|difference| {
            let dropped = otherwise::dropped(backend, difference);
            known.extend(dropped.map(|dropped| (dropped.server, dropped.mail, dropped.why)));
            dropped.is_none()
        });
        wrong.extend(differences.into_iter().map(|difference| format!("{backend}: {difference}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
    #[cfg(unix)]
    assert_eq!(known.len(), otherwise::DROPPED.len(), "what does not differ is not listed: {known:?}");
}

async fn columns(engine: &Engine, table: &str) -> Vec<String> {
    let sql = format!(
        "SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' AND table_schema = 'mail' ORDER BY ordinal_position"
    );
    Session(engine.clone()).rows(&sql).await.into_iter().map(|mut row| row.remove(0)).collect()
}

#[test]
fn what_files_are_asked_servers_are_asked() {
    let statements = |directory: &str| {
        let all = files(directory).into_iter().map(|file| {
            let text = std::fs::read_to_string(&file).unwrap();
            let lines = text.lines().filter(|line| line.starts_with("SELECT")).map(str::to_owned).collect::<Vec<_>>();
            (file.file_name().unwrap().to_owned(), lines)
        });
        all.collect::<Vec<_>>()
    };
    assert_eq!(statements("tests/sql/files"), statements("tests/sql/server"));
    assert_eq!(statements("tests/sql/files"), statements("tests/sql/cyrus"));
}

/// Which backend writes the answers of a directory, when they are to be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Completing {
    Here,
    Elsewhere,
}

fn files(directory: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "slt")).collect();
    files.sort();
    assert!(!files.is_empty(), "the files are there");
    files
}

async fn run(directory: &str, completing: Completing, open: impl Fn() -> Result<Engine, Error>) {
    run_validated(directory, completing, sqllogictest::default_validator, open).await;
}

async fn run_validated(
    directory: &str,
    completing: Completing,
    validator: Validator,
    open: impl Fn() -> Result<Engine, Error>,
) {
    run_files(files(directory), completing, validator, open).await;
}

async fn run_files(
    files: Vec<PathBuf>,
    completing: Completing,
    validator: Validator,
    open: impl Fn() -> Result<Engine, Error>,
) {
    let completes = std::env::var_os("MAILQL_COMPLETE").is_some();
    if completes && completing == Completing::Elsewhere {
        return;
    }
    let mut failures = Vec::new();
    for file in files {
        let mut runner = Runner::new(|| async { open().map(Session) });
        runner.with_validator(validator);
        if completes {
            runner
                .update_test_file(
                    &file,
                    "\t",
                    sqllogictest::default_validator,
                    sqllogictest::default_normalizer,
                    sqllogictest::default_column_validator,
                )
                .await
                .unwrap();
        } else if let Err(error) = runner.run_file_async(&file).await {
            failures.push(format!("{error}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

struct Session(Engine);

impl Session {
    async fn rows(mut self, sql: &str) -> Vec<Vec<String>> {
        match sqllogictest::AsyncDB::run(&mut self, sql).await {
            Ok(DBOutput::Rows { rows, .. }) => rows,
            Ok(_) => panic!("{sql} has no rows"),
            Err(error) => panic!("{sql}: {error}"),
        }
    }
}

#[async_trait]
impl sqllogictest::AsyncDB for Session {
    type Error = Error;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Error> {
        let frame = self.0.sql(sql).await?;
        let is_explain = sql.trim_start().to_uppercase().starts_with("EXPLAIN");
        let columns = frame.schema().fields().len();
        let batches = frame.collect().await?;
        let options = FormatOptions::default().with_null("NULL").with_display_error(true);
        let mut rows = Vec::new();
        for batch in &batches {
            let formatters: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                rows.push(
                    formatters.iter().map(|formatter| shown(&formatter.value(row).to_string())).collect::<Vec<_>>(),
                );
            }
        }
        if is_explain {
            // Only what is read is a promise; the nodes above it are DataFusion's.
            let lines = rows.into_iter().flat_map(|row| row[1].split('⏎').map(str::to_owned).collect::<Vec<_>>());
            let scans = lines.filter_map(|line| line.split_once("MailScan: ").map(|(_, scan)| vec![scan.to_owned()]));
            return Ok(DBOutput::Rows { types: vec![DefaultColumnType::Text], rows: scans.collect() });
        }
        if columns == 0 {
            return Ok(DBOutput::StatementComplete(0));
        }
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Text; columns], rows })
    }

    async fn shutdown(&mut self) {}
}

/// A cell on one line, with everything visible that a golden file or its comparison would lose.
fn shown(value: &str) -> String {
    let mut text = String::new();
    let mut letters = value.chars().peekable();
    let mut after_blank = true;
    while let Some(letter) = letters.next() {
        let is_lost = letter == ' ' && (after_blank || letters.peek().is_none_or(|next| *next == ' '));
        match letter {
            '\n' => text.push('⏎'),
            ' ' if is_lost => text.push('␠'),
            ' ' => text.push(' '),
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {
                text.extend(letter.escape_unicode());
            }
            letter if letter.is_control() || letter.is_whitespace() => text.extend(letter.escape_unicode()),
            letter => text.push(letter),
        }
        after_blank = letter == ' ';
    }
    if text.is_empty() { "(empty)".to_owned() } else { text }
}
