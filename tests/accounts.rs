//! Live accounts as the program takes them: URLs, passwords, the configuration; all that needs no server.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

use std::fs;

use program::{Home, stderr};

mod program;

#[test]
fn a_password_inside_a_url_is_refused_and_not_repeated() {
    let home = Home::new();
    let url = "imaps://me:hunter2@mail.example.org";
    for arguments in
        [vec![url], vec![url, "-c", "SELECT 1"], vec!["queries", "largest-attachments", url], vec![url, "x"]]
    {
        let output = home.run(&arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && said.contains("hint: ") && !said.contains("hunter2"), "{said}");
    }
    assert!(stderr(&home.run(&[url, "-c", "SELECT 1"])).contains("MAILQL_PASSWORD"));
}

#[test]
fn without_a_terminal_the_password_is_asked_of_nobody() {
    let home = Home::new();
    let output = home.run(&["imaps://me@mail.example.org", "-c", "SELECT 1"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("there is no password of me@mail.example.org") && said.contains("MAILQL_PASSWORD"), "{said}");
    let mut command = home.command(&["imap://me@127.0.0.1:1", "-c", "SELECT * FROM Folder"]);
    let said = stderr(&command.env("MAILQL_PASSWORD", "hunter2").output().unwrap());
    assert!(!said.contains("no password") && !said.contains("hunter2"), "{said}");
}

#[test]
fn urls_that_are_no_account_are_refused_with_what_is_possible() {
    let home = Home::new();
    for (url, said) in [
        ("imap://me@mail.example.org", "plaintext to mail.example.org is refused"),
        ("imaps://mail.example.org", "names no user"),
        ("pop3://me@mail.example.org", "imaps://me@mail.example.org"),
        ("imaps://me@mail.example.org?cafile=x", "?ca_file=PATH"),
        ("imaps://me@mail.example.org/INBOX", "after the host"),
    ] {
        let output = home.run(&[url, "-c", "SELECT 1"]);
        assert_eq!(output.status.code(), Some(2), "{url}");
        assert!(stderr(&output).contains(said), "{url}: {}", stderr(&output));
    }
}

#[test]
fn accounts_are_listed_without_asking_for_a_password() {
    let home = Home::new();
    let config = "default = 'WORK'\n\
                  [accounts.home]\nmaildir = 'mail'\n\
                  [accounts.work]\nimap = { host = 'mail.example.org', port = 143 }\nuser = 'me@example.org'\n";
    fs::write(home.path("config.toml"), config).unwrap();
    let listed = home.stdout(&["--config", "config.toml", "accounts", "--format", "csv"]);
    assert_eq!(
        listed,
        "account,backend,is\nhome,maildir mail,\n\
         work,imap+starttls://me@example.org@mail.example.org,default\n"
    );
    home.stdout(&["--config", "config.toml", "config", "path"]);
    home.stdout(&["--config", "config.toml", "queries"]);
    let output = home.run(&["--config", "config.toml", "-c", "SELECT 1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no password of me@example.org@mail.example.org"), "{}", stderr(&output));
}

#[test]
fn a_key_of_the_configuration_that_is_unknown_is_told_with_its_line() {
    let home = Home::new();
    let config = "[accounts.work]\nimap = { host = 'mail.example.org' }\nuser = 'me'\n";
    for (key, told) in [("passwort", "`passwort` is unknown here (line 4"), ("password", "not what it is")] {
        fs::write(home.path("config.toml"), format!("{config}{key} = 'hunter2'\n")).unwrap();
        let output = home.run(&["--config", "config.toml", "accounts"]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2));
        assert!(said.contains(told) && said.contains("password_command"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
