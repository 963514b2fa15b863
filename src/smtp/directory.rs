//! The way out into a directory: every mail a file, to be looked at or handed on; and the files of mails that are not sent.
//!
//! A mail is written aside and renamed, so that whoever watches the directory finds whole ones only. Nothing is connected to.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::journal::{Entry, Journal};
use super::outbox::written;
use super::transaction::{Transaction, Verdict, all};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::mailbox::Mailbox;
use crate::mail::outbox::{Delivery, Outbox, Outcome, Outgoing, Sending, Status};

/// A directory that mail is written into.
#[derive(Debug, Clone)]
pub struct Directory {
    name: String,
    directory: PathBuf,
    from: Option<Mailbox>,
    journal: Arc<Journal>,
}

impl Directory {
    /// The way out of an account into a directory, which is made when something is sent; `from` is who mail is from when it
    /// does not say.
    pub fn new(name: &str, directory: PathBuf, from: Option<Mailbox>, journal: Arc<Journal>) -> Self {
        Self { name: name.to_owned(), directory, from, journal }
    }
}

#[async_trait]
impl Outbox for Directory {
    fn sender(&self) -> Option<Mailbox> {
        self.from.clone()
    }

    fn describe(&self) -> String {
        format!("the directory {}", self.directory.display())
    }

    fn begin(&self, _terms: Delivery) -> Box<dyn Sending> {
        Box::new(Files(self.clone()))
    }
}

/// Mails on their way into files.
#[derive(Debug)]
struct Files(Directory);

#[async_trait]
impl Sending for Files {
    async fn send(&mut self, mail: &Outgoing) -> Result<Vec<Outcome>> {
        let Directory { name, directory, journal, .. } = &self.0;
        let mut begun = match journal.begin(name, mail).await? {
            Entry::Begun(begun) => begun,
            Entry::Before(outcomes) => return Ok(outcomes),
        };
        let mut verdict = Verdict { status: Status::NotSent, code: None, response: String::new() };
        if let Err(error) = Transaction::of(mail) {
            verdict.response = error.to_string();
            return Ok(written(begun, all(mail, &verdict)).await);
        }
        begun.hand_over();
        match write_draft(directory, mail).await {
            Ok(path) => {
                (verdict.status, verdict.response) = (Status::Sent, format!("written to {}", path.display()));
                Ok(written(begun, all(mail, &verdict)).await)
            }
            Err(error) => {
                verdict.response = error.to_string();
                written(begun, all(mail, &verdict)).await;
                Err(error)
            }
        }
    }

    async fn end(self: Box<Self>) {}
}

/// Writes a mail into a file of a directory, which is made if there is none, and tells where; no journal knows of it.
///
/// Above the message stand its envelope, `X-Envelope-From` and an `X-Envelope-To` for each recipient: those of Bcc are nowhere
/// else. They are fields of no standard, so that no program takes them for its own: `Return-Path` says that a mail has
/// arrived, and `Bcc` would show everybody who got it. Without these lines the file is the message, octet for octet.
///
/// # Errors
/// The file cannot be written.
pub async fn write_draft(directory: &Path, mail: &Outgoing) -> Result<PathBuf> {
    let (directory, mail) = (directory.to_owned(), mail.clone());
    let write = tokio::task::spawn_blocking(move || write(&directory, &mail));
    write.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Io, "the mail could not be written")))
}

fn write(directory: &Path, mail: &Outgoing) -> Result<PathBuf> {
    let failed = |error| Error::io(format!("cannot write into {}", directory.display()), error);
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(failed)?;
    // Made with the mode 0600.
    let mut aside = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(directory).map_err(failed)?;
    aside.write_all(envelope(mail).as_bytes()).and_then(|()| aside.write_all(&mail.octets)).map_err(failed)?;
    aside.as_file().sync_all().map_err(failed)?;
    let stem = stem(&mail.message_id);
    for number in 1_u32.. {
        let path = directory.join(if number == 1 { format!("{stem}.eml") } else { format!("{stem}-{number}.eml") });
        match aside.persist_noclobber(&path) {
            Ok(_) => {
                // It is there, whether its name is on the disk yet or not.
                if cfg!(unix)
                    && let Ok(directory) = File::open(directory)
                {
                    drop(directory.sync_all());
                }
                return Ok(path);
            }
            Err(taken) if taken.error.kind() == std::io::ErrorKind::AlreadyExists => aside = taken.file,
            Err(other) => return Err(failed(other.error)),
        }
    }
    Err(Error::new(ErrorKind::Io, format!("no name is left in {}", directory.display())))
}

fn envelope(mail: &Outgoing) -> String {
    let one_line = |text: &str| text.chars().filter(|letter| !letter.is_control()).collect::<String>();
    let mut lines = format!("X-Envelope-From: <{}>\r\n", one_line(&mail.sender));
    for recipient in &mail.recipients {
        lines.push_str(&format!("X-Envelope-To: <{}>\r\n", one_line(recipient)));
    }
    lines
}

/// A Message-ID as the name of a file.
fn stem(message_id: &str) -> String {
    let is_safe = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '@' | '+' | '=');
    let safe = message_id.chars().take(LONGEST).map(|letter| if is_safe(letter) { letter } else { '_' });
    let stem = safe.collect::<String>();
    let stem = stem.trim_start_matches('.');
    if stem.is_empty() { "mail".to_owned() } else { stem.to_owned() }
}

/// Letters of an id in the name of a file.
const LONGEST: usize = 200;
