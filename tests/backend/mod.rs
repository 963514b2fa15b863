//! The corpus on each backend, as sessions with one account named `mail`.
//!
//! What is written for a session is gone with its directory.

// Each test takes from it what it needs.
#![allow(dead_code)]

use mailql::Engine;
use tempfile::TempDir;

use crate::mail;

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

/// A new user of Dovecot with the corpus.
#[cfg(unix)]
pub fn account() -> mailql::ImapAccount {
    let dovecot = crate::server::dovecot::Dovecot::shared();
    let user = dovecot.user_with(mail::write_maildir);
    mailql::ImapAccount::new("localhost", &user.name)
        .password(user.password)
        .port(dovecot.tls_port())
        .ca_file(dovecot.ca_file())
}

/// A session over such an account.
#[cfg(unix)]
pub fn dovecot(account: &mailql::ImapAccount) -> Engine {
    Engine::builder().account("mail", mailql::AccountConfig::Imap(account.clone())).build().unwrap()
}
