//! Leave to send: who embeds the engine says whether mails may go, just before the first of them does.
//!
//! It decides nothing itself. Without anybody to ask, the answer is no.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;
use crate::mail::{Draft, Mailbox};

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
    /// Which way its mail goes, in a few words: `by smtp.example.org`.
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

impl Mail<'_> {
    /// What stands above its text, by name, as people read it; what is empty is left out.
    pub fn header(&self) -> Vec<(&'static str, String)> {
        let list = |all: &[Mailbox]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let draft = self.draft;
        let fields = [
            ("From", draft.from.to_string()),
            ("To", list(&draft.to)),
            ("Cc", list(&draft.cc)),
            ("Bcc", list(&draft.bcc)),
            ("Reply-To", list(&draft.reply_to)),
            ("Subject", draft.subject.clone()),
            ("Attached", self.attached.join(", ")),
            (
                "HTML",
                draft
                    .html
                    .as_ref()
                    .filter(|_| draft.text.is_some())
                    .map_or_else(String::new, |html| format!("{} octets, beside the text", html.len())),
            ),
        ];
        fields.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Its text, or else its HTML.
    pub fn text(&self) -> &str {
        self.draft.text.as_deref().or(self.draft.html.as_deref()).unwrap_or_default()
    }
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
