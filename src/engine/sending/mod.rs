//! Sending from SQL: `SendEmail` is read, planned, asked leave for, and run once.
//!
//! [`call`] reads a call into a [`node`]; [`plan`] makes an [`exec`] of that; when it is polled, its input becomes `letters`,
//! which `run` hands to the account's outbox one by one. Here is what a session knows of all of them: who can send, what
//! was begun, and what stops it. What a server is told is the room `smtp`.

pub mod approval;
pub mod arguments;
mod attached;
pub mod call;
mod copies;
pub mod exec;
mod letters;
pub mod node;
mod once;
pub mod plan;
mod run;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::watch;

use self::approval::{Approval, Nobody};
use self::once::Begun;
use crate::error::{Error, ErrorKind, Result};
use crate::mail::{Filing, Mailbox, Outbox};

/// The name of the function, as displayed.
pub const SEND_EMAIL: &str = "SendEmail";

/// How the mail of an account gets out.
#[derive(Debug, Clone)]
pub struct Way {
    /// Where it goes.
    pub outbox: Arc<dyn Outbox>,
    /// Where copies of it are kept.
    pub filing: Option<Arc<dyn Filing>>,
}

/// What a session did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Mails that were given to a server or written for good, whatever became of them.
    pub handed_over: usize,
    /// Recipients whom mail that was to be sent has certainly not reached.
    pub missed: usize,
    /// Recipients of whom nobody knows whether mail has reached them.
    pub unknown: usize,
}

/// All sending of a session.
pub struct Sendings {
    /// Every account, and how its mail gets out, if it does.
    accounts: BTreeMap<String, Option<Way>>,
    /// The account that sends when none is named.
    usual: String,
    /// Where mails are written that are only looked at.
    dry_runs: Option<PathBuf>,
    approval: RwLock<Arc<dyn Approval>>,
    /// One question at a time, or an answer could be taken for another's.
    asking: tokio::sync::Mutex<()>,
    tally: Mutex<Tally>,
    begun: Begun,
    /// Counts how often everything was told to stop.
    stop: watch::Sender<u64>,
    /// How many statements are sending.
    running: watch::Sender<usize>,
}

impl Sendings {
    /// The sending of a session with these accounts; mails of dry runs are written into the directory.
    pub fn new(accounts: BTreeMap<String, Option<Way>>, usual: String, dry_runs: Option<PathBuf>) -> Self {
        Self {
            accounts,
            usual,
            dry_runs,
            approval: RwLock::new(Arc::new(Nobody)),
            asking: tokio::sync::Mutex::default(),
            tally: Mutex::default(),
            begun: Begun::default(),
            stop: watch::Sender::new(0),
            running: watch::Sender::new(0),
        }
    }

    /// Says who is asked before mails go.
    pub fn ask(&self, approval: Arc<dyn Approval>) {
        *self.approval.write().unwrap_or_else(PoisonError::into_inner) = approval;
    }

    /// Stops all sending after the mail that is on its way.
    pub fn stop(&self) {
        self.stop.send_modify(|times| *times += 1);
    }

    /// How many calls are sending now.
    pub fn running(&self) -> usize {
        *self.running.borrow()
    }

    /// Waits until no more than so many calls are sending.
    pub async fn finished(&self, but: usize) {
        // The sender is here, so there is nothing to fail.
        drop(self.running.subscribe().wait_for(|running| *running <= but).await);
    }

    /// What was done so far.
    pub fn tally(&self) -> Tally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, add: impl FnOnce(&mut Tally)) {
        add(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The account that sends: the one that is named, in any case, else that of the schema that is used without a name,
    /// else the usual one.
    ///
    /// # Errors
    /// There is none of that name, or it cannot send.
    fn account(&self, named: Option<&str>, unnamed: &str) -> Result<String> {
        let of_name = |name: &str| self.accounts.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let known = match named {
            Some(name) => Some(of_name(name).ok_or_else(|| self.no_account(name))?),
            None => of_name(unnamed).or_else(|| self.accounts.get_key_value(&self.usual)),
        };
        let able = || {
            let able = self.accounts.iter().filter(|(_, way)| way.is_some()).map(|(name, _)| name.as_str());
            able.collect::<Vec<_>>().join(", ")
        };
        match known {
            Some((name, Some(_))) => Ok(name.clone()),
            Some((name, None)) => {
                let error = Error::new(ErrorKind::Config, format!("the account {name} has no way out for mail"));
                Err(error.hint(match able().as_str() {
                    "" => "give it one in the configuration: smtp = { host = \"…\" }, or outbox = \"DIRECTORY\"".to_owned(),
                    able => format!("accounts that can send: {able}; name one before SendEmail, or give it smtp = {{ host = \"…\" }}"),
                }))
            }
            None => Err(Error::new(ErrorKind::Config, "there is no account to send from")
                .hint("configure one with smtp = { host = \"…\" }; mailql login leads through that")),
        }
    }

    fn no_account(&self, name: &str) -> Error {
        let known = self.accounts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        Error::new(ErrorKind::NotFound, format!("there is no account '{name}' to send from"))
            .hint(format!("there are: {known}"))
    }

    /// Who an account's mail is from when it does not say.
    fn sender(&self, account: &str) -> Option<Mailbox> {
        self.way(account)?.outbox.sender()
    }

    fn way(&self, account: &str) -> Option<&Way> {
        self.accounts.get(account)?.as_ref()
    }

    fn approval(&self) -> Arc<dyn Approval> {
        Arc::clone(&self.approval.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Sendings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sendings").field("accounts", &self.accounts.keys()).finish_non_exhaustive()
    }
}
