//! The seam: what a place where mail is kept must do.
//!
//! A backend (`archive`, `imap`) implements [`MailStore`]; tables know nothing else of it.
//! There is no way to say a change here, so reading cannot change anything.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::budget::Budget;
use super::{Fetch, Folder, FolderPattern, Message, SearchKey, StatusItems, UidSet, UidValidity};
use crate::error::Result;

/// A place where mail is kept: a server account, a Maildir, an mbox file.
#[async_trait]
pub trait MailStore: fmt::Debug + Send + Sync {
    /// Lists the folders that match, with no more detail than `status` asks for.
    ///
    /// # Errors
    /// When the store cannot be read, or is not what it claims to be. A folder that is not there is
    /// no error, only absent.
    async fn folders(
        &self,
        pattern: &FolderPattern,
        status: StatusItems,
        statement: &Statement,
        meter: &Arc<Meter>,
    ) -> Result<Vec<Folder>>;

    /// Reads one folder once, in chunks, each of them newest first (highest uid first).
    ///
    /// Where [`FolderScan::likely_enough`] is given, the chunks are newest first too; without it, a store may hand over
    /// what comes first.
    ///
    /// Never changes anything, not even `\Seen`. Dropping the stream stops the work. Every message
    /// of the folder for which the key holds comes exactly once, unless an error says otherwise.
    fn read(&self, scan: FolderScan) -> BoxStream<'static, Result<Vec<Message>>>;

    /// What the store can tell of the messages for which the key holds, just those, without reading any; nothing when
    /// they must be read. What is to be read of them does not matter.
    ///
    /// # Errors
    /// When the store cannot be asked.
    async fn find(&self, _scan: &FolderScan, _wanted: Wanted) -> Result<Option<Found>> {
        Ok(None)
    }

    /// How many folders may usefully be read at once.
    fn lanes(&self) -> usize;
}

/// What is to be found out of messages that are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// How many there are.
    Number,
    /// Which they are.
    Uids,
    /// Which are the first, and so many at most.
    First(Order, usize),
}

/// An order of messages that stores and SQL agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// What they are ordered by.
    pub by: OrderBy,
    /// Whether the highest comes first.
    pub descending: bool,
}

/// What messages can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderBy {
    /// When they were received.
    ReceivedAt,
    /// Their size.
    Size,
}

/// What was found out of messages that were not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// How many there are.
    Number(u64),
    /// Which they are; none where there is no set.
    Uids(UidValidity, Option<UidSet>),
}

/// One reading of one folder: plain data, and a filter between its two phases.
#[derive(Clone)]
pub struct FolderScan {
    /// The folder, as listed.
    pub folder: Folder,
    /// What the store may be asked: a superset of what is wanted.
    pub key: SearchKey,
    /// What is read of every message found.
    pub first: Fetch,
    /// What is read of the messages that pass, and how to tell.
    pub then: Option<(Fetch, Arc<dyn Sieve>)>,
    /// How many messages are likely to be enough; only a hint to begin with small chunks.
    pub likely_enough: Option<usize>,
    /// The statement it belongs to.
    pub statement: Statement,
    /// Where to count what was done.
    pub meter: Arc<Meter>,
}

/// Decides which messages are worth reading further.
pub trait Sieve: Send + Sync {
    /// Says of each message, read as far as the first phase goes, whether it passes, and notes in it which of its
    /// attachments are wanted.
    ///
    /// # Errors
    /// When the condition itself fails (a division by zero, say).
    fn passes(&self, folder: &Folder, messages: &mut [Message]) -> Result<Vec<bool>>;
}

/// The statement that a reading belongs to: all readings of one statement see the same mail.
///
/// A store may keep what it listed for a statement for as long as the statement is alive.
#[derive(Debug, Clone, Default)]
pub struct Statement(Arc<Ongoing>);

/// What is common to all readings of a statement.
#[derive(Debug, Default)]
struct Ongoing {
    terms: Terms,
    budget: Arc<Budget>,
    answered: Mutex<BTreeSet<String>>,
    notices: Arc<Notices>,
}

/// On what terms a statement may use a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How many connections to a server may be in use, by this statement and others together.
    pub connections: usize,
    /// How long a server may be silent.
    pub patience: Duration,
    /// How often in a row a connection that is lost is replaced.
    pub retries: u32,
    /// Octets that may be downloaded; 0 is no limit.
    pub download: u64,
    /// What becomes of a message that its store cannot deliver.
    pub unreadable: Unreadable,
}

