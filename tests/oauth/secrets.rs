//! Nothing that must stay secret is seen anywhere: not in logs, errors, plans, history or transcripts.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::place::{COUNT, Place, login};
use crate::server::browser::{Browser, enter_code, sign_in};
use crate::server::openid::{PASSWORD, SECRET_IN_FORM, SECRET_IN_HEADER, Trouble};
use crate::terminal::Terminal;

#[test]
fn no_token_code_verifier_or_secret_is_seen_anywhere() {
    let place = Place::new();
    let browser = Browser::start();
    let mut seen = Vec::new();
    let run = |arguments: &[&str]| {
        let output = place.home.command(arguments).env("MAILQL_LOG", "trace").output().unwrap();
        [output.stdout, output.stderr].concat()
    };
    for client in [SECRET_IN_HEADER, SECRET_IN_FORM] {
        place.configure(&place.credential(&client), "");
        let mut command = place.home.command(&["login", "work", "--no-browser"]);
        let output = login(command.env("MAILQL_LOG", "trace"), |address| {
            sign_in(&browser, address, &place.user.name, PASSWORD);
        });
        assert!(output.status.success());
        seen.push(output.stderr);
        // Another client has tokens of its own: a logout later on would leave these where they are kept.
        seen.push(run(&["logout", "work"]));
    }
    let mut command = place.home.command(&["login", "work", "--device"]);
    command.env("MAILQL_LOG", "trace");
    // The code that a person enters is for a person to see.
    let said = crate::way_in::by_code(&mut command, &|address, code| {
        enter_code(&browser, address, code, &place.user.name, PASSWORD)
    });
    seen.push(said.into_bytes());
    for sql in [
        COUNT,
        &format!("EXPLAIN ANALYZE {COUNT}"),
        "SELECT * FROM MessageBody",
        "SELECT nonsense",
        "SHOW ALL",
        "SELECT * FROM Folder WHERE folder = 'none'",
    ] {
        seen.push(run(&["-c", sql]));
    }
    seen.push(run(&["test", "work"]));
    seen.push(run(&["accounts"]));
    let transcript = place.home.path("transcript.txt");
    seen.push(run(&["test", "work", "--transcript", &transcript.display().to_string()]));
    assert!(
        fs::read_to_string(&transcript).unwrap().contains("AUTHENTICATE OAUTHBEARER …"),
        "it is a whole conversation"
    );
    // A token that is refused, renewed, and then refused for good.
    place.openid.expire_access_tokens();
    seen.push(run(&["-c", COUNT]));
    place.openid.fail_with(&Trouble::Error("invalid_grant", "AADSTS70008: too old"));
    place.openid.expire_access_tokens();
    seen.push(run(&["-c", COUNT]));
    seen.push(run(&["test", "work"]));
    place.openid.recover();
    seen.push(run(&["-c", COUNT]));
    // At the prompt there is a history, too.
    let terminal = Terminal::at(place.home, "work");
    terminal.until("the prompt", |screen| screen.trim_end().ends_with("work=>"));
    terminal.types("SELECT subject FROM MessagesInFolder;");
    terminal.presses("Enter");
    terminal.until("the rows", |screen| screen.contains("(3 rows)"));
    terminal.types("\\q");
    terminal.presses("Enter");
    terminal.until("the end", |screen| screen.contains("status 0"));
    seen.push(terminal.text().into_bytes());
    seen.push(run_logout(&terminal));
    files(&terminal.home.path(""), &mut seen);
    let seen: Vec<_> = seen.iter().map(|octets| String::from_utf8_lossy(octets)).collect();
    let all = seen.join("\n");
    assert!(all.contains("C: A") && all.contains("SELECT subject"), "the logs and the history are among it");
    let secrets = place.openid.secrets();
    assert!(secrets.len() > 10, "{}", secrets.len());
    for secret in secrets.iter().filter(|secret| secret.len() > 8) {
        for (form, text) in
            [("plain", secret.clone()), ("bearer", STANDARD.encode(secret)), ("bare", STANDARD_NO_PAD.encode(secret))]
        {
            if let Some(at) = all.find(&text) {
                let before: String = all[..at].chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect();
                panic!("a secret is seen ({form}) after: {before}");
            }
        }
    }
    for response in ["Bearer ", &STANDARD.encode("n,a="), &STANDARD.encode("user=")[..6]] {
        assert!(!all.contains(response), "{response}");
    }
}

fn run_logout(terminal: &Terminal) -> Vec<u8> {
    let output = terminal.home.command(&["logout", "work"]).env("MAILQL_LOG", "trace").output().unwrap();
    assert!(output.status.success());
    output.stderr
}

/// Every file below a directory, but the configuration, where somebody wrote a secret on purpose.
fn files(directory: &Path, seen: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, seen);
        } else if !path.ends_with("config.toml") && path.is_file() {
            seen.push(fs::read(&path).unwrap());
        }
    }
}
