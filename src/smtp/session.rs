//! A session with a server that takes mail: one command, one reply, in turn. The only place where commands are sent.
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
}

impl Session {
    /// A session over a line that was just opened, or put under TLS; `mask` is what is never logged.
    pub fn new(line: Box<dyn Line>, mask: Mask, patience: Duration) -> Self {
        let (number, transport) = (NUMBERS.fetch_add(1, Ordering::Relaxed), Transport::new(line, patience));
        Self { number, extensions: Extensions::default(), mask, transport, lost: false }
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
        if self.lost {
            return Err(Error::new(ErrorKind::Server, "the conversation with the server was broken off"));
        }
        self.lost = true;
        if self.transport.has_more() {
            let error = Error::new(ErrorKind::Server, "the server answers what it was not asked");
            return Err(error.hint("somebody may be between you and the server"));
        }
        tracing::trace!(session = self.number, "C: {command}");
        self.transport.send(&command.octets()).await?;
        let reply = self.hear().await?;
        if reply.code == 421 {
            return Err(Error::new(ErrorKind::Server, format!("the server ended the connection: {}", reply.words()))
                .hint("it may be busy, or have too many connections of yours; try again in a while"));
        }
        self.lost = false;
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
        Err(Error::new(ErrorKind::Server, format!("the server refused {}: {}", command.verb(), reply.words()))
            .hint("try again; MAILQL_LOG=mailql=trace shows the conversation"))
    }

    /// Ends the session; whether the server says goodbye does not matter.
    pub async fn quit(mut self) {
        if !self.lost {
            self.transport.set_patience(self.transport.patience().min(GOODBYE));
            drop(self.say(&Command::Quit).await);
        }
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

/// How long a server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(3);

static NUMBERS: AtomicU64 = AtomicU64::new(1);
