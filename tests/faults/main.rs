//! Never a wrong answer, never a silently short one: whatever a server does, a statement gives all its rows or an error.
//!
//! The server is the scripted one, for no good server does any of this. Where a conversation may break, see [`cut`], and
//! [`compressed`] where it is compressed; what may become of a command, [`refused`]; what a server may say instead of the
//! truth, [`lies`], [`partial`] and [`absurd`]; messages that do not come, [`missing`]; a real server behind a line that lies, and one
//! whose mail is moved meanwhile, [`relay`]; what a session leaves to the next statement, [`sessions`]; what may come of a statement at
//! most, [`budget`] and [`deadline`].

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod absurd;
mod budget;
#[path = "../chance/mod.rs"]
mod chance;
mod compressed;
mod cut;
mod deadline;
mod lies;
mod matrix;
mod missing;
mod page;
mod partial;
mod quirks;
mod refused;
mod relay;
mod resumed;
#[path = "../server/mod.rs"]
mod server;
mod sessions;

use std::time::Duration;

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use mailql::{Engine, Error, ImapAccount, Tls};

use crate::server::scripted::{Action, Command, Context, Folder, Message, Script, Scripted};

/// Rows in order of their text, values separated by `|`.
type Rows = Vec<String>;

/// An engine over a server on this computer; a server that is silent for a second is given up, and nothing is asked twice.
async fn engine(port: u16) -> Engine {
    engine_of(ImapAccount::new("127.0.0.1", "me").password("hunter2").tls(Tls::None).port(port)).await
}

async fn engine_of(account: ImapAccount) -> Engine {
    let engine = Engine::builder().imap("work", account).build().unwrap();
    for setting in ["timeout_seconds = 1", "connections = 1", "retries = 0"] {
        rows(&engine, &format!("SET mailql.{setting}")).await.unwrap();
    }
    engine
}

/// What a statement gives; one that hangs is a failure of the test.
async fn rows(engine: &Engine, sql: &str) -> Result<Rows, Error> {
    let asked =
        async {
            let batches = engine.sql(sql).await?.collect().await?;
            let mut rows = Rows::new();
            for batch in &batches {
                let options = FormatOptions::default().with_null("NULL");
                let columns: Vec<_> =
                    batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
                rows.extend((0..batch.num_rows()).map(|row| {
                    columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|")
                }));
            }
            rows.sort();
            Ok(rows)
        };
    tokio::time::timeout(WATCHDOG, asked).await.unwrap_or_else(|_| panic!("it hangs: {sql}"))
}

/// What the statement gives on a server that plays this script, and the server.
async fn asked(script: Script, sql: &str) -> (Result<Rows, Error>, Scripted) {
    let server = script.start();
    let rows = rows(&engine(server.port()).await, sql).await;
    assert_eq!(server.not_reading(), Vec::<String>::new(), "{sql}");
    (rows, server)
}

/// The rows, as [`asked`] gives them.
async fn told(script: Script, sql: &str) -> Rows {
    let (rows, server) = asked(script, sql).await;
    rows.unwrap_or_else(|error| panic!("{sql}: {error}\n{}", server.transcript()))
}

/// The error, as [`asked`] gives it.
async fn failure(script: Script, sql: &str) -> String {
    let (rows, server) = asked(script, sql).await;
    match rows {
        Err(error) => error.to_string(),
        Ok(rows) => panic!("{sql}: {rows:?}\n{}", server.transcript()),
    }
}

/// Does something else at a command, the first time that it comes.
fn at(name: &'static str, action: impl Fn(&Command, &Context) -> Vec<Action> + Send + Sync + 'static) -> Script {
    script().on_command(move |command, count, context| {
        (command.name == name && count == 1).then(|| action(command, context))
    })
}

/// Mail in two folders: some read, some with a file.
fn script() -> Script {
    Script::new().folders(folders())
}

fn folders() -> Vec<Folder> {
    let inbox = vec![
        mail(1, "\\Seen", "first", ""),
        mail(2, "", "second", ""),
        mail(4, "", "fourth", "Content-Disposition: attachment; filename=four.txt\n"),
        mail(5, "\\Flagged", "fifth", ""),
    ];
    let archive = vec![mail(7, "\\Seen", "seventh", "Content-Disposition: attachment; filename=seven.txt\n")];
    vec![Folder::new("INBOX", inbox), Folder::new("Archive", archive)]
}

fn mail(uid: u32, flags: &str, subject: &str, fields: &str) -> Message {
    let header = format!("From: Ada <ada@example.org>\nSubject: {subject}\n{fields}Message-ID: <{uid}@example.org>\n");
    Message::new(uid, flags, &format!("{header}\nText of {subject}.\n"))
}

/// Statements that ask for mail in every way there is, what they give, and capabilities of a server.
const STATEMENTS: [(&str, &str, &[&str]); 11] = [
    ("a sweep", SWEEP, &["1|first", "2|second", "4|fourth", "5|fifth"]),
    (
        "a search",
        "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND NOT seen",
        &["2|second", "4|fourth", "5|fifth"],
    ),
    (
        "some by uid",
        "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' AND uid IN (2, 4)",
        &["2|second", "4|fourth"],
    ),
    (
        "two phases",
        "SELECT subject, body_text FROM MessageBody WHERE subject LIKE '%i%th' AND folder = 'INBOX'",
        &["fifth|Text of fifth.\n"],
    ),
    ("a limit", "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX' LIMIT 2", &["4|fourth", "5|fifth"]),
    ("a count", "SELECT count(*) FROM MessagesInFolder", &["5"]),
    ("a count of some", "SELECT count(*) FROM MessagesInFolder WHERE NOT seen", &["3"]),
    ("folders", "SELECT folder, messages, unseen FROM Folder", &["Archive|1|0", "INBOX|4|3"]),
    (
        "contents",
        "SELECT uid, name, text FROM AttachmentContent",
        &["4|four.txt|Text of fourth.\n", "7|seven.txt|Text of seventh.\n"],
    ),
    ("names of files", "SELECT uid, name FROM MessageAttachments", &["4|four.txt", "7|seven.txt"]),
    (
        "all of the mails",
        "SELECT uid, length(raw) > 80 FROM MessageBody",
        &["1|true", "2|true", "4|true", "5|true", "7|true"],
    ),
];

const SWEEP: &str = "SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX'";

const WATCHDOG: Duration = Duration::from_secs(20);
