//! A live account behind the seam: an IMAP server (RFC 3501, RFC 9051).
//!
//! Knows neither SQL nor tables, and reading changes nothing: there is no command for it; [`filing`] alone adds copies of
//! what was sent. Read on in the order of a reading:
//! [`flight`] says what is asked (pure), [`command`] how it is said (pure), [`reading`] asks it, [`response`] understands the
//! answer (pure). [`transport`] bounds what a server can do to us, [`pool`] how many connections it gets.

pub mod backlog;
pub mod body_structure;
pub mod capability;
pub mod census;
pub mod check;
pub mod command;
pub mod deflate;
pub mod filing;
pub mod finding;
pub mod flight;
pub mod folders;
mod internal_date;
pub mod job;
pub mod left_out;
pub mod listing;
pub mod outlet;
pub mod pool;
pub mod quirk;
pub mod reading;
pub mod refusal;
pub mod response;
pub mod resume;
pub mod row;
pub mod searching;
pub mod seen;
pub mod session;
pub mod sign_in;
pub mod signs;
pub mod status;
#[cfg(test)]
mod tests;
pub mod token;
pub mod transport;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};

use self::command::WireName;
use self::folders::Listing;
use self::left_out::LeftOut;
use self::pool::Pool;
use self::reading::{Opened, Reading};
use self::resume::Resume;
use crate::account::{ImapAccount, Proof, Proofs};
use crate::error::{Error, Result};
use crate::mail::snapshots::Snapshots;
use crate::mail::store::{Found, Wanted};
use crate::mail::{Folder, FolderPattern, FolderScan, MailStore, Message, Meter, Statement, StatusItems};
use crate::net::steps::{Event, Steps};

/// An account on an IMAP server.
#[derive(Debug)]
pub struct Imap {
    pool: Arc<Pool>,
    /// What errors call it, where the address alone does not.
    name: Option<Arc<str>>,
    /// The folders with their names, as each statement found them.
    listings: Arc<Snapshots<Listing>>,
    /// The folders that were opened, as each statement found them.
    opened: Arc<Snapshots<Opened>>,
    /// The messages that were left out, as the server cannot deliver them.
    left_out: Arc<LeftOut>,
}

impl Imap {
    /// An account, and where its proofs come from; no connection is opened before something is asked.
    pub fn new(account: ImapAccount, proofs: Arc<Proofs>) -> Self {
        let (listings, opened, left_out) = (Arc::default(), Arc::default(), Arc::default());
        Self { pool: Pool::new(account, proofs), name: None, listings, opened, left_out }
    }

    /// The same, with the name that it has for people: errors say it, unless it is no more than user and host.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = (name != self.pool.account().whose()).then(|| name.into());
        self
    }

    /// Goes every step from the name of the host to the list of folders, and tells each.
    ///
    /// # Errors
    /// When a step cannot be taken; that is told, too.
    pub async fn check(&self, patience: Duration, tell: impl FnMut(Event) + Send) -> Result<()> {
        check::check(&self.pool, patience, tell).await.map_err(|error| self.named_in(error))
    }

    /// What the account proves itself with, as it does here: fetched once for all.
    ///
    /// # Errors
    /// It cannot be fetched.
    pub async fn proof(&self, steps: &mut Steps<'_>) -> Result<Proof> {
        self.pool.proof(None, steps).await
    }

    /// An error that says whose it is, where the address alone does not.
    pub fn named_in(&self, error: Error) -> Error {
        of_account(self.name.as_deref(), error)
    }
}

#[async_trait]
impl MailStore for Imap {
    async fn folders(
        &self,
        pattern: &FolderPattern,
        status: StatusItems,
        statement: &Statement,
        meter: &Arc<Meter>,
    ) -> Result<Vec<Folder>> {
        if let FolderPattern::Presumed(names) = pattern
            && names.iter().all(|name| may_be_presumed(name))
        {
            return Ok(names.iter().map(|name| Folder::named(name, None)).collect());
        }
        let list = async {
            let mut resume = Resume::of(statement, meter, &self.pool.server());
            loop {
                let listed = async {
                    let mut lease = self.pool.lease(statement, None).await?;
                    resume.begun();
                    folders::list(&mut lease, pattern, status, &resume).await
                };
                match listed.await {
                    Ok(listing) => return Ok(Arc::new(listing)),
                    Err(error) => resume.after(error, 0).await?,
                }
            }
        };
        let listing = self.listings.of(statement, &format!("{pattern:?} {status:?}"), Box::pin(list)).await;
        let listing = listing.map_err(|error| of_account(self.name.as_deref(), error))?;
        Ok(listing.folders().filter(|folder| pattern.has(&folder.path)).cloned().collect())
    }

    fn read(&self, scan: FolderScan) -> BoxStream<'static, Result<Vec<Message>>> {
        let (pool, listings, opened) = (Arc::clone(&self.pool), Arc::clone(&self.listings), Arc::clone(&self.opened));
        let (account, left_out) = (self.name.clone(), Arc::clone(&self.left_out));
        let chunks = outlet::stream(move |outlet| async move {
            let known = listings.all(&scan.statement);
            let name = known.iter().find_map(|listing| listing.name(&scan.folder.path)).cloned();
            Reading::new(scan, name, pool, opened, left_out, outlet).run().await;
        });
        chunks.map(move |chunk| chunk.map_err(|error| of_account(account.as_deref(), error))).boxed()
    }

    async fn find(&self, scan: &FolderScan, wanted: Wanted) -> Result<Option<Found>> {
        let listings = self.listings.all(&scan.statement);
        let listed = listings.iter().find_map(|listing| listing.name(&scan.folder.path)).cloned();
        let name = listed.unwrap_or_else(|| WireName::of(&scan.folder.path));
        let found = finding::find(scan, wanted, &name, &self.pool, &self.opened).await;
        found.map_err(|error| of_account(self.name.as_deref(), error.context("folder", scan.folder.path.clone())))
    }

    fn lanes(&self) -> usize {
        LANES
    }
}

/// Whether reading a folder tells that it is there. The inbox answers to its name in any case, but has only one.
fn may_be_presumed(name: &str) -> bool {
    name == INBOX || !name.eq_ignore_ascii_case(INBOX)
}

/// The name of the folder that every account has (RFC 9051 §5.1).
const INBOX: &str = "INBOX";

fn of_account(name: Option<&str>, error: Error) -> Error {
    match name {
        Some(name) => error.context("account", name),
        None => error,
    }
}

/// More folders at once than the setting allows are never read.
const LANES: usize = 16;
