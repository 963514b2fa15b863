//! The way out over a server: mails one after the other over one connection, each once, none faster than allowed.
//!
//! What is said is in [`super::transaction`]. Here is when: a connection is opened for the first mail that has to be sent,
//! and another one, once for each mail, when it died before the content of the mail began.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::command::Command;
use super::journal::{Begun, Entry, Journal, unwritten};
use super::session::Session;
use super::sign_in;
use super::transaction::{Answered, Ended, Transaction, Verdict, all};
use crate::account::{ImapAccount, Proofs, SmtpServer};
use crate::error::{Error, Result};
use crate::mail::mailbox::Mailbox;
use crate::mail::outbox::{Delivery, Outbox, Outcome, Outgoing, Sending, Status};
use crate::net::steps::Steps;

/// The server that takes an account's mail.
#[derive(Debug, Clone)]
pub struct Smtp(Arc<Account>);

#[derive(Debug)]
struct Account {
    name: String,
    identity: ImapAccount,
    server: SmtpServer,
    from: Option<Mailbox>,
    proofs: Arc<Proofs>,
    journal: Arc<Journal>,
    /// When the last mail was begun, or will be.
    last: Mutex<Option<Instant>>,
}

impl Smtp {
    /// The way out of an account; `from` is who mail is from when it does not say, if not the user.
    pub fn new(
        name: &str,
        account: ImapAccount,
        server: SmtpServer,
        from: Option<Mailbox>,
        proofs: Arc<Proofs>,
        journal: Arc<Journal>,
    ) -> Self {
        let last = Mutex::default();
        Self(Arc::new(Account { name: name.to_owned(), identity: account, server, from, proofs, journal, last }))
    }
}

#[async_trait]
impl Outbox for Smtp {
    fn sender(&self) -> Option<Mailbox> {
        self.0.from.clone().or_else(|| Mailbox::parse(&self.0.identity.user).ok())
    }

    fn describe(&self) -> String {
        format!("by {}", self.0.server.host)
    }

    fn begin(&self, terms: Delivery) -> Box<dyn Sending> {
        Box::new(Mails { account: Arc::clone(&self.0), terms, session: None, settled: None })
    }
}

/// Mails on their way.
#[derive(Debug)]
struct Mails {
    account: Arc<Account>,
    terms: Delivery,
    /// The session that the last mail left; whoever sends has it, so that it goes when they are given up.
    session: Option<Session>,
    /// The last mail, when it is known what became of it and not written down yet: that is done with the next one.
    settled: Option<Begun>,
}

#[async_trait]
impl Sending for Mails {
    async fn send(&mut self, mail: &Outgoing) -> Result<Vec<Outcome>> {
        let (name, journal) = (self.account.name.clone(), Arc::clone(&self.account.journal));
        if mail.key.is_some()
            && let Some(outcomes) = journal.before(&name, mail).await?
        {
            return Ok(outcomes);
        }
        let transaction = match Transaction::of(mail) {
            Ok(transaction) => transaction,
            Err(error) => {
                let not_sent = Verdict { status: Status::NotSent, code: None, response: error.to_string() };
                return match journal.begin(&name, mail).await? {
                    Entry::Begun(begun) => Ok(written(*begun, all(mail, &not_sent)).await),
                    Entry::Before(outcomes) => Ok(outcomes),
                };
            }
        };
        if self.terms.per_minute.is_some() {
            self.write().await?;
        }
        self.terms.stop.unless(self.account.turn(self.terms.per_minute)).await?;
        let mut entry = Noted::No;
        loop {
            let (mut session, is_used) = match self.session.take() {
                Some(session) => (session, true),
                // A connection may take its time.
                None if self.settled.is_some() => {
                    self.write().await?;
                    continue;
                }
                None => match self.terms.stop.unless(self.account.open(self.terms.patience)).await.flatten() {
                    Ok(session) => (session, false),
                    Err(error) => return Err(entry.failed(mail, error).await),
                },
            };
            // It is written down while the server thinks about the envelope.
            entry.begin(&journal, &name, mail, self.settled.take());
            let answered = transaction.envelope(&mut session).await;
            let mut begun = match entry.begun().await {
                Ok(Entry::Begun(begun)) => begun,
                Ok(Entry::Before(outcomes)) => {
                    self.keep(session, true).await;
                    return Ok(outcomes);
                }
                Err(error) => {
                    self.keep(session, true).await;
                    return Err(error);
                }
            };
            let verdicts = match answered {
                Answered::Taken(verdicts) => verdicts,
                Answered::NotThis(verdict) => {
                    self.keep(session, true).await;
                    return Ok(written(*begun, all(mail, &verdict)).await);
                }
                Answered::NotFrom(error) => {
                    self.keep(session, false).await;
                    return Err(Noted::Begun(begun).failed(mail, error).await);
                }
                Answered::Lost(_) if is_used => {
                    entry = Noted::Begun(begun);
                    continue;
                }
                Answered::Lost(error) => return Err(Noted::Begun(begun).failed(mail, error).await),
            };
            if let Some(outcomes) = transaction.given_up(&verdicts) {
                self.keep(session, true).await;
                return Ok(written(*begun, outcomes).await);
            }
            match transaction.content(&mut session, || begun.hand_over()).await {
                Ended::Told(verdict) => {
                    self.keep(session, verdict.status != Status::Sent).await;
                    let outcomes = transaction.outcomes(&verdicts, &verdict);
                    begun.settle(&outcomes);
                    self.settled = Some(*begun);
                    return Ok(outcomes);
                }
                Ended::Lost(_) if is_used => entry = Noted::Begun(begun),
                Ended::Lost(error) => return Err(Noted::Begun(begun).failed(mail, error).await),
            }
        }
    }

