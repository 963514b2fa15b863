//! A server that takes mail, and does on demand what none should.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::account::{ImapAccount, Proofs, SmtpServer, Tls};
use crate::mail::outbox::{Delivery, OnRejected, Outcome, Outgoing, Stop};
use crate::smtp::{Journal, Smtp};

/// Where something else happens than usual, and what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// How the line begins; `.` is the end of a content, `content` its first octets, `DATA 2` the second in a connection.
    pub(super) at: &'static str,
    /// In which connection, counted from 1; 0 is all of them.
    pub(super) connection: usize,
    pub(super) act: Act,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Say(&'static str),
    /// Says something, then closes.
    Close(&'static str),
    /// Says something, then nothing more.
    Hang(&'static str),
    /// Neither says nor hears anything more.
    Deaf,
}

/// What a server has seen.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    pub(super) connections: usize,
    pub(super) lines: Vec<String>,
    /// Every content that had an end, dots undoubled.
    pub(super) contents: Vec<Vec<u8>>,
    /// How many contents were asked for.
    pub(super) begun: usize,
    /// How often there was more than one line to read at once.
    pub(super) flights: usize,
}

#[derive(Debug)]
pub(super) struct Server {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub(super) async fn start(able: &'static [&'static str], rules: Vec<Rule>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, rules) = (Arc::clone(&shared), rules.clone());
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.connections += 1;
                    seen.connections
                };
                tokio::spawn(async move {
                    let rules = rules.into_iter().filter(|rule| [0, number].contains(&rule.connection)).collect();
                    drop(Conversation { able, rules, seen }.run(stream).await);
                });
            }
        });
        Self { port, seen }
    }

    /// One that only has a fault at one place, in all connections.
    pub(super) async fn with(at: &'static str, act: Act) -> Self {
        Self::start(ABLE, vec![Rule { at, connection: 0, act }]).await
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// The lines that begin so.
    pub(super) fn said(&self, start: &str) -> Vec<String> {
        self.seen().lines.into_iter().filter(|line| line.starts_with(start)).collect()
    }

    pub(super) fn outbox(&self, journal: &Arc<Journal>) -> Smtp {
        let account = ImapAccount::new("127.0.0.1", "me@x.example").password("hunter2secret");
        let server = SmtpServer { host: "127.0.0.1".to_owned(), port: self.port, tls: Tls::None };
        Smtp::new("work", account, server, None, Arc::new(Proofs::default()), Arc::clone(journal))
    }
}

struct Conversation {
    able: &'static [&'static str],
    rules: Vec<Rule>,
    seen: Arc<Mutex<Seen>>,
}

impl Conversation {
    async fn run(self, mut stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.split();
        let mut read = BufReader::new(read);
        write.write_all(b"220 mail.example.org\r\n").await?;
        let (mut line, mut mails) = (String::new(), 0);
        loop {
            line.clear();
            if read.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let said = line.trim_end().to_owned();
            {
                let mut seen = self.seen.lock().unwrap();
                seen.flights += usize::from(!read.buffer().is_empty());
                seen.lines.push(said.clone());
            }
            mails += usize::from(said == "DATA");
            let usual = self.usual(&said);
            let at = if said == "DATA" { format!("DATA {mails}") } else { said };
            let Some(act) = self.act(&mut read, &mut write, &at, &usual).await? else { return Ok(()) };
            if act.starts_with("354") {
                self.seen.lock().unwrap().begun += 1;
                if self.rules.iter().any(|rule| rule.at == "content") {
                    // One octet has come: it is in the middle.
                    read.fill_buf().await?;
                    if self.act(&mut read, &mut write, "content", "").await?.is_none() {
                        return Ok(());
                    }
                }
                let Some(content) = content(&mut read).await? else { return Ok(()) };
                self.seen.lock().unwrap().contents.push(content);
                if self.act(&mut read, &mut write, ".", "250 2.0.0 queued as 4711\r\n").await?.is_none() {
                    return Ok(());
                }
            }
        }
    }

    fn usual(&self, said: &str) -> String {
        match said.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => format!("250-{}\r\n250 AUTH PLAIN\r\n", self.able.join("\r\n250-")),
            "AUTH" => "235 2.7.0 welcome\r\n".to_owned(),
            "MAIL" => "250 2.1.0 ok\r\n".to_owned(),
            "RCPT" => "250 2.1.5 ok\r\n".to_owned(),
            "DATA" => "354 go on\r\n".to_owned(),
            "RSET" => "250 ok\r\n".to_owned(),
            "QUIT" => "221 bye\r\n".to_owned(),
            _ => "500 what\r\n".to_owned(),
        }
    }

    /// Does what the rules say, or the usual; tells what was said, nothing when that was all.
    async fn act<R, W>(&self, read: &mut R, write: &mut W, at: &str, usual: &str) -> std::io::Result<Option<String>>
    where
        R: AsyncReadExt + Unpin,
        W: AsyncWriteExt + Unpin,
    {
        let rule = self.rules.iter().find(|rule| at.starts_with(rule.at) && (rule.at != "." || at == "."));
        match rule.map(|rule| rule.act) {
            None => write.write_all(usual.as_bytes()).await.map(|()| Some(usual.to_owned())),
            Some(Act::Say(words)) => write.write_all(words.as_bytes()).await.map(|()| Some(words.to_owned())),
            Some(Act::Close(words)) => write.write_all(words.as_bytes()).await.map(|()| None),
            Some(Act::Hang(words)) => {
                write.write_all(words.as_bytes()).await?;
                // Until the other side goes.
                let mut waste = [0; 4096];
                while read.read(&mut waste).await? > 0 {}
                Ok(None)
            }
            Some(Act::Deaf) => std::future::pending().await,
        }
    }
}

/// A content to its end, dots undoubled; nothing when the other side goes before.
async fn content<R: AsyncBufReadExt + Unpin>(read: &mut R) -> std::io::Result<Option<Vec<u8>>> {
    let (mut content, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        read.read_until(b'\n', &mut line).await?;
        match line.as_slice() {
            b".\r\n" => return Ok(Some(content)),
            [.., b'\r', b'\n'] => content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line)),
            _ => return Ok(None),
        }
    }
}

/// A mail from me to some.
pub(super) fn mail(id: &str, to: &[&str]) -> Outgoing {
    Outgoing {
        message_id: format!("{id}@x.example"),
        sender: "me@x.example".to_owned(),
        recipients: to.iter().map(|to| (*to).to_owned()).collect(),
        subject: "Hello".to_owned(),
        octets: format!("Subject: Hello\r\nMessage-ID: <{id}@x.example>\r\n\r\n.hello\r\n.\r\n").into_bytes().into(),
        key: None,
        on_rejected: OnRejected::Abort,
    }
}

/// What became of it, recipient by recipient, in short.
pub(super) fn told(outcomes: &[Outcome]) -> Vec<(&'static str, Option<u16>)> {
    outcomes.iter().map(|outcome| (outcome.status.name(), outcome.code)).collect()
}

/// The statuses that the journal knows.
pub(super) fn journaled(journal: &Journal) -> Vec<&'static str> {
    journal.read().unwrap().iter().map(|sent| sent.status.name()).collect()
}

pub(super) const ABLE: &[&str] = &["mail.example.org", "PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8"];

/// What a server may take: the tests of silence wait as long, ten times after the end of a mail.
pub(super) const TERMS: Delivery =
    Delivery { patience: Duration::from_millis(300), per_minute: None, stop: Stop::NEVER };
