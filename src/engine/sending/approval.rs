//! Leave to send: who embeds the engine says whether mails may go, just before the first of them does.
//!
//! It decides nothing itself. Without anybody to ask, the answer is no.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;
use crate::mail::Draft;

/// Somebody who can allow mails to be sent.
#[async_trait]
pub trait Approval: fmt::Debug + Send + Sync {
    /// Says whether these mails may be sent. It is asked once per statement, when all of them are made and none is sent.
    ///
    /// # Errors
    /// When they may not, and there is a better way to say so.
    async fn approve(&self, request: &Request<'_>) -> Result<bool>;
}

/// What somebody is asked to allow.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The account that sends.
    pub account: &'a str,
    /// Where its mail goes, in a few words.
    pub way: &'a str,
    /// The mails.
    pub mails: &'a [Mail<'a>],
}

/// A mail that somebody is asked about.
#[derive(Debug, Clone)]
pub struct Mail<'a> {
    /// The mail; what is attached from files and rows is not read yet.
    pub draft: &'a Draft,
    /// The names of all that is attached.
    pub attached: Vec<String>,
}

impl Request<'_> {
    /// Who they are from, each once.
    pub fn senders(&self) -> Vec<String> {
        let mut senders: Vec<String> = self.mails.iter().map(|mail| mail.draft.from.address.clone()).collect();
        senders.sort_unstable();
        senders.dedup();
        senders
    }

    /// How many recipients they have, together.
    pub fn recipients(&self) -> usize {
        self.mails.iter().map(|mail| mail.draft.recipients().len()).sum()
    }
}

/// Nobody to ask.
#[derive(Debug)]
pub(super) struct Nobody;

#[async_trait]
impl Approval for Nobody {
    async fn approve(&self, _request: &Request<'_>) -> Result<bool> {
        Ok(false)
    }
}
