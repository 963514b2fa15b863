//! How often a password command is run: once for all connections, and again when its password let nobody in.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

use std::fs;

use mailql::{Engine, ImapAccount, Tls};
use server::dovecot::Dovecot;

mod mail;
mod server;

#[tokio::test(flavor = "multi_thread")]
async fn a_password_command_is_run_once_for_all_connections_and_again_after_a_refusal() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(mail::write_maildir);
    let place = tempfile::tempdir().unwrap();
    let (runs, password) = (place.path().join("runs"), place.path().join("password"));
    let command = format!("echo run >> '{}'; cat '{}'", runs.display(), password.display());
    let account = ImapAccount::new("localhost", &user.name).tls(Tls::None).port(dovecot.port());
    let engine = Engine::builder().imap("work", account.password_command(command)).build().unwrap();
    let ran = || fs::read_to_string(&runs).unwrap().lines().count();
    let ask = || async { engine.sql("SELECT count(subject) FROM MessageBody").await.unwrap().collect().await };

    fs::write(&password, "wrong").unwrap();
    let error = mailql::Error::from(ask().await.unwrap_err()).to_string();
    assert!(error.contains("did not let") && ran() == 1, "{} runs: {error}", ran());

    fs::write(&password, user.password).unwrap();
    ask().await.unwrap();
    let logins = dovecot.log().matches(&format!("Login: user=<{}>", user.name)).count();
    assert!(logins > 1, "{logins} connections are no test");
    assert_eq!(ran(), 2);
    ask().await.unwrap();
    assert_eq!(ran(), 2);
}
