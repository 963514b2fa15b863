//! One conversation: reads commands, asks the script, and sends.
//!
//! What a good answer is it knows for signing in only; the rest is in `mailbox`.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use super::command::Command;
use super::mailbox::{self, State};
use super::wire::Wire;
use super::{Action, Context, Security, Stage};
use crate::server::responses;
use crate::server::transcript::{Lines, literal_at_end};

/// A client, and how far it has come.
pub struct Connection {
    number: usize,
    wire: Wire,
    stage: Arc<Stage>,
    state: State,
    from_client: Lines,
    from_server: Lines,
}

/// Why a conversation ends.
enum End {
    /// The client has left.
    Gone,
    LoggedOut,
    Close,
    Reset,
}

/// What a good server sends, and does then.
#[derive(Clone)]
struct Reply {
    octets: Vec<u8>,
    then: Then,
}

#[derive(Clone, Copy)]
enum Then {
    ReadOn,
    LogOut,
    StartTls,
    Deflate,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Connection {
    /// A client that has just come.
    pub fn new(number: usize, socket: Arc<TcpStream>, stage: Arc<Stage>) -> Self {
        let (from_client, from_server) = (Lines::of_client(SHOWN_OF_LITERAL), Lines::of_server(SHOWN_OF_LITERAL));
        Self { number, wire: Wire::new(socket), stage, state: State::default(), from_client, from_server }
    }

    /// Speaks until either side ends it.
    pub fn run(mut self) {
        let end = self.converse();
        let mut record = self.stage.record();
        record.open -= 1;
        for (side, lines) in [('C', &mut self.from_client), ('S', &mut self.from_server)] {
            if let Some(text) = lines.unfinished() {
                record.transcript.add(self.number, side, &text);
            }
        }
        drop(record);
        match end {
            End::Gone => {}
            End::LoggedOut => {
                self.wire.end_tls();
                self.wire.close();
            }
            End::Close => self.wire.close(),
            End::Reset => self.wire.reset(),
        }
    }

    fn converse(&mut self) -> End {
        if let Err(end) = self.greet() {
            return end;
        }
        loop {
            if let Err(end) = self.exchange() {
                return end;
            }
        }
    }

    fn greet(&mut self) -> Result<(), End> {
        if let Security::Implicit(config) = &self.stage.script.security {
            self.wire.start_tls(config)?;
        }
        let greeting = format!("* OK [CAPABILITY {}] ready\r\n", self.capabilities());
        let reply = Reply { octets: greeting.into_bytes(), then: Then::ReadOn };
        let actions = (self.stage.script.greeting)(&self.context());
        self.state.signed_in =
            actions.iter().any(|action| matches!(action, Action::Send(text) if text.starts_with(b"* PREAUTH")));
        self.act(actions, |_| Ok(reply.clone()))
    }

    fn exchange(&mut self) -> Result<(), End> {
        let command = Command::parse(&self.read_command()?);
        let count = {
            let mut record = self.stage.record();
            if !command.only_reads() {
                record.not_reading.push(command.line.clone());
            }
            let count = record.counts.entry(command.name.clone()).or_default();
            *count += 1;
            *count
        };
        let actions = (self.stage.script.hook)(&command, count, &self.context());
        self.act(actions.unwrap_or_else(|| vec![Action::Answer]), |connection| connection.reply(&command))
    }

    fn act(&mut self, actions: Vec<Action>, reply: impl Fn(&mut Self) -> Result<Reply, End>) -> Result<(), End> {
        for action in actions {
            match action {
                Action::Send(octets) => self.send(&octets)?,
                Action::SendRaw(octets) => self.wire.write_raw(&octets)?,
                Action::Answer => {
                    let reply = reply(self)?;
                    self.send(&reply.octets)?;
                    match reply.then {
                        Then::ReadOn => {}
                        Then::LogOut => return Err(End::LoggedOut),
                        Then::StartTls => self.start_tls()?,
                        Then::Deflate => self.wire.start_deflate(),
                    }
                }
                Action::AnswerTo(line) => {
                    let answer = {
                        let record = self.stage.record();
                        mailbox::answer(&Command::parse(line.as_bytes()), &record.folders, &mut self.state)
                    };
                    self.send(&answer.map_or_else(String::into_bytes, |(lines, _)| lines))?;
                }
                Action::AnswerChanged(change) => {
                    let octets = reply(self)?.octets;
                    self.send(&change(responses::cut(&octets).0).concat())?;
                }
                Action::AnswerFirst(count) => {
                    let octets = reply(self)?.octets;
                    self.send(&octets[..count.min(octets.len())])?;
                }
                Action::Close => return Err(End::Close),
                Action::Reset => return Err(End::Reset),
                Action::Stall => loop {
                    self.read_line()?;
                },
                Action::Pause(time) => thread::sleep(time),
            }
        }
        Ok(())
    }

    /// What a good server answers.
    fn reply(&mut self, command: &Command) -> Result<Reply, End> {
        let untagged = |line: String, status: &str| [line.as_bytes(), b"\r\n", &command.tagged(status)].concat();
        let mut then = Then::ReadOn;
        let octets = match command.name.as_str() {
            "CAPABILITY" => untagged(format!("* CAPABILITY {}", self.capabilities()), "OK told"),
            "ID" => untagged("* ID (\"name\" \"scripted\")".to_owned(), "OK told"),
            "NOOP" => command.tagged("OK nothing done"),
            "LOGOUT" => {
                then = Then::LogOut;
                untagged("* BYE see you".to_owned(), "OK over")
            }
            "STARTTLS" if self.offers_starttls() => {
                then = Then::StartTls;
                let behind = self.stage.script.behind_starttls.as_deref().unwrap_or_default();
                [&command.tagged("OK begin"), behind].concat()
            }
            "COMPRESS" if self.stage.script.capabilities.contains("COMPRESS=DEFLATE") => {
                then = Then::Deflate;
                command.tagged("OK compressed from here on")
            }
            "LOGIN" if command.arguments.len() == 2 => self.sign_in(command),
            "AUTHENTICATE"
                if command.arguments.first().is_some_and(|name| ["PLAIN", "XOAUTH2"].contains(&name.text())) =>
            {
                if command.arguments.len() == 1 {
                    self.send(b"+ \r\n")?;
                    self.read_line()?;
                }
                self.sign_in(command)
            }
            _ => {
                let record = self.stage.record();
                match mailbox::answer(command, &record.folders, &mut self.state) {
                    Ok((lines, status)) => [lines, command.tagged(&status)].concat(),
                    Err(status) => command.tagged(&status),
                }
            }
        };
        Ok(Reply { octets, then })
    }

    fn sign_in(&mut self, command: &Command) -> Vec<u8> {
        self.state.signed_in = true;
        command.tagged(&format!("OK [CAPABILITY {}] signed in", self.capabilities()))
    }

    fn start_tls(&mut self) -> Result<(), End> {
        if let Security::StartTls(config) = &self.stage.script.security {
            return Ok(self.wire.start_tls(config)?);
        }
        loop {
            let count = self.wire.read_some()?.len();
            self.stage.record().transcript.add(self.number, 'C', &format!("({count} octets behind STARTTLS)"));
        }
    }

    fn offers_starttls(&self) -> bool {
        let script = &self.stage.script;
        !self.wire.is_tls() && (matches!(script.security, Security::StartTls(_)) || script.behind_starttls.is_some())
    }

    fn capabilities(&self) -> String {
        let more = if self.offers_starttls() { " STARTTLS" } else { "" };
        format!("{}{more}", self.stage.script.capabilities)
    }

    fn context(&self) -> Context {
        Context { connection: self.number, folder: self.state.folder.clone(), tls: self.wire.is_tls() }
    }

    /// Reads a command with its literals, and asks for those that wait.
    fn read_command(&mut self) -> Result<Vec<u8>, End> {
        let mut line = self.read_line()?;
        let mut command = line.clone();
        while let Some(literal) = literal_at_end(line.trim_ascii_end()) {
            if literal.waits {
                self.send(b"+ go on\r\n")?;
            }
            let content = self.wire.read_exactly(literal.octets)?;
            self.hear(&content);
            command.extend(content);
            line = self.read_line()?;
            command.extend(&line);
        }
        Ok(command)
    }

    fn read_line(&mut self) -> Result<Vec<u8>, End> {
        let line = self.wire.read_line()?;
        self.hear(&line);
        Ok(line)
    }

    fn hear(&mut self, octets: &[u8]) {
        let mut record = self.stage.record();
        for line in self.from_client.take(octets) {
            record.transcript.add(self.number, 'C', &line.text);
        }
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), End> {
        let lines = self.from_server.take(octets);
        for line in lines {
            self.stage.record().transcript.add(self.number, 'S', &line.text);
        }
        Ok(self.wire.write(octets)?)
    }
}

/// Enough to know a literal by.
const SHOWN_OF_LITERAL: usize = 60;
