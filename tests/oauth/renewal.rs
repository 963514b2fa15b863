//! Tokens that end: between two connections of one statement, in two programs at once, and when the provider has trouble.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::place::{COUNT, Place, three_mails};
use crate::program::stderr;
use crate::server::browser::{Browser, sign_in};
use crate::server::openid::{OpenId, Options, PASSWORD, PUBLIC, Trouble};
use crate::terminal::Terminal;

#[test]
fn a_statement_outlives_its_token_and_its_connections() {
    let place = Place::with(&Options { lifetime: Duration::from_secs(3), ..Options::default() });
    for number in 1..60 {
        three_mails(place.user.maildir(), &format!("F{number}"));
    }
    place.user.ready();
    place.configure(&place.credential(&PUBLIC), "");
    place.sign_in();
    close_between_folders(&place);
    let sql =
        "SET mailql.connections = 1; SELECT count(subject) AS n, count(DISTINCT folder) AS f FROM MessagesInFolder";
    let start = Instant::now();
    let output = place.home.run(&["--format", "csv", "-c", sql]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "n,f\n180,60\n");
    let renewed = place.openid.counted("refresh_token");
    // A token of three seconds is used for two at the least, however busy the machine is.
    let most = usize::try_from(start.elapsed().as_secs()).unwrap() / 2 + 2;
    assert!((2..=most).contains(&renewed), "{renewed} times, and {most} at the most");
    assert_eq!(place.openid.counted("authorization_code"), 1, "nobody was asked again");
}

#[test]
fn programs_that_run_at_once_renew_a_token_once() {
    let place = Place::signed_in(&Options::default());
    // Of a Maildir that several open at once for the first time, Dovecot may tell that it is empty.
    assert_eq!(place.count(), Ok(3));
    for round in 1..=3 {
        expire_here(&place);
        let outputs: Vec<_> = thread::scope(|scope| {
            let run = || place.home.run(&["--format", "csv", "-c", COUNT]);
            let runs: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        for output in outputs {
            assert!(output.status.success(), "{}", stderr(&output));
            assert_eq!(String::from_utf8(output.stdout).unwrap(), "count(*)\n3\n");
        }
        // A second one would have used a refresh token that is replaced, and ended the sign-in.
        assert_eq!(place.openid.counted("refresh_token"), round);
    }
}

#[test]
fn a_token_that_is_good_is_used_as_it_is() {
    let place = Place::signed_in(&Options::default());
    for _ in 0..3 {
        assert_eq!(place.count(), Ok(3));
    }
    assert_eq!(place.openid.grant_types(), ["authorization_code"]);
}

#[test]
fn a_provider_in_trouble_ends_no_sign_in() {
    let mut place = Place::signed_in(&Options::default());
    for (trouble, said) in [
        (Trouble::Status(500), "500"),
        (Trouble::Html, "text/html"),
        (Trouble::Error("temporarily_unavailable", "busy"), "busy (temporarily_unavailable)"),
    ] {
        expire_here(&place);
        place.openid.fail_with(&trouble);
        let error = place.count().unwrap_err();
        assert!(error.contains(said) && error.contains("\nhint: "), "{error}");
        place.openid.recover();
        assert_eq!(place.count(), Ok(3));
    }
    expire_here(&place);
    place.openid.fail_with(&Trouble::Slow(Duration::from_secs(1)));
    assert_eq!(place.count(), Ok(3));
    // Nobody is there at all.
    place.openid.recover();
    expire_here(&place);
    drop(std::mem::replace(&mut place.openid, OpenId::start(&Options::default())));
    let error = place.count().unwrap_err();
    assert!(error.contains("nobody answers at 127.0.0.1") && error.contains("\nhint: "), "{error}");
}

#[test]
fn two_people_with_one_registration_have_a_token_each() {
    let mut place = Place::signed_in(&Options::default());
    let first = place.home.path("config/mailql/config.toml");
    let before = std::fs::read_to_string(&first).unwrap();
    place.user = place.dovecot.user_with(|maildir| three_mails(maildir, "Second"));
    let second = before.split("[accounts.work]").nth(1).unwrap().replace("user1@", "user2@");
    assert_eq!(place.user.name, "user2@example.com");
    std::fs::write(&first, format!("{before}[accounts.other]{second}")).unwrap();
    let browser = Browser::start();
    let ended = place
        .login(&["login", "other", "--no-browser"], |address| sign_in(&browser, address, &place.user.name, PASSWORD));
    assert!(ended.status.success(), "{}", stderr(&ended));
    expire_here(&place);
    let sql = "SELECT account, count(subject) AS n FROM accounts.MessagesInFolder GROUP BY 1 ORDER BY 1";
    assert_eq!(place.home.stdout(&["--format", "csv", "-c", sql]), "account,n\nother,3\nwork,3\n");
    assert_eq!(place.openid.counted("refresh_token"), 2);
    assert_eq!(place.home.stdout(&["--format", "csv", "-c", sql]), "account,n\nother,3\nwork,3\n");
    assert_eq!(place.openid.counted("refresh_token"), 2);
}

#[test]
fn a_disk_that_is_full_ends_no_sign_in() {
    let place = Place::signed_in(&Options::default());
    expire_here(&place);
    let before = place.kept();
    let program = env!("CARGO_BIN_EXE_mailql");
    // No file may be longer than nothing, and what tries is told so, and not killed.
    let line = format!("ulimit -f 0; trap '' XFSZ; exec '{program}' --format csv -c \"{COUNT}\"");
    let mut shell = std::process::Command::new("sh");
    let output = shell.args(["-c", &line]).envs(place.home.environment()).output().unwrap();
    assert!(stderr(&output).contains("cannot write") && stderr(&output).contains("too large"), "{}", stderr(&output));
    assert_eq!((place.kept(), place.openid.counted("refresh_token")), (before, 0), "nobody was asked in vain");
    assert_eq!(place.count(), Ok(3));
}

#[test]
fn a_refresh_token_that_was_used_elsewhere_is_told_with_the_way_out() {
    let place = Place::signed_in(&Options::default());
    expire_here(&place);
    place.openid.revoke(&place.user.name);
    let error = place.count().unwrap_err();
    assert!(
        error.contains("the sign-in has ended") && error.contains("hint: sign in again with mailql login"),
        "{error}"
    );
    place.sign_in();
    assert_eq!(place.count(), Ok(3));
}

#[test]
fn who_signs_out_elsewhere_is_signed_out_at_an_open_prompt() {
    let place = Place::signed_in(&Options::default());
    // A connection that is open stays open; the next one needs a token.
    close_between_folders(&place);
    let terminal = Terminal::at(place.home, "work");
    terminal.until("the prompt", |screen| screen.trim_end().ends_with("work=>"));
    let asks = |shown: &str| {
        terminal.tmux(&["send-keys", "-R"]);
        terminal.types("SELECT subject FROM MessagesInFolder;");
        terminal.presses("Enter");
        terminal.until(shown, |screen| screen.contains(shown))
    };
    asks("(3 rows)");
    let output = terminal.home.command(&["logout", "work"]).output().unwrap();
    assert!(stderr(&output).contains("work is signed out"), "{}", stderr(&output));
    asks("is not signed in");
    assert_eq!(place.openid.counted("refresh_token"), 0, "nothing of it comes back");
}

#[test]
fn a_job_has_its_token_from_the_environment() {
    let place = Place::signed_in(&Options::default());
    let kept: serde_json::Value = serde_json::from_str(&place.kept()).unwrap();
    let token = kept["access_token"].as_str().unwrap();
    std::fs::remove_dir_all(place.home.path("state")).unwrap();
    let mut command = place.home.command(&["--format", "csv", "-c", COUNT]);
    let output = command.env("MAILQL_TOKEN", token).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "count(*)\n3\n");
    let account = place.home.path("token");
    std::fs::write(&account, token).unwrap();
    let config = place.home.path("config/mailql/config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        text.replace("credential = 'corp'", &format!("token_command = 'cat {}'", account.display())),
    )
    .unwrap();
    assert_eq!(place.count(), Ok(3));
}

/// Lets the token that is kept look as if it had expired.
fn expire_here(place: &Place) {
    let directory = place.home.path("state/mailql/tokens");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let mut kept: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            kept["fresh_until"] = 0.into();
            std::fs::write(&path, kept.to_string()).unwrap();
        }
    }
}

