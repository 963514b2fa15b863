//! The Dovecot that other tests rely on: it serves what it should, it is private, and it leaves nothing behind.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod mail;
mod server;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use server::certificate::{Authority, Certificate};
use server::dovecot::{Dovecot, Options, User};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};

#[test]
fn the_corpus_is_served_from_a_maildir() {
    let dovecot = Dovecot::shared();
    let mut conversation = Conversation::plain(dovecot);
    conversation.login(&dovecot.user_with(mail::write_maildir));
    let folders = ["INBOX", "Archive/2025", "Entw&APw-rfe", "Lists", "Empty"];
    assert_eq!(conversation.folders(), folders.map(str::to_owned).into());
    let corpus = mail::corpus();
    for (name, folder) in folders.iter().zip(mail::FOLDERS) {
        let answer = conversation.ask(&format!("EXAMINE {name}"));
        let held = corpus.iter().filter(|odd| odd.folder == folder).count();
        assert!(answer.contains(&format!("\r\n* {held} EXISTS\r\n")), "{folder} holds {held}: {answer}");
    }
}

#[test]
fn each_user_is_new_and_has_no_mail() {
    let dovecot = Dovecot::shared();
    let [one, other] = [dovecot.user(), dovecot.user()];
    assert_ne!(one.name, other.name);
    for user in [one, other] {
        let mut conversation = Conversation::plain(dovecot);
        conversation.login(&user);
        assert_eq!(conversation.folders(), ["INBOX".to_owned()].into());
        assert!(conversation.ask("SELECT INBOX").contains("\r\n* 0 EXISTS\r\n"));
    }
}

#[test]
fn a_wrong_password_is_refused_at_once_every_time() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user();
    let start = Instant::now();
    for _ in 0..5 {
        let mut conversation = Conversation::plain(dovecot);
        let answer = conversation.ask(&format!("LOGIN {} wrong", user.name));
        assert!(answer.starts_with("t1 NO [AUTHENTICATIONFAILED] "), "{answer}");
        conversation.login(&user);
    }
    assert!(start.elapsed() < Duration::from_secs(5), "wrong passwords cost time");
}

#[test]
fn days_are_those_of_utc() {
    let dovecot = Dovecot::shared();
    let mut conversation = Conversation::plain(dovecot);
    conversation.login(&dovecot.user_with(mail::write_maildir));
    conversation.ask("EXAMINE INBOX");
    assert!(conversation.ask("FETCH 1 INTERNALDATE").contains(" +0000\")"));
}

#[test]
fn a_client_that_trusts_the_authority_is_served_by_tls() {
    let dovecot = Dovecot::shared();
    let mut conversation = Conversation::tls(dovecot, dovecot.authority().client()).unwrap();
    conversation.login(&dovecot.user());
    assert!(dovecot.ca_file().is_file());
}

#[test]
fn a_client_that_trusts_another_authority_is_not() {
    let dovecot = Dovecot::shared();
    let error = Conversation::tls(dovecot, Authority::new().client()).unwrap_err();
    assert!(error.contains("UnknownIssuer") || error.contains("BadSignature"), "{error}");
}

#[test]
fn wrong_certificates_are_wrong_in_the_way_they_should_be() {
    let wrong = [
        (Certificate::Expired, "expired"),
        (Certificate::OtherName, "not valid for name"),
        (Certificate::OtherAuthority, "BadSignature"),
    ];
    for (certificate, reason) in wrong {
        let dovecot = Dovecot::start(&Options { certificate, ..Options::default() });
        let error = Conversation::tls(&dovecot, dovecot.authority().client()).unwrap_err();
        assert!(error.contains(reason), "{certificate:?}: {error}");
    }
}

#[test]
fn a_conversation_in_plain_text_turns_to_tls_when_asked() {
    let dovecot = Dovecot::shared();
    let mut plain = Conversation::plain(dovecot);
    assert!(plain.ask("CAPABILITY").contains(" STARTTLS"));
    assert!(plain.ask("STARTTLS").starts_with("t2 OK "));
    let stream = secure(plain.socket, dovecot.authority().client());
    let mut conversation = Conversation::over(stream);
    assert!(!conversation.ask("CAPABILITY").contains(" STARTTLS"));
    conversation.login(&dovecot.user());
}

#[test]
fn names_of_folders_may_be_odd_with_either_separator() {
    let odd = [
        "50%",
        "x*y",
        "a b",
        "trailing ",
        " leading",
        r"back\\slash",
        r#"&ANw-n&AO8- &- \"quoted\""#,
        "&2D3cxw-",
        "~home",
        ".hidden",
    ];
    for (separator, other) in [('/', "a.b"), ('.', "a/b")] {
        let dovecot = Dovecot::start(&Options { separator, ..Options::default() });
        let mut conversation = Conversation::plain(&dovecot);
        conversation.login(&dovecot.user());
        let deep = ["1", "2", "3", "4", "5"].join(&separator.to_string());
        let mut names: BTreeSet<String> = odd.map(str::to_owned).into();
        names.extend([deep, other.to_owned()]);
        if separator == '.' {
            names.remove(".hidden");
        }
        for name in &names {
            let answer = conversation.ask(&format!("CREATE \"{name}\""));
            assert!(answer.contains(" OK "), "{answer}");
        }
        let listed = conversation.folders();
        assert!(names.is_subset(&listed), "{names:?} in {listed:?}");
        for name in &names {
            let answer = conversation.ask(&format!("SELECT \"{name}\""));
            assert!(answer.contains(" OK [READ-WRITE] "), "{answer}");
        }
    }
}

