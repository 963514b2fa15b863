//! The question before mail is sent, at the prompt: how many, from whom, to whom; yes, no, or a look at one first.
//!
//! It sends nothing and decides nothing. Ctrl-C at the question is a no.

use async_trait::async_trait;

use super::ask::{Person, Unanswered, say};
use super::output::neutral;
use super::progress;
use super::signals::Signals;
use crate::engine::sending::approval::{Approval, Mail, Request};
use crate::error::{Error, ErrorKind, Result};

/// The person at the prompt.
#[derive(Debug)]
pub(crate) struct AtPrompt {
    signals: Signals,
}

impl AtPrompt {
    pub(crate) fn new(signals: Signals) -> Self {
        Self { signals }
    }

    async fn answered(&self, request: &Request<'_>) -> Result<bool, Unanswered> {
        let person = Person::new(&self.signals);
        say(&format!("{}\n", question(request)))?;
        loop {
            let answer = person.word("Send? (yes, no, show)").await?;
            let (word, number) = answer.split_once(char::is_whitespace).unwrap_or((&answer, "1"));
            match (word.to_lowercase().as_str(), number.trim().parse::<usize>()) {
                ("yes" | "y", _) => return Ok(true),
                ("no" | "n", _) => return Ok(false),
                ("show" | "s", Ok(number)) if (1..=request.mails.len()).contains(&number) => {
                    say(&format!("{}\n", shown(&request.mails[number - 1])))?;
                }
                ("show" | "s", _) => {
                    say(&format!("There are {} mails: show 1 shows the first.\n", request.mails.len()))?;
                }
                _ => say("yes sends, no does not, show shows the first mail (show 7 the seventh).\n")?,
            }
        }
    }
}

#[async_trait]
impl Approval for AtPrompt {
    async fn approve(&self, request: &Request<'_>) -> Result<bool> {
        let quiet = progress::quiet();
        let answered = self.answered(request).await;
        drop(quiet);
        match answered {
            Ok(true) => Ok(true),
            Ok(false) | Err(Unanswered::Stopped(_)) => Err(Error::new(ErrorKind::Refused, "nothing was sent")),
            Err(Unanswered::Failed(error)) => Err(error),
        }
    }
}

/// How many mails there are, from whom, which way, and to whom.
fn question(request: &Request<'_>) -> String {
    let senders = request.senders().join(", ");
    let mut recipients: Vec<String> = request.mails.iter().flat_map(|mail| mail.draft.recipients()).collect();
    recipients.sort_unstable();
    recipients.dedup();
    let some = recipients.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let to = match recipients.len() {
        all if all <= NAMED => some,
        all => format!("{all} recipients ({some}, …)"),
    };
    let what = match request.mails {
        [Mail { draft, .. }] if draft.subject.is_empty() => "1 mail (no subject)".to_owned(),
        [Mail { draft, .. }] => format!("1 mail ({})", draft.subject),
        all => format!("{} mails", all.len()),
    };
    neutral(&format!("This will send {what} from {senders} to {to}, {}.", request.way))
}

/// A mail, as far as somebody reads it who wants to know whether it is the right one.
fn shown(mail: &Mail<'_>) -> String {
    let mut lines: Vec<String> = mail.header().iter().map(|(name, value)| format!("{name}: {value}")).collect();
    lines.push(String::new());
    lines.extend(mail.text().lines().take(LINES).map(str::to_owned));
    if mail.text().lines().count() > LINES {
        lines.push("…".to_owned());
    }
    lines.iter().map(|line| format!("  | {}", neutral(line))).collect::<Vec<_>>().join("\n")
}

/// Recipients that are named.
const NAMED: usize = 3;
/// Lines of a mail that are shown.
const LINES: usize = 20;
