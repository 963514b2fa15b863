//! Rows of arguments become mails, and everything about them is checked before any is sent.
//!
//! It reads no rows and sends nothing. Files that are attached are looked at here and read when their mail is sent.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::Utc;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use uuid::Uuid;

use super::attached::Form;
use crate::error::{Error, ErrorKind, Result};
use crate::mail::outbox::OnRejected;
use crate::mail::{Draft, Enclosure, Mailbox, Priority};
use crate::smtp;

/// A mail with all that was said about its sending.
#[derive(Debug)]
pub(super) struct Letter {
    /// The mail; what comes out of files and rows is attached when it is sent.
    pub(super) draft: Draft,
    /// Files to attach.
    pub(super) paths: Vec<PathBuf>,
    /// The name and form of the rows that are attached.
    pub(super) attach_as: (String, Form),
    /// Whether it is not sent when there are no such rows.
    pub(super) skip_if_empty: bool,
    /// What happens when recipients are refused.
    pub(super) on_rejected: OnRejected,
    /// What tells it from all others.
    pub(super) key: Option<String>,
    /// Whether it is only written into a file.
    pub(super) dry_run: bool,
}

/// The mails that rows of arguments describe; `sender` is who they are from when they do not say.
///
/// # Errors
/// One of them cannot be sent, whatever a server may say: then none is.
pub(super) fn letters(batches: &[RecordBatch], account: &str, sender: Option<&Mailbox>) -> Result<Vec<Letter>> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let mut letters: Vec<Letter> = Vec::with_capacity(rows);
    let mut keyed = HashMap::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let place = letters.len() + 1;
            let letter = Row { batch, row }.letter(account, sender).and_then(|letter| {
                let Some(key) = &letter.key else { return Ok(letter) };
                match keyed.insert((key.clone(), envelope(&letter.draft)), place) {
                    None => Ok(letter),
                    // They would be one, and one of them would silently not be sent.
                    Some(other) => Err(Error::new(
                        ErrorKind::Query,
                        format!("it has the key and the recipients of mail {other}, and one of a kind is sent"),
                    )
                    .hint("give each mail its own key: 'run-7-' || id AS key")),
                }
            });
            letters
                .push(letter.map_err(|error| if rows > 1 { error.context("mail", place.to_string()) } else { error })?);
        }
    }
    Ok(letters)
}

fn envelope(draft: &Draft) -> Vec<String> {
    let mut recipients: Vec<String> = draft.recipients().iter().map(|one| one.to_ascii_lowercase()).collect();
    recipients.sort_unstable();
    recipients
}

/// A row of arguments.
struct Row<'a> {
    batch: &'a RecordBatch,
    row: usize,
}

