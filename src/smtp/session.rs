//! A session with a server that takes mail: a reply to each command, in turn. The only place where anything is sent.
//!
//! What is said when is for [`super::sign_in`] and those who come after; nothing is ever taken for the answer to
//! something else.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::command::Command;
use super::extensions::Extensions;
use super::reply::{Beginning, Reply};
use super::transport::Transport;
use crate::account::Mask;
use crate::error::{Error, ErrorKind, Result};
use crate::net::Line;

/// A session with a server.
#[derive(Debug)]
pub struct Session {
    /// Tells it from others.
    pub number: u64,
    /// What the server can do, as it said last.
    pub extensions: Extensions,
    /// What is not logged when the server repeats it.
    mask: Mask,
    transport: Transport,
    /// A reply is not whole, or something went wrong: what comes, if anything, may be the answer to anything.
    lost: bool,
    /// The server has asked for content, and waits for more of it.
    is_open: bool,
}

/// Why a piece of content was not handed over.
#[derive(Debug)]
pub struct Unwanted {
    /// The code by which the server refused it, if it did.
    pub code: Option<u16>,
    /// What happened.
    pub error: Error,
}

impl From<Error> for Unwanted {
    fn from(error: Error) -> Self {
        Self { code: None, error }
    }
}

impl Session {
    /// A session over a line that was just opened, or put under TLS; `mask` is what is never logged.
    pub fn new(line: Box<dyn Line>, mask: Mask, patience: Duration) -> Self {
        let (number, transport) = (NUMBERS.fetch_add(1, Ordering::Relaxed), Transport::new(line, patience));
        Self { number, extensions: Extensions::default(), mask, transport, lost: false, is_open: false }
    }

    /// The first reply, which comes unasked.
    ///
    /// # Errors
    /// As [`Session::say`].
    pub async fn greeting(&mut self) -> Result<Reply> {
        self.lost = true;
        let reply = self.hear().await?;
        self.lost = false;
        Ok(reply)
    }

    /// Says a command and hears the reply, whatever it is.
    ///
    /// # Errors
    /// When the line is lost, there is no whole reply before the deadline, or what comes is none; also when the server
    /// ends the session (421, RFC 5321 §3.8). Nothing more can be said then.
    pub async fn say(&mut self, command: &Command) -> Result<Reply> {
        let mut replies = self.say_all(std::slice::from_ref(command)).await?;
        replies.pop().ok_or_else(broken_off)
    }

    /// Says commands in one flight and hears the reply to each, in their order (RFC 2920).
    ///
    /// There must be so few that all replies have room on the way, for nothing is heard before all is said (§3.1).
    ///
    /// # Errors
    /// As [`Session::say`]; what was heard until then is of no use.
    pub async fn say_all(&mut self, commands: &[Command]) -> Result<Vec<Reply>> {
        if self.lost {
            return Err(broken_off());
        }
        self.lost = true;
        self.hear_nothing().await?;
        let mut octets = Vec::new();
        for command in commands {
            tracing::trace!(session = self.number, "C: {command}");
            octets.extend(command.octets());
        }
        self.transport.send(&octets).await?;
        let mut replies = Vec::with_capacity(commands.len());
        for _ in commands {
            let reply = self.hear().await?;
            if reply.code == 421 {
                return Err(self.ended(&reply));
            }
            replies.push(reply);
        }
        self.lost = false;
        Ok(replies)
    }

    /// Asks to hand content over. After the reply 354 nothing but the content can be said, to its end.
    ///
    /// # Errors
    /// As [`Session::say`].
    pub async fn data(&mut self) -> Result<Reply> {
        let reply = self.say(&Command::Data).await?;
        self.lost = reply.code == 354;
        self.is_open = self.lost;
        Ok(reply)
    }

    /// Hands the next piece of the content over; dots in it are doubled already.
    ///
    /// # Errors
    /// The line is lost, or does not take the piece in time; also when the server says something meanwhile, which can only
    /// be that it does not want the rest: its words, and the code where it is a refusal.
    pub async fn give(&mut self, octets: &[u8]) -> Result<(), Unwanted> {
        if !self.is_open {
            return Err(Unwanted { code: None, error: broken_off() });
        }
        self.is_open = false;
        self.is_wanted().await?;
        self.transport.send(octets).await?;
        self.is_open = true;
        Ok(())
    }

