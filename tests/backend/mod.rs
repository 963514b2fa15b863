//! The corpus on each backend, as sessions with one account named `mail`.
//!
//! What is written for a session is gone with its directory.

// Each test takes from it what it needs.
#![allow(dead_code)]

#[cfg(unix)]
use std::path::Path;

use mailql::Engine;
#[cfg(unix)]
use mailql::{AccountConfig, ImapAccount};
use tempfile::TempDir;

use crate::mail;
#[cfg(unix)]
use crate::server::cyrus::{Cyrus, Letter};
#[cfg(unix)]
use crate::server::dovecot::Dovecot;

/// A Maildir, and a session over it.
pub fn maildir() -> (TempDir, Engine) {
    let place = tempfile::tempdir().unwrap();
    mail::write_maildir(place.path());
    let engine = Engine::builder().maildir("mail", place.path()).build().unwrap();
    (place, engine)
}

/// A directory of mbox files, and a session over it.
pub fn mbox() -> (TempDir, Engine) {
    let place = tempfile::tempdir().unwrap();
    mail::write_mbox(place.path());
    let engine = Engine::builder().mbox("mail", place.path()).build().unwrap();
    (place, engine)
}

/// A directory of `.eml` files, and a session over it.
pub fn eml() -> (TempDir, Engine) {
    let place = tempfile::tempdir().unwrap();
    mail::write_eml(place.path());
    // A directory without a file is no folder, and statements name this one.
    std::fs::create_dir(place.path().join("Empty")).unwrap();
    std::fs::write(place.path().join("Empty").join("only.eml"), "Subject: not so empty\n\n").unwrap();
    let engine = Engine::builder().eml("mail", place.path()).build().unwrap();
    (place, engine)
}

/// A real server.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Dovecot, which looks through mail for text.
    Dovecot,
    /// Dovecot, which finds words by an index.
    Indexed,
    /// Cyrus.
    Cyrus,
}

#[cfg(unix)]
impl Server {
    /// Each of them.
    pub const ALL: [Server; 3] = [Server::Dovecot, Server::Indexed, Server::Cyrus];

    /// A new user with the corpus.
    pub fn account(self) -> ImapAccount {
        self.account_of(&mail::FOLDERS, &mail::corpus(), mail::write_maildir)
    }

    /// A new user with the folder that servers serve in another way.
    pub fn odd_account(self) -> ImapAccount {
        self.account_of(&[mail::ODD_FOLDER], &mail::odd_to_servers(), mail::write_odd_maildir)
    }

    fn account_of(self, folders: &[&str], mails: &[mail::Odd], fill: fn(&Path)) -> ImapAccount {
        let dovecot = match self {
            Server::Dovecot => Dovecot::shared(),
            Server::Indexed => Dovecot::indexed(),
            Server::Cyrus => {
                let cyrus = Cyrus::shared();
                let letter = |odd: &mail::Odd| Letter {
                    folder: odd.folder,
                    raw: odd.raw.clone(),
                    flags: odd.flags,
                    received: odd.received,
                };
                let user = cyrus.user_with(folders, &mails.iter().map(letter).collect::<Vec<_>>());
                let account = ImapAccount::new("localhost", &user.name).password(user.password);
                return account.port(cyrus.tls_port()).ca_file(cyrus.ca_file());
            }
        };
        let user = dovecot.user_with(fill);
        let account = ImapAccount::new("localhost", &user.name).password(user.password);
        account.port(dovecot.tls_port()).ca_file(dovecot.ca_file())
    }
}

/// A session over an account.
#[cfg(unix)]
pub fn session(account: &ImapAccount) -> Engine {
    Engine::builder().account("mail", AccountConfig::Imap(account.clone())).build().unwrap()
}