    async fn end(mut self: Box<Self>) -> Result<()> {
        let written = self.write().await;
        if let Some(session) = self.session {
            session.quit().await;
        }
        written
    }
}

impl Mails {
    /// Writes down what became of the last mail.
    async fn write(&mut self) -> Result<()> {
        match self.settled.take() {
            Some(begun) => begun.end().await,
            None => Ok(()),
        }
    }

    /// Keeps a session for the next mail, if it can be used; `reset` takes back what it knows of this one.
    async fn keep(&mut self, mut session: Session, reset: bool) {
        if session.is_lost() {
            return;
        }
        if reset && !session.say(&Command::Rset).await.is_ok_and(|reply| reply.is_good()) {
            return;
        }
        self.session = Some(session);
    }
}

impl Account {
    /// Waits until the next mail may be sent.
    async fn turn(&self, per_minute: Option<u32>) {
        let Some(most) = per_minute else { return };
        let turn = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = last.map_or_else(Instant::now, |last| Instant::now().max(last + MINUTE / most.max(1)));
            *last = Some(turn);
            turn
        };
        sleep_until(turn).await;
    }

    async fn open(&self, patience: Duration) -> Result<Session> {
        let proof = self.proofs.of(&self.identity, None).await?;
        let mut steps = Steps::untold();
        sign_in::open(&self.identity, &self.server, &self.proofs, &proof, patience, &mut steps).await
    }
}

/// Whether a mail is in the journal by now.
enum Noted {
    No,
    /// It is being written; who gives it up meanwhile leaves it as not sent.
    Soon(JoinHandle<Result<Entry>>),
    Begun(Box<Begun>),
}

impl Noted {
    fn begin(&mut self, journal: &Arc<Journal>, name: &str, mail: &Outgoing, before: Option<Begun>) {
        if matches!(self, Self::No) {
            *self = Self::Soon(journal.begin_meanwhile(name, mail, before));
        }
    }

    /// What the mail found in the journal.
    async fn begun(&mut self) -> Result<Entry> {
        match std::mem::replace(self, Self::No) {
            Self::Soon(entry) => entry.await.unwrap_or_else(|_| Err(unwritten())),
            Self::Begun(begun) => Ok(Entry::Begun(begun)),
            Self::No => Err(unwritten()),
        }
    }

    /// The error that ends it all, after it is written down that the mail was not sent.
    async fn failed(mut self, mail: &Outgoing, error: Error) -> Error {
        if let Ok(Entry::Begun(begun)) = self.begun().await {
            let not_sent = Verdict { status: Status::NotSent, code: None, response: error.to_string() };
            written(*begun, all(mail, &not_sent)).await;
        }
        error
    }
}

/// The outcomes, written down; where that fails, they say so.
pub(super) async fn written(begun: Begun, mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
    if let Err(error) = begun.over(&outcomes).await {
        for outcome in &mut outcomes {
            outcome.response += "; this could not be written into the journal: ";
            outcome.response += &error.to_string();
        }
    }
    outcomes
}

const MINUTE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Tls;

    #[tokio::test(start_paused = true)]
    async fn mails_of_an_account_are_begun_no_faster_than_allowed_whoever_sends_them() {
        let (proofs, journal) = (Arc::new(Proofs::default()), Arc::new(Journal::in_memory()));
        let server = SmtpServer::new("127.0.0.1", Tls::None);
        let account = Smtp::new("work", ImapAccount::new("127.0.0.1", "me"), server, None, proofs, journal).0;
        let start = Instant::now();
        account.turn(Some(30)).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        tokio::join!(account.turn(Some(30)), account.turn(Some(30)), account.turn(Some(30)));
        assert_eq!(start.elapsed().as_secs(), 6);
        tokio::time::advance(Duration::from_mins(1)).await;
        account.turn(Some(30)).await;
        account.turn(None).await;
        assert_eq!(start.elapsed().as_secs(), 66);
        account.turn(Some(0)).await;
        assert_eq!(start.elapsed().as_secs(), 126);
    }
}
