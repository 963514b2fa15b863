//! A session: a connection to a server on which somebody has signed in. The only place where commands are sent.
//!
//! It knows which answers are still to come, so that nothing is ever taken for the answer to something else. What a
//! reading asks is in [`super::flight`]; the way to the server in [`crate::net::connect`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::capability::Capabilities;
use super::command::{self, Command, WireName};
use super::filing::Upload;
use super::quirk::Family;
use super::refusal::{accepted, said_goodbye, words};
use super::response::Response;
use super::status::{Condition, Status};
use super::transport::{Counts, Transport};
use crate::account::Mask;
use crate::error::{Error, ErrorKind, Result};
use crate::mail::Budget;
use crate::mail::store::StatementKey;

/// A session with a server.
#[derive(Debug)]
pub struct Session {
    /// Tells it from others.
    pub number: u64,
    /// What may be asked of the server.
    pub capabilities: Capabilities,
    /// What is known of it.
    pub family: &'static Family,
    /// The folder that is open, and since which statement.
    pub open: Option<(WireName, StatementKey)>,
    /// When it was last used.
    pub used: Instant,
    /// What is not logged when the server repeats it.
    pub mask: Mask,
    transport: Transport,
    tags: u32,
    /// Commands that are not answered yet, in order.
    under_way: VecDeque<(u32, Command)>,
    /// Parts of commands that wait for the server to ask for them, each with the command that it goes on with.
    waiting: VecDeque<(u32, Vec<u8>)>,
    /// Something went wrong: what comes, if anything, may be the answer to anything.
    lost: bool,
}

/// What a server said.
#[derive(Debug)]
pub enum Event {
    /// Something that belongs to no command by name.
    Untagged(Response),
    /// The answer to the command that was sent first of those without one.
    Done(Command, Status),
}