/// What becomes of a message that is there and that its store cannot deliver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unreadable {
    /// The statement fails, and the error names the message.
    #[default]
    Error,
    /// The message is left out, and counted.
    Skip,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            connections: 3,
            patience: Duration::from_mins(1),
            retries: 5,
            download: 0,
            unreadable: Unreadable::Error,
        }
    }
}

/// Tells a statement from others, without keeping it alive.
#[derive(Debug, Clone)]
pub struct StatementKey(std::sync::Weak<Ongoing>);

impl Statement {
    /// A statement on these terms.
    pub fn new(terms: Terms) -> Self {
        Self::telling(terms, Arc::default())
    }

    /// The same, with the place for what is to be told of its answer.
    pub fn telling(terms: Terms, notices: Arc<Notices>) -> Self {
        Self(Arc::new(Ongoing {
            terms,
            budget: Arc::new(Budget::of(terms.download)),
            answered: Mutex::default(),
            notices,
        }))
    }

    /// What is to be told of its answer.
    pub fn notices(&self) -> &Notices {
        &self.0.notices
    }

    /// Its terms.
    pub fn terms(&self) -> Terms {
        self.0.terms
    }

    /// What it may download.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.0.budget
    }

    /// A server has answered it.
    pub fn answered(&self, server: &str) {
        let mut answered = self.0.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if !answered.contains(server) {
            answered.insert(server.to_owned());
        }
    }

    /// Whether a server has answered it.
    pub fn is_answered(&self, server: &str) -> bool {
        self.0.answered.lock().unwrap_or_else(PoisonError::into_inner).contains(server)
    }

    /// A key to remember the statement by.
    pub fn key(&self) -> StatementKey {
        StatementKey(Arc::downgrade(&self.0))
    }
}

impl StatementKey {
    /// Whether this is the key of that statement.
    pub fn is(&self, statement: &Statement) -> bool {
        std::ptr::eq(self.0.as_ptr(), Arc::as_ptr(&statement.0))
    }

    /// Whether the statement is still alive.
    pub fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// The statement itself, while it is alive.
    pub fn statement(&self) -> Option<Statement> {
        self.0.upgrade().map(Statement)
    }
}

/// What a session is to tell of answers that are not all that was asked for.
#[derive(Debug, Default)]
pub struct Notices {
    /// Messages that were left out, as their store cannot deliver them.
    pub unreadable: Counter,
}

/// Counts what reading costs; shared by all readings of a plan node, read while they run.
#[derive(Debug, Default)]
pub struct Meter {
    /// Folders that will be read, as far as is known.
    pub folders: Counter,
    /// Folders that were read to their end.
    pub folders_done: Counter,
    /// Messages of which anything was read.
    pub messages: Counter,
    /// Messages of which contents of parts were decoded.
    pub bodies: Counter,
    /// Octets read from files or the wire.
    pub bytes: Counter,
    /// Octets that there are to read, as far as is known; for a bar.
    pub bytes_expected: Counter,
    /// Octets sent to a server.
    pub bytes_sent: Counter,
    /// Commands sent to a server.
    pub commands: Counter,
    /// Times that a server was waited for with nothing else under way.
    pub round_trips: Counter,
    /// Connections to servers that were used.
    pub connections: Distinct,
    /// Times that something was asked again, as the connection was lost or the server said to come later.
    pub retries: Counter,
    /// Messages that were left out, as their store cannot deliver them.
    pub unreadable: Counter,
    /// What servers were asked.
    pub asked: Asked,
}

/// How many different things there were.
#[derive(Debug, Default)]
pub struct Distinct(Mutex<BTreeSet<u64>>);

impl Distinct {
    /// Counts one, unless it was counted.
    pub fn add(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
    }

    /// The number so far.
    pub fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }
}

/// What servers were asked, in short and in order.
#[derive(Debug, Default)]
pub struct Asked(Mutex<Vec<String>>);

impl Asked {
    /// Notes a command, unless there are enough already.
    pub fn note(&self, mut command: String) {
        if let Some((end, _)) = command.char_indices().nth(ASKED_LENGTH) {
            command.truncate(end);
            command.push('…');
        }
        let mut commands = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if commands.len() < ASKED && !commands.contains(&command) {
            commands.push(command);
        }
    }

    /// What was noted.
    pub fn commands(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Commands that are noted.
const ASKED: usize = 12;

/// Characters of a command that are noted.
const ASKED_LENGTH: usize = 160;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    /// The number so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
