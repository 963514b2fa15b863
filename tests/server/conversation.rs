//! What a client says to a mail server, line by line: to see what the server does when nothing of ours is in between.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::started::DEADLINE;

/// A connection to an IMAP or submission server.
#[derive(Debug)]
pub struct Conversation<S> {
    reader: BufReader<S>,
    commands: usize,
    /// What the server said first.
    pub greeting: String,
}

impl Conversation<TcpStream> {
    /// Connects in plain text.
    pub fn plain(port: u16) -> Self {
        Self::greeted(connect(port)).unwrap()
    }

    /// Goes on with TLS; the server has just agreed to it.
    pub fn upgraded(self, client: Arc<ClientConfig>) -> Conversation<Tls> {
        let stream = tls(self.reader.into_inner(), client);
        Conversation { reader: BufReader::new(stream), commands: self.commands, greeting: self.greeting }
    }
}

impl Conversation<Tls> {
    /// Connects with TLS.
    ///
    /// # Errors
    /// When the client does not trust the server.
    pub fn tls(port: u16, client: Arc<ClientConfig>) -> io::Result<Self> {
        Self::greeted(tls(connect(port), client))
    }
}

impl<S: Read + Write> Conversation<S> {
    fn greeted(stream: S) -> io::Result<Self> {
        let mut conversation = Self { reader: BufReader::new(stream), commands: 0, greeting: String::new() };
        conversation.reader.read_line(&mut conversation.greeting)?;
        Ok(conversation)
    }

    /// Says an IMAP command, and gives the answer with the line of its tag, which is a `t` and its number.
    pub fn imap(&mut self, command: &str) -> String {
        self.commands += 1;
        let tag = format!("t{} ", self.commands);
        self.say(&format!("{tag}{command}"));
        let mut answer = String::new();
        loop {
            let line = self.line();
            answer += &line;
            if line.starts_with(&tag) {
                return answer;
            }
            if let Some(challenge) = line.strip_prefix("+ ") {
                // Why a token is refused; it is to be answered with nothing before the server says so.
                answer += &String::from_utf8_lossy(&STANDARD.decode(challenge.trim_end()).unwrap());
                self.say("");
            }
        }
    }

    /// Says an SMTP command, and gives the whole reply.
    pub fn smtp(&mut self, command: &str) -> String {
        self.say(command);
        let mut reply = String::new();
        loop {
            let line = self.line();
            reply += &line;
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    /// Signs in to IMAP with a password.
    pub fn login(&mut self, user: &str, password: &str) -> String {
        let answer = self.imap(&format!("LOGIN {user} {password}"));
        assert!(answer.contains(" OK "), "{answer}");
        answer
    }

    /// Signs in to IMAP.
    pub fn authenticate(&mut self, mechanism: &str, user: &str, secret: &str) -> String {
        self.imap(&format!("AUTHENTICATE {mechanism} {}", initial_response(mechanism, user, secret)))
    }

    fn say(&mut self, line: &str) {
        self.reader.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "the server ends the connection");
        line
    }
}

/// What a client says first by the mechanisms PLAIN (RFC 4616), XOAUTH2, and OAUTHBEARER (RFC 7628), in base64.
pub fn initial_response(mechanism: &str, user: &str, secret: &str) -> String {
    STANDARD.encode(match mechanism {
        "PLAIN" => format!("\0{user}\0{secret}"),
        "XOAUTH2" => format!("user={user}\x01auth=Bearer {secret}\x01\x01"),
        "OAUTHBEARER" => format!("n,a={user},\x01auth=Bearer {secret}\x01\x01"),
        _ => panic!("{mechanism}"),
    })
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn tls(stream: TcpStream, client: Arc<ClientConfig>) -> Tls {
    StreamOwned::new(ClientConnection::new(client, "localhost".try_into().unwrap()).unwrap(), stream)
}