impl Session {
    /// A session over a transport that has been greeted.
    pub fn new(transport: Transport) -> Self {
        Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            capabilities: Capabilities::default(),
            family: Family::of("", "", &Capabilities::default()),
            open: None,
            used: Instant::now(),
            mask: Mask::default(),
            transport,
            tags: 0,
            under_way: VecDeque::new(),
            waiting: VecDeque::new(),
            lost: false,
        }
    }

    /// Sends commands together.
    ///
    /// # Errors
    /// When they cannot be sent.
    pub async fn send(&mut self, commands: impl IntoIterator<Item = Command>) -> Result<()> {
        let mut chunks: Vec<(u32, Vec<u8>)> = vec![(0, Vec::new())];
        for command in commands {
            self.tags += 1;
            tracing::trace!(session = self.number, "C: {} {command}", tag(self.tags));
            let mut parts = command.octets(&tag(self.tags)).into_iter();
            if let (Some((_, last)), Some(first)) = (chunks.last_mut(), parts.next()) {
                last.extend(first);
            }
            chunks.extend(parts.map(|part| (self.tags, part)));
            self.under_way.push_back((self.tags, command));
        }
        let mut chunks = chunks.into_iter();
        if let Some((_, first)) = chunks.next() {
            match self.waiting.back_mut() {
                // The server is to ask for something first.
                Some((_, last)) => last.extend(first),
                None => self.transport.send(&first).await?,
            }
        }
        self.waiting.extend(chunks);
        Ok(())
    }

    /// What the server says next.
    ///
    /// # Errors
    /// When the line is lost, or the server says what nobody can understand, or goodbye.
    pub async fn next(&mut self) -> Result<Event> {
        if self.lost {
            return Err(Error::new(ErrorKind::Server, "the conversation with the server was broken off"));
        }
        let event = self.hear().await;
        self.lost |= event.is_err();
        event
    }

    async fn hear(&mut self) -> Result<Event> {
        loop {
            match self.response().await? {
                Response::Continue(text) => match self.waiting.pop_front() {
                    Some((_, part)) => self.transport.send(&part).await?,
                    None => match self.under_way.front().and_then(|(_, command)| command.reply()) {
                        Some(reply) => {
                            self.transport.send(&reply).await?;
                            return Ok(Event::Untagged(Response::Continue(text)));
                        }
                        None => {
                            return Err(Error::new(ErrorKind::Server, "the server asks for more than there is to say"));
                        }
                    },
                },
                Response::Status(status) if status.condition == Condition::Bye => {
                    return Err(said_goodbye(&status, self.family));
                }
                Response::Tagged { status, .. } if self.family.is_lost(&status.text) => {
                    let error =
                        Error::new(ErrorKind::Unreachable, format!("the server lost the session: {}", words(&status)));
                    return Err(error.hint("try again; it may not be ready for you yet"));
                }
                Response::Tagged { tag: found, status } => match self.under_way.pop_front() {
                    Some((number, command)) if found == tag(number) => {
                        self.used = Instant::now();
                        // It did not want the rest of the command, so what was to follow cannot be said any more.
                        self.lost |= self.waiting.front().is_some_and(|(of, _)| *of == number);
                        return Ok(Event::Done(command, status));
                    }
                    _ => {
                        return Err(Error::new(ErrorKind::Server, "the server answers what it was not asked")
                            .context("tag", found.clone()));
                    }
                },
                response => return Ok(Event::Untagged(response)),
            }
        }
    }

    async fn response(&mut self) -> Result<Response> {
        let frame = self.transport.frame().await?;
        tracing::trace!(session = self.number, "S: {}", self.mask.shown(&frame.octets));
        let mut response = Response::parse(&frame).map_err(|broken| {
            Error::new(ErrorKind::Server, format!("the server says what makes no sense: {}", broken.0))
        })?;
        if let Response::Status(status) | Response::Tagged { status, .. } = &mut response {
            // It is shown in errors.
            status.text = self.mask.cover(&status.text);
        }
        Ok(response)
    }

    /// Announces a message that is to be kept, as far as its first octet; gives the answer where the server does not want it.
    ///
    /// No command may be under way. Until [`Session::hand_over`] is answered, the session is good for nothing else.
    ///
    /// # Errors
    /// As [`Session::next`]; nothing is kept then.
    pub async fn announce(&mut self, upload: &Upload<'_>) -> Result<Option<Status>> {
        self.tags += 1;
        let (usable, mut parts) =
            (!self.lost && self.is_idle(), upload.announcement(&tag(self.tags)).into_iter().peekable());
        self.lost = true;
        if !usable {
            return Err(Error::new(ErrorKind::Server, "the conversation with the server was broken off"));
        }
        tracing::trace!(session = self.number, "C: {} {upload}", tag(self.tags));
        while let Some(part) = parts.next() {
            self.transport.send(&part).await?;
            if (parts.peek().is_some() || upload.is_asked_for())
                && let Some(status) = self.answer().await?
            {
                self.lost = false;
                return Ok(Some(status));
            }
        }
        Ok(None)
    }

    /// Sends the message that was announced, and gives the answer.
    ///
    /// # Errors
    /// As [`Session::next`]; nobody knows whether it is kept then.
    pub async fn hand_over(&mut self, upload: &Upload<'_>) -> Result<Status> {
        // Each piece has its own deadline, or a long message would need a fast line.
        for piece in upload.message().chunks(PIECE) {
            self.transport.send(piece).await?;
        }
        self.transport.send(b"\r\n").await?;
        let Some(status) = self.answer().await? else {
            return Err(Error::new(ErrorKind::Server, "the server asks for more than there is to say"));
        };
        (self.lost, self.used) = (false, Instant::now());
        Ok(status)
    }

    /// What ends the command that was sent last, or nothing when the server asks for the rest of it.
    async fn answer(&mut self) -> Result<Option<Status>> {
        loop {
            match self.response().await? {
                Response::Continue(_) => return Ok(None),
                Response::Status(status) if status.condition == Condition::Bye => {
                    return Err(said_goodbye(&status, self.family));
                }
                Response::Tagged { tag: found, status } if found == tag(self.tags) => return Ok(Some(status)),
                Response::Tagged { tag: found, .. } => {
                    return Err(
                        Error::new(ErrorKind::Server, "the server answers what it was not asked").context("tag", found)
                    );
                }
                _ => {}
            }
        }
    }

    /// Sends one command and takes what comes until it is answered.
    ///
    /// # Errors
    /// When it is refused, or as [`Session::next`].
    pub async fn ask(&mut self, command: Command, mut take: impl FnMut(Response)) -> Result<Status> {
        self.send([command]).await?;
        loop {
            match self.next().await? {
                Event::Untagged(response) => take(response),
                Event::Done(command, status) => return accepted(&command, status, self.family),
            }
        }
    }

    /// Goes on compressed in both directions, unless the server refuses (RFC 4978 §3); no command may be under way.
    ///
    /// # Errors
    /// As [`Session::next`].
    pub async fn compressed(mut self) -> Result<(Self, Status)> {
        self.send([command::compress()]).await?;
        loop {
            if let Event::Done(_, status) = self.next().await? {
                if status.condition == Condition::Ok {
                    self.transport = self.transport.compressed();
                }
                return Ok((self, status));
            }
        }
    }

    /// Whether every command is answered, and nothing went wrong on the way.
    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty() && self.waiting.is_empty() && !self.lost
    }

    /// How many commands are not answered yet.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Whether the line still stands, as far as can be seen without asking.
    pub async fn is_alive(&mut self) -> bool {
        // What came while nothing of this program ran is noticed only now.
        tokio::task::yield_now().await;
        // Nothing was asked: a server that talks on and on is left.
        self.transport.bound(true);
        loop {
            match tokio::time::timeout(Duration::ZERO, self.next()).await {
                // What is said in between does not matter: a folder is opened anew for each statement.
                Ok(Ok(Event::Untagged(_))) => {}
                Ok(Ok(Event::Done(..)) | Err(_)) => return false,
                Err(_) => {
                    self.transport.bound(false);
                    return true;
                }
            }
        }
    }

    /// Changes how long the server may be silent.
    pub fn set_patience(&mut self, patience: Duration) {
        self.transport.set_patience(patience);
    }

    /// Says what may come from here on.
    pub fn set_budget(&mut self, budget: &Arc<Budget>) {
        self.transport.set_budget(budget);
    }

    /// The user is let in: what the server says has no other bound than what is asked of it.
    pub fn let_in(&mut self) {
        self.transport.bound(false);
    }

    /// Octets that passed since the last time.
    pub fn take_counts(&mut self) -> Counts {
        self.transport.take_counts()
    }

    /// The transport, to put TLS under it.
    pub fn into_transport(self) -> Transport {
        self.transport
    }
}

