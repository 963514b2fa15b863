//! Mail for a user of Cyrus: it keeps no files that others may write, so the mail is handed in.
//!
//! It takes no mail whose header it could not read, nor any with NUL in it, though there may be such mail from elsewhere.
//! That is laid where it keeps mail, and found there by its own program for repairs.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use chrono::DateTime;
use mailql::mail::mutf7;

use super::super::started::DEADLINE;
use super::Cyrus;

/// A mail to be handed in.
pub struct Letter {
    /// The path of its folder.
    pub folder: &'static str,
    /// As a file holds it, with line ends of either kind.
    pub raw: Vec<u8>,
    /// Its flags as a Maildir names them.
    pub flags: &'static str,
    /// When it was received, in seconds since 1970.
    pub received: i64,
}

/// Makes the folders of a user and hands in the mail.
pub fn fill(cyrus: &Cyrus, user: &str, password: &str, folders: &[&str], letters: &[Letter]) {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, cyrus.port())).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut session = Session { reader: BufReader::new(stream.try_clone().unwrap()), stream };
    session.line();
    session.say(format!("LOGIN {user} {password}").as_bytes());
    // It lets somebody who has no inbox have no other folder.
    for folder in ["INBOX"].iter().chain(folders.iter().filter(|folder| **folder != "INBOX")) {
        session.say(format!("CREATE \"{}\"", mutf7::encode(folder)).as_bytes());
    }
    for letter in letters {
        let raw = with_crlf(&letter.raw);
        let received = DateTime::from_timestamp(letter.received, 0).unwrap().format("%e-%b-%Y %T +0000");
        let mut command = format!("APPEND \"{}\" (", mutf7::encode(letter.folder));
        let flags = FLAGS.iter().filter(|(mark, _)| letter.flags.contains(*mark)).map(|(_, flag)| *flag);
        write!(command, "{}) \"{received}\" ", flags.collect::<Vec<_>>().join(" ")).unwrap();
        let mut octets = format!("{command}{{{}+}}\r\n", raw.len()).into_bytes();
        octets.extend(&raw);
        let answer = session.ask(&octets);
        if answer.starts_with("t NO Message contains ") {
            assert!(letter.flags.is_empty(), "what is laid has no flags: {answer}");
            lay(cyrus, user, letter, &raw);
        } else {
            assert!(answer.starts_with("t OK"), "{command}: {answer}");
        }
    }
}

/// Lays a mail behind all others of its folder.
fn lay(cyrus: &Cyrus, user: &str, letter: &Letter, raw: &[u8]) {
    let folder = match letter.folder {
        "INBOX" => format!("user/{user}"),
        other => format!("user/{user}/{}", mutf7::encode(other)),
    };
    let directory = PathBuf::from(cyrus.run("mbpath", &[&folder]).trim_end());
    let numbers = fs::read_dir(&directory).unwrap().filter_map(|entry| {
        entry.unwrap().file_name().to_str().unwrap().strip_suffix('.').and_then(|number| number.parse::<u32>().ok())
    });
    let path = directory.join(format!("{}.", numbers.max().unwrap_or(0) + 1));
    let mut file = File::create(&path).unwrap();
    file.write_all(raw).unwrap();
    let received = Duration::from_secs(u64::try_from(letter.received).unwrap());
    file.set_modified(UNIX_EPOCH + received).unwrap();
    cyrus.give(&path);
    let said = cyrus.run("reconstruct", &[&folder]);
    assert!(said.contains("found - adding"), "{said}");
}

struct Session {
    reader: BufReader<TcpStream>,
    stream: TcpStream,
}

impl Session {
    /// Says a command that must be carried out.
    fn say(&mut self, command: &[u8]) {
        let answer = self.ask(command);
        assert!(answer.starts_with("t OK"), "{}: {answer}", String::from_utf8_lossy(command));
    }

    /// Says a command, and gives the last line of the answer.
    fn ask(&mut self, command: &[u8]) -> String {
        self.stream.write_all(&[b"t ", command, b"\r\n"].concat()).unwrap();
        loop {
            let line = self.line();
            if line.starts_with("t ") {
                return line;
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "the server has ended the conversation: {line}");
        line
    }
}

/// The same with every line ended as the protocol wants it (RFC 9051 §2.2).
fn with_crlf(raw: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(raw.len());
    for &octet in raw {
        if octet == b'\n' && octets.last() != Some(&b'\r') {
            octets.push(b'\r');
        }
        octets.push(octet);
    }
    octets
}

const FLAGS: [(char, &str); 5] =
    [('D', "\\Draft"), ('F', "\\Flagged"), ('R', "\\Answered"), ('S', "\\Seen"), ('T', "\\Deleted")];