#[test]
fn lines_of_a_test_win_over_the_ones_before() {
    let dovecot = Dovecot::start(&Options { more: "login_greeting = Good day.", ..Options::default() });
    assert!(Conversation::plain(&dovecot).greeting.ends_with("] Good day.\r\n"));
}

#[test]
fn a_failing_start_tells_what_dovecot_said() {
    let failure = thread::spawn(|| Dovecot::start(&Options { more: "no_such_setting = 1", ..Options::default() }));
    let Err(panic) = failure.join() else { panic!("it started") };
    let message = panic.downcast::<String>().unwrap();
    assert!(message.contains("no_such_setting"), "{message}");
}

#[test]
fn many_run_at_once_and_a_dropped_one_leaves_nothing() {
    let starting = [(); 4].map(|()| thread::spawn(|| Dovecot::start(&Options::default())));
    let dovecots = starting.map(|starting| starting.join().unwrap());
    let ports: BTreeSet<u16> = dovecots.iter().flat_map(|dovecot| [dovecot.port(), dovecot.tls_port()]).collect();
    assert_eq!(ports.len(), 8);
    for dovecot in dovecots {
        let left = Left::by(dovecot.directory());
        let mut conversation = Conversation::plain(&dovecot);
        conversation.login(&dovecot.user());
        assert!(left.processes().len() > 2, "its processes are found");
        drop(dovecot);
        assert!(left.is_nothing());
    }
}

#[test]
fn a_killed_test_program_leaves_nothing() {
    let mut program = Command::new(std::env::current_exe().unwrap())
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
    let dovecot = Dovecot::shared();
    let mut conversation = Conversation::plain(dovecot);
    conversation.login(&dovecot.user_with(mail::write_maildir));
    println!("directory: {}", dovecot.directory().display());
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
        let group = fs::read_to_string(directory.join("run/master.pid")).unwrap().trim().to_owned();
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

/// Somebody talks with the server.
#[derive(Debug)]
struct Conversation<Socket> {
    socket: Socket,
    greeting: String,
    tags: usize,
}

impl Conversation<TcpStream> {
    fn plain(dovecot: &Dovecot) -> Self {
        let mut conversation = Self::over(connect(dovecot.port()));
        conversation.greeting = conversation.line().unwrap();
        assert!(conversation.greeting.starts_with("* OK [CAPABILITY IMAP4rev1 "), "{}", conversation.greeting);
        conversation
    }
}

impl Conversation<StreamOwned<ClientConnection, TcpStream>> {
    fn tls(dovecot: &Dovecot, client: Arc<ClientConfig>) -> Result<Self, String> {
        let mut conversation = Self::over(secure(connect(dovecot.tls_port()), client));
        conversation.greeting = conversation.line()?;
        assert!(conversation.greeting.starts_with("* OK "), "{}", conversation.greeting);
        Ok(conversation)
    }
}

impl<Socket: Read + Write> Conversation<Socket> {
    fn over(socket: Socket) -> Self {
        Self { socket, greeting: String::new(), tags: 0 }
    }

    fn login(&mut self, user: &User) {
        let answer = self.ask(&format!("LOGIN {} {}", user.name, user.password));
        assert!(answer.contains(" OK "), "{answer}");
    }

    /// The names of all folders that hold mail, as they are written within quotes.
    fn folders(&mut self) -> BTreeSet<String> {
        let answer = self.ask("LIST \"\" *");
        let lines = answer.lines().filter_map(|line| line.strip_prefix("* LIST "));
        let names = lines.filter(|line| !line.contains("\\Noselect")).map(|line| line.splitn(3, '"').nth(2).unwrap());
        let names = names.map(|name| name.strip_prefix(' ').unwrap());
        names
            .map(|name| name.strip_prefix('"').map_or(name, |rest| rest.strip_suffix('"').unwrap()).to_owned())
            .collect()
    }

    /// Sends a command, and returns all lines as far as its tagged one.
    fn ask(&mut self, command: &str) -> String {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        self.socket.write_all(format!("{tag} {command}\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        loop {
            let line = self.line().unwrap();
            answer.push_str(&line);
            if line.starts_with(&format!("{tag} ")) {
                return answer;
            }
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            let mut octet = [0];
            self.socket.read_exact(&mut octet).map_err(|error| error.to_string())?;
            line.extend(octet);
        }
        Ok(String::from_utf8(line).unwrap())
    }
}

fn connect(port: u16) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket
}

fn secure(socket: TcpStream, client: Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    let name = "localhost".try_into().unwrap();
    StreamOwned::new(ClientConnection::new(client, name).unwrap(), socket)
}