fn tag(number: u32) -> String {
    format!("A{number}")
}

/// Octets of a message that are sent at once.
const PIECE: usize = 64 << 10;

static NUMBERS: AtomicU64 = AtomicU64::new(1);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::account::Limits;
    use crate::imap::command::{WireName, examine};

    #[tokio::test(start_paused = true)]
    async fn a_command_that_is_refused_before_its_literal_leaves_nothing_to_wait_for() {
        let (client, mut server) = tokio::io::duplex(1000);
        let patience = Duration::from_mins(1);
        let mut session = Session::new(Transport::new(Box::new(client), Limits::default(), patience));
        let name = WireName::listed(bytes::Bytes::from_static(b"Entw\xfcrfe"));
        session.send([examine(&name), examine(&WireName::of("INBOX"))]).await.unwrap();
        server.write_all(b"A1 NO no literals\r\n").await.unwrap();
        let Event::Done(command, status) = session.next().await.unwrap() else { panic!("it is the answer") };
        assert_eq!((command.verb(), status.condition), ("EXAMINE", Condition::No));
        assert!(!session.is_idle(), "nobody uses it again");
        let start = tokio::time::Instant::now();
        assert!(session.next().await.is_err() && start.elapsed() < patience, "nothing comes any more");
        let mut heard = [0; 100];
        let octets = server.read(&mut heard).await.unwrap();
        assert_eq!(&heard[..octets], b"A1 EXAMINE {8}\r\n");
    }
}
