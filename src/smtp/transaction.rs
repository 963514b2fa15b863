//! One mail over a session (RFC 5321 §3.3): who it is from and to, each recipient answered for itself, then its content.
//!
//! It never says anything twice, and knows of each fault what it means: whether the mail was not sent, or nobody knows. When a
//! mail may be tried again is for [`super::outbox`], and what is written down for [`super::journal`].

use chrono::Utc;

use super::command::Command;
use super::content::Content;
use super::extensions::Extensions;
use super::journal::record::how_to_check;
use super::path::Path;
use super::reply::Reply;
use super::session::{Session, Unwanted};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::outbox::{OnRejected, Outcome, Outgoing, Status};

/// A mail that can be sent: its addresses and its content were looked through.
#[derive(Debug)]
pub struct Transaction<'a> {
    mail: &'a Outgoing,
    content: Content<'a>,
    sender: Path,
    recipients: Vec<Path>,
}

/// What a server says to the envelope of a mail.
#[derive(Debug)]
pub enum Answered {
    /// It takes those recipients of which it said so, and waits for DATA or RSET: one verdict for each.
    Taken(Vec<Verdict>),
    /// It does not take this mail, whoever it is for; it may take others.
    NotThis(Verdict),
    /// It takes nothing from this sender.
    NotFrom(Error),
    /// The session is lost, and nothing was sent.
    Lost(Error),
}

/// What became of a recipient, or of a mail as a whole, and in which words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What became of it; [`Status::Sent`] where it is only accepted so far.
    pub status: Status,
    /// The code of the reply.
    pub code: Option<u16>,
    /// The words of it.
    pub response: String,
}

/// What became of the content.
#[derive(Debug)]
pub enum Ended {
    /// It is known, or known not to be known.
    Told(Verdict),
    /// The session was lost before any of it was sent.
    Lost(Error),
}

impl<'a> Transaction<'a> {
    /// Looks through a mail.
    ///
    /// # Errors
    /// An address is none, nobody is to get it, or its content is not lines that end with CRLF.
    pub fn of(mail: &'a Outgoing) -> Result<Self> {
        let content = Content::of(&mail.octets)?;
        let recipients = mail.recipients.iter().map(|one| Path::of(one)).collect::<Result<Vec<_>>>()?;
        if recipients.is_empty() {
            return Err(
                Error::new(ErrorKind::Query, "the mail goes to nobody").hint("give it a recipient: to, cc or bcc")
            );
        }
        Ok(Self { mail, content, sender: Path::of(&mail.sender)?, recipients })
    }

    /// Says who the mail is from and to, and hears what the server makes of each.
    pub async fn envelope(&self, session: &mut Session) -> Answered {
        let mail = match self.mail_command(&session.extensions) {
            Ok(command) => command,
            Err(why) => return Answered::NotThis(Verdict { status: Status::NotSent, code: None, response: why }),
        };
        let is_sized = matches!(mail, Command::Mail { size: Some(_), .. });
        let commands: Vec<Command> =
            std::iter::once(mail).chain(self.recipients.iter().cloned().map(Command::Rcpt)).collect();
        let flight = if session.extensions.has("PIPELINING") { FLIGHT } else { 1 };
        let mut verdicts = Vec::with_capacity(commands.len());
        for (position, commands) in commands.chunks(flight).enumerate() {
            let replies = match session.say_all(commands).await {
                Ok(replies) => replies,
                Err(error) => return Answered::Lost(error),
            };
            let mut replies = replies.into_iter();
            if position == 0
                && let Some(reply) = replies.next()
                && let Some(refused) = from_refused(session, &reply, is_sized)
            {
                return refused;
            }
            for reply in replies {
                match verdict(session, &reply) {
                    Some(verdict) => verdicts.push(verdict),
                    None => return Answered::Lost(senseless(session, &reply)),
                }
            }
        }
        Answered::Taken(verdicts)
    }

    /// The outcomes, when the mail is to be given up after what the server said to its recipients.
    pub fn given_up(&self, verdicts: &[Verdict]) -> Option<Vec<Outcome>> {
        let is_taken = |verdict: &&Verdict| verdict.status == Status::Sent;
        let taken = verdicts.iter().filter(is_taken).count();
        let goes_on = match self.mail.on_rejected {
            OnRejected::Abort => taken == verdicts.len(),
            OnRejected::Continue => taken > 0,
        };
        if goes_on {
            return None;
        }
        let refused = verdicts.len() - taken;
        let why = match refused {
            1 => "the server refused another recipient".to_owned(),
            _ => format!("the server refused {refused} other recipients"),
        };
        let not_sent = Verdict {
            status: Status::NotSent,
            code: None,
            response: format!("{why}; on_rejected => 'continue' sends to the others"),
        };
        Some(self.outcomes(verdicts, &not_sent))
    }

