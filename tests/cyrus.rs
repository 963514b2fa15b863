//! The Cyrus that other tests rely on: it serves what it should, it is private, and it leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod backend;
mod mail;
mod server;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use backend::Server;
use mailql::ImapAccount;
use mailql::imap::Imap;
use mailql::mail::{FolderPattern, MailStore, Statement, StatusItems};
use mailql::net::steps::{Event, Step};
use server::conversation::Conversation;
use server::cyrus::Cyrus;

#[tokio::test]
async fn the_corpus_is_served_over_tls() {
    let store = Imap::new(Server::Cyrus.account(), Arc::default());
    let status = StatusItems { messages: true, ..StatusItems::default() };
    let statement = Statement::default();
    let folders = store.folders(&FolderPattern::All, status, &statement, &Arc::default()).await.unwrap();
    let corpus = mail::corpus();
    for name in mail::FOLDERS {
        let folder = folders.iter().find(|folder| folder.path == name).unwrap();
        let held = corpus.iter().filter(|odd| odd.folder == name).count();
        assert_eq!(folder.messages, Some(held as u64), "{name}");
    }
}

#[test]
fn each_user_is_new_and_has_no_mail() {
    let cyrus = Cyrus::shared();
    let [one, other] = [(); 2].map(|()| cyrus.user_with(&["Notes"], &[]));
    assert_ne!(one.name, other.name);
    for user in [one, other] {
        let mut conversation = Conversation::plain(cyrus.port());
        conversation.imap(&format!("LOGIN {} {}", user.name, user.password));
        assert_eq!(conversation.imap("LIST \"\" *").matches("* LIST ").count(), 2);
        assert!(conversation.imap("EXAMINE Notes").contains("* 0 EXISTS\r\n"));
    }
}

#[test]
fn it_can_do_what_other_tests_ask_of_it() {
    let cyrus = Cyrus::shared();
    let user = cyrus.user_with(&[], &[]);
    let mut conversation = Conversation::plain(cyrus.port());
    assert!(conversation.greeting.contains(" STARTTLS ") && conversation.greeting.contains(" Cyrus IMAP "));
    let answer = conversation.imap(&format!("LOGIN {} {}", user.name, user.password));
    for capability in ["BINARY", "CONDSTORE", "ESEARCH", "LIST-STATUS", "OBJECTID", "SORT", "STATUS=SIZE"] {
        assert!(answer.contains(&format!(" {capability} ")), "{capability}: {answer}");
    }
}

#[tokio::test]
async fn it_is_recognised_by_its_greeting_and_where_that_is_silent_by_what_it_can_do() {
    for (more, greets) in [("", true), ("serverinfo: off\n", false)] {
        let cyrus = Cyrus::start(more);
        let user = cyrus.user_with(&[], &[]);
        assert_eq!(Conversation::plain(cyrus.port()).greeting.contains("Cyrus"), greets, "{more}");
        let account = ImapAccount::new("localhost", &user.name).password(user.password);
        let store = Imap::new(account.port(cyrus.tls_port()).ca_file(cyrus.ca_file()), Arc::default());
        let mut signed_in = None;
        let tell = |event| {
            if let Event::Over { step: Step::SignIn, told, .. } = event {
                signed_in = told;
            }
        };
        store.check(Duration::from_secs(30), tell).await.unwrap();
        assert_eq!(signed_in, Some(format!("{} (cyrus)", user.name)), "{more}");
    }
}

#[test]
fn many_run_at_once_and_a_dropped_one_leaves_nothing() {
    let starting = [(); 3].map(|()| thread::spawn(|| Cyrus::start("")));
    let all = starting.map(|starting| starting.join().unwrap());
    let ports: BTreeSet<u16> = all.iter().flat_map(|cyrus| [cyrus.port(), cyrus.tls_port()]).collect();
    assert_eq!(ports.len(), 6);
    for cyrus in all {
        let left = Left::by(cyrus.directory());
        let conversation = Conversation::plain(cyrus.port());
        assert!(left.processes().len() > 2, "its processes are found");
        drop(cyrus);
        drop(conversation);
        assert!(left.is_nothing());
    }
}

#[test]
fn a_killed_test_program_leaves_nothing() {
    let mut program = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "a_program_to_kill"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
    let directory = lines.find_map(|line| line.split_once("directory: ").map(|(_, path)| PathBuf::from(path))).unwrap();
    let left = Left::by(&directory);
    assert!(left.processes().len() > 2, "its processes are found");
    program.kill().unwrap();
    program.wait().unwrap();
    let start = Instant::now();
    while !left.is_nothing() {
        assert!(start.elapsed() < Duration::from_secs(30), "{} is left", directory.display());
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
#[ignore = "the test before runs it, and kills it"]
fn a_program_to_kill() {
    let cyrus = Cyrus::shared();
    cyrus.user_with(&["Notes"], &[]);
    println!("directory: {}", cyrus.directory().display());
    thread::sleep(Duration::from_secs(600));
}

/// What there is of a server.
struct Left {
    directory: PathBuf,
    group: String,
}

impl Left {
    /// Of the one that runs in this directory.
    fn by(directory: &Path) -> Self {
        let group = fs::read_to_string(directory.join("pid")).unwrap().trim().to_owned();
        Self { directory: directory.to_owned(), group }
    }

    fn is_nothing(&self) -> bool {
        !self.directory.exists() && self.processes().is_empty()
    }

    /// The living processes of its group, by their line in the process table.
    fn processes(&self) -> Vec<String> {
        let table = Command::new("ps").args(["-e", "-o", "pgid=,stat=,args="]).output().unwrap().stdout;
        let table = String::from_utf8_lossy(&table).into_owned();
        let lines = table.lines().filter(|line| {
            let mut fields = line.split_whitespace();
            fields.next() == Some(&self.group) && !fields.next().unwrap().starts_with('Z')
        });
        lines.map(str::to_owned).collect()
    }
}
