//! Copies of what was sent, added to the folder for them: the one place that adds anything to an account.
//!
//! Reading has no way here: what is added is an [`Upload`], which nobody else can make, and no [`super::command`]. A copy is
//! handed over once: when its octets are on their way and no answer comes, nobody tries again. No folder is ever made.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::capability::Capabilities;
use super::command::{self, WireName};
use super::folders;
use super::internal_date::written;
use super::pool::{Lease, Pool};
use super::refusal::words;
use super::resume::Resume;
use super::status::{Code, Condition, Status};
use crate::account::{ImapAccount, Proofs};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::folder::Role;
use crate::mail::outbox::{Copies, Filed, Filing};
use crate::mail::{Folder, FolderPattern, StatusItems};
use crate::net::steps::Steps;

/// The folder of an account for what was sent, wherever that is.
#[derive(Debug)]
pub struct SentCopies {
    /// A connection of its own, so that it waits for no reading, and none for it.
    pool: Arc<Pool>,
}

impl SentCopies {
    /// The copies of an account, and where its proofs come from; no connection is opened before the first copy.
    ///
    /// An account that says `sent_copy = true` gets them even where the server keeps its own.
    pub fn new(account: ImapAccount, proofs: Arc<Proofs>) -> Self {
        Self { pool: Pool::new(account, proofs) }
    }
}

impl Filing for SentCopies {
    fn begin(&self, patience: Duration) -> Box<dyn Copies> {
        Box::new(Copying { pool: Arc::clone(&self.pool), patience, lease: None, folder: None })
    }
}

/// Copies of one set of mails, over one connection as long as it lasts.
struct Copying {
    pool: Arc<Pool>,
    patience: Duration,
    lease: Option<Lease>,
    /// The folder for what was sent, once it was found.
    folder: Option<(String, WireName)>,
}

/// Why a copy was not filed.
enum Unfiled {
    /// The server does not want it, or nobody gets to it.
    Refused(Error),
    /// The connection was lost before any of it was on its way.
    Unsent(Error),
    /// Nobody knows whether it was.
    Unknown(Error),
}

#[async_trait]
impl Copies for Copying {
    async fn file(&mut self, message: Bytes, at: DateTime<Utc>) -> Result<Filed> {
        let filed = match self.attempt(&message, at).await {
            Err(Unfiled::Unsent(_)) => self.attempt(&message, at).await,
            filed => filed,
        };
        filed.map_err(|unfiled| match unfiled {
            Unfiled::Refused(error) | Unfiled::Unsent(error) => error,
            Unfiled::Unknown(error) => {
                let message = format!("a copy was handed over, and may have been kept or not: {error}");
                Error::new(ErrorKind::Server, message).hint("look into the folder for what was sent")
            }
        })
    }

    async fn end(mut self: Box<Self>) {
        if let Some(mut lease) = self.lease.take().filter(|lease| lease.is_idle()) {
            // The server says goodbye before it answers, and that ends the conversation.
            drop(timeout(self.patience.min(FAREWELL), lease.ask(command::logout(), |_| {})).await);
        }
    }
}

impl Copying {
    async fn attempt(&mut self, message: &Bytes, at: DateTime<Utc>) -> Result<Filed, Unfiled> {
        // Whoever drops this in the middle drops the connection with it.
        let mut lease = self.lease().await.map_err(Unfiled::Refused)?;
        let filed = self.attempt_over(&mut lease, message, at).await;
        self.lease = Some(lease).filter(|lease| lease.is_idle());
        filed
    }

    /// A session that stands, as far as can be seen.
    async fn lease(&mut self) -> Result<Lease> {
        if let Some(mut lease) = self.lease.take()
            && lease.used.elapsed() < KEPT
            && lease.is_alive().await
        {
            return Ok(lease);
        }
        self.pool.new_lease(self.patience, &mut Steps::untold()).await
    }

    async fn attempt_over(&mut self, lease: &mut Lease, message: &[u8], at: DateTime<Utc>) -> Result<Filed, Unfiled> {
        if lease.family.keeps_sent() && self.pool.account().sent_copy != Some(true) {
            return Ok(Filed::ByServer);
        }
        if self.folder.is_none() {
            let found = folder_for_sent(lease).await;
            let lost = !lease.is_idle();
            self.folder = found.map_err(|error| if lost { Unfiled::Unsent(error) } else { Unfiled::Refused(error) })?;
        }
        let Some((path, name)) = &self.folder else {
            return Ok(Filed::Nowhere);
        };
        let upload = Upload { name, message, at, asked_for: !may_follow_at_once(message, &lease.capabilities) };
        let status = match lease.announce(&upload).await.map_err(Unfiled::Unsent)? {
            Some(status) => status,
            None => lease.hand_over(&upload).await.map_err(Unfiled::Unknown)?,
        };
        lease.used = Instant::now();
        if status.condition == Condition::Ok {
            return Ok(Filed::In(path.clone()));
        }
        let error = refused(&status, path);
        // It may have another name by now.
        self.folder = None;
        Err(Unfiled::Refused(error))
    }
}

