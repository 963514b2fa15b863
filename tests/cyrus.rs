//! The Cyrus that other tests rely on: it serves what it should, it is private, and it leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod backend;
mod mail;
mod server;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use backend::Server;
use mailql::ImapAccount;
use mailql::imap::Imap;
use mailql::mail::{FolderPattern, MailStore, Statement, StatusItems};
use mailql::net::steps::{Event, Step};
use server::conversation::Conversation;
use server::cyrus::Cyrus;
use server::left::{Left, kill_a_program, wait_to_be_killed};

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
        conversation.login(&user.name, user.password);
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
    let answer = conversation.login(&user.name, user.password);
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
        let left = Left::by(cyrus.directory(), PID);
        let conversation = Conversation::plain(cyrus.port());
        drop(cyrus);
        drop(conversation);
        left.vanishes();
    }
}

#[test]
fn a_killed_test_program_leaves_nothing() {
    kill_a_program(PID);
}

#[test]
#[ignore = "the test before runs it, and kills it"]
fn a_program_to_kill() {
    let cyrus = Cyrus::shared();
    cyrus.user_with(&["Notes"], &[]);
    wait_to_be_killed(cyrus.directory());
}

/// Where the number of its first process stands.
const PID: &str = "pid";
