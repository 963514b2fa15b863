//! A mail that is to be sent, before it is octets.
//!
//! Plain data; how it is written is `smtp/compose`, where it goes is for [`super::outbox`].

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::mailbox::Mailbox;

/// A mail that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its Message-ID, without angle brackets; it is chosen before anything is said to a server, and never again.
    pub message_id: String,
    /// The Date.
    pub date: DateTime<Utc>,
    /// Who it is from.
    pub from: Mailbox,
    /// Who it is to.
    pub to: Vec<Mailbox>,
    /// Who gets a copy.
    pub cc: Vec<Mailbox>,
    /// Who gets a copy that the others do not see.
    pub bcc: Vec<Mailbox>,
    /// Who answers go to, when not to the sender.
    pub reply_to: Vec<Mailbox>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: Option<String>,
    /// The same as HTML; where there is no text, one is made of it.
    pub html: Option<String>,
    /// What comes with it.
    pub attachments: Vec<Enclosure>,
    /// The Message-ID of what it answers, without angle brackets.
    pub in_reply_to: Option<String>,
    /// The Message-IDs of the conversation so far, oldest first, without angle brackets (RFC 5322 §3.6.4).
    pub references: Vec<String>,
    /// How urgent it is.
    pub priority: Priority,
}

/// Something that comes with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclosure {
    /// Its file name, without directories.
    pub name: String,
    /// Its contents.
    pub content: Bytes,
}

/// How urgent a mail is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Priority {
    /// More than others.
    High,
    /// As others; nothing is said of it.
    #[default]
    Normal,
    /// Less than others.
    Low,
}

impl Draft {
    /// The addresses that it goes to, each once, in the order of To, Cc, Bcc.
    pub fn recipients(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for mailbox in self.to.iter().chain(&self.cc).chain(&self.bcc) {
            if !all.iter().any(|known| known.eq_ignore_ascii_case(&mailbox.address)) {
                all.push(mailbox.address.clone());
            }
        }
        all
    }
}