/// Puts a server in between that ends connections.
fn close_between_folders(place: &Place) {
    let port = closing_between_folders(place.dovecot.port());
    let config = place.home.path("config/mailql/config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let direct = format!("host = 'localhost', port = {}, tls = 'implicit'", place.dovecot.tls_port());
    assert!(text.contains(&direct));
    let indirect = format!("host = '127.0.0.1', port = {port}, tls = 'none'");
    std::fs::write(&config, text.replace(&direct, &indirect)).unwrap();
}

/// A server that ends each connection when the messages of a folder were read, and is slow about it.
fn closing_between_folders(port: u16) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let own = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            // So that all folders together take longer than a few tokens last, on any machine.
            thread::sleep(Duration::from_millis(100));
            let (client, server) = (client.unwrap(), TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap());
            let (reader, mut writer) = (BufReader::new(client.try_clone().unwrap()), server.try_clone().unwrap());
            let (tags, fetched) = std::sync::mpsc::channel();
            thread::spawn(move || {
                for line in reader.split(b'\n') {
                    let Ok(mut line) = line else { break };
                    let text = String::from_utf8_lossy(&line).into_owned();
                    if text.contains(" FETCH ") {
                        tags.send(text.split(' ').next().unwrap().to_owned()).unwrap();
                    }
                    line.push(b'\n');
                    if writer.write_all(&line).is_err() {
                        break;
                    }
                }
            });
            thread::spawn(move || {
                let mut client = client;
                let mut wanted = None;
                for line in BufReader::new(server.try_clone().unwrap()).split(b'\n') {
                    let Ok(mut line) = line else { break };
                    wanted = wanted.or_else(|| fetched.try_recv().ok());
                    let ends =
                        wanted.as_ref().is_some_and(|tag: &String| line.starts_with(format!("{tag} ").as_bytes()));
                    line.push(b'\n');
                    if client.write_all(&line).is_err() {
                        break;
                    }
                    if ends {
                        drop(client.write_all(b"* BYE one folder is enough\r\n"));
                        break;
                    }
                }
                thread::sleep(Duration::from_millis(100));
                drop(server.shutdown(std::net::Shutdown::Both));
                drop(client.shutdown(std::net::Shutdown::Both));
            });
        }
    });
    own
}
