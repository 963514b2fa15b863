//! The line to a server that takes mail: whole replies, within limits and deadlines.
//!
//! It knows no command; [`super::session`] says what to send.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::BytesMut;
use futures::FutureExt;
use memchr::memchr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::{Error, ErrorKind, Result};
use crate::net::Line;

/// A line with a reply at a time.
pub struct Transport {
    line: Box<dyn Line>,
    received: BytesMut,
    patience: Duration,
}

impl Transport {
    /// A transport over a line that is open; a server that needs longer than `patience` for an answer is given up.
    pub fn new(line: Box<dyn Line>, patience: Duration) -> Self {
        Self { line, received: BytesMut::new(), patience }
    }

    /// Changes how long a server may take.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// How long a server may take.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// The line itself, to put TLS over it.
    ///
    /// # Errors
    /// When the server has sent more than it was asked for: what comes before TLS could be anybody's words (RFC 3207 §5).
    pub fn into_line(self) -> Result<Box<dyn Line>> {
        if self.received.is_empty() {
            return Ok(self.line);
        }
        Err(Error::new(ErrorKind::Server, "the server sent more before TLS began than it may")
            .hint("somebody may be between you and the server; use implicit TLS (port 465) where there is a choice"))
    }

    /// Sends octets.
    ///
    /// # Errors
    /// When they cannot be sent before the deadline.
    pub async fn send(&mut self, octets: &[u8]) -> Result<()> {
        let sent = async {
            self.line.write_all(octets).await?;
            self.line.flush().await
        };
        match timeout(self.patience, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(lost(error)),
            Err(_) => Err(self.silent("did not take what was sent")),
        }
    }

    /// The next line, with its end; however slowly it comes, it must be there at the deadline.
    ///
    /// # Errors
    /// When the server closes the connection, takes too long, or sends more than it may.
    pub async fn line(&mut self, deadline: Instant) -> Result<BytesMut> {
        match timeout_at(deadline, self.whole_line()).await {
            Ok(line) => line,
            Err(_) => Err(self.silent("did not answer")),
        }
    }

    /// What has come by now and nobody has asked for; it looks, and does not wait.
    ///
    /// # Errors
    /// When the server has closed the connection.
    pub fn unasked(&mut self) -> Result<&[u8]> {
        if self.received.is_empty() {
            self.received.reserve(LINE);
            match self.line.read_buf(&mut self.received).now_or_never() {
                Some(Ok(0)) => return Err(closed()),
                Some(Err(error)) => return Err(lost(error)),
                Some(Ok(_)) | None => {}
            }
        }
        Ok(&self.received)
    }

    async fn whole_line(&mut self) -> Result<BytesMut> {
        loop {
            if let Some(end) = memchr(b'\n', &self.received) {
                return Ok(self.received.split_to(end + 1));
            }
            if self.received.len() > LINE {
                return Err(Error::new(ErrorKind::Server, "a line of the server is longer than any is").hint(
                    "see whether it is the port of a server that takes mail: 465 is usual with TLS, 587 with STARTTLS",
                ));
            }
            self.received.reserve(LINE);
            match self.line.read_buf(&mut self.received).await {
                Ok(0) => return Err(closed()),
                Ok(_) => {}
                Err(error) => return Err(lost(error)),
            }
        }
    }

    fn silent(&self, what: &str) -> Error {
        Error::new(ErrorKind::Server, format!("the server {what} within {} s", self.patience.as_secs()))
            .hint("try again, or allow it more time: SET mailql.timeout_seconds = …")
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("patience", &self.patience).finish_non_exhaustive()
    }
}

fn lost(error: io::Error) -> Error {
    // TLS without a proper end is what a cut line looks like.
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return closed().because(error);
    }
    // Its kind is Io there, but it is the server's.
    Error::new(ErrorKind::Server, Error::io("the connection was lost", error).to_string()).hint(AGAIN)
}

fn closed() -> Error {
    Error::new(ErrorKind::Server, "the server closed the connection").hint(AGAIN)
}

const AGAIN: &str = "try again in a while";

/// Octets of a line; the RFC has 512 (§4.5.3.1.5), and servers with long stories more.
const LINE: usize = 8 << 10;
