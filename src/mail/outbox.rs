//! The other seam: what a way out for mail must do, and where copies of it are kept.
//!
//! Reading cannot reach it. An [`Outbox`] is a server that takes mail, or a directory that mail is written into; a
//! [`Filing`] puts a copy of what was sent among the user's own mail.

use std::fmt;
use std::future::pending;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::future::{BoxFuture, select_all};
use tokio::sync::watch;

use super::mailbox::Mailbox;
use crate::error::{Error, ErrorKind, Result};

/// The way out for the mail of one account.
#[async_trait]
pub trait Outbox: fmt::Debug + Send + Sync {
    /// Who mail is from when it does not say.
    fn sender(&self) -> Option<Mailbox>;

    /// Which way mail goes, in a few words: `by smtp.example.org`, `into the directory /home/me/out`.
    fn describe(&self) -> String;

    /// Begins to send a set of mails; nothing is connected to before the first that has to be sent.
    fn begin(&self, terms: Delivery) -> Box<dyn Sending>;
}

/// A set of mails on its way, one after the other.
#[async_trait]
pub trait Sending: Send {
    /// Sends one mail, at most once, and says what became of it for each of its recipients, in their order.
    ///
    /// A mail with a key that was sent before, or of which nobody knows, is not sent: what became of it then is the answer.
    /// Nothing that was handed over to its end is ever sent again.
    ///
    /// # Errors
    /// When this mail was not sent to anybody, and none of those that follow can be: the server cannot be reached, does
    /// not let the user in, does not take mail of theirs, or the journal cannot be written.
    async fn send(&mut self, mail: &Outgoing) -> Result<Vec<Outcome>>;

    /// Writes down what became of the last mail, and ends the conversation, politely.
    ///
    /// # Errors
    /// It cannot be written down, and nobody knows tomorrow what became of that mail.
    async fn end(self: Box<Self>) -> Result<()>;
}

/// On what terms mails are sent.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// How long a server may be silent; after the end of a mail it may ten times as long (RFC 5321 §4.5.3.2.6).
    pub patience: Duration,
    /// How many mails may be sent in a minute, if there is a limit.
    pub per_minute: Option<u32>,
    /// What ends the waiting for a turn or a connection, and nothing else.
    pub stop: Stop,
}

/// Tells when somebody wants no more mail to be begun.
#[derive(Debug, Clone)]
pub struct Stop(Vec<watch::Receiver<u64>>);

impl Stop {
    /// One that nobody ever tells.
    pub const NEVER: Self = Self(Vec::new());

    /// One that is told when the number changes from now on.
    pub fn on(times: &watch::Sender<u64>) -> Self {
        Self(vec![times.subscribe()])
    }

    /// The same, told by another, too.
    #[must_use]
    pub fn or_on(mut self, times: &watch::Sender<u64>) -> Self {
        self.0.push(times.subscribe());
        self
    }

    /// Whether it was told.
    pub fn is_wanted(&self) -> bool {
        // Who could tell may be gone, and then nobody does.
        self.0.iter().any(|told| told.has_changed().unwrap_or(false))
    }

    /// Waits until it is told.
    pub async fn wanted(&self) {
        let told = self.0.iter().cloned().map(|mut told| -> BoxFuture<'static, ()> {
            Box::pin(async move {
                if told.changed().await.is_err() {
                    pending::<()>().await;
                }
            })
        });
        let never: BoxFuture<'static, ()> = Box::pin(pending());
        select_all(told.chain([never])).await;
    }

    /// Does what may be given up when it is told.
    ///
    /// # Errors
    /// It was told.
    pub async fn unless<T>(&self, doing: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.wanted() => Err(Error::new(ErrorKind::Query, "stopped")),
            done = doing => Ok(done),
        }
    }
}

/// A mail as it goes out: octets and envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// The address that it is from (RFC 5321 §4.1.1.2).
    pub sender: String,
    /// The addresses that it goes to, at least one, each once.
    pub recipients: Vec<String>,
    /// Its subject, for the journal.
    pub subject: String,
    /// The message, with CRLF at the end of every line and nowhere else.
    pub octets: Bytes,
    /// What tells it from all others, so that it is not sent twice; within an account, together with its recipients.
    pub key: Option<String>,
    /// What happens when a server refuses some of the recipients.
    pub on_rejected: OnRejected,
}

/// What happens when a server refuses some of the recipients of a mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnRejected {
    /// Nobody gets it.
    #[default]
    Abort,
    /// The others get it.
    Continue,
}

/// What became of a mail for one of its recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The Message-ID; that of an earlier mail when one was sent before under the same key.
    pub message_id: String,
    /// The recipient's address.
    pub recipient: String,
    /// What became of it.
    pub status: Status,
    /// The code of the server's reply, where there was one.
    pub code: Option<u16>,
    /// The server's own words, or why there are none.
    pub response: String,
    /// When that was known.
    pub at: DateTime<Utc>,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The server took it; whether it arrives is another matter.
    Sent,
    /// The server refused it.
    Rejected,
    /// It was not handed over.
    NotSent,
    /// It was handed over, and nobody knows whether the server took it.
    Unknown,
    /// It was only written into a file, to be looked at.
    DryRun,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sent, Self::Rejected, Self::NotSent, Self::Unknown, Self::DryRun];

    /// As tables and the journal say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Rejected => "rejected",
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
            Self::DryRun => "dry_run",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A place for copies of what was sent.
#[async_trait]
pub trait Filing: fmt::Debug + Send + Sync {
    /// Files copies of mails one after the other; nothing is connected to before the first.
    fn begin(&self, patience: Duration) -> Box<dyn Copies>;
}

/// Copies on their way, one after the other.
#[async_trait]
pub trait Copies: Send {
    /// Files a copy, as one that was read (\Seen); never twice.
    ///
    /// # Errors
    /// When it could not be filed; the next one may be.
    async fn file(&mut self, message: Bytes, at: DateTime<Utc>) -> Result<Filed>;

    /// Ends the conversation, politely.
    async fn end(self: Box<Self>);
}

/// What became of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filed {
    /// It is in the folder of this name.
    In(String),
    /// The server keeps one by itself.
    ByServer,
    /// There is no folder for what was sent.
    Nowhere,
}
