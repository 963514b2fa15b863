//! A line of the journal: a mail that is begun, or what became of it, each with all that there is to know.
//!
//! Pure. Since every line tells all, the last one about a mail is enough to know how it stands.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::mail::outbox::{Outcome, Outgoing, Status};

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub what: What,
    pub at: String,
    pub account: String,
    pub message_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub sender: String,
    pub recipients: Vec<String>,
    pub subject: String,
    pub size: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Told>,
}

/// What a line says of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum What {
    /// It may be handed over from now on.
    Begun,
    /// It is known what became of it.
    Over,
}

/// What became of a mail for one of its recipients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub recipient: String,
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    pub response: String,
    pub at: String,
}

/// What tells the mails of a key from all others: a digest, as keys may be long and many.
pub(super) type Index = [u8; 32];

impl Record {
    /// A mail that is begun now.
    pub(super) fn of(account: &str, mail: &Outgoing) -> Self {
        Self {
            what: What::Begun,
            at: written(Utc::now()),
            account: account.to_owned(),
            message_id: mail.message_id.clone(),
            key: mail.key.clone(),
            sender: mail.sender.clone(),
            recipients: mail.recipients.clone(),
            subject: mail.subject.clone(),
            size: mail.octets.len() as u64,
            outcomes: Vec::new(),
        }
    }

    /// The same mail, when it is over.
    pub(super) fn over(&self, outcomes: &[Outcome]) -> Self {
        let told = |outcome: &Outcome| Told {
            recipient: outcome.recipient.clone(),
            status: outcome.status.name().to_owned(),
            code: outcome.code,
            response: outcome.response.clone(),
            at: written(outcome.at),
        };
        let outcomes = outcomes.iter().map(told).collect();
        Self { what: What::Over, at: written(Utc::now()), outcomes, ..self.clone() }
    }

    /// The line that stands for it, with its end.
    pub(super) fn line(&self) -> Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)
            .map_err(|error| Error::new(ErrorKind::Io, "a mail cannot be written into the journal").because(error))?;
        line.push(b'\n');
        Ok(line)
    }

    /// What a line says; nothing when it makes no sense.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(line).ok()?;
        let is_known = |told: &Told| Status::named(&told.status).is_some() && time(&told.at).is_some();
        (time(&record.at).is_some() && record.outcomes.iter().all(is_known)).then_some(record)
    }

    /// Where it belongs, when it has a key: the order of the recipients does not matter, nor how they are written.
    pub(super) fn index(&self) -> Option<Index> {
        let mut recipients: Vec<String> = self.recipients.iter().map(|one| one.to_ascii_lowercase()).collect();
        recipients.sort_unstable();
        recipients.dedup();
        let mut digest = Sha256::new();
        for text in [&self.account, self.key.as_ref()?].into_iter().chain(&recipients) {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        Some(digest.finalize().into())
    }

    /// When it was begun, or over.
    pub(super) fn at(&self) -> DateTime<Utc> {
        time(&self.at).unwrap_or_default()
    }

    /// What is known of it: without outcomes, that nobody knows.
    pub(super) fn outcomes(&self) -> Vec<Outcome> {
        if self.what == What::Begun {
            return self.all(
                Status::Unknown,
                &format!("it was begun, and nobody knows what became of it; {}", how_to_check(&self.message_id)),
            );
        }
        let outcome = |told: &Told| Outcome {
            message_id: self.message_id.clone(),
            recipient: told.recipient.clone(),
            status: Status::named(&told.status).unwrap_or(Status::Unknown),
            code: told.code,
            response: told.response.clone(),
            at: time(&told.at).unwrap_or_else(|| self.at()),
        };
        self.outcomes.iter().map(outcome).collect()
    }

    /// The same outcome for every recipient.
    pub(super) fn all(&self, status: Status, response: &str) -> Vec<Outcome> {
        let outcome = |recipient: &String| Outcome {
            message_id: self.message_id.clone(),
            recipient: recipient.clone(),
            status,
            code: None,
            response: response.to_owned(),
            at: self.at(),
        };
        self.recipients.iter().map(outcome).collect()
    }

    /// What another attempt at it gets for an answer; nothing when it may be tried again.
    pub(super) fn answer(&self) -> Option<Vec<Outcome>> {
        let mut outcomes = self.outcomes();
        let has = |status| outcomes.iter().any(|outcome| outcome.status == status);
        let before = match (has(Status::Sent), has(Status::Unknown)) {
            (true, _) => format!("it was sent before, {}: ", self.at().format(SHOWN)),
            (false, true) => format!("it may have been sent before, {}: ", self.at().format(SHOWN)),
            (false, false) => return None,
        };
        for outcome in &mut outcomes {
            outcome.response.insert_str(0, &before);
        }
        Some(outcomes)
    }
}

/// How anybody finds out whether a mail was taken.
pub(in crate::smtp) fn how_to_check(message_id: &str) -> String {
    let id = message_id.replace('\'', "''");
    format!(
        "look for it in the folder of what was sent, or ask a recipient: SELECT folder, uid FROM MessagesInFolder WHERE message_id = '<{id}>'"
    )
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

/// How a time is shown to people.
const SHOWN: &str = "%Y-%m-%d %H:%M:%S UTC";