/// The folder for what was sent: the one that the server says is it, else the one that its name says, nearest to the top.
async fn folder_for_sent(lease: &mut Lease) -> Result<Option<(String, WireName)>> {
    let listing = folders::list(lease, &FolderPattern::All, StatusItems::default(), &Resume::untold()).await?;
    let candidates = listing.folders().filter(|folder| folder.role == Some(Role::Sent) && folder.selectable);
    let is_said = |folder: &Folder| folder.attributes.iter().any(|attribute| attribute.eq_ignore_ascii_case("\\Sent"));
    let depth = |folder: &Folder| folder.delimiter.map_or(0, |delimiter| folder.path.matches(delimiter).count());
    let folder = candidates.min_by_key(|folder| (!is_said(folder), depth(folder)));
    Ok(folder.and_then(|folder| Some((folder.path.clone(), listing.name(&folder.path)?.clone()))))
}

/// Whether the server takes a literal without being asked to ask for it (RFC 7888).
fn may_follow_at_once(message: &[u8], able: &Capabilities) -> bool {
    able.has("LITERAL+") || able.has("LITERAL-") && message.len() <= SMALL
}

fn refused(status: &Status, folder: &str) -> Error {
    let error = Error::new(ErrorKind::Server, format!("the server did not keep a copy: {}", words(status)));
    let error = error.context("folder", folder);
    match &status.code {
        Some(Code::TryCreate | Code::NonExistent) => error.hint("the folder is gone; make one for what is sent"),
        Some(Code::Other(code)) if code == "OVERQUOTA" => {
            error.hint("the mailbox is full; delete something, or have no copies kept: sent_copy = false")
        }
        Some(Code::Unavailable | Code::InUse | Code::Limit) => error.hint("it may work again in a moment"),
        _ => error.hint("the mail itself was sent; without copies (sent_copy = false) nothing is asked of the folder"),
    }
}

/// A message on its way into a folder, with the command for it (RFC 9051 §6.3.12); only this file can make one.
#[derive(Debug)]
pub struct Upload<'a> {
    name: &'a WireName,
    message: &'a [u8],
    at: DateTime<Utc>,
    asked_for: bool,
}

impl Upload<'_> {
    /// The command as far as the message, tagged; the server must ask to go on between any two of its parts.
    pub(super) fn announcement(&self, tag: &str) -> Vec<Vec<u8>> {
        let mut parts = self.name.spelled();
        parts[0].splice(0..0, format!("{tag} APPEND ").bytes());
        let follows = if self.asked_for { "" } else { "+" };
        let rest = format!(" (\\Seen) \"{}\" {{{}{follows}}}\r\n", written(self.at), self.message.len());
        let last = parts.len() - 1;
        parts[last].extend(rest.bytes());
        parts
    }

    /// Whether the server is to ask for the message before it is sent.
    pub(super) fn is_asked_for(&self) -> bool {
        self.asked_for
    }

    /// The message.
    pub(super) fn message(&self) -> &[u8] {
        self.message
    }
}

/// Without the message.
impl fmt::Display for Upload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "APPEND of {} octets", self.message.len())
    }
}

/// The most that RFC 7888 lets a literal be that is not asked for, where LITERAL- is offered.
const SMALL: usize = 4096;

/// A session that nobody used for so long is not used again.
const KEPT: Duration = Duration::from_mins(4);

/// Nobody waits longer for a goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &WireName, message: &[u8], able: &str) -> Vec<String> {
        let able = Capabilities::of(able.split(' '));
        let at = DateTime::from_timestamp(1_704_099_600, 0).unwrap();
        let upload = Upload { name, message, at, asked_for: !may_follow_at_once(message, &able) };
        upload.announcement("A1").iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect()
    }

    #[test]
    fn a_message_follows_at_once_only_where_the_server_takes_it_so() {
        let sent = WireName::of("Sent \"x\"\r\nA2 LOGOUT");
        let start = "A1 APPEND \"Sent \\\"x\\\"&AA0ACg-A2 LOGOUT\" (\\Seen) \"01-Jan-2024 09:00:00 +0000\" ";
        for (octets, able, announced) in [
            (4097, "IMAP4rev1", "{4097}"),
            (4097, "IMAP4rev1 LITERAL-", "{4097}"),
            (4096, "IMAP4rev1 LITERAL-", "{4096+}"),
            (4096, "IMAP4rev2", "{4096+}"),
            (4097, "IMAP4rev1 LITERAL+", "{4097+}"),
        ] {
            assert_eq!(said(&sent, &vec![b'x'; octets], able), [format!("{start}{announced}\r\n")], "{able}");
        }
        let raw = WireName::listed(Bytes::from_static(b"Entw\xfcrfe"));
        let parts = said(&raw, b"x", "LITERAL+");
        assert_eq!(parts[0], "A1 APPEND {8}\r\n");
        assert!(
            parts.len() == 2 && parts[1].ends_with(" (\\Seen) \"01-Jan-2024 09:00:00 +0000\" {1+}\r\n"),
            "{parts:?}"
        );
    }
}