impl Row<'_> {
    fn letter(&self, account: &str, sender: Option<&Mailbox>) -> Result<Letter> {
        let from = self.from(account, sender)?;
        let domain = if from.domain().is_empty() { "localhost" } else { from.domain() };
        // A Message-ID is ASCII; where the domain is not, its name in DNS is.
        let domain = url::Host::parse(domain).map_or_else(|_| "localhost".to_owned(), |host| host.to_string());
        let draft = Draft {
            message_id: format!("{}@{domain}", Uuid::new_v4()),
            date: Utc::now(),
            from,
            to: self.mailboxes("to")?,
            cc: self.mailboxes("cc")?,
            bcc: self.mailboxes("bcc")?,
            reply_to: self.mailboxes("reply_to")?,
            subject: self.text("subject").unwrap_or_default().to_owned(),
            text: self.text("body").map(str::to_owned),
            html: self.text("html").map(str::to_owned),
            attachments: self.enclosures()?,
            in_reply_to: self.text("in_reply_to").and_then(ids).and_then(|mut ids| ids.pop()),
            references: self.references(),
            priority: self.priority()?,
        };
        if draft.recipients().is_empty() {
            return Err(Error::new(ErrorKind::Query, "a mail has nobody to go to: to, cc and bcc are empty")
                .hint("leave such rows out: … WHERE address IS NOT NULL"));
        }
        for address in draft.recipients().iter().chain([&draft.from.address]) {
            smtp::path::Path::of(address)?;
        }
        if draft.subject.contains(['\r', '\n']) {
            return Err(Error::new(ErrorKind::Query, "a subject is one line, and this one has more")
                .hint("replace(subject, chr(10), ' ') makes it one line"));
        }
        let attach_as = self.text("attach_as").unwrap_or("rows.csv");
        Ok(Letter {
            draft,
            paths: self.paths()?,
            attach_as: (attach_as.to_owned(), Form::of(attach_as)?),
            skip_if_empty: self.is("skip_if_empty")?,
            on_rejected: self.on_rejected()?,
            key: self.key()?,
            dry_run: self.is("dry_run")?,
        })
    }

    fn from(&self, account: &str, sender: Option<&Mailbox>) -> Result<Mailbox> {
        let mut from = match self.text("from_address").filter(|from| !from.trim().is_empty()) {
            Some(text) => Mailbox::parse(text)?,
            None => sender.cloned().ok_or_else(|| {
                Error::new(ErrorKind::Config, format!("the account {account} has no address to send from")).hint(
                    "give it one in the configuration, from = \"Me <me@example.org>\", or say from_address => '…'",
                )
            })?,
        };
        if let Some(name) = self.text("from_name").filter(|name| !name.trim().is_empty()) {
            from.name = Some(one_line("from_name", name)?.to_owned());
        }
        Ok(from)
    }

    fn mailboxes(&self, name: &'static str) -> Result<Vec<Mailbox>> {
        Mailbox::parse_list(self.text(name).unwrap_or_default()).map_err(|error| error.context("argument", name))
    }

    /// The conversation so far: what the answered mail refers to, then itself (RFC 5322 §3.6.4).
    fn references(&self) -> Vec<String> {
        let of = |name| self.text(name).and_then(ids).unwrap_or_default();
        let mut references: Vec<String> = Vec::new();
        for id in of("reference_ids").into_iter().chain(of("in_reply_to")) {
            references.retain(|known| *known != id);
            references.push(id);
        }
        references
    }

    fn enclosures(&self) -> Result<Vec<Enclosure>> {
        let (contents, names) = (self.list("content"), self.list("name"));
        let (contents, names) = (contents.as_ref(), names.as_ref());
        let (count, named) = (contents.map_or(0, Array::len), names.map_or(0, Array::len));
        if count != named {
            return Err(Error::new(ErrorKind::Query, format!("there are {count} contents and {named} names for them"))
                .hint("each attachment has one of both: array_agg(content) AS content, array_agg(name) AS name"));
        }
        let (Some(contents), Some(names)) = (contents, names) else { return Ok(Vec::new()) };
        let (contents, names) = (contents.as_binary::<i32>(), names.as_string::<i32>());
        let there = (0..count).filter(|at| contents.is_valid(*at));
        let enclosure = |at: usize| Enclosure {
            name: if names.is_valid(at) { names.value(at) } else { "attachment" }.to_owned(),
            content: Bytes::copy_from_slice(contents.value(at)),
        };
        Ok(there.map(enclosure).collect())
    }

    fn paths(&self) -> Result<Vec<PathBuf>> {
        let Some(list) = self.list("attachments") else { return Ok(Vec::new()) };
        let list = list.as_string::<i32>();
        let paths: Vec<PathBuf> =
            list.iter().flatten().filter(|path| !path.trim().is_empty()).map(PathBuf::from).collect();
        let sizes = paths.iter().map(|path| size_of_file(path)).collect::<Result<Vec<u64>>>()?;
        if sizes.iter().sum::<u64>() > OCTETS {
            let message = format!("what is attached takes more than {} MB", OCTETS >> 20);
            return Err(Error::new(ErrorKind::Query, message)
                .hint("no server takes mail of that size; send a word where the file is"));
        }
        Ok(paths)
    }

    fn priority(&self) -> Result<Priority> {
        match self.text("priority").unwrap_or("normal").to_lowercase().as_str() {
            "high" | "urgent" | "1" | "2" => Ok(Priority::High),
            "" | "normal" | "3" => Ok(Priority::Normal),
            "low" | "4" | "5" => Ok(Priority::Low),
            other => Err(refused("priority", other, "it is high, normal or low")),
        }
    }

    fn on_rejected(&self) -> Result<OnRejected> {
        match self.text("on_rejected").unwrap_or("abort").to_lowercase().as_str() {
            "" | "abort" => Ok(OnRejected::Abort),
            "continue" => Ok(OnRejected::Continue),
            other => {
                Err(refused("on_rejected", other, "it is abort (nobody gets the mail) or continue (the others do)"))
            }
        }
    }

    fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.batch.column_by_name(name).filter(|column| column.is_valid(self.row))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.column(name).map(|column| column.as_string::<i32>().value(self.row))
    }

    /// Whether it is so; what is given is one or the other, as NULL would send what was to be a dry run.
    fn is(&self, name: &str) -> Result<bool> {
        match (self.batch.column_by_name(name), self.column(name)) {
            (None, _) => Ok(false),
            (Some(_), Some(column)) => Ok(column.as_boolean().value(self.row)),
            (Some(_), None) => {
                Err(Error::new(ErrorKind::Query, format!("{name} is NULL")).hint("it is true or false, or left out"))
            }
        }
    }

    /// The key; where keys are given, every mail has one, or it would be sent again.
    fn key(&self) -> Result<Option<String>> {
        match self.text("key") {
            Some(key) if !key.trim().is_empty() => Ok(Some(key.to_owned())),
            _ if self.batch.column_by_name("key").is_none() => Ok(None),
            _ => Err(Error::new(
                ErrorKind::Query,
                "a mail has no key where keys are given; it would be sent again each time",
            )
            .hint("give each mail its own key: 'run-7-' || id AS key")),
        }
    }

    fn list(&self, name: &str) -> Option<ArrayRef> {
        self.column(name).map(|column| column.as_list::<i32>().value(self.row))
    }
}

/// Message-IDs, without angle brackets; nothing when there are none.
fn ids(text: &str) -> Option<Vec<String>> {
    let bare = |id: &str| id.trim_start_matches('<').trim_end_matches('>').to_owned();
    let ids: Vec<String> = text.split_whitespace().map(bare).filter(|id| !id.is_empty()).collect();
    (!ids.is_empty()).then_some(ids)
}

fn size_of_file(path: &Path) -> Result<u64> {
    let named = |error: Error| error.context("argument", "attachments");
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(found.len()),
        Ok(_) => Err(named(Error::new(ErrorKind::Io, format!("{} is no file", path.display())))),
        Err(error) => Err(named(Error::io(format!("cannot attach {}", path.display()), error))),
    }
}

fn one_line<'a>(name: &str, text: &'a str) -> Result<&'a str> {
    if text.chars().any(char::is_control) {
        return Err(Error::new(ErrorKind::Query, format!("{name} is one line, and this one has control characters")));
    }
    Ok(text)
}

fn refused(name: &str, value: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Query, format!("{name} cannot be '{value}'")).hint(hint)
}

/// Octets of files that are attached to a mail.
const OCTETS: u64 = 256 << 20;