    /// Hands the content over; `at_the_end` is called before the end of it goes out, after which nobody knows until the
    /// server has answered.
    pub async fn content(&self, session: &mut Session, at_the_end: impl FnOnce()) -> Ended {
        let reply = match session.data().await {
            Ok(reply) => reply,
            Err(error) => return Ended::Lost(error),
        };
        match (reply.code, verdict(session, &reply)) {
            (354, _) => {}
            (_, Some(verdict)) if verdict.status == Status::Rejected => return Ended::Told(verdict),
            _ => return Ended::Lost(senseless(session, &reply)),
        }
        // The last of it goes out with its end, or most mails would need two looks of the server.
        let mut chunks = self.content.chunks().peekable();
        let mut last = None;
        while let Some(chunk) = chunks.next() {
            if chunks.peek().is_none() {
                last = Some(chunk);
            } else if let Err(unwanted) = session.give(&chunk).await {
                return Ended::Told(cut(&unwanted));
            }
        }
        if let Err(unwanted) = session.is_wanted().await {
            return Ended::Told(cut(&unwanted));
        }
        at_the_end();
        Ended::Told(match session.end_content(last.as_deref().unwrap_or_default()).await {
            Ok(reply) => verdict(session, &reply).unwrap_or_else(|| self.unknown(&senseless(session, &reply))),
            Err(error) => self.unknown(&error),
        })
    }

    /// The outcomes: what the server said to each recipient, and of those that it took, what it said to the mail.
    pub fn outcomes(&self, verdicts: &[Verdict], mail: &Verdict) -> Vec<Outcome> {
        let told = verdicts.iter().map(|verdict| if verdict.status == Status::Sent { mail } else { verdict });
        self.mail
            .recipients
            .iter()
            .zip(told)
            .map(|(recipient, verdict)| outcome(self.mail, recipient, verdict))
            .collect()
    }

    /// The command that begins it, or why this server cannot take it.
    fn mail_command(&self, able: &Extensions) -> Result<Command, String> {
        let size = self.content.size();
        if let Some(most) = able.size().filter(|most| *most < size) {
            return Err(format!(
                "the mail has {size} octets, and the server takes {most} at most; nothing was uploaded"
            ));
        }
        let utf8 = self.content.has_utf8_header
            || !self.sender.is_ascii()
            || self.recipients.iter().any(|recipient| !recipient.is_ascii());
        if utf8 && !able.has("SMTPUTF8") {
            return Err("the server takes no addresses with letters that are not ASCII (it has no SMTPUTF8)".to_owned());
        }
        if self.content.is_eight_bit && !able.has("8BITMIME") {
            return Err("the server takes no octets that are not ASCII (it has no 8BITMIME)".to_owned());
        }
        let size = able.has("SIZE").then_some(size);
        Ok(Command::Mail { from: self.sender.clone(), size, eight_bit: self.content.is_eight_bit, utf8 })
    }

    fn unknown(&self, error: &Error) -> Verdict {
        let response = format!(
            "the mail was handed over, and nobody knows whether the server took it: {error}; {}",
            how_to_check(&self.mail.message_id)
        );
        Verdict { status: Status::Unknown, code: None, response }
    }
}

/// The same outcome for every recipient of a mail.
pub fn all(mail: &Outgoing, verdict: &Verdict) -> Vec<Outcome> {
    mail.recipients.iter().map(|recipient| outcome(mail, recipient, verdict)).collect()
}

fn outcome(mail: &Outgoing, recipient: &str, verdict: &Verdict) -> Outcome {
    Outcome {
        message_id: mail.message_id.clone(),
        recipient: recipient.to_owned(),
        status: verdict.status,
        code: verdict.code,
        response: verdict.response.clone(),
        at: Utc::now(),
    }
}

/// What a reply says of what was asked; nothing when it asks for more, which is not its turn.
fn verdict(session: &Session, reply: &Reply) -> Option<Verdict> {
    let status = match reply.code {
        200..=299 => Status::Sent,
        400..=599 => Status::Rejected,
        _ => return None,
    };
    Some(Verdict { status, code: Some(reply.code), response: session.words(reply) })
}

/// What the reply to MAIL means when it is no yes: something about this mail, or about all mail of the sender.
fn from_refused(session: &Session, reply: &Reply, is_sized: bool) -> Option<Answered> {
    let Some(verdict) = verdict(session, reply) else { return Some(Answered::Lost(senseless(session, reply))) };
    if verdict.status == Status::Sent {
        return None;
    }
    // It was told the size (RFC 1870 §6.1), or does not take what is in it (RFC 3463 §3.7).
    let is_about_it = is_sized && matches!(reply.code, 452 | 552) || reply.enhanced.is_some_and(|code| code.1 == 6);
    Some(if is_about_it {
        Answered::NotThis(verdict)
    } else {
        let message = format!("the server takes no mail from this sender: {}", verdict.response);
        Answered::NotFrom(Error::new(ErrorKind::Server, message).hint(match reply.code {
            400..=499 => "it may work again in a while",
            _ => "see whether the user may send as that address: from_address, or from = \"…\" of the account",
        }))
    })
}

/// A server that does not hear the end must drop what it has (RFC 5321 §4.1.1.4).
fn cut(unwanted: &Unwanted) -> Verdict {
    let error = &unwanted.error;
    match unwanted.code {
        Some(code) => Verdict { status: Status::Rejected, code: Some(code), response: error.to_string() },
        None => {
            let response = format!("the mail was not handed over to its end, so the server must drop it: {error}");
            Verdict { status: Status::NotSent, code: None, response }
        }
    }
}

fn senseless(session: &Session, reply: &Reply) -> Error {
    Error::new(
        ErrorKind::Server,
        format!("the server answers something else than it was asked: {}", session.words(reply)),
    )
    .hint("MAILQL_LOG=mailql=trace shows the conversation")
}

/// Commands that go out together: the replies to as many have room on the way.
const FLIGHT: usize = 40;