    /// Makes sure that the server has not said anything while it was to listen, nor gone away.
    ///
    /// # Errors
    /// As [`Session::give`].
    pub async fn is_wanted(&mut self) -> Result<(), Unwanted> {
        if self.transport.unasked()?.is_empty() {
            return Ok(());
        }
        self.is_open = false;
        let reply = self.hear().await?;
        let error = Error::new(ErrorKind::Server, format!("the server did not hear it out: {}", self.words(&reply)));
        Err(Unwanted { code: (400..600).contains(&reply.code).then_some(reply.code), error })
    }

    /// Gives the last of the content with its end, and hears what the server makes of it, for which it has ten times the
    /// patience (§4.5.3.2.6).
    ///
    /// # Errors
    /// There is no whole reply, or more than one: nobody knows then whether the server took it.
    pub async fn end_content(&mut self, last: &[u8]) -> Result<Reply> {
        if !self.is_open {
            return Err(broken_off());
        }
        self.is_open = false;
        tracing::trace!(session = self.number, "C: .");
        self.transport.send(&[last, b".\r\n"].concat()).await?;
        let patience = self.transport.patience();
        self.transport.set_patience(patience * AT_THE_END);
        let reply = self.hear().await;
        self.transport.set_patience(patience);
        let reply = reply?;
        match self.transport.unasked() {
            Ok([]) => self.lost = reply.code == 421,
            // It goes away, and says so or does not.
            Ok([b'4', b'2', b'1', ..]) | Err(_) => {}
            Ok(_) => return Err(unasked()),
        }
        Ok(reply)
    }

    /// The same, of a command that the server does not refuse.
    ///
    /// # Errors
    /// As [`Session::say`], and when it does, in its own words.
    pub async fn ask(&mut self, command: &Command) -> Result<Reply> {
        let reply = self.say(command).await?;
        if reply.is_good() {
            return Ok(reply);
        }
        Err(Error::new(ErrorKind::Server, format!("the server refused {}: {}", command.verb(), self.words(&reply)))
            .hint("try again; MAILQL_LOG=mailql=trace shows the conversation"))
    }

    /// Ends the session; whether the server says goodbye does not matter.
    pub async fn quit(mut self) {
        if !self.lost {
            self.transport.set_patience(self.transport.patience().min(GOODBYE));
            drop(self.say(&Command::Quit).await);
        }
    }

    /// Whether nothing more can be said in it.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// What a reply says, on one line and without the secret.
    pub fn words(&self, reply: &Reply) -> String {
        self.mask.cover(&reply.words())
    }

    /// Changes how long the server may take for a reply.
    pub fn set_patience(&mut self, patience: Duration) {
        self.transport.set_patience(patience);
    }

    /// The line itself, to put TLS over it, and what is not logged of it.
    ///
    /// # Errors
    /// When the server has sent more than it was asked for.
    pub fn into_line(self) -> Result<(Box<dyn Line>, Mask)> {
        Ok((self.transport.into_line()?, self.mask))
    }

    /// Makes sure that nothing has come since the last reply.
    async fn hear_nothing(&mut self) -> Result<()> {
        match self.transport.unasked()? {
            [] => Ok(()),
            // A server that waited too long says so before it goes (RFC 5321 §3.8).
            [b'4', b'2', b'1', ..] => {
                let reply = self.hear().await?;
                Err(self.ended(&reply))
            }
            _ => Err(unasked()),
        }
    }

    fn ended(&self, reply: &Reply) -> Error {
        Error::new(ErrorKind::Server, format!("the server ended the connection: {}", self.words(reply)))
            .hint("it may be busy, or have too many connections of yours; try again in a while")
    }

    async fn hear(&mut self) -> Result<Reply> {
        let deadline = Instant::now() + self.transport.patience();
        let mut reply = Beginning::default();
        loop {
            let line = self.transport.line(deadline).await?;
            let shown = self.mask.shown(&line);
            tracing::trace!(session = self.number, "S: {shown}");
            let taken = reply.take(&line).map_err(|broken| {
                let said = shown.trim_end_matches(r"\n").trim_end_matches(r"\r");
                Error::new(ErrorKind::Server, format!("the server says what makes no sense ({}): {said}", broken.0))
                    .hint("see whether it is the port of a server that takes mail")
            })?;
            if let Some(reply) = taken {
                return Ok(reply);
            }
        }
    }
}

fn broken_off() -> Error {
    Error::new(ErrorKind::Server, "the conversation with the server was broken off")
}

fn unasked() -> Error {
    Error::new(ErrorKind::Server, "the server answers what it was not asked")
        .hint("somebody may be between you and the server")
}

/// How many times the patience a server may take for a mail that it was handed over.
const AT_THE_END: u32 = 10;

/// How long a server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(3);

static NUMBERS: AtomicU64 = AtomicU64::new(1);
