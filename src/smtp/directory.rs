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
    place: PathBuf,
    from: Option<Mailbox>,
    journal: Arc<Journal>,
}

impl Directory {
    /// The way out of an account into a directory, which is made when something is sent; `from` is who mail is from when it
    /// does not say.
    pub fn new(name: &str, directory: PathBuf, from: Option<Mailbox>, journal: Arc<Journal>) -> Self {
        Self { name: name.to_owned(), place: directory, from, journal }
    }
}

#[async_trait]
impl Outbox for Directory {
    fn sender(&self) -> Option<Mailbox> {
        self.from.clone()
    }

    fn describe(&self) -> String {
        format!("into the directory {}", self.place.display())
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
        let Directory { name, place, journal, .. } = &self.0;
        let mut begun = match journal.begin(name, mail).await? {
            Entry::Begun(begun) => *begun,
            Entry::Before(outcomes) => return Ok(outcomes),
        };
        let mut verdict = Verdict { status: Status::NotSent, code: None, response: String::new() };
        if let Err(error) = Transaction::of(mail) {
            verdict.response = error.to_string();
            return Ok(written(begun, all(mail, &verdict)).await);
        }
        begun.hand_over();
        match write_draft(place, mail).await {
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

    async fn end(self: Box<Self>) -> Result<()> {
        Ok(())
    }
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
    let from = format!("X-Envelope-From: <{}>\r\n", one_line(&mail.sender));
    mail.recipients.iter().fold(from, |lines, recipient| lines + "X-Envelope-To: <" + &one_line(recipient) + ">\r\n")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::outbox::{OnRejected, Stop};

    fn mail(id: &str, key: Option<&str>) -> Outgoing {
        Outgoing {
            message_id: id.to_owned(),
            sender: "me@x.example".to_owned(),
            recipients: vec!["b@y.example".to_owned(), "hidden@y.example".to_owned()],
            subject: "Hello".to_owned(),
            octets: "Subject: Hello\r\n\r\n.\r\n".into(),
            key: key.map(str::to_owned),
            on_rejected: OnRejected::Abort,
        }
    }

    const TERMS: Delivery =
        Delivery { patience: std::time::Duration::from_secs(1), per_minute: None, stop: Stop::NEVER };

    #[tokio::test]
    async fn a_mail_is_a_file_with_its_envelope_above() {
        let home = tempfile::tempdir().unwrap();
        let (out, state) = (home.path().join("out"), home.path().join("state"));
        let directory = Directory::new("demo", out.clone(), None, Arc::new(Journal::kept_in(&state)));
        assert_eq!(directory.describe(), format!("into the directory {}", out.display()));
        let mut mails = directory.begin(TERMS);
        assert!(!out.exists());
        let outcomes = mails.send(&mail("1@x", Some("k"))).await.unwrap();
        let path = out.join("1@x.eml");
        assert_eq!(outcomes[1].response, format!("written to {}", path.display()));
        assert_eq!((outcomes.len(), outcomes[1].status), (2, Status::Sent));
        let expected = "X-Envelope-From: <me@x.example>\r\nX-Envelope-To: <b@y.example>\r\n\
                        X-Envelope-To: <hidden@y.example>\r\nSubject: Hello\r\n\r\n.\r\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let again = mails.send(&mail("2@x", Some("k"))).await.unwrap();
        assert!(again[0].message_id == "1@x" && again[0].response.starts_with("it was sent before"), "{again:?}");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
        // Without a key the same mail is another.
        for name in ["3@x.eml", "3@x-2.eml"] {
            assert!(mails.send(&mail("3@x", None)).await.unwrap()[0].response.ends_with(name));
        }
        let hostile = Outgoing { recipients: vec!["b@y.example\r\nX: y".to_owned()], ..mail("4@x", None) };
        assert_eq!(mails.send(&hostile).await.unwrap()[0].status, Status::NotSent);
    }

    #[tokio::test]
    async fn where_nothing_can_be_written_nothing_is_sent() {
        let home = tempfile::tempdir().unwrap();
        let (out, journal) = (home.path().join("out"), Arc::new(Journal::in_memory()));
        fs::write(&out, "a file is no directory").unwrap();
        let mut mails = Directory::new("demo", out, None, Arc::clone(&journal)).begin(TERMS);
        let error = mails.send(&mail("1@x", None)).await.unwrap_err();
        assert!(error.to_string().contains("cannot write into"), "{error}");
        assert!(journal.read().unwrap().iter().all(|sent| sent.status == Status::NotSent));
    }

    #[tokio::test]
    async fn no_id_leads_out_of_the_directory() {
        let home = tempfile::tempdir().unwrap();
        for id in ["../../etc/x@y", "/etc/passwd", "..", "", "a\0b", ".hidden@x", "c:\\x", &"x".repeat(999)] {
            let path = write_draft(home.path(), &mail(id, None)).await.unwrap();
            assert_eq!(path.parent().unwrap(), home.path(), "{id}");
            assert!(!path.file_name().unwrap().to_string_lossy().starts_with('.'), "{path:?}");
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 8);
    }
}
